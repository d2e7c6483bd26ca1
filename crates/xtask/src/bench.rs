//! `cargo xtask bench`: the benchmarks of all languages, beside their peers.

use clap::{Args, ValueEnum};

use crate::{native, prerequisites, python, run};

/// What there is to measure.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// The crates
    Rust,
    /// The package, and its peers
    Python,
    /// The library
    C,
}

#[derive(Args)]
pub(crate) struct Options {
    /// The parts to run; all of them by default
    #[arg(value_enum)]
    pub(crate) parts: Vec<Part>,
    /// Run each only once, unoptimised, to see that it works
    #[arg(long)]
    pub(crate) short: bool,
}

/// Runs them.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    if options.short {
        run::say("each runs once, unoptimised: the times mean nothing");
    }
    let is_wanted = |part| options.parts.is_empty() || options.parts.contains(&part);
    if is_wanted(Part::Rust) {
        let mut rust = run::cargo();
        // Without `bench`, divan runs each case once.
        rust.args([if options.short { "test" } else { "bench" }, "--quiet", "--benches"]);
        run::run(rust.args(["--package", "resayil-core", "--package", "resayil-tower"]))?;
    }
    if is_wanted(Part::Python) {
        prerequisites::python()?;
        python::bench(options.short)?;
    }
    if is_wanted(Part::C) {
        run::run(&mut native::bench(options.short)?)?;
    }
    Ok(())
}
