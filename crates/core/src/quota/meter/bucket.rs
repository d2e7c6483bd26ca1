//! A token bucket, as the generic cell rate algorithm (GCRA).

use crate::quota::bytes::record;

/// Something that is refilled evenly: one unit each `interval` nanoseconds, up to `burst` of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    interval: u64,
    burst: u64,
    /// When the bucket will be full if nobody takes from it.
    full_at: u64,
    /// It is filled no faster than this.
    fastest: u64,
    /// When the refusal came of which it was learned last how fast it is.
    learned_at: u64,
}

record!(Bucket { interval, burst, full_at, fastest, learned_at });

/// Where others take from a bucket, it is as likely as not that there are so many in all; and whoever got less
/// by chance is reckoned with no less of it at first than one part of so many.
const USUAL_PARTIES: f64 = 4.0;
const MOST_PARTIES: f64 = 8.0;
/// The longer no request was refused the faster it is tried to be, with each that is taken: by the time since then
/// in units of the bucket, over twice this. More would be faster when others go, and refused more often.
const CALM: u64 = 200;
/// No bucket is taken to be full later than this, in nanoseconds, or filled more slowly.
const LATEST: u64 = 1 << 62;
const SLOWEST: u64 = 1 << 60;

impl Bucket {
    /// A bucket that is filled in `window` nanoseconds, and has nothing before `next`.
    pub(super) fn empty_until(next: u64, window: u64, limit: u64) -> Self {
        let limit = limit.max(1);
        let interval = (window / limit).clamp(1, SLOWEST);
        let mut bucket =
            Bucket { interval, burst: limit, full_at: next, fastest: interval, learned_at: 0 };
        bucket.refused_until(next);
        bucket
    }

    /// The server has nothing before `next`.
    pub(super) fn refused_until(&mut self, next: u64) {
        let until_full = self.time_of(self.usable().saturating_sub(1));
        self.full_at = next.saturating_add(until_full).min(LATEST);
    }

    /// A request was refused that was sent at `at`, although `lately` were admitted in the time in which all of
    /// it is filled. The server has nothing before `next`.
    pub(super) fn refused(&mut self, at: u64, lately: u64, next: u64, now: u64) {
        let is_alone = lately.saturating_mul(8) >= self.burst.saturating_mul(7);
        let is_first = self.learned_at == 0;
        if is_first || at > self.learned_at {
            self.learned_at = now.max(1);
            if is_alone {
                // It is filled a little more slowly than was thought.
                self.interval = self.interval.saturating_add((self.interval / 50).max(1));
            } else if is_first {
                // Others take from it, too: what was got so far is this process's part.
                let parties = self.burst as f64 / lately.max(1) as f64;
                let parties = (parties * USUAL_PARTIES).sqrt().clamp(1.0, MOST_PARTIES);
                self.interval = (self.fastest as f64 * parties) as u64;
            } else {
                self.interval = self.interval.saturating_mul(8) / 5;
            }
            let slowest = self.fastest.saturating_mul(self.burst).min(1 << 60);
            self.interval = self.interval.min(slowest.max(self.fastest));
        }
        // Those who were refused at the same time do not come back at the same time: what differs between them
        // is the end of the number.
        let apart = if is_alone { 0 } else { self.interval / 1024 * (at / 1000 % 1024) };
        self.refused_until(next.saturating_add(apart));
    }

    /// It was empty, and gave so much in this time until it was empty again. Says whether that fits to a
    /// bucket.
    pub(super) fn refused_after(&mut self, count: u64, time: u64, now: u64) -> bool {
        // There may have been up to one unit left. A pace that is too fast
        // is refused in time, and if it is too slow no refusal comes: see Felt::is_overdue.
        let seen = time.saturating_mul(2) / count.saturating_mul(2).saturating_add(1);
        if seen / 4 > self.interval {
            return false;
        }
        self.interval = seen.clamp(1, SLOWEST);
        self.fastest = self.interval;
        self.refused_until(now.saturating_add(self.interval / 2));
        true
    }

    /// It is filled faster than was thought, by one part of so many.
    pub(super) fn speed_up(&mut self, part: u64) {
        self.interval = (self.interval - self.interval / part.clamp(2, 64)).max(1);
        self.fastest = self.interval;
    }

    pub(super) fn is_half_full(&self, now: u64) -> bool {
        self.left(now) > self.burst / 2
    }

    /// Whether it can be reckoned with.
    pub(super) fn is_sound(&self) -> bool {
        (1..1 << 61).contains(&self.interval)
            && (1..=self.interval).contains(&self.fastest)
            && self.burst >= 1
            && self.full_at < 1 << 63
            && self.learned_at < 1 << 63
    }

    /// A bit less than it holds is used, for what happens between here and there.
    fn usable(&self) -> u64 {
        (self.burst - (self.burst / 64 + 1).min(self.burst)).max(1)
    }

    /// The most that is ever there.
    pub(super) fn most(&self) -> u64 {
        self.usable()
    }

    pub(super) fn time_of(&self, amount: u64) -> u64 {
        self.interval.saturating_mul(amount)
    }

    /// How long it takes until there is so much; `None` if it is there.
    pub(super) fn wait_for(&self, amount: u64, now: u64) -> Option<u64> {
        let full_at = self.full_at.max(now).saturating_add(self.time_of(amount));
        let next = full_at.saturating_sub(self.time_of(self.usable()));
        next.checked_sub(now).filter(|wait| *wait > 0)
    }

    pub(super) fn take(&mut self, amount: u64, now: u64) {
        self.full_at = self.full_at.max(now).saturating_add(self.time_of(amount)).min(LATEST);
        if self.interval > self.fastest && self.learned_at > 0 {
            // Perhaps the others have gone.
            let calm = now.saturating_sub(self.learned_at) / self.fastest.saturating_mul(2);
            let part = self.interval / CALM * calm.min(CALM / 4);
            self.pace(self.interval.saturating_sub(part), now);
        }
    }

    /// From now on one comes each so many nanoseconds; what is there stays.
    fn pace(&mut self, interval: u64, now: u64) {
        let interval = interval.max(self.fastest);
        let missing = self.full_at.saturating_sub(now) as f64 / self.interval as f64;
        self.interval = interval;
        let until_full = (missing * interval as f64) as u64;
        self.full_at = self.full_at.min(now).saturating_add(until_full).min(LATEST);
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

    #[test]
    fn what_makes_no_sense_leaves_a_bucket_that_can_be_kept() {
        for (next, window, limit) in [(1, u64::MAX, 1 << 60), (u64::MAX, u64::MAX, 1), (0, 0, 0)] {
            let bucket = Bucket::empty_until(next, window, limit);
            assert!(bucket.is_sound(), "{bucket:?}");
        }
    }

    #[test]
    fn who_shares_a_bucket_takes_its_part_and_more_when_the_others_go() {
        // 15 of 60 were got before the first refusal: a quarter.
        let mut bucket = Bucket::empty_until(SECOND, 60 * SECOND, 60);
        bucket.refused(SECOND, 15, 2 * SECOND, 2 * SECOND);
        assert_eq!(bucket.interval, 4 * SECOND);
        // Others that were refused at the same time say no more.
        bucket.refused(SECOND, 14, 2 * SECOND, 2 * SECOND);
        assert_eq!(bucket.interval, 4 * SECOND);
        let mut now = 10 * SECOND;
        for _ in 0..100 {
            bucket.take(1, now);
            let wait = bucket.wait_for(1, now).unwrap_or_default();
            assert!(wait <= 4 * SECOND, "{wait}");
            now += wait;
        }
        assert_eq!(bucket.interval, SECOND);
        bucket.refused(now, 40, now + SECOND, now + 1);
        assert!(bucket.interval > SECOND + SECOND / 2 && bucket.is_sound());
        // Alone it is the clock that is a bit wrong.
        let mut alone = Bucket::empty_until(SECOND, 60 * SECOND, 60);
        alone.refused(SECOND, 60, 2 * SECOND, 2 * SECOND);
        assert!(alone.interval < SECOND + SECOND / 10);
    }
}
