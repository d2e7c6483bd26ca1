//! A token bucket, as the generic cell rate algorithm (GCRA).

use std::time::Duration;

use super::bytes::record;

/// Tokens that are refilled evenly: one each `interval`, up to `burst`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    interval: Duration,
    burst: u32,
    /// When the bucket will be full if nobody takes from it.
    full_at: Duration,
}

record!(Bucket { interval, burst, full_at });

impl Bucket {
    /// A bucket that has its next token at `next`.
    pub(super) fn empty_until(next: Duration, window: Duration, limit: u32) -> Self {
        let limit = limit.max(1);
        let mut bucket = Bucket { interval: window / limit, burst: limit, full_at: next };
        bucket.refused_until(next);
        bucket
    }

    /// The server has no token before `next`.
    pub(super) fn refused_until(&mut self, next: Duration) {
        // One less than it holds is used, for what happens between here and there.
        self.full_at = next + self.interval * self.usable().saturating_sub(1);
    }

    /// It is filled a little more slowly than was thought.
    pub(super) fn slow_down(&mut self) {
        self.interval = self.interval.mul_f64(1.02);
    }

    /// Whether it can be reckoned with.
    pub(super) fn is_sound(&self) -> bool {
        self.interval.as_secs() < 1 << 31 && self.burst >= 1
    }

    fn usable(&self) -> u32 {
        self.burst.saturating_sub(1).max(1)
    }

    /// How long the sender has to wait who has so many in front of it.
    pub(super) fn wait_for(&self, ahead: usize, now: Duration) -> Option<Duration> {
        let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
        let full_at = self.full_at.max(now).saturating_add(self.interval.saturating_mul(ahead));
        let next = full_at.saturating_sub(self.interval * (self.usable() - 1));
        next.checked_sub(now).filter(|wait| !wait.is_zero())
    }

    pub(super) fn take(&mut self, now: Duration) {
        self.full_at = self.full_at.max(now) + self.interval;
    }

    pub(super) fn give_back(&mut self) {
        self.full_at = self.full_at.saturating_sub(self.interval);
    }

    /// How many tokens are there.
    pub(super) fn tokens(&self, now: Duration) -> u32 {
        let missing = self.full_at.saturating_sub(now).as_nanos();
        let missing = missing.div_ceil(self.interval.as_nanos().max(1));
        self.usable().saturating_sub(u32::try_from(missing).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn tokens_come_one_by_one_after_a_refusal() {
        let mut bucket = Bucket::empty_until(10 * SECOND, 60 * SECOND, 60);
        assert_eq!(bucket.wait_for(0, 5 * SECOND), Some(5 * SECOND));
        assert_eq!(bucket.wait_for(2, 5 * SECOND), Some(7 * SECOND));
        assert_eq!(bucket.wait_for(0, 10 * SECOND), None);
        bucket.take(10 * SECOND);
        assert_eq!(bucket.wait_for(0, 10 * SECOND), Some(SECOND));
        assert_eq!(bucket.wait_for(0, 11 * SECOND), None);
        // Full again after a minute: all but one of the tokens at once.
        let later = 100 * SECOND;
        let mut burst = 0;
        while bucket.wait_for(0, later).is_none() {
            bucket.take(later);
            burst += 1;
        }
        assert_eq!((burst, bucket.tokens(later)), (59, 0));
    }
}
