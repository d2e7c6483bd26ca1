//! The start, while nothing is known.

use crate::quota::bytes::record;

/// Requests that are sent at once at first; each that passes allows one more.
const FIRST: u64 = 2;
/// No more than this while the start is careful, and no more than that after it.
const FEW: u64 = 2;
const MANY: u64 = 8;
/// From so many for each of those under way on it is more: an eighth of those that passed while the start is
/// careful, a quarter after it.
const EIGHTH: u64 = 8;
const QUARTER: u64 = 4;

/// So long in all others may be held back by care, in nanoseconds: one answer of a model takes longer.
const CAREFUL: u64 = 400_000_000;
/// Where it takes no longer until the next is sent, care costs nothing that is worth to count; and what takes
/// longer than that is a pause of the caller's.
const FAST: u64 = 100_000_000;
const PAUSE: u64 = 500_000_000;
/// Of a server that answered once as fast as that, only this part counts: it is the caller who is slow.
const PART: u64 = 4;

/// As many as are under way when a limit is reached are refused, so it is felt with few at a time. Where
/// answers take long that ends soon, so that it costs about one answer's time.
#[derive(Clone, Copy, Default)]
pub(super) struct Start {
    /// When the last request was sent, and whether the next had to wait for an answer.
    last: u64,
    is_full: bool,
    /// How long others were held back.
    held: u64,
    /// Whether the server has answered fast.
    is_fast: bool,
}

record!(Start { last, is_full, held, is_fast });

impl Start {
    /// Whether it can be reckoned with.
    pub(super) fn is_sound(&self) -> bool {
        self.last < 1 << 62 && self.held < 1 << 62
    }

    fn is_careful(&self) -> bool {
        self.held < CAREFUL
    }

    /// A request is sent after so many that passed, and so many are under way, itself included.
    pub(super) fn sent(&mut self, passed: u64, under_way: u64, now: u64) {
        if !self.is_careful() {
            return;
        }
        if self.is_full {
            let held = now.saturating_sub(self.last).min(PAUSE).saturating_sub(FAST);
            self.held += if self.is_fast { held / PART } else { held };
        }
        (self.last, self.is_full) = (now, under_way >= self.at_once(passed));
    }

    /// A request was answered that was sent then.
    pub(super) fn answered(&mut self, at: u64, now: u64) {
        self.is_fast |= now.saturating_sub(at) <= FAST;
    }

    /// How many may be under way at once, after so many that passed.
    pub(super) fn at_once(&self, passed: u64) -> u64 {
        let most = match self.is_careful() {
            true => FEW.max(passed / EIGHTH),
            false => MANY.max(passed / QUARTER),
        };
        (FIRST + passed).min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: u64 = 1_000_000;

    /// When so many have passed, in milliseconds, where each answer takes so long.
    fn takes(count: u64, each: u64) -> u64 {
        let (mut start, mut passed, mut now) = (Start::default(), 0, 1);
        while passed < count {
            let at_once = start.at_once(passed);
            (1..=at_once).for_each(|under_way| start.sent(passed, under_way, now));
            passed += at_once;
            now += each * MILLISECOND;
        }
        now / MILLISECOND
    }

    #[test]
    fn care_is_taken_where_it_is_cheap() {
        // Two at a time.
        assert_eq!(takes(20, 20), 200);
        // Eight at a time it would be 3 s from the first on.
        let slow = takes(46, 500);
        assert!((3000..=4000).contains(&slow), "{slow}");
    }

    #[test]
    fn a_caller_that_is_slow_takes_care_for_longer() {
        let slow = |is_fast| {
            let mut start = Start { is_fast, ..Start::default() };
            (1..8).for_each(|at| start.sent(at, FEW, at * 150 * MILLISECOND));
            (8..11).for_each(|at| start.sent(at, FEW, at * 400 * MILLISECOND));
            start.at_once(15)
        };
        assert_eq!((slow(true), slow(false)), (FEW, MANY));
    }

    #[test]
    fn a_pause_is_no_care() {
        let mut start = Start::default();
        for at in 1..100 {
            start.sent(at, 1, at * 1000 * MILLISECOND);
        }
        assert_eq!(start.at_once(15), FEW);
    }
}
