//! `cargo xtask deny`: what is allowed among the dependencies, by `deny.toml`.

use crate::{run, tools};

/// Checks licences, bans and sources. Advisories need a database from the network: the workflow looks at them.
pub(crate) fn run() -> Result<(), String> {
    let program = tools::cargo_deny()?;
    for manifest in ["Cargo.toml", "tests/rust-sdks/Cargo.toml"] {
        let mut deny = run::command(&program);
        run::as_from_a_shell(&mut deny);
        deny.args(["--manifest-path", manifest, "--all-features", "--locked", "check"]);
        // A path would be from where the manifest is.
        deny.arg("--config").arg(run::root().join("deny.toml"));
        run::run(deny.args(["licenses", "bans", "sources"]))?;
    }
    Ok(())
}
