//! `cargo xtask fleet`: quotas that many processes share, compared in virtual time.

mod baseline;
mod scenario;
mod world;

use std::time::Duration;

use crate::run::say;
use crate::{prerequisites, python};
use world::World;

/// The options of the task.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only these scenarios; all by default
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    scenario: Vec<String>,
    /// How many processes there are
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=20_000))]
    processes: u64,
    /// Sixteen real processes in Python, Rust and C and a real Redis in place of the simulation; takes twelve minutes
    #[arg(long, conflicts_with_all = ["scenario", "processes"])]
    real: bool,
}

/// Runs the simulations and prints what was measured.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    if options.real {
        prerequisites::python()?;
        prerequisites::redis()?;
        prerequisites::hiredis()?;
        return python::fleet();
    }
    for scenario in scenario::all(options.processes as usize) {
        if !options.scenario.is_empty() && !options.scenario.iter().any(|it| it == scenario.name) {
            continue;
        }
        let (name, about, limit) = (scenario.name, scenario.about, scenario.limit);
        let perfect = scenario::perfect(&scenario);
        for (name, other) in
            [("limit / n", baseline::split(&scenario)), ("counters", baseline::counter(&scenario))]
        {
            let ratio = other.took.as_secs_f64() / perfect.as_secs_f64();
            let trips = other.round_trips as f64 / other.done as f64;
            say(&format!(
                "  {name}: refused {}, {ratio:.3}, {trips:.2} round trips",
                other.refused
            ));
        }
        let outcome = World::new(scenario).run(Duration::from_secs(7200));
        say(&format!(
            "{name}: {about}\n  done {}, lost {}, refused {}, {:.3} of the perfect time, {:.3} round trips a \
             request ({} short waits, {} long), over by {:.1} %, longest wait of the last {:.1} s",
            outcome.done,
            outcome.lost_jobs,
            outcome.refused,
            outcome.took.as_secs_f64() / perfect.as_secs_f64(),
            outcome.round_trips as f64 / outcome.done as f64,
            outcome.short,
            outcome.long,
            outcome.over(limit) * 100.0,
            outcome.waits.last().copied().unwrap_or_default().as_secs_f64(),
        ));
    }
    Ok(())
}
