//! The C library, and the tests of the C and C++ interfaces.

pub(crate) mod abi;
mod cases;
mod declarations;
mod examples;
mod install;
mod library;
mod panics;
pub(crate) mod programs;
mod sanitize;
mod standards;

use std::fs;
use std::path::Path;
use std::process::Command;

use library::Libraries;
use programs::Linkage;

use crate::counts::Counts;
use crate::{prerequisites, run};

pub(crate) use library::build;
pub(crate) use programs::Language;
pub(crate) use sanitize::{Sanitizer, sanitize};

/// Builds the library and runs all C and C++ tests with it: each program linked statically and
/// dynamically, and under valgrind where that is installed; and the vectors, whose records have to be
/// those of every other language.
pub(crate) fn test() -> Result<(), String> {
    prerequisites::c()?;
    let curl = prerequisites::libcurl();
    if let Err(error) = &curl {
        run::say(&format!("examples without libcurl: {error}"));
    }
    every_function_is_tested()?;
    let libraries = library::build()?;
    let mut failures = Vec::new();
    for language in [Language::C, Language::Cpp] {
        let mut counts = Counts::default();
        let mut programs = language.tests()?;
        programs.push(language.folder().join("vectors").with_extension(language.extension()));
        for source in programs {
            let result = if source.file_stem().is_some_and(|stem| stem == "vectors") {
                cases::test(language, &source, &libraries)
            } else {
                test_program(language, &source, &libraries)
            };
            match result {
                Ok(passed) => counts.passed += passed,
                Err(error) => {
                    counts.failed += 1;
                    failures.push(format!("{}: {error}", source.display()));
                }
            }
        }
        match examples::test(language, &libraries, curl.is_ok()) {
            Ok(examples) => counts += examples,
            Err(error) => {
                counts.failed += 1;
                failures.push(error);
            }
        }
        run::say(&format!("{}: {counts}", language.name()));
    }
    match standards::test() {
        Ok(ways) => run::say(&format!("headers: compiled in {ways} ways")),
        Err(error) => failures.push(error),
    }
    match install::test(&libraries) {
        Ok(counts) => run::say(&format!("packages: {counts}")),
        Err(error) => failures.push(error),
    }
    // At the end, for cargo puts its library where the other one was.
    match panics::test() {
        Ok(functions) => run::say(&format!("panics: kept inside of {functions} functions")),
        Err(error) => failures.push(format!("functions from which a panic may get out: {error}")),
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

/// Installs headers, optimised libraries and package files below a folder.
pub(crate) fn install(prefix: &Path) -> Result<(), String> {
    // A path from where the user is; commands run in the root of the repository.
    let prefix = std::path::absolute(prefix).map_err(|error| error.to_string())?;
    install::install(&prefix, &library::build_release()?)?;
    run::say(&format!("installed below {}", prefix.display()));
    Ok(())
}

/// Runs one test program in every way; gives the number of its tests.
fn test_program(language: Language, source: &Path, libraries: &Libraries) -> Result<u64, String> {
    let object = programs::compile(language, source)?;
    let mut tests = 0;
    for linkage in [Linkage::Static, Linkage::Shared] {
        let program = programs::link(language, &object, linkage, libraries)?;
        let output = programs::output(&program, &[])?;
        tests = programs::tests_in(&output)?;
        if linkage == Linkage::Shared {
            programs::check_memory(&program, &[])?;
        }
    }
    Ok(tests)
}

/// Builds the example program of a language, and gives the command that runs it.
pub(crate) fn example(language: Language) -> Result<Command, String> {
    prerequisites::c()?;
    let source = language.folder().join("example").with_extension(language.extension());
    let object = programs::compile(language, &source)?;
    let program = programs::link(language, &object, Linkage::Shared, &library::build()?)?;
    Ok(run::command(program))
}

/// The benchmark in C, ready to run; `short` with the library as the tests have it.
pub(crate) fn bench(short: bool) -> Result<Command, String> {
    prerequisites::c()?;
    let libraries = if short { library::build() } else { library::build_release() }?;
    let object = programs::compile(Language::C, &Language::C.folder().join("bench_classify.c"))?;
    let program = programs::link(Language::C, &object, Linkage::Static, &libraries)?;
    let mut command = run::command(program);
    if short {
        command.arg("short");
    }
    Ok(command)
}

/// Each function that the library exports is called somewhere in the C tests.
fn every_function_is_tested() -> Result<(), String> {
    let mut sources = String::new();
    for source in Language::C.tests()? {
        let text = fs::read_to_string(run::root().join(&source));
        sources += &text.map_err(|error| format!("{}: {error}", source.display()))?;
    }
    let list = fs::read_to_string(run::root().join("include/symbols.txt"))
        .map_err(|error| format!("include/symbols.txt: {error}"))?;
    let untested: Vec<_> =
        list.lines().filter(|name| !sources.contains(&format!("{name}("))).collect();
    if untested.is_empty() {
        return Ok(());
    }
    Err(format!("no test in tests/c calls {}", untested.join(", ")))
}
