//! `cargo xtask sim`: retry policies and quotas compared in virtual time.
//!
//! A model of the server, processes with jobs, and policies: this project's own, which is the very
//! code that ships, and those of others, written anew from their documentation.

mod answer;
mod aws;
mod baseline;
mod budgets;
mod chart;
mod clock;
mod cost;
mod docs;
mod driver;
mod goal;
mod limiter;
mod measure;
mod oracle;
mod policy;
mod report;
mod resayil;
mod scenario;
mod server;
mod world;

use std::thread;

use measure::Numbers;
use report::Row;
use scenario::Scenario;
use world::World;

use crate::run::{generated, say};

/// The options of the task.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only these scenarios; all by default
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    scenario: Vec<String>,
    /// Only these policies; all by default
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    policy: Vec<String>,
    /// How many seeds to take medians over
    #[arg(long, default_value_t = 21, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    seeds: u64,
    /// Print JSON in place of tables
    #[arg(long)]
    json: bool,
    /// Print what has to be true of this project's policy, and whether it is
    #[arg(long, conflicts_with_all = ["json", "policy"])]
    goals: bool,
    /// Write docs/simulation.md and docs/simulation.svg in place of printing; takes all scenarios
    #[arg(long, conflicts_with_all = ["json", "scenario", "policy", "goals"])]
    docs: bool,
}

/// Runs the simulation and prints what it measured.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    let scenarios = chosen("scenario", &options.scenario, scenario::all(), |it| it.name)?;
    let own = ["resayil".to_owned()];
    let names = if options.goals { &own[..] } else { &options.policy };
    let policies = chosen("policy", names, policy::ALL.to_vec(), |it| it.0)?;
    let mut rows = Vec::new();
    for scenario in &scenarios {
        let measured = measure_all(scenario, &policies, options.seeds);
        if !options.json && !options.docs && !options.goals {
            say(&format!("\n{}: {}\n", scenario.name, scenario.about));
            say(report::table(&measured.iter().collect::<Vec<_>>()).trim_end());
        }
        rows.extend(measured);
    }
    if options.json {
        say(&format!("{:#}", report::json(&rows)));
    }
    if options.goals {
        let goals = |row: &Row| {
            let scenario = scenarios.iter().find(|it| it.name == row.scenario)?;
            Some(goal::table(&scenario.goals, row))
        };
        let lines: String = rows.iter().filter_map(goals).collect();
        say(&format!("{}{}", goal::HEAD, lines.trim_end()));
    }
    if options.docs {
        let page = docs::page(&scenarios, &rows, options.seeds);
        generated("docs/simulation.md", &page, false, "sim --docs")?;
        generated("docs/simulation.svg", &chart::svg(&rows), false, "sim --docs")?;
    }
    Ok(())
}

/// What was asked for by name, or all.
fn chosen<T: Clone>(
    what: &str,
    names: &[String],
    all: Vec<T>,
    name_of: fn(&T) -> &'static str,
) -> Result<Vec<T>, String> {
    if names.is_empty() {
        return Ok(all);
    }
    let find = |name: &String| {
        all.iter().find(|it| name_of(it) == name).cloned().ok_or_else(|| {
            let known: Vec<_> = all.iter().map(name_of).collect();
            format!("there is no {what} {name:?}; there are {}", known.join(", "))
        })
    };
    names.iter().map(find).collect()
}

/// The medians of each policy.
fn measure_all(
    scenario: &Scenario,
    policies: &[(&'static str, &'static str)],
    seeds: u64,
) -> Vec<Row> {
    let limits: Vec<f64> = all_seeds(scenario, "oracle", &vec![0.0; seeds as usize])
        .iter()
        .map(|it| it.completion)
        .collect();
    let row = |(policy, _): &(&'static str, &'static str)| {
        let (numbers, p95) = measure::summary(&all_seeds(scenario, policy, &limits));
        let trouble = scenario.trouble.is_some();
        Row { scenario: scenario.name, policy, numbers, p95, trouble }
    };
    policies.iter().map(row).collect()
}

/// One run for each seed, in order, spread over the processors, with the completion under the oracle.
fn all_seeds(scenario: &Scenario, policy: &str, limits: &[f64]) -> Vec<Numbers> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let some = |first: usize| {
        let runs = limits.iter().enumerate().skip(first).step_by(threads);
        let run = |(seed, limit): (usize, &f64)| {
            Some((seed, simulate(scenario, policy, seed as u64, *limit)?))
        };
        runs.filter_map(run).collect::<Vec<_>>()
    };
    let some = &some;
    let mut runs: Vec<(usize, Numbers)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|first| scope.spawn(move || some(first))).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    });
    runs.sort_by_key(|(seed, _)| *seed);
    runs.into_iter().map(|(_, numbers)| numbers).collect()
}

fn simulate(scenario: &Scenario, policy: &str, seed: u64, limit: f64) -> Option<Numbers> {
    let drivers = policy::drivers(policy, scenario, seed)?;
    let run = World::new(scenario, seed, drivers).run();
    Some(measure::measure(scenario, &run, limit))
}
