//! A token bucket, as the generic cell rate algorithm (GCRA).

use crate::quota::bytes::record;

/// Something that is refilled evenly: one unit each `interval` nanoseconds, up to `burst` of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    interval: u64,
    /// One part of so many of the interval is left out after each unit, lest it is never noticed that the
    /// refill is faster; 0 for none.
    haste: u64,
    burst: u64,
    /// When the bucket will be full if nobody takes from it.
    full_at: u64,
}

record!(Bucket { interval, haste, burst, full_at });

/// By how much the refill is taken to be faster than was seen, as one part of so many, lest it is never
/// noticed that it is: at first, and when it was seen often.
const FIRST_HASTE: u64 = 4;
const LAST_HASTE: u64 = 512;

impl Bucket {
    /// A bucket that is filled in `window` nanoseconds, and has nothing before `next`.
    pub(super) fn empty_until(next: u64, window: u64, limit: u64) -> Self {
        let limit = limit.max(1);
        let interval = (window / limit).max(1);
        let mut bucket = Bucket { interval, haste: 0, burst: limit, full_at: next };
        bucket.refused_until(next);
        bucket
    }

    /// The server has nothing before `next`.
    pub(super) fn refused_until(&mut self, next: u64) {
        self.full_at = next.saturating_add(self.time_of(self.usable().saturating_sub(1)));
    }

    /// It is filled a little more slowly than was thought.
    pub(super) fn slow_down(&mut self) {
        self.interval += (self.interval / 50).max(1);
    }

    /// So much was admitted in this time since the last refusal, and then something was refused. Says
    /// whether that fits to a bucket.
    pub(super) fn refused_after(&mut self, count: u64, time: u64, now: u64) -> bool {
        let seen = match count {
            0 => self.interval.saturating_mul(3) / 2,
            // And perhaps a part of the next.
            _ => time.saturating_mul(2) / (2 * count + 1),
        };
        if seen / 4 > self.interval {
            return false;
        }
        let is_near = seen.abs_diff(self.interval) < self.interval / 4;
        self.haste = match self.haste {
            0 => FIRST_HASTE,
            haste if is_near => (haste * 2).min(LAST_HASTE),
            haste => (haste * 2 / 3).max(FIRST_HASTE),
        };
        self.interval = seen.max(1);
        self.refused_until(now.saturating_add(self.interval));
        true
    }

    /// Whether it can be reckoned with.
    pub(super) fn is_sound(&self) -> bool {
        (1..1 << 61).contains(&self.interval) && self.burst >= 1
    }

    /// A bit less than it holds is used, for what happens between here and there.
    fn usable(&self) -> u64 {
        (self.burst - (self.burst / 64 + 1).min(self.burst)).max(1)
    }

    fn time_of(&self, amount: u64) -> u64 {
        self.interval.saturating_mul(amount)
    }

    /// How long it takes until there is so much; `None` if it is there.
    pub(super) fn wait_for(&self, amount: u64, now: u64) -> Option<u64> {
        let full_at = self.full_at.max(now).saturating_add(self.time_of(amount));
        let next = full_at.saturating_sub(self.time_of(self.usable()));
        next.checked_sub(now).filter(|wait| *wait > 0)
    }

    pub(super) fn take(&mut self, amount: u64, now: u64) {
        self.full_at = self.full_at.max(now).saturating_add(self.time_of(amount));
        if let Some(part) = self.interval.checked_div(self.haste) {
            self.interval = (self.interval - part.min(self.interval / 2)).max(1);
        }
    }

    pub(super) fn give_back(&mut self, amount: u64) {
        self.full_at = self.full_at.saturating_sub(self.time_of(amount));
    }

    /// How much is there.
    pub(super) fn left(&self, now: u64) -> u64 {
        let missing = self.full_at.saturating_sub(now).div_ceil(self.interval);
        self.usable().saturating_sub(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn tokens_come_one_by_one_after_a_refusal() {
        let mut bucket = Bucket::empty_until(10 * SECOND, 60 * SECOND, 60);
        assert_eq!(bucket.wait_for(1, 5 * SECOND), Some(5 * SECOND));
        assert_eq!(bucket.wait_for(3, 5 * SECOND), Some(7 * SECOND));
        assert_eq!(bucket.wait_for(1, 10 * SECOND), None);
        bucket.take(1, 10 * SECOND);
        assert_eq!(bucket.wait_for(1, 10 * SECOND), Some(SECOND));
        assert_eq!(bucket.wait_for(1, 11 * SECOND), None);
        // Full again after a minute: all but one of the tokens at once.
        let later = 100 * SECOND;
        let mut burst = 0;
        while bucket.wait_for(1, later).is_none() {
            bucket.take(1, later);
            burst += 1;
        }
        assert_eq!((burst, bucket.left(later)), (59, 0));
    }
}
