//! Requests that are under way: not answered yet.

use std::collections::VecDeque;
use std::time::Duration;

use super::bytes::record;

/// More are not remembered.
const MOST: usize = 4096;

/// How long a request has to be without a refusal to be taken for admitted, while it is not known
/// how fast the server refuses.
const PRESUMED_AFTER: Duration = Duration::from_millis(500);
/// The bounds of that time once it is known.
const LEAST: Duration = Duration::from_millis(60);
const LONGEST: Duration = Duration::from_secs(2);

/// A server refuses before it does the work, so refusals come fast. A request that has had no
/// refusal for twice the time that they take is presumed to be admitted, long before its answer.
#[derive(Clone, Default)]
pub(super) struct Flight {
    unsettled: VecDeque<(u64, Duration)>,
    refusals_take: Option<Duration>,
    /// How many were answered or presumed admitted since the beginning.
    passed: u64,
    sent: u64,
}

record!(Flight { unsettled, refusals_take, passed, sent });

impl Flight {
    pub(super) fn send(&mut self, id: u64, now: Duration) {
        if self.unsettled.len() >= MOST {
            self.unsettled.pop_front();
        }
        self.unsettled.push_back((id, now));
        self.sent += 1;
    }

    /// Forgets those that were sent before this time: nobody will tell of their answers.
    pub(super) fn forget(&mut self, before: Duration) {
        while self.unsettled.front().is_some_and(|(_, at)| *at < before) {
            self.unsettled.pop_front();
        }
    }

    /// Whether it can be reckoned with, given that ids are below `next_id`.
    pub(super) fn is_sound(&self, next_id: u64) -> bool {
        self.unsettled.iter().is_sorted_by(|a, b| a.0 < b.0)
            && self.unsettled.back().is_none_or(|(id, _)| *id < next_id)
            && self.sent >= self.unsettled.len() as u64
            && self.sent.max(self.passed) < 1 << 62
    }

    pub(super) fn settle(&mut self, id: u64) {
        if let Ok(index) = self.unsettled.binary_search_by_key(&id, |(id, _)| *id) {
            self.unsettled.remove(index);
        }
    }

    /// Learns how long a refusal takes; the estimate rises at once and falls slowly.
    pub(super) fn refused(&mut self, took: Duration) {
        let known = self.refusals_take.unwrap_or_default();
        self.refusals_take =
            Some(if took > known { took } else { known.mul_f64(0.875) + took / 8 });
    }

    fn presumed_after(&self) -> Duration {
        match self.refusals_take {
            Some(took) => (2 * took).clamp(LEAST, LONGEST),
            None => PRESUMED_AFTER,
        }
    }

    /// How many were sent within this time and have no answer.
    pub(super) fn younger_than(&self, age: Duration, now: Duration) -> usize {
        let young = |at: Duration| now.saturating_sub(at) < age;
        self.unsettled.len() - self.unsettled.partition_point(|(_, at)| !young(*at))
    }

    /// How many may still be refused.
    pub(super) fn uncertain(&mut self, now: Duration) -> usize {
        let uncertain = self.younger_than(self.presumed_after(), now);
        self.passed = self.sent - uncertain as u64;
        uncertain
    }

    /// How many were certainly, or presumably, admitted since the beginning.
    pub(super) fn passed(&self) -> u64 {
        self.passed
    }

    /// The time until one more may be presumed to be admitted.
    pub(super) fn until_presumed(&self, now: Duration) -> Duration {
        let after = self.presumed_after();
        let ages = self.unsettled.iter().map(|(_, at)| now.saturating_sub(*at));
        ages.filter(|age| *age < after).map(|age| after - age).next().unwrap_or(after)
    }

    pub(super) fn len(&self) -> usize {
        self.unsettled.len()
    }
}
