//! The numbers of a run, and their medians over many.

use std::time::Duration;

use super::scenario::Scenario;
use super::server::within;
use super::world::{Job, Run};

/// The time from which a call counts as slow when recovery is measured.
const SLOW: Duration = Duration::from_secs(10);
/// Calls that begin so late in an outage would be answered within five attempts.
const LATE: Duration = Duration::from_secs(12);
const MINUTE: u64 = 60;

/// Makes [`Numbers`] and what is done to all of them.
macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// The numbers of one run, or medians of them.
        #[derive(Clone, Copy, Debug, Default)]
        pub(crate) struct Numbers {
            $($(#[$doc])* pub(crate) $name: f64,)+
        }

        impl Numbers {
            /// Each number by this rule.
            fn each(rule: impl Fn(fn(&Numbers) -> f64) -> f64) -> Numbers {
                Numbers { $($name: rule(|it| it.$name),)+ }
            }
        }
    };
}

numbers! {
    jobs,
    failed,
    refused,
    /// Refused in the first minute of the clock.
    refused_first,
    /// The most that were refused in one minute of the clock after the first.
    refused_later,
    requests,
    completion,
    /// The completion under the oracle, and that of this policy as a multiple of it.
    limit,
    ratio,
    p50,
    p99,
    /// Requests for each job that began in the time of trouble, or for each job.
    amplification,
    /// Requests that were sent in the time of trouble for each job that began in it.
    sent_in_trouble,
    /// From the end of the trouble until calls that begin are answered, and soon.
    recovery,
    /// From the end of the trouble until the first answer.
    back,
    /// Failed jobs that began after the trouble.
    failed_after,
    /// The share that failed of the jobs that began in the last seconds of the trouble.
    lost_late,
    /// The share that failed of all jobs that began after the warm-up.
    lost_share,
    /// By how much a limit was exceeded in one window, as a share of it.
    over,
}

pub(crate) fn measure(scenario: &Scenario, run: &Run, limit: f64) -> Numbers {
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
    let sent_in = run.sent.iter().filter(|at| affected(**at)).count();
    let end = scenario.trouble.map(|(_, end)| end);
    let after = |job: &&Job| end.is_some_and(|end| job.begun >= end);
    let late = |job: &&Job| affected(job.begun) && end.is_some_and(|end| job.begun + LATE >= end);
    let warm = |job: &&Job| job.begun >= scenario.warm_up;
    let bad = |job: &&Job| !job.answered || job.ended - job.begun > SLOW;
    let last_bad = run.jobs.iter().filter(after).filter(bad).map(|job| job.begun).max();
    let first_good = end.and_then(|end| {
        let good = run.jobs.iter().filter(|job| job.answered && job.ended >= end);
        good.map(|job| job.ended - end).min()
    });
    let (refused_first, refused_later) = refused_by_minute(run);
    let completion = run.jobs.iter().map(|job| seconds(job.ended)).fold(0.0, f64::max);
    Numbers {
        jobs: run.jobs.len() as f64,
        failed: run.jobs.iter().filter(|job| !job.answered).count() as f64,
        refused: run.refusals.len() as f64,
        refused_first,
        refused_later,
        requests: run.jobs.iter().map(|job| f64::from(job.requests)).sum(),
        completion,
        limit,
        ratio: if limit > 0.0 { completion / limit } else { 1.0 },
        p50: rank(0.5),
        p99: rank(0.99),
        amplification: sent as f64 / (count as f64).max(1.0),
        sent_in_trouble: sent_in as f64 / (count as f64).max(1.0),
        recovery: last_bad.zip(end).map_or(0.0, |(bad, end)| seconds(bad - end)),
        back: first_good.map_or(0.0, seconds),
        failed_after: run.jobs.iter().filter(after).filter(|job| !job.answered).count() as f64,
        lost_late: share_lost(run.jobs.iter().filter(late)),
        lost_share: share_lost(run.jobs.iter().filter(warm)),
        over: run.over,
    }
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

fn share_lost<'a>(jobs: impl Iterator<Item = &'a Job>) -> f64 {
    let (count, lost) =
        jobs.fold((0, 0), |(count, lost), job| (count + 1, lost + u64::from(!job.answered)));
    lost as f64 / f64::max(count as f64, 1.0)
}

/// How many were refused in the first minute of the clock, and at the most in one of the others.
fn refused_by_minute(run: &Run) -> (f64, f64) {
    let minute = |at: Duration| (run.epoch + at).as_secs() / MINUTE;
    let first = minute(Duration::ZERO);
    let (in_first, mut later): (Vec<u64>, Vec<u64>) =
        run.refusals.iter().map(|at| minute(*at)).partition(|minute| *minute == first);
    later.sort_unstable();
    let most = later.chunk_by(|a, b| a == b).map(<[u64]>::len).max().unwrap_or_default();
    (in_first.len() as f64, most as f64)
}

/// Each number's value below which this share of the runs is; of an even number of runs the median is
/// between two.
fn quantile(runs: &[Numbers], share: f64) -> Numbers {
    Numbers::each(|pick| {
        let mut values: Vec<f64> = runs.iter().map(pick).collect();
        values.sort_by(f64::total_cmp);
        let at = share * (values.len().max(1) - 1) as f64;
        let value = |index: f64| values.get(index as usize).copied().unwrap_or_default();
        // Of the 95th percentile the next one above, so that it is a run that there was.
        if share == 0.5 { (value(at.floor()) + value(at.ceil())) / 2.0 } else { value(at.ceil()) }
    })
}

/// Each number's median, and its 95th percentile.
pub(crate) fn summary(runs: &[Numbers]) -> (Numbers, Numbers) {
    (quantile(runs, 0.5), quantile(runs, 0.95))
}
