//! `cargo xtask msrv`: the oldest Rust that is supported, and core by itself.

use crate::run;

/// As in `rust-version` of the workspace.
const OLDEST: &str = env!("CARGO_PKG_RUST_VERSION");

/// Checks all crates but the Python module with the oldest toolchain, and runs core's tests with it, without features.
pub(crate) fn run() -> Result<(), String> {
    let probe = ["run", OLDEST, "rustc", "--version"];
    if !run::exists("rustup", &probe) {
        run::run(run::command("rustup").args([
            "toolchain",
            "install",
            OLDEST,
            "--profile",
            "minimal",
        ]))?;
    }
    // Its own folder: what one toolchain built is of no use to the other.
    let target = run::target_dir().join("msrv");
    let cargo = || {
        let mut cargo = run::command("rustup");
        run::as_from_a_shell(&mut cargo);
        // The toolchain of this task would be taken for the other one.
        cargo.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO").args(["run", OLDEST, "cargo"]);
        cargo
    };
    run::run(
        cargo()
            .args(["check", "--workspace", "--exclude", "resayil-py", "--locked", "--quiet"])
            .args(run::FEATURES)
            .arg("--target-dir")
            .arg(&target),
    )?;
    run::run(
        cargo()
            .args([
                "test",
                "--package",
                "resayil-core",
                "--no-default-features",
                "--locked",
                "--quiet",
            ])
            .arg("--target-dir")
            .arg(&target),
    )
}
