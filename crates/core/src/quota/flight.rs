//! What is to be thought of requests that are under way: not answered yet.

use std::time::Duration;

use super::ages::Ages;
use super::bytes::record;

/// How long a request has to be without a refusal to be taken for admitted, while it is not known
/// how fast the server refuses.
const PRESUMED_AFTER: Duration = Duration::from_millis(500);
/// The bounds of that time once it is known.
const LEAST: Duration = Duration::from_millis(60);
const LONGEST: Duration = Duration::from_secs(2);

/// The requests that are under way, by their age.
///
/// A server refuses before it does the work, so refusals come fast. A request that has had no
/// refusal for twice the time that they take is presumed to be admitted, long before its answer.
/// After some 550 s without an answer it is no longer taken to be under way: whoever sent it may have
/// died.
#[derive(Clone, Default)]
pub(super) struct Flight {
    refusals_take: Option<Duration>,
    /// Those of the last two seconds, to 8 ms, and the older ones.
    young: Ages<256, 23>,
    old: Ages<64, 33>,
}

record!(Flight { refusals_take, young, old });

/// Those that are younger than some age.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Young {
    pub(super) count: usize,
    /// How long it takes until the first and the last of them are so old.
    pub(super) first: Duration,
    pub(super) last: Duration,
}

impl Flight {
    /// Whether it can be reckoned with.
    pub(super) fn is_sound(&self) -> bool {
        self.under_way() < 1 << 31
    }

    /// A request begins.
    #[inline]
    pub(super) fn send(&mut self, now: u64) {
        if !self.young.is_newest(now) {
            self.roll(now);
        }
        self.young.add(1, now);
    }

    #[cold]
    fn roll(&mut self, now: u64) {
        let Flight { young, old, .. } = self;
        old.roll(now, |_, _| {});
        young.roll(now, |at, count| old.add(count, at));
    }

    /// There was an answer to a request that began then, or there will be none.
    pub(super) fn settle(&mut self, at: u64) {
        if !self.young.remove(1, at) {
            self.old.remove(1, at);
        }
    }

    /// How many are under way. Old ones that have become too old since the last was sent still count.
    pub(super) fn under_way(&self) -> usize {
        (self.young.total() + self.old.total()) as usize
    }

    /// Those that are under way and younger than `age`, at the most 2 s.
    pub(super) fn young(&self, age: Duration, now: u64) -> Young {
        let mut young = Young::default();
        self.each_younger(age, now, |count, left| {
            if young.count == 0 {
                young.last = left;
            }
            young.count += count;
            young.first = left;
            true
        });
        young
    }

    /// The time until so many of those that are younger than `age`, the oldest first, are so old.
    pub(super) fn over_in(&self, count: usize, age: Duration, now: u64) -> Option<Duration> {
        let mut before = self.young(age, now).count.checked_sub(count)?;
        let mut found = None;
        self.each_younger(age, now, |count, left| {
            found = Some(left);
            match before.checked_sub(count) {
                Some(rest) => before = rest,
                None => return false,
            }
            true
        });
        found
    }

    /// Tells the slots of those that are younger, the youngest first: how many, and how long until they
    /// are so old. `tell` says whether to go on.
    fn each_younger(&self, age: Duration, now: u64, mut tell: impl FnMut(usize, Duration) -> bool) {
        let limit = u64::try_from(age.as_nanos()).unwrap_or(u64::MAX);
        let mut left = self.young.total();
        for slots in 0..256 {
            // As if all of a slot had begun at its end.
            let age = now.saturating_sub(self.young.end_of(slots));
            if left == 0 || age >= limit {
                return;
            }
            let count = self.young.at(slots);
            left = left.saturating_sub(u64::from(count));
            if count > 0 && !tell(count as usize, Duration::from_nanos(limit - age)) {
                return;
            }
        }
    }

    /// Learns how long a refusal takes; the estimate rises at once and falls slowly.
    pub(super) fn refused(&mut self, took: Duration) {
        let known = self.refusals_take.unwrap_or_default();
        self.refusals_take =
            Some(if took > known { took } else { known.mul_f64(0.875) + took / 8 });
    }

    /// How long a refusal takes, as far as is known.
    pub(super) fn refusals_take(&self) -> Duration {
        self.refusals_take.unwrap_or(PRESUMED_AFTER / 2)
    }

    /// After this time without a refusal a request is presumed to be admitted.
    pub(super) fn presumed_after(&self) -> Duration {
        match self.refusals_take {
            Some(took) => took.saturating_mul(2).clamp(LEAST, LONGEST),
            None => PRESUMED_AFTER,
        }
    }

    /// Those that may still be refused.
    pub(super) fn uncertain(&self, now: u64) -> Young {
        self.young(self.presumed_after(), now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn requests_grow_old_and_are_given_up() {
        let mut flight = Flight::default();
        for at in [SECOND, SECOND, SECOND + SECOND / 2] {
            flight.send(at);
        }
        let now = 2 * SECOND;
        let second = Duration::from_secs(1);
        let young = flight.young(2 * second, now);
        assert_eq!((young.count, flight.under_way()), (3, 3));
        // To a slot: never earlier.
        let close =
            |wait: Duration, seconds: f64| (seconds..seconds + 0.01).contains(&wait.as_secs_f64());
        assert!(close(young.first, 1.0) && close(young.last, 1.5), "{young:?}");
        assert!(close(flight.over_in(2, 2 * second, now).unwrap(), 1.0));
        assert!(close(flight.over_in(3, 2 * second, now).unwrap(), 1.5));
        assert_eq!(flight.over_in(4, 2 * second, now), None);
        assert_eq!(flight.young(second * 3 / 4, now).count, 1);
        flight.settle(SECOND);
        assert_eq!(flight.under_way(), 2);
        // Another one sends, so that time goes on.
        flight.send(10 * SECOND);
        assert_eq!((flight.young.total(), flight.old.total()), (1, 2));
        flight.settle(SECOND);
        assert_eq!(flight.under_way(), 2);
        flight.send(700 * SECOND);
        assert_eq!(flight.under_way(), 1);
        // What is unknown is no harm.
        flight.settle(SECOND);
        assert_eq!(flight.under_way(), 1);
    }
}
