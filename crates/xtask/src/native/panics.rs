//! A panic in each function of the C interface, which must not get out of it.
//!
//! The library is built with a feature by which every function panics as soon as it begins; a program made
//! of the header calls each with zeros for all it takes.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::library;
use super::programs::{self, Language, Linkage};
use crate::run;

const FEATURE: &str = "panic-in-every-function";
const HEADER: &str = "include/resayil.h";
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

/// A function as the header declares it.
#[derive(Debug, PartialEq)]
struct Function<'a> {
    returns: &'a str,
    name: &'a str,
    parameters: usize,
}

/// Calls all; gives their number.
pub(super) fn test() -> Result<u64, String> {
    let header = fs::read_to_string(run::root().join(HEADER));
    let header = header.map_err(|error| format!("{HEADER}: {error}"))?;
    let functions = functions(&header);
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

/// The functions that the header declares: what begins a line, up to `);`.
fn functions(header: &str) -> Vec<Function<'_>> {
    let declarations = header.split(";\n").filter_map(|text| {
        // Behind the comment, if there is one.
        let text = text.rsplit("*/").next()?.trim();
        let (head, parameters) = text.strip_suffix(')')?.split_once('(')?;
        let at = head.rfind("resayil_")?;
        let (returns, name) = head.split_at(at);
        let is_function = !head.starts_with("typedef") && !returns.trim().is_empty();
        let parameters = match parameters.trim() {
            "void" | "" => 0,
            some => some.split(',').count(),
        };
        is_function.then_some(Function { returns: returns.trim(), name, parameters })
    });
    declarations.collect()
}

/// A program that calls each function, and fails if one answers with anything but a panic or nothing.
fn program(functions: &[Function<'_>]) -> String {
    let mut text =
        "#include <resayil.h>\n#include <stdio.h>\n\nint main(void) {\n    int wrong = 0;\n"
            .to_owned();
    for Function { returns, name, parameters } in functions {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_are_found() {
        let header = "typedef struct resayil_a resayil_a;\ntypedef struct {\n int b;\n} resayil_b;\n\
            typedef bool (*resayil_callback)(void *user);\n/**\n * Frees; (it).\n */\n\
            void resayil_a_free(resayil_a *a);\n\n/** d */\nresayil_str resayil_c(uint32_t a,\n  int b);\n\
            const resayil_a *resayil_d(void);\n";
        let found = functions(header);
        let function = |returns, name, parameters| Function { returns, name, parameters };
        assert_eq!(
            found,
            [
                function("void", "resayil_a_free", 1),
                function("resayil_str", "resayil_c", 2),
                function("const resayil_a *", "resayil_d", 0),
            ]
        );
    }
}
