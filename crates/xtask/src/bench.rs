//! `cargo xtask bench`: the benchmarks of all languages, beside their peers.

use clap::Args;

use crate::{native, prerequisites, python, run};

#[derive(Args)]
pub(crate) struct Options {
    /// Run each only once, unoptimised, to see that it works
    #[arg(long)]
    pub(crate) short: bool,
}

/// Runs them all.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    if options.short {
        run::say("each runs once, unoptimised: the times mean nothing");
    }
    let mut rust = run::cargo();
    // Without `bench`, divan runs each case once.
    rust.args([if options.short { "test" } else { "bench" }, "--quiet", "--benches"]);
    run::run(rust.args(["--package", "resayil-core", "--package", "resayil-tower"]))?;
    prerequisites::python()?;
    run::run(&mut python::bench(options.short)?)?;
    run::run(&mut native::bench(options.short)?)
}
