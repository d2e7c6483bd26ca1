//! `cargo xtask ci`: every check that a change has to pass, the cheap ones first.

use std::time::Instant;

use clap::{Args, ValueEnum};

use crate::{
    bench, docs, doxygen, fuzz, header, native, python, readme, run, site, test, walkthrough,
};

/// How long the client is soaked here. Seconds.
const SOAK_SECONDS: u64 = 60;
/// How long each target is fuzzed here. Seconds; longer runs are a task of their own.
const FUZZ_SECONDS: u32 = 15;
/// Where chance begins here, so that the same code has the same verdict.
const FUZZ_SEED: Option<u32> = Some(1);

#[derive(Args)]
pub(crate) struct Options {
    /// Carry out only these steps
    #[arg(long, value_enum, value_name = "STEP")]
    only: Vec<Step>,
    /// Leave these steps out
    #[arg(long, value_enum, value_name = "STEP")]
    skip: Vec<Step>,
}

/// One check. They are carried out in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Step {
    /// The code is formatted
    Fmt,
    /// clippy finds nothing, in any crate
    Clippy,
    /// Core and what is async build without a runtime and without a system: for wasm32-unknown-unknown
    Wasm,
    /// The pages of docs/ that are made from tables and vectors are up to date
    Errors,
    /// The C header and the list of symbols are up to date with the C crate, and break no program
    Header,
    /// The documentation of the crates and of the C and C++ interfaces builds without warnings
    Docs,
    /// Links lead somewhere, and the site is made without a warning
    Site,
    /// The commands of README.md and docs/start do what these say
    Readme,
    /// CONTRIBUTING's example of a new provider does what it says
    Walkthrough,
    /// The Python wheel and source distribution install and work
    Wheel,
    /// Each fuzz target runs clean for 15 s
    Fuzz,
    /// A minute of calls against a sandbox that misbehaves
    Soak,
    /// Each benchmark runs, once
    Bench,
    /// The tests of all languages pass
    Test,
}

impl Step {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn run(self) -> Result<(), String> {
        match self {
            Step::Fmt => fmt(),
            Step::Clippy => run::run(
                run::cargo()
                    .args(["clippy", "--workspace", "--all-targets", "--quiet"])
                    .args(run::FEATURES)
                    .args(["--", "-D", "warnings"]),
            ),
            Step::Wasm => wasm(),
            Step::Errors => docs::generate(true),
            Step::Header => header::generate(true)
                .and_then(|()| header::symbols(true))
                .and_then(|()| native::abi::check_if_possible()),
            Step::Docs => run::run(
                run::cargo()
                    .args(["doc", "--workspace", "--no-deps", "--quiet"])
                    .args(run::FEATURES)
                    .env("RUSTDOCFLAGS", "-D warnings"),
            )
            .and_then(|()| doxygen::check()),
            Step::Site => site::check(),
            Step::Readme => readme::run(),
            Step::Walkthrough => walkthrough::run(),
            Step::Wheel => python::wheel(),
            Step::Fuzz => {
                fuzz::run(&fuzz::Options { seconds: FUZZ_SECONDS, target: None, seed: FUZZ_SEED })
            }
            Step::Soak => soak(),
            Step::Bench => bench::run(&bench::Options { parts: Vec::new(), short: true }),
            Step::Test => test::run(&[]),
        }
    }
}

/// Carries out the steps, and stops at the first that fails.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    let all = Instant::now();
    for &step in Step::value_variants() {
        let chosen = options.only.is_empty() || options.only.contains(&step);
        if !chosen || options.skip.contains(&step) {
            continue;
        }
        let name = step.name();
        run::say(&format!("\n=== {name}"));
        let started = Instant::now();
        step.run().map_err(|error| {
            format!("the step `{name}` failed: {error}\n  again: cargo xtask ci --only {name}")
        })?;
        run::say(&format!("=== {name}: good, {:.0} s", started.elapsed().as_secs_f64()));
    }
    run::say(&format!("\n=== all steps: good, {:.0} s", all.elapsed().as_secs_f64()));
    Ok(())
}

/// In a process of its own: the memory that the client needs is told by all that the process has.
fn soak() -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| format!("this program: {error}"))?;
    let seconds = SOAK_SECONDS.to_string();
    run::run(run::command(program).args(["soak", &seconds, "--calls", &u64::MAX.to_string()]))
}

/// The target of programs in a browser.
const WASM: &str = "wasm32-unknown-unknown";

fn wasm() -> Result<(), String> {
    let add = ["target", "add", WASM];
    if !run::exists("rustup", &add) {
        // A toolchain of a distribution has the one target that it came with.
        run::say(&format!("not checked: `rustup {}` does not work here", add.join(" ")));
        return Ok(());
    }
    let packages =
        ["--package", "resayil-core", "--package", "resayil-retry", "--package", "resayil-tower"];
    let check = ["check", "--quiet", "--no-default-features", "--target", WASM];
    run::run(run::cargo().args(check).args(packages))
}

fn fmt() -> Result<(), String> {
    run::run(run::cargo().args(["fmt", "--all", "--check"]))?;
    let others = ["fuzz", "tests/layers", "tests/rust-sdks", "tests/rig"];
    others.into_iter().try_for_each(|folder| {
        let manifest = format!("{folder}/Cargo.toml");
        run::run(run::cargo().args(["fmt", "--manifest-path", &manifest, "--check"]))
    })
}
