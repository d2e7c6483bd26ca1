//! The tasks of this repository, behind `cargo xtask`.
//!
//! One file a task. None needs anything that a fresh machine with cargo, a C and C++ compiler, make
//! and Python does not have: what is missing is installed below `target/`.

mod bench;
mod ci;
mod counts;
mod deny;
mod docs;
mod doxygen;
mod examples;
mod fleet;
mod fuzz;
mod header;
mod instructions;
mod msrv;
mod mutants;
mod native;
mod prerequisites;
mod python;
mod readme;
mod release;
mod report;
mod run;
mod sim;
mod site;
mod soak;
mod test;
mod tools;
mod walkthrough;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum as _};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "The tasks of this repository",
    disable_version_flag = true
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run the tests of all languages, or of the named ones
    Test {
        /// The parts to test; all of them by default
        #[arg(value_enum)]
        parts: Vec<test::Part>,
    },
    /// Carry out every check that a change has to pass
    Ci(ci::Options),
    /// Run the benchmarks of all languages, beside their peers
    Bench(bench::Options),
    /// Write the pages of docs/ that are made from the tables of kinds and metrics, and from the vectors
    Docs {
        /// Only check that the pages are up to date
        #[arg(long)]
        check: bool,
    },
    /// Make the pages of the C and C++ interfaces
    Doxygen,
    /// Make include/resayil.h and include/symbols.txt from the C crate
    Header {
        /// Only check that both are up to date
        #[arg(long)]
        check: bool,
    },
    /// Check that programs which were compiled with an earlier header go on working
    Abi {
        /// Make today's header the one to compare with, as a release does
        #[arg(long)]
        accept: bool,
    },
    /// Count what the main paths of core cost, for docs/performance.md
    Instructions(instructions::Options),
    /// Build the C library in release mode, and install it with headers and package files
    Install {
        /// The folder to install below, such as /usr/local
        #[arg(long)]
        prefix: std::path::PathBuf,
    },
    /// Build the Python wheel and source distribution, and try each in an empty environment
    Wheel,
    /// Test Python with the newest release of each SDK, instead of the pinned one, and rig, which takes minutes
    /// to build
    NewestSdks,
    /// Fuzz the classifier, the stream decoder and the client's way of an answer
    Fuzz(fuzz::Options),
    /// Run the commands of README.md and docs/start that are marked `sh ci`, in a fresh clone
    Readme,
    /// Look at reports of batches in a real browser, if there is one
    Report(report::Options),
    /// Make the documentation as a web site, below target/site
    Site(site::Options),
    /// Build and check what a release has, and say what is missing
    Release(release::Options),
    /// Try the oldest Rust that is supported, and core without features
    Msrv,
    /// Check the licences of all dependencies, and that none is banned
    Deny,
    /// Carry out CONTRIBUTING's example of a new provider, in a copy
    Walkthrough,
    /// Compare retry policies and quotas in virtual time
    Sim(sim::Options),
    /// Compare quotas that many processes share, in virtual time
    Fleet(fleet::Options),
    /// Make many calls against a sandbox that misbehaves: memory and open files stay flat
    Soak(soak::Options),
    /// Run the C and C++ tests with a sanitizer in the library and in the programs
    Sanitize {
        /// What to look for; one after the other by default
        #[arg(value_enum)]
        sanitizers: Vec<native::Sanitizer>,
    },
    /// Change core at single places, and see whether its tests notice
    Mutants(mutants::Options),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Test { parts } => test::run(&parts),
        Task::Ci(options) => ci::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Docs { check } => docs::generate(check),
        Task::Doxygen => doxygen::run(),
        Task::Header { check } => header::generate(check).and_then(|()| header::symbols(check)),
        Task::Abi { accept: true } => native::abi::accept(),
        Task::Abi { accept: false } => native::abi::check(),
        Task::Instructions(options) => instructions::run(&options),
        Task::Install { prefix } => native::install(&prefix),
        Task::Wheel => python::wheel(),
        Task::NewestSdks => {
            test::rig().and_then(|()| prerequisites::python()).and_then(|()| python::newest())
        }
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Readme => readme::run(),
        Task::Report(options) => report::run(&options),
        Task::Site(options) => site::build(&options),
        Task::Release(options) => release::run(&options),
        Task::Msrv => msrv::run(),
        Task::Deny => deny::run(),
        Task::Walkthrough => walkthrough::run(),
        Task::Sim(options) => sim::run(&options),
        Task::Fleet(options) => fleet::run(&options),
        Task::Soak(options) => soak::run(&options),
        Task::Sanitize { sanitizers } => sanitize(sanitizers),
        Task::Mutants(options) => mutants::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn sanitize(mut sanitizers: Vec<native::Sanitizer>) -> Result<(), String> {
    if sanitizers.is_empty() {
        sanitizers = native::Sanitizer::value_variants().to_vec();
    }
    prerequisites::c()?;
    sanitizers.into_iter().try_for_each(native::sanitize)
}
