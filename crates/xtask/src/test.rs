//! `cargo xtask test`: the tests of all languages, with a summary.

use std::fmt;
use std::time::Instant;

use clap::ValueEnum;

use crate::counts::Counts;
use crate::{examples, native, prerequisites, python, run, tools};

/// One part of the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// The example programs of all languages, run against the sandbox
    Examples,
    /// The C and C++ interfaces
    C,
    /// Clients of other projects, made robust
    Sdks,
    /// Unit, integration and documentation tests of the crates
    Rust,
    /// The Python package: its behaviour, its stubs and its types
    Python,
}

impl Part {
    /// All parts. The runners whose closing lines everybody knows come last.
    const ALL: &'static [Part] = &[Part::Examples, Part::C, Part::Sdks, Part::Rust, Part::Python];

    /// The name on the command line.
    fn name(self) -> &'static str {
        match self {
            Part::Examples => "examples",
            Part::C => "c",
            Part::Sdks => "sdks",
            Part::Rust => "rust",
            Part::Python => "python",
        }
    }

    fn run(self) -> Result<(), String> {
        match self {
            Part::Examples => examples::test(),
            Part::C => native::test(),
            Part::Sdks => sdks(),
            Part::Rust => prerequisites::redis().and_then(|()| rust()),
            Part::Python => prerequisites::python()
                .and_then(|()| prerequisites::redis())
                .and_then(|()| prerequisites::hiredis())
                .and_then(|()| python::test()),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Examples => "Examples",
            Part::C => "C",
            Part::Sdks => "SDKs of others",
            Part::Rust => "Rust",
            Part::Python => "Python",
        })
    }
}

/// Runs the parts, or all of them if none is named. All run, also after one has failed.
pub(crate) fn run(parts: &[Part]) -> Result<(), String> {
    if let [part] = parts {
        return part.run();
    }
    let parts = if parts.is_empty() { Part::ALL } else { parts };
    let mut summary = Vec::new();
    let mut failures = Vec::new();
    for &part in parts {
        run::say(&format!("\n== {part} tests"));
        let started = Instant::now();
        let mut counts = Counts::default();
        // Each part is a process of its own, so that its output can be read for its counts.
        let mut child = run::cargo();
        child.args(["run", "--quiet", "--package", "xtask", "--", "test", part.name()]);
        let mut result = run::watch(&mut child, |line| {
            if let Some(more) = Counts::read(line) {
                counts += more;
            }
        });
        if result.is_ok() && counts.passed == 0 {
            result = Err("no test was run".to_owned());
        }
        summary.push((part, counts, started.elapsed()));
        if let Err(error) = result {
            failures.push(format!("{part}: {error}\n  again: cargo xtask test {}", part.name()));
        }
    }
    run::say("\n== Summary");
    for (part, counts, time) in &summary {
        run::say(&format!("{part}: {counts}"));
        run::say(&format!("  in {:.0} s", time.as_secs_f64()));
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

/// What is not a Rust test: the Python module links only inside an interpreter.
const NOT_RUST: [&str; 2] = ["--exclude", "resayil-py"];

fn rust() -> Result<(), String> {
    let mut tests = run::cargo();
    if tools::has_nextest() {
        tests.args(["nextest", "run", "--workspace"]);
    } else {
        tests.args(["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"]);
    }
    let tests = run::run(tests.args(NOT_RUST).args(run::FEATURES));
    let mut docs = run::cargo();
    let docs =
        run::run(docs.args(["test", "--doc", "--workspace"]).args(NOT_RUST).args(run::FEATURES));
    tests.and(docs)
}

fn sdks() -> Result<(), String> {
    foreign("tests/rust-sdks/Cargo.toml")
}

/// Agents of rig over our middleware.
pub(crate) fn rig() -> Result<(), String> {
    foreign("tests/rig/Cargo.toml")
}

/// Tests in a workspace of their own, because the versions of other projects are not ours.
fn foreign(manifest: &str) -> Result<(), String> {
    let mut tests = run::cargo();
    tests.args(["test", "--locked", "--manifest-path", manifest, "--target-dir"]);
    // What the workspaces need in the same version is built once.
    run::run(tests.arg(run::target_dir()))
}
