//! `cargo xtask mutants`: changes core at single places, and asks whether its tests notice.
//!
//! Hours for the whole of core, so it runs one shard of it, outside of the check.

use std::fs;

use clap::Args;

use crate::{run, tools};

/// At least so many of a hundred have to be noticed.
const LEAST_PERCENT: usize = 92;

#[derive(Args)]
pub(crate) struct Options {
    /// Which part of all mutants: the first of twenty is 0/20
    #[arg(long, default_value = "0/20", value_name = "K/N")]
    shard: String,
    /// Only in files that match this, such as crates/core/src/retry/**
    #[arg(long, value_name = "GLOB")]
    file: Option<String>,
}

/// Tries the mutants, names those that no test notices, and fails if they are too many.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    let program = tools::cargo_mutants()?;
    let output = run::target_dir().join("mutants");
    // Its exit code only says that some lived; what is enough is decided here.
    let mut command = run::command(program);
    command
        .args(["mutants", "--package", "resayil-core", "--shard", &options.shard])
        .args(["--sharding", "round-robin", "--no-shuffle", "--all-features", "--output"])
        .arg(&output);
    if let Some(file) = &options.file {
        command.args(["--file", file]);
    }
    let status = command.status().map_err(|error| format!("cargo-mutants: {error}"))?;
    let folder = output.join("mutants.out");
    let lines = |name: &str| -> Result<Vec<String>, String> {
        let path = folder.join(name);
        let text = fs::read_to_string(&path)
            .map_err(|error| format!("{} ({status}): {error}", path.display()))?;
        Ok(text.lines().map(str::to_owned).collect())
    };
    let noticed = lines("caught.txt")?.len() + lines("timeout.txt")?.len();
    let missed = lines("missed.txt")?;
    let viable = noticed + missed.len();
    if viable == 0 {
        return Err(format!("no mutant could be built ({status})"));
    }
    run::say(&format!("{noticed} of {viable} mutants were noticed"));
    if noticed * 100 < viable * LEAST_PERCENT {
        return Err(format!(
            "less than {LEAST_PERCENT} % were noticed; these lived:\n{}",
            missed.join("\n")
        ));
    }
    Ok(())
}
