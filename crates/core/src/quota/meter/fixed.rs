//! One window after the other, at certain times of the server's clock.

use std::time::Duration;

use crate::quota::ages::Ages;
use crate::quota::bytes::record;
use crate::quota::clock::ServerClock;
use crate::quota::nanos;

/// In microseconds.
const SECOND: i64 = 1_000_000;

/// No more is counted, so that sums stay within a number.
const MOST: u64 = 1 << 62;

/// Requests that are sent so close to a window's end may be counted in the next one.
pub(in crate::quota) const TRANSIT: Duration = Duration::from_millis(250);

/// So long after a whole minute it is tried whether the next window has begun, in microseconds.
const GUESS_LATER: i64 = 30_000;

/// What is used of the current window.
#[derive(Clone)]
pub(super) struct Fixed {
    /// Windows begin so much later than whole multiples of their length since 1970, in microseconds: at
    /// least and at the most.
    phase: [i64; 2],
    /// The number of the current window since 1970, and since when that is clear, in nanoseconds.
    index: i64,
    began: u64,
    /// What is, or may be, counted in this window; and that part of it which was sent before it, from this
    /// time on, and may have been counted in the last one.
    used: u64,
    carried: u64,
    carried_from: u64,
    /// What was used of the window before, and since when.
    last: (u64, u64),
    /// What was sent since this time is remembered, because the window may end soon.
    fresh_from: u64,
    /// What was sent in the last two seconds, but for what an answer proved to be counted in this window.
    fresh: Ages<64, 25>,
}

record!(Fixed { phase, index, began, used, carried, carried_from, last, fresh_from, fresh });

/// Whether another window is the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rolled {
    Same,
    /// The clock proved to be behind its estimate.
    Back,
    /// The next window, or a later one.
    On,
}

impl Fixed {
    pub(super) fn new() -> Self {
        Fixed {
            phase: [0; 2],
            index: i64::MIN,
            began: 0,
            used: 0,
            carried: 0,
            carried_from: 0,
            last: (0, 0),
            fresh_from: 0,
            fresh: Ages::default(),
        }
    }

    /// Windows that begin some time between these two, in nanoseconds of the local clock, and every `length`.
    pub(super) fn beginning(begins: (u64, u64), length: i64, clock: &ServerClock) -> Self {
        let earliest = clock.earliest(Duration::from_nanos(begins.0));
        let width = i64::try_from(begins.1.saturating_sub(begins.0) / 1000).unwrap_or(length);
        let early = earliest.rem_euclid(length);
        let phase = [early, early + width.min(length - 1)];
        Fixed { phase, ..Fixed::new() }
    }

    /// The number of what follows on this window, and the time by the server's clock, at the earliest, in
    /// microseconds since it would begin if windows were aligned.
    fn since_next(&self, length: i64, at: u64, clock: &ServerClock) -> i64 {
        let begins = self.index.saturating_add(1).saturating_mul(length);
        clock.earliest(Duration::from_nanos(at)).saturating_sub(begins)
    }

    /// The next window had begun when this was sent, though it was not certain.
    pub(super) fn begun_by(&mut self, length: i64, at: u64, clock: &ServerClock) {
        let [earliest, latest] = self.phase;
        self.phase[1] = self.since_next(length, at, clock).clamp(earliest, latest);
    }

    /// The next window had not begun when this was sent.
    pub(super) fn not_begun_by(&mut self, length: i64, at: u64, clock: &ServerClock) {
        let [earliest, latest] = self.phase;
        self.phase[0] = self.since_next(length, at, clock).clamp(earliest, latest);
    }

    /// Windows begin later than was thought.
    pub(super) fn put_off(&mut self, by: Duration, length: i64) {
        let [earliest, latest] = self.phase;
        let latest = latest.saturating_add(by.as_micros() as i64).min(2 * length);
        self.phase = [earliest.max(latest.saturating_sub(length)), latest];
    }

    /// When the next window may have begun, and it is worth to try: at a whole multiple of its length if that
    /// is possible, else in the middle of what is possible. `None` if that is clear to a quarter of a second.
    pub(super) fn until_guess(
        &self,
        length: i64,
        clock: &ServerClock,
        now: Duration,
    ) -> Option<Duration> {
        let [earliest, latest] = self.phase;
        if latest.saturating_sub(earliest) < SECOND / 4 {
            return None;
        }
        let aligned = [0, length].into_iter().find(|phase| (earliest..latest).contains(phase));
        let guess = aligned.map_or(earliest / 2 + latest / 2, |aligned| aligned + GUESS_LATER);
        let since = self.since_next(length, nanos(now), clock);
        Some(micros(guess.saturating_sub(since)))
    }

    /// So much is used of the current window.
    pub(super) fn used_up(used: u64, length: i64, clock: &ServerClock, now: Duration) -> Self {
        let mut fixed = Fixed::new();
        fixed.roll(length, clock, now);
        fixed.used = used;
        fixed
    }

    /// Whether it can be reckoned with.
    pub(super) fn is_sound(&self, length: i64) -> bool {
        let [earliest, latest] = self.phase;
        self.carried <= self.used
            && self.used.max(self.last.0) <= MOST
            && (0..=latest).contains(&earliest)
            && latest - earliest <= length
            && latest <= 2 * length
            && (self.index == i64::MIN || self.index.unsigned_abs() < 1 << 61)
    }

    pub(super) fn used(&self) -> u64 {
        self.used
    }

    pub(super) fn carried(&self) -> u64 {
        self.carried
    }

    /// Whether what was admitted then is counted in this window and nowhere else.
    pub(super) fn is_current(&self, at: u64) -> bool {
        at >= self.began
    }

    /// The earliest and the latest time of the windows' own clock.
    fn bounds(&self, clock: &ServerClock, now: Duration) -> (i64, i64) {
        let [earliest, latest] = self.phase;
        (clock.earliest(now).saturating_sub(latest), clock.latest(now).saturating_sub(earliest))
    }

    /// The time until the next window has certainly begun.
    pub(super) fn until_next(&self, length: i64, clock: &ServerClock, now: Duration) -> Duration {
        micros(length - self.bounds(clock, now).0.rem_euclid(length))
    }

    /// When this window has certainly begun, and when it has ended.
    pub(super) fn span(
        &self,
        length: i64,
        clock: &ServerClock,
        now: Duration,
    ) -> (Duration, Duration) {
        let now = now - Duration::from_nanos(u64::from(now.subsec_nanos() % 1000));
        let into = self.bounds(clock, now).0.rem_euclid(length);
        (now.saturating_sub(micros(into)), now.saturating_add(micros(length - into)))
    }

    /// Which window has certainly begun.
    pub(super) fn compare(&self, length: i64, clock: &ServerClock, now: Duration) -> Rolled {
        match self.bounds(clock, now).0.div_euclid(length).cmp(&self.index) {
            std::cmp::Ordering::Less => Rolled::Back,
            std::cmp::Ordering::Equal => Rolled::Same,
            std::cmp::Ordering::Greater => Rolled::On,
        }
    }

    /// Goes on to the window that has certainly begun.
    pub(super) fn roll(&mut self, length: i64, clock: &ServerClock, now: Duration) {
        let (earliest, latest) = self.bounds(clock, now);
        let index = earliest.div_euclid(length);
        if index > self.index {
            // What was sent shortly before may have arrived after the window began.
            let begin = index.saturating_mul(length);
            let ago = latest.saturating_sub(begin).saturating_add(TRANSIT.as_micros() as i64);
            self.carried_from = nanos(now.saturating_sub(micros(ago)));
            let carried = self.fresh.since(self.carried_from);
            self.last = (self.used, self.began);
            // What is remembered began with the window before.
            self.carried = if index == self.index + 1 { carried.min(self.used) } else { carried };
            self.used = self.carried;
            self.began = nanos(now);
        } else if index < self.index {
            // Back, because the clock proved to be behind its estimate: what was sent still counts.
            let (used, began) = self.last;
            self.used = used.saturating_add(self.used - self.carried).min(MOST);
            (self.began, self.carried, self.last) = (began, 0, (0, 0));
        }
        self.index = index;
        let width = micros(latest.saturating_sub(earliest)) + TRANSIT + Duration::from_millis(50);
        let end = now.saturating_add(micros(length - earliest.rem_euclid(length)));
        // A guess at the clock says nothing of how far away the end is.
        self.fresh_from = if clock.is_observed() { nanos(end.saturating_sub(width)) } else { 0 };
    }

    #[inline]
    pub(super) fn take(&mut self, amount: u64, now: u64) {
        self.used = self.used.saturating_add(amount).min(MOST);
        if now >= self.fresh_from {
            self.fresh.roll(now, |_, _| {});
            self.fresh.add(small(amount), now);
        }
    }

    /// What was admitted then was counted with so much more.
    pub(super) fn take_at(&mut self, amount: u64, at: u64) {
        if self.is_current(at) {
            self.used = self.used.saturating_add(amount);
        }
    }

    /// What was admitted then was not counted at all; says whether that concerns this window.
    pub(super) fn give_back(&mut self, amount: u64, at: u64) {
        let was_fresh = self.fresh.remove(small(amount), at);
        if self.is_current(at) {
            self.used = self.used.saturating_sub(amount);
            self.carried = self.carried.min(self.used);
        } else if was_fresh && at >= self.carried_from {
            self.free_carried(amount);
        }
    }

    /// What was admitted then was counted before the window of this number ended.
    pub(super) fn counted_by(&mut self, last: i64, amount: u64, at: u64) {
        if last > self.index {
            return;
        }
        if self.is_current(at) {
            self.fresh.remove(small(amount), at);
        } else if last < self.index
            && at >= self.carried_from
            && self.fresh.remove(small(amount), at)
        {
            self.free_carried(amount);
        }
    }

    /// So much of what is carried was counted in the last window.
    pub(super) fn free_carried(&mut self, amount: u64) {
        let amount = amount.min(self.carried);
        self.carried -= amount;
        self.used -= amount;
    }

    /// The number of the window that a time of the server's clock is in, in microseconds since 1970.
    pub(super) fn index_of(&self, length: i64, at: i64) -> i64 {
        at.saturating_sub(self.phase[0]).div_euclid(length)
    }

    pub(super) fn index(&self) -> i64 {
        self.index
    }

    /// Whether a window may end within this time.
    pub(super) fn may_end_within(
        &self,
        length: i64,
        clock: &ServerClock,
        from: Duration,
        to: Duration,
    ) -> bool {
        if !clock.is_observed() {
            return true;
        }
        let windows = |at: i64| at.div_euclid(length);
        let (earliest, latest) = (self.bounds(clock, from).0, self.bounds(clock, to).1);
        windows(earliest.saturating_sub(1)) < windows(latest)
    }

    /// The server said that the window ends within the second before `end`.
    pub(super) fn observe_end(&self, length: i64, clock: &mut ServerClock, end: Duration) {
        // The end that is nearest to the middle of what the clock and that second leave open.
        let (earliest, latest) = self.bounds(clock, end);
        let middle = (earliest / 2 + latest / 2).saturating_sub(SECOND / 2);
        let nearest = middle.saturating_add(length / 2).div_euclid(length) * length;
        let [early, late] = self.phase;
        let begin = nearest.saturating_add(early);
        clock.observe_between(begin, nearest.saturating_add(late).saturating_add(SECOND), end);
    }

    /// Whether what was sent then can only have been counted before this window.
    pub(super) fn is_over(&self, length: i64, clock: &ServerClock, at: Duration) -> bool {
        self.bounds(clock, at + TRANSIT).1.div_euclid(length) < self.index
    }
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

fn small(amount: u64) -> u32 {
    u32::try_from(amount).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::Timestamp;

    #[test]
    fn a_clock_that_goes_back_adds_no_more_than_the_most() {
        let length = 60 * SECOND;
        let clock =
            |seconds| ServerClock::new(Timestamp::from_unix_seconds(seconds), Duration::ZERO);
        let mut fixed = Fixed::used_up(MOST, length, &clock(600), Duration::ZERO);
        fixed.roll(length, &clock(660), Duration::ZERO);
        fixed.take(MOST, 0);
        fixed.roll(length, &clock(600), Duration::ZERO);
        assert_eq!(fixed.used(), MOST);
        assert!(fixed.is_sound(length));
    }
}
