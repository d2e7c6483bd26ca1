//! The C header and the list of exported symbols: made from the crate, committed, compared.

use std::fs;

use crate::{native, run};

/// The header, from the root of the repository.
const HEADER: &str = "include/resayil.h";
/// The names of all functions that the shared library exports.
const SYMBOLS: &str = "include/symbols.txt";

/// Makes the header from `crates/capi`; with `check` it only compares.
pub(crate) fn generate(check: bool) -> Result<(), String> {
    let crate_dir = run::root().join("crates/capi");
    let config = cbindgen::Config::from_file(crate_dir.join("cbindgen.toml"))?;
    let bindings = cbindgen::Builder::new()
        .with_crate(&crate_dir)
        .with_config(config)
        .generate()
        .map_err(|error| format!("cbindgen: {error}"))?;
    let mut made = Vec::new();
    bindings.write(&mut made);
    let made = String::from_utf8(made).map_err(|error| format!("cbindgen: {error}"))?;
    run::generated(HEADER, &made, check, "header")
}

/// Lists what the shared library exports; with `check` it only compares.
pub(crate) fn symbols(check: bool) -> Result<(), String> {
    let library = native::build()?.shared;
    let mut nm = run::command("nm");
    nm.args(["--dynamic", "--defined-only", "--format=posix"]).arg(library);
    let text = run::output(&mut nm)?;
    let mut names: Vec<_> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    names.sort_unstable();
    if let Some(foreign) = names.iter().find(|name| !name.starts_with("resayil_")) {
        return Err(format!("the shared library exports {foreign}, which is not ours"));
    }
    let header = fs::read_to_string(run::root().join(HEADER)).unwrap_or_default();
    if let Some(hidden) = names.iter().find(|name| !header.contains(&format!("{name}("))) {
        return Err(format!("the shared library exports {hidden}, which the header lacks"));
    }
    run::generated(SYMBOLS, &(names.join("\n") + "\n"), check, "header")
}
