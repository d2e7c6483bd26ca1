//! A panic in each function of the C interface, which must not get out of it.
//!
//! The library is built with a feature by which every function panics as soon as it begins; a program made
//! of the header calls each with zeros for all it takes.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::declarations::{self, Function, HEADER};
use super::library;
use super::programs::{self, Language, Linkage};
use crate::run;

const FEATURE: &str = "panic-in-every-function";
const SYMBOLS: &str = "include/symbols.txt";

/// What only looks into a table of texts or numbers.
const CANNOT_PANIC: [&str; 5] = [
    "resayil_kind_at",
    "resayil_kind_count",
    "resayil_severity_name",
    "resayil_status_text",
    "resayil_version",
];
/// What each panic says.
const WORDS: &str = "on purpose";

/// Calls all; gives their number.
pub(super) fn test() -> Result<u64, String> {
    let header = declarations::header()?;
    let functions = declarations::functions(&header);
    let symbols = fs::read_to_string(run::root().join(SYMBOLS));
    let symbols = symbols.map_err(|error| format!("{SYMBOLS}: {error}"))?;
    let mut names: Vec<_> = functions.iter().map(|function| function.name).collect();
    names.sort_unstable();
    if !symbols.lines().eq(names) {
        return Err(format!("{HEADER} does not declare the functions of {SYMBOLS}"));
    }
    let folder = run::target_dir().join("native");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let source = folder.join("panics.c");
    fs::write(&source, program(&functions))
        .map_err(|error| format!("{}: {error}", source.display()))?;
    let libraries = library::build_with(FEATURE)?;
    let object = programs::compile(Language::C, Path::new(&source))?;
    let program = programs::link(Language::C, &object, Linkage::Static, &libraries)?;
    let mut command = run::command(&program);
    let output = command.env("RUST_BACKTRACE", "0").output();
    let output = output.map_err(|error| format!("{}: {error}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let panics = said.matches(WORDS).count();
    if !output.status.success() || panics != functions.len() - CANNOT_PANIC.len() {
        let others: Vec<_> = said.lines().filter(|line| line.starts_with("resayil_")).collect();
        return Err(format!("{}, {panics} panics, {}", output.status, others.join(", ")));
    }
    Ok(panics as u64)
}

/// A program that calls each function, and fails if one answers with anything but a panic or nothing.
fn program(functions: &[Function<'_>]) -> String {
    let mut text =
        "#include <resayil.h>\n#include <stdio.h>\n\nint main(void) {\n    int wrong = 0;\n"
            .to_owned();
    for Function { returns, name, parameters, .. } in functions {
        let call = format!("{name}({})", vec!["0"; *parameters].join(", "));
        let holds = match *returns {
            "void" => {
                let _ = writeln!(text, "    {call};");
                continue;
            }
            _ if CANNOT_PANIC.contains(name) => continue,
            "resayil_status" => format!("{call} == RESAYIL_STATUS_PANIC"),
            "resayil_str" | "resayil_bytes" => format!("{call}.data == NULL"),
            _ => format!("{call} == 0"),
        };
        let _ = writeln!(text, "    if (!({holds})) wrong++, fprintf(stderr, \"{name}\\n\");");
    }
    text += "    return wrong != 0;\n}\n";
    text
}
