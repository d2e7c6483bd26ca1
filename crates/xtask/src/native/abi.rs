//! `cargo xtask abi`: does the header keep its word to programs that were compiled with an earlier one?
//!
//! What is compared is what C programs see: a library made of the header alone, whose functions do nothing.
//! That the real one has the same functions is for `cargo xtask header` to say. So nothing of the insides of
//! a handle gets into the comparison.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::declarations;
use super::programs::{self, Language};
use crate::{prerequisites, run};

/// The ABI of the last release; before the first one, what it will have.
const BASELINE: &str = "include/resayil.abi";

/// Says what became incompatible since the baseline. New functions are welcome.
pub(crate) fn check() -> Result<(), String> {
    prerequisites::abigail()?;
    compare(&run::root().join(BASELINE), &library(&declarations::header()?)?)
}

/// The same, where abidiff is to be had.
pub(crate) fn check_if_possible() -> Result<(), String> {
    match prerequisites::abigail() {
        Ok(()) => check(),
        Err(error) => {
            run::say(&format!("not checked: {error}"));
            Ok(())
        }
    }
}

/// Makes today's header the baseline.
pub(crate) fn accept() -> Result<(), String> {
    prerequisites::abigail()?;
    let library = library(&declarations::header()?)?;
    let mut abidw = run::command("abidw");
    abidw.args([
        "--no-show-locs",
        "--no-corpus-path",
        "--no-comp-dir-path",
        "--out-file",
        BASELINE,
    ]);
    programs::quietly(abidw.arg(library))
}

fn compare(baseline: &Path, library: &Path) -> Result<(), String> {
    let mut abidiff = run::command("abidiff");
    abidiff.arg("--no-added-syms").arg(baseline).arg(library);
    let output = abidiff.output().map_err(|error| format!("cannot start abidiff: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "programs that were compiled with an earlier header break:\n{}{}\nkeep what is there and add \
         beside it; or, for a release that breaks them, change the SONAME (crates/capi/build.rs) and \
         `cargo xtask abi --accept`",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    ))
}

/// A library that has all functions of a header.
fn library(header: &str) -> Result<PathBuf, String> {
    let folder = run::target_dir().join("native/abi");
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    };
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    write("resayil.h", header)?;
    let mut text = "#include \"resayil.h\"\n".to_owned();
    for function in declarations::functions(header) {
        let _ = writeln!(text, "{} {{ __builtin_trap(); }}", function.declaration);
    }
    write("abi.c", &text)?;
    let library = folder.join("libresayil.so");
    let mut compiler = Language::C.compiler();
    // The optimiser may leave out what nobody calls, and its types with it.
    compiler.args(["-g", "-O0", "-fPIC", "-shared", "-Wl,-soname,libresayil.so.0"]);
    // Named from its folder, for the baseline is to have no path of a machine.
    programs::quietly(compiler.current_dir(&folder).arg("abi.c").arg("-o").arg(&library))?;
    Ok(library)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_programs_is_found() {
        if !run::exists("abidiff", &["--version"]) {
            return; // `cargo xtask abi` installs it or says that it is missing.
        }
        let header = declarations::header().expect("a header");
        let baseline = run::root().join(BASELINE);
        let breaks =
            |header: &str| compare(&baseline, &library(header).expect("a library")).is_err();
        let changed = |from: &str, to: &str| {
            assert!(header.contains(from), "{from}");
            header.replacen(from, to, 1)
        };
        assert!(!breaks(&header));
        let free = "void resayil_ticket_free(resayil_ticket *ticket);";
        assert!(!breaks(&changed(free, &format!("{free}\nvoid resayil_ticket_new(int kind);"))));
        assert!(breaks(&changed(free, "")));
        assert!(breaks(&changed(
            free,
            "void resayil_ticket_free(resayil_ticket *ticket, int how);"
        )));
        let version = "const char *resayil_version(void);";
        assert!(breaks(&changed(version, "int resayil_version(void);")));
    }
}
