//! Counters of a client.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use resayil_core::{Kind, RetryReason};

/// What a client did since it was made, to be read at any time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Calls that were begun.
    pub calls: u64,
    /// Requests that were sent, refused ones included.
    pub attempts: u64,
    /// Calls that gave an answer. A stream counts when its end was read.
    pub answered: u64,
    /// Calls that gave an error.
    pub failed: u64,
    /// Requests that the server refused for quota.
    pub refused: u64,
    /// Attempts that followed a failed one.
    pub retries: u64,
    /// The same by what the wait followed from; reasons that never occurred are left out.
    pub retries_by_reason: Vec<(RetryReason, u64)>,
    /// The same by the kind of the failure; kinds that never occurred are left out.
    pub retries_by_kind: Vec<(Kind, u64)>,
    /// Requests that were sent again because a kept connection proved to be closed. They count as
    /// attempts but not as retries.
    pub stale_connections: u64,
    /// Time that calls waited for the quota, added up over calls that waited at the same time.
    pub quota_wait: Duration,
    /// Time that calls waited between attempts for other reasons, added up likewise.
    pub backoff_wait: Duration,
}

const KINDS: usize = 64;
const REASONS: usize = 16;

/// The counters behind [`Stats`].
#[derive(Debug)]
pub(crate) struct Counters {
    pub(crate) calls: Counter,
    pub(crate) attempts: Counter,
    pub(crate) answered: Counter,
    pub(crate) failed: Counter,
    pub(crate) refused: Counter,
    pub(crate) stale_connections: Counter,
    quota_wait: Counter,
    backoff_wait: Counter,
    by_kind: [Counter; KINDS],
    by_reason: [Counter; REASONS],
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Default for Counters {
    fn default() -> Self {
        Counters {
            calls: Counter::default(),
            attempts: Counter::default(),
            answered: Counter::default(),
            failed: Counter::default(),
            refused: Counter::default(),
            stale_connections: Counter::default(),
            quota_wait: Counter::default(),
            backoff_wait: Counter::default(),
            by_kind: std::array::from_fn(|_| Counter::default()),
            by_reason: std::array::from_fn(|_| Counter::default()),
        }
    }
}

impl Counters {
    pub(crate) fn add_retry(&self, kind: Kind, reason: RetryReason) {
        let kind = Kind::table().iter().position(|row| row.kind == kind);
        let reason = RetryReason::ALL.iter().position(|known| *known == reason);
        for counter in [
            kind.and_then(|index| self.by_kind.get(index)),
            reason.and_then(|index| self.by_reason.get(index)),
        ]
        .into_iter()
        .flatten()
        {
            counter.add(1);
        }
    }

    pub(crate) fn add_quota_wait(&self, wait: Duration) {
        self.quota_wait.add(micros(wait));
    }

    pub(crate) fn add_backoff_wait(&self, wait: Duration) {
        self.backoff_wait.add(micros(wait));
    }

    pub(crate) fn snapshot(&self) -> Stats {
        let kinds = Kind::table().iter().map(|row| row.kind).zip(&self.by_kind);
        let reasons = RetryReason::ALL.iter().copied().zip(&self.by_reason);
        let retries_by_reason: Vec<_> = counted(reasons).collect();
        Stats {
            calls: self.calls.get(),
            attempts: self.attempts.get(),
            answered: self.answered.get(),
            failed: self.failed.get(),
            refused: self.refused.get(),
            retries: retries_by_reason.iter().map(|(_, count)| count).sum(),
            retries_by_reason,
            retries_by_kind: counted(kinds).collect(),
            stale_connections: self.stale_connections.get(),
            quota_wait: Duration::from_micros(self.quota_wait.get()),
            backoff_wait: Duration::from_micros(self.backoff_wait.get()),
        }
    }
}

fn counted<'a, T>(
    counters: impl Iterator<Item = (T, &'a Counter)>,
) -> impl Iterator<Item = (T, u64)> {
    counters.map(|(what, counter)| (what, counter.get())).filter(|(_, count)| *count > 0)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_and_reason_has_its_counter() {
        assert!(Kind::table().len() <= KINDS && RetryReason::ALL.len() <= REASONS);
        let counters = Counters::default();
        for row in Kind::table() {
            counters.add_retry(row.kind, RetryReason::Backoff);
        }
        counters.add_retry(Kind::Server, RetryReason::ServerHint);
        let stats = counters.snapshot();
        assert_eq!(stats.retries, Kind::table().len() as u64 + 1);
        assert_eq!(stats.retries_by_kind.len(), Kind::table().len());
        assert!(stats.retries_by_kind.contains(&(Kind::Server, 2)));
    }
}
