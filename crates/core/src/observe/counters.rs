//! Counters of calls.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Stats;
use crate::error::Error;
use crate::kind::Kind;
use crate::retry::{Decision, RetryReason, StopReason};

/// Counts what calls do. Any number of threads may count and read at once; nothing waits.
///
/// The client of the crate `resayil` has its own, which [`Stats`] shows; this is for programs with an
/// HTTP client of their own.
///
/// ```
/// use resayil_core::{Counters, Decision, Error, Kind, Policy};
/// use std::time::Duration;
///
/// let counters = Counters::new();
/// counters.call_started();
/// let mut call = Policy::default().start(Duration::ZERO, 1);
///
/// counters.attempt_started();
/// let error = Error::new(Kind::Server, "unexpected error").with_status(500);
/// let decision = call.on_error(&error, Duration::from_millis(200));
/// counters.decided(&decision, &error);
///
/// counters.attempt_started();
/// counters.answered();
/// let stats = counters.stats();
/// assert_eq!((stats.calls, stats.attempts, stats.retries, stats.answered), (1, 2, 1, 1));
/// ```
#[derive(Debug, Default)]
pub struct Counters {
    calls: Counter,
    attempts: Counter,
    answered: Counter,
    refused: Counter,
    stale_connections: Counter,
    quota_waits: Counter,
    quota_wait: Counter,
    backoff_waits: Counter,
    backoff_wait: Counter,
    retried: ByKind<{ RetryReason::ALL.len() }>,
    stopped: ByKind<{ StopReason::ALL.len() }>,
}

/// A number that only grows.
#[derive(Debug, Default)]
struct Counter(AtomicU64);

impl Counter {
    fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Release);
    }

    fn add_time(&self, time: Duration) {
        self.add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    fn time(&self) -> Duration {
        Duration::from_micros(self.get())
    }
}

const KINDS: usize = Kind::table().len();

/// A counter for each kind and each reason of one sort.
#[derive(Debug)]
struct ByKind<const REASONS: usize>([[Counter; REASONS]; KINDS]);

impl<const REASONS: usize> Default for ByKind<REASONS> {
    fn default() -> Self {
        ByKind(std::array::from_fn(|_| std::array::from_fn(|_| Counter::default())))
    }
}

impl<const REASONS: usize> ByKind<REASONS> {
    fn add<R: PartialEq>(&self, kind: Kind, reasons: &[R], reason: R) {
        let kind = Kind::table().iter().position(|row| row.kind == kind);
        let reason = reasons.iter().position(|known| *known == reason);
        if let (Some(kind), Some(reason)) = (kind, reason) {
            self.0[kind][reason].add(1);
        }
    }

    /// What occurred.
    fn list<R: Copy>(&self, reasons: &[R]) -> Vec<(Kind, R, u64)> {
        let kinds = Kind::table().iter().map(|row| row.kind).zip(&self.0);
        kinds
            .flat_map(|(kind, counters)| {
                let counts = reasons.iter().zip(counters);
                counts.map(move |(reason, counter)| (kind, *reason, counter.get()))
            })
            .filter(|(_, _, count)| *count > 0)
            .collect()
    }
}

impl Counters {
    /// All zero.
    pub fn new() -> Self {
        Counters::default()
    }

    /// A call begins.
    pub fn call_started(&self) {
        self.calls.add(1);
    }

    /// A request is sent.
    pub fn attempt_started(&self) {
        self.attempts.add(1);
    }

    /// A call gave its answer.
    pub fn answered(&self) {
        self.answered.add(1);
    }

    /// The server refused a request for quota.
    pub fn refused(&self) {
        self.refused.add(1);
    }

    /// What was decided on a failed attempt: [`retried`](Self::retried) or [`failed`](Self::failed).
    pub fn decided(&self, decision: &Decision, error: &Error) {
        match decision {
            Decision::Retry { reason, .. } => self.retried(error.kind(), *reason),
            Decision::Stop { reason } => self.failed(error.kind(), *reason),
        }
    }

    /// An attempt that failed with this kind of error is followed by another one.
    pub fn retried(&self, kind: Kind, reason: RetryReason) {
        self.retried.add(kind, RetryReason::ALL, reason);
    }

    /// A call gave an error of this kind to its caller, because no further attempt is made.
    pub fn failed(&self, kind: Kind, reason: StopReason) {
        self.stopped.add(kind, StopReason::ALL, reason);
    }

    /// A request is sent again because a kept connection proved to be closed.
    pub fn stale_connection(&self) {
        self.stale_connections.add(1);
    }

    /// A call has waited for the quota.
    pub fn waited_for_quota(&self, wait: Duration) {
        self.quota_waits.add(1);
        self.quota_wait.add_time(wait);
    }

    /// A call has waited between two attempts for another reason.
    pub fn waited_for_backoff(&self, wait: Duration) {
        self.backoff_waits.add(1);
        self.backoff_wait.add_time(wait);
    }

    /// The numbers at this moment. What is counted meanwhile may be in some of them and not in others,
    /// but no outcome is there without its call and its attempts.
    pub fn stats(&self) -> Stats {
        let retried = self.retried.list(RetryReason::ALL);
        let stopped = self.stopped.list(StopReason::ALL);
        // The later in the life of a call, the earlier it is read.
        let answered = self.answered.get();
        let refused = self.refused.get();
        let attempts = self.attempts.get();
        Stats {
            calls: self.calls.get(),
            attempts,
            answered,
            failed: stopped.iter().map(|(_, _, count)| count).sum(),
            failed_by_kind: sum_by(stopped.iter().map(|(kind, _, count)| (*kind, *count))),
            stops_by_reason: sum_by(stopped.iter().map(|(_, reason, count)| (*reason, *count))),
            refused,
            retries: retried.iter().map(|(_, _, count)| count).sum(),
            retries_by_reason: sum_by(retried.iter().map(|(_, reason, count)| (*reason, *count))),
            retries_by_kind: sum_by(retried.iter().map(|(kind, _, count)| (*kind, *count))),
            stale_connections: self.stale_connections.get(),
            quota_waits: self.quota_waits.get(),
            quota_wait: self.quota_wait.time(),
            backoff_waits: self.backoff_waits.get(),
            backoff_wait: self.backoff_wait.time(),
            retried,
            stopped,
            ..Stats::default()
        }
    }
}

/// Adds up what has the same key.
fn sum_by<K: PartialEq>(counts: impl Iterator<Item = (K, u64)>) -> Vec<(K, u64)> {
    let mut sums: Vec<(K, u64)> = Vec::new();
    for (key, count) in counts {
        match sums.iter_mut().find(|(known, _)| *known == key) {
            Some((_, sum)) => *sum += count,
            None => sums.push((key, count)),
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_and_reason_is_counted_and_adds_up() {
        let counters = Counters::new();
        for row in Kind::table() {
            for reason in RetryReason::ALL {
                counters.retried(row.kind, *reason);
            }
            for reason in StopReason::ALL {
                counters.failed(row.kind, *reason);
            }
        }
        counters.retried(Kind::Server, RetryReason::Backoff);
        let stats = counters.stats();
        let (kinds, reasons) = (KINDS as u64, RetryReason::ALL.len() as u64);
        let stops = StopReason::ALL.len() as u64;
        assert_eq!((stats.retries, stats.failed), (kinds * reasons + 1, kinds * stops));
        assert_eq!(stats.retries_by_kind.len(), KINDS);
        assert!(stats.retries_by_kind.contains(&(Kind::Server, reasons + 1)));
        assert!(stats.retries_by_reason.contains(&(RetryReason::Backoff, kinds + 1)));
        assert!(stats.failed_by_kind.contains(&(Kind::Deadline, stops)));
        assert!(stats.stops_by_reason.contains(&(StopReason::Budget, kinds)));
        let total: f64 = stats
            .metrics()
            .iter()
            .filter(|metric| metric.name() == "resayil.client.retries")
            .map(|metric| metric.value())
            .sum();
        assert_eq!(total, stats.retries as f64);
    }

    #[test]
    fn waits_are_counted_and_added_up() {
        let counters = Counters::new();
        counters.waited_for_quota(Duration::from_millis(1500));
        counters.waited_for_quota(Duration::from_millis(500));
        counters.waited_for_backoff(Duration::from_micros(7));
        let stats = counters.stats();
        assert_eq!((stats.quota_waits, stats.quota_wait), (2, Duration::from_secs(2)));
        assert_eq!((stats.backoff_waits, stats.backoff_wait), (1, Duration::from_micros(7)));
    }
}
