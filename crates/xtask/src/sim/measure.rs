//! The numbers of a run, and their medians over many.

use std::time::Duration;

use super::scenario::Scenario;
use super::server::within;
use super::world::Run;

/// The time from which a call counts as slow when recovery is measured.
const SLOW: Duration = Duration::from_secs(10);

/// The numbers of one run, or medians of them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Numbers {
    pub(crate) jobs: f64,
    pub(crate) failed: f64,
    pub(crate) refused: f64,
    /// The most that were refused in one clock minute after the first.
    pub(crate) refused_later: f64,
    pub(crate) requests: f64,
    pub(crate) completion: f64,
    /// The completion under the oracle.
    pub(crate) limit: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Requests for each job that began in the time of trouble, or for each job.
    pub(crate) amplification: f64,
    /// From the end of the trouble until calls that begin are answered, and soon.
    pub(crate) recovery: f64,
    /// Failed jobs that began after the trouble.
    pub(crate) failed_after: f64,
}

const MINUTE: u64 = 60;

pub(crate) fn measure(scenario: &Scenario, run: &Run) -> Numbers {
    let seconds = |time: Duration| time.as_secs_f64();
    let mut latencies: Vec<f64> =
        run.jobs.iter().map(|job| seconds(job.ended - job.begun)).collect();
    latencies.sort_by(f64::total_cmp);
    let rank = |share: f64| {
        let index = (share * latencies.len() as f64).ceil() as usize;
        latencies.get(index.saturating_sub(1)).copied().unwrap_or_default()
    };
    let affected = |begun: Duration| scenario.trouble.is_none() || within(scenario.trouble, begun);
    let troubled = run.jobs.iter().filter(|job| affected(job.begun));
    let (count, sent) =
        troubled.fold((0, 0), |(count, sent), job| (count + 1, sent + u64::from(job.requests)));
    let end = scenario.trouble.map(|(_, end)| end);
    let after = |job: &&super::world::Job| end.is_some_and(|end| job.begun >= end);
    let bad = |job: &&super::world::Job| !job.answered || job.ended - job.begun > SLOW;
    let last_bad = run.jobs.iter().filter(after).filter(bad).map(|job| job.begun).max();
    Numbers {
        jobs: run.jobs.len() as f64,
        failed: run.jobs.iter().filter(|job| !job.answered).count() as f64,
        refused: run.refusals.len() as f64,
        refused_later: refused_later(run) as f64,
        requests: run.jobs.iter().map(|job| f64::from(job.requests)).sum(),
        completion: run.jobs.iter().map(|job| seconds(job.ended)).fold(0.0, f64::max),
        limit: 0.0,
        p50: rank(0.5),
        p99: rank(0.99),
        amplification: sent as f64 / (count as f64).max(1.0),
        recovery: last_bad.zip(end).map_or(0.0, |(bad, end)| seconds(bad - end)),
        failed_after: run.jobs.iter().filter(after).filter(|job| !job.answered).count() as f64,
    }
}

fn refused_later(run: &Run) -> usize {
    let minute = |at: Duration| (run.epoch + at).as_secs() / MINUTE;
    let first = minute(Duration::ZERO);
    let mut minutes: Vec<u64> =
        run.refusals.iter().map(|at| minute(*at)).filter(|minute| *minute != first).collect();
    minutes.sort_unstable();
    minutes.chunk_by(|a, b| a == b).map(<[u64]>::len).max().unwrap_or_default()
}

/// Each number's median.
pub(crate) fn medians(runs: &[Numbers]) -> Numbers {
    let median = |pick: fn(&Numbers) -> f64| {
        let mut values: Vec<f64> = runs.iter().map(pick).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        match values.len() {
            0 => 0.0,
            count if count % 2 == 1 => values[middle],
            _ => (values[middle - 1] + values[middle]) / 2.0,
        }
    };
    Numbers {
        jobs: median(|it| it.jobs),
        failed: median(|it| it.failed),
        refused: median(|it| it.refused),
        refused_later: median(|it| it.refused_later),
        requests: median(|it| it.requests),
        completion: median(|it| it.completion),
        limit: median(|it| it.limit),
        p50: median(|it| it.p50),
        p99: median(|it| it.p99),
        amplification: median(|it| it.amplification),
        recovery: median(|it| it.recovery),
        failed_after: median(|it| it.failed_after),
    }
}
