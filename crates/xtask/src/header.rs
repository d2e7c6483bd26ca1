//! The C header and the list of exported symbols: made from the crate, committed, compared.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest).to_path_buf()
}

/// Makes `include/resayil.h` from `crates/capi`; with `check` it only compares.
///
/// # Errors
///
/// The crate cannot be read, or with `check` the committed header differs.
pub(crate) fn generate(check: bool) -> Result<(), String> {
    let root = root();
    let crate_dir = root.join("crates/capi");
    let config = cbindgen::Config::from_file(crate_dir.join("cbindgen.toml"))?;
    let bindings = cbindgen::Builder::new()
        .with_crate(&crate_dir)
        .with_config(config)
        .generate()
        .map_err(|error| format!("cbindgen: {error}"))?;
    let mut made = Vec::new();
    bindings.write(&mut made);
    settle(&root.join("include/resayil.h"), &made, check)
}

/// Lists what the shared library exports in `include/symbols.txt`; with `check` it only compares.
/// The library has to be built before; see [`crate::native::build`].
///
/// # Errors
///
/// `nm` fails, a symbol lacks the prefix, or with `check` the committed list differs.
pub(crate) fn symbols(check: bool) -> Result<(), String> {
    let library = crate::native::build()?.shared;
    let output = Command::new("nm")
        .args(["--dynamic", "--defined-only", "--format=posix"])
        .arg(&library)
        .output()
        .map_err(|error| format!("nm: {error}; install binutils"))?;
    if !output.status.success() {
        return Err(format!("nm {}: {}", library.display(), output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut names: Vec<_> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    names.sort_unstable();
    if let Some(foreign) = names.iter().find(|name| !name.starts_with("resayil_")) {
        return Err(format!("the shared library exports {foreign}, which is not ours"));
    }
    let list = names.join("\n") + "\n";
    let root = root();
    let header = fs::read_to_string(root.join("include/resayil.h")).unwrap_or_default();
    if let Some(hidden) = names.iter().find(|name| !header.contains(&format!("{name}("))) {
        return Err(format!("the shared library exports {hidden}, which the header lacks"));
    }
    settle(&root.join("include/symbols.txt"), list.as_bytes(), check)
}

/// Writes a file that was made, or says that the committed one differs.
fn settle(path: &Path, made: &[u8], check: bool) -> Result<(), String> {
    let committed = fs::read(path).unwrap_or_default();
    let name = path.strip_prefix(root()).unwrap_or(path).display();
    if committed == made {
        return Ok(());
    }
    if check {
        return Err(format!("{name} is not what the crate makes: run `cargo xtask header`"));
    }
    fs::write(path, made).map_err(|error| format!("{name}: {error}"))
}
