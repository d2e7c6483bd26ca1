//! Counters of calls.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{CallAction, CallEvent, Stats};
use crate::call::WaitReason;
use crate::kind::Kind;
use crate::retry::{RetryReason, StopReason};

/// Counts what calls do. Any number of threads may count and read at once; nothing waits.
///
/// An [`Operation`](crate::Operation) that is given some records its own events; whoever only asks for
/// decisions records what it does.
///
/// ```
/// use resayil_core::{Error, Kind, Policy};
/// use resayil_core::observe::{CallAction, CallEvent, Counters};
/// use std::time::Duration;
///
/// let counters = Counters::new();
/// counters.record(&CallEvent::new(CallAction::Start, 0));
/// let mut call = Policy::default().start(Duration::ZERO, 1);
///
/// counters.record(&CallEvent::new(CallAction::Attempt, 1));
/// let error = Error::new(Kind::Server, "unexpected error").with_status(500);
/// let decision = call.on_error(&error, Duration::from_millis(200));
/// counters.record(&CallEvent::decided(&decision, 1, &error));
///
/// counters.record(&CallEvent::new(CallAction::Attempt, 2));
/// counters.record(&CallEvent::new(CallAction::Answer, 2));
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

    /// Counts an event: whatever it says it is charged to what it names.
    pub fn record(&self, event: &CallEvent<'_>) {
        // The server refused this very request; an end while waiting has an error of its own.
        if event.kind() == Some(Kind::RateLimit) {
            self.refused.add(1);
        }
        let kind = event.kind().unwrap_or(Kind::Unknown);
        match event.action {
            CallAction::Start => self.calls.add(1),
            CallAction::Attempt => self.attempts.add(1),
            CallAction::Answer => self.answered.add(1),
            CallAction::Retry(RetryReason::StaleConnection) => self.stale_connections.add(1),
            CallAction::Retry(reason) => self.retried.add(kind, RetryReason::ALL, reason),
            CallAction::Stop(reason) => self.stopped.add(kind, StopReason::ALL, reason),
            CallAction::Waited(reason) => self.waited(reason, event.delay.unwrap_or_default()),
            CallAction::Wait(_) | CallAction::Warning(_) => {}
        }
    }

    fn waited(&self, reason: WaitReason, wait: Duration) {
        let (waits, time) = match reason {
            WaitReason::Quota => (&self.quota_waits, &self.quota_wait),
            WaitReason::Backoff | WaitReason::Budget => (&self.backoff_waits, &self.backoff_wait),
            WaitReason::Concurrency => return,
        };
        waits.add(1);
        time.add_time(wait);
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
    use crate::error::Error;

    #[test]
    fn every_kind_and_reason_is_counted_and_adds_up() {
        let counters = Counters::new();
        let record = |action, kind| {
            let error = Error::new(kind, "");
            counters.record(&CallEvent::new(action, 1).with_error(&error));
        };
        for row in Kind::table() {
            for reason in RetryReason::ALL {
                record(CallAction::Retry(*reason), row.kind);
            }
            for reason in StopReason::ALL {
                record(CallAction::Stop(*reason), row.kind);
            }
        }
        record(CallAction::Retry(RetryReason::Backoff), Kind::Server);
        let stats = counters.stats();
        // A stale connection is counted apart.
        let (kinds, reasons) = (KINDS as u64, RetryReason::ALL.len() as u64 - 1);
        assert_eq!(stats.stale_connections, kinds);
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
        for (reason, wait) in [
            (WaitReason::Quota, Duration::from_millis(1500)),
            (WaitReason::Quota, Duration::from_millis(500)),
            (WaitReason::Backoff, Duration::from_micros(7)),
            (WaitReason::Concurrency, Duration::from_secs(1)),
        ] {
            counters.record(&CallEvent::new(CallAction::Waited(reason), 0).with_delay(wait));
        }
        let stats = counters.stats();
        assert_eq!((stats.quota_waits, stats.quota_wait), (2, Duration::from_secs(2)));
        assert_eq!((stats.backoff_waits, stats.backoff_wait), (1, Duration::from_micros(7)));
    }
}
