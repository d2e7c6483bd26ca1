//! `cargo xtask sanitize`: the C and C++ tests with a sanitizer in the programs and in all of the library.
//!
//! Valgrind, which the tests use, sees neither a race nor what happens inside of one block of memory. The
//! sanitizer's runtime is the one that comes with the Rust compiler, for programs and library alike.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;

use super::programs::{self, Language};
use super::{Counts, cases};
use crate::run;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sanitizer {
    /// Use after free, accesses out of bounds, and leaks
    Address,
    /// Data races
    Thread,
}

impl Sanitizer {
    /// What compilers call it.
    fn name(self) -> &'static str {
        match self {
            Sanitizer::Address => "address",
            Sanitizer::Thread => "thread",
        }
    }

    /// The library of its runtime, in the folder of the Rust compiler's own libraries.
    fn runtime(self) -> &'static str {
        match self {
            Sanitizer::Address => "asan",
            Sanitizer::Thread => "tsan",
        }
    }

    /// What its report says of the fault in `tests/c/misuse_*.c`, which a library that was built otherwise
    /// would hide.
    fn finding(self) -> &'static str {
        match self {
            Sanitizer::Address => "heap-use-after-free",
            Sanitizer::Thread => "data race",
        }
    }
}

/// Builds the library with the sanitizer and runs all C and C++ tests with it, linked statically; and before
/// them a program with a fault, which has to be found.
pub(crate) fn sanitize(sanitizer: Sanitizer) -> Result<(), String> {
    let kit = Kit::build(sanitizer)?;
    kit.finds_a_fault()?;
    let mut failures = Vec::new();
    for language in [Language::C, Language::Cpp] {
        let mut counts = Counts::default();
        let vectors = language.folder().join("vectors").with_extension(language.extension());
        for source in language.tests()?.into_iter().chain([vectors.clone()]) {
            let result = kit.program(language, &source).and_then(|program| {
                if source == vectors {
                    return cases::test_program(&program, &programs::output);
                }
                programs::output(&program, &[]).and_then(|output| programs::tests_in(&output))
            });
            match result {
                Ok(passed) => counts.passed += passed,
                Err(error) => {
                    counts.failed += 1;
                    failures.push(format!("{}: {error}", source.display()));
                }
            }
        }
        run::say(&format!("{}, {}: {counts}", language.name(), sanitizer.name()));
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

/// What a program with the sanitizer is made of.
struct Kit {
    sanitizer: Sanitizer,
    folder: PathBuf,
    library: PathBuf,
    runtime: PathBuf,
}

impl Kit {
    fn build(sanitizer: Sanitizer) -> Result<Kit, String> {
        let folder = run::target_dir().join("sanitize").join(sanitizer.name());
        let host = run::host()?;
        let mut cargo = run::cargo();
        cargo
            .args(["build", "--quiet", "--package", "resayil-capi"])
            // Build scripts and macros are for no target that was named, and so are left as they are.
            .args(["--target", &host, "--target-dir"])
            .arg(&folder)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", format!("-Zsanitizer={}", sanitizer.name()));
        if sanitizer == Sanitizer::Thread {
            // What a mutex of the standard library orders is seen if that is built in this way, too.
            run::run(run::command("rustup").args(["component", "add", "rust-src"]))?;
            cargo.arg("-Zbuild-std");
        }
        run::run(&mut cargo)?;
        let libraries = run::output(run::command("rustc").args(["--print", "target-libdir"]))?;
        let runtime = format!("librustc-stable_rt.{}.a", sanitizer.runtime());
        Ok(Kit {
            sanitizer,
            library: folder.join(host).join("debug/libresayil.a"),
            runtime: Path::new(libraries.trim()).join(runtime),
            folder,
        })
    }

    /// Compiles and links one program.
    fn program(&self, language: Language, source: &Path) -> Result<PathBuf, String> {
        let flag = format!("-fsanitize={}", self.sanitizer.name());
        let object = programs::compile_with(language, source, &self.folder, &[&flag])?;
        let program = object.with_extension("");
        let mut linker: Command = language.compiler();
        linker.arg(&object).arg("-o").arg(&program).arg(&self.library);
        // Whole, for it takes functions of the system's libraries over.
        linker.arg("-Wl,--whole-archive").arg(&self.runtime).arg("-Wl,--no-whole-archive");
        programs::quietly(linker.args(["-pthread", "-ldl", "-lm", "-lrt"]))?;
        Ok(program)
    }

    /// A fault that is inside of the library has to be found.
    fn finds_a_fault(&self) -> Result<(), String> {
        let source = Language::C.folder().join(format!("misuse_{}.c", self.sanitizer.name()));
        let program = self.program(Language::C, &source)?;
        let finding = self.sanitizer.finding();
        match programs::quietly(&mut run::command(program)) {
            Err(said) if said.contains(finding) => Ok(()),
            Err(said) => Err(format!("{}: no {finding} in: {said}", source.display())),
            Ok(()) => Err(format!("{}: its fault was not found", source.display())),
        }
    }
}
