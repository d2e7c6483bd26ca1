//! Cargo subcommands that a task needs: taken from the machine, or else built below `target/`.

use std::path::PathBuf;

use crate::run;

/// The version that is built when the machine has none.
const CARGO_FUZZ: &str = "0.13.2";
/// The same.
const CARGO_MUTANTS: &str = "26.0.0";
/// The same.
const CARGO_DENY: &str = "0.18.3";

/// Whether `cargo nextest` is on the machine; without it, `cargo test` does.
pub(crate) fn has_nextest() -> bool {
    run::exists("cargo-nextest", &["nextest", "--version"])
}

/// The program `cargo-fuzz`.
pub(crate) fn cargo_fuzz() -> Result<PathBuf, String> {
    installed("cargo-fuzz", CARGO_FUZZ, &["fuzz", "--version"])
}

/// The program `cargo-mutants`.
pub(crate) fn cargo_mutants() -> Result<PathBuf, String> {
    installed("cargo-mutants", CARGO_MUTANTS, &["mutants", "--version"])
}

/// The program `cargo-deny`.
pub(crate) fn cargo_deny() -> Result<PathBuf, String> {
    installed("cargo-deny", CARGO_DENY, &["deny", "--version"])
}

fn installed(name: &str, version: &str, probe: &[&str]) -> Result<PathBuf, String> {
    if run::exists(name, probe) {
        return Ok(PathBuf::from(name));
    }
    let tools = run::target_dir().join("tools");
    let program = tools.join("bin").join(name);
    if !program.is_file() {
        run::run(
            run::cargo()
                .args(["install", name, "--version", version, "--locked", "--quiet", "--root"])
                .arg(&tools)
                // Debug: it only starts other programs, and builds in half the time.
                .arg("--debug")
                .arg("--target-dir")
                .arg(tools.join("build")),
        )?;
    }
    Ok(program)
}
