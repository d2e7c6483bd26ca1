//! One window after the other, aligned to the server's clock.

use std::time::Duration;

use super::Settlement;
use super::bytes::record;
use super::clock::ServerClock;
use super::flight::Flight;
use super::recent::{Recent, Sent};
use super::store::{Delay, Grant, Stand};
use super::told::{PATIENCE, Told, ToldGate};

/// In microseconds.
const SECOND: i64 = 1_000_000;

/// Requests that are sent so close to a window's end may be counted in the next one.
pub(super) const TRANSIT: Duration = Duration::from_millis(250);

/// How many are sent at once before anything is known of the limit; each that passes allows one more.
/// Whoever begins in a window that others have used up is refused no more often than this.
const FIRST: u64 = 1;

/// After so many windows that were used up without a refusal, one request more is tried: the limit may
/// have been raised, which nothing else tells where headers come with refusals only.
const RETRY: u32 = 10;

/// How often a sender should ask again whose turn depends on answers that are under way.
const LOOK: Duration = Duration::from_millis(50);

#[derive(Clone)]
pub(super) struct Window {
    length: i64,
    /// The limit that the program gave.
    given: Option<u32>,
    /// The limit that the server told.
    told: Option<u32>,
    /// The limit that refusals taught, and what it was when this window began.
    learned: Option<u32>,
    learned_before: Option<u32>,
    /// The number of the current window since 1970.
    index: i64,
    /// Requests that are, or may be, counted in this window; and those of them that were sent before
    /// it and may have been counted in the last one.
    used: u32,
    carried: u32,
    /// How many were admitted when this window, or the last one in which that happened, ended early.
    count: Option<u32>,
    last_count: Option<u32>,
    /// Others use the key: so many requests of a window are this process's own by experience, and
    /// beyond them it feels its way.
    share: Option<u32>,
    /// Windows that were used up without a refusal.
    full: u32,
    /// This window is not held to the limit.
    trying: bool,
    headers: Told,
}

record!(Window {
    length,
    given,
    told,
    learned,
    learned_before,
    index,
    used,
    carried,
    count,
    last_count,
    share,
    full,
    trying,
    headers,
});

/// The longest window that processes share: a year, in microseconds.
pub(super) const LONGEST: i64 = 366 * 24 * 3600 * SECOND;

impl Window {
    pub(super) fn new(length: Duration, limit: Option<u32>) -> Self {
        Window {
            length: i64::try_from(length.as_micros()).unwrap_or(i64::MAX).max(1),
            given: limit.map(|limit| limit.max(1)),
            told: None,
            learned: None,
            learned_before: None,
            index: i64::MIN,
            used: 0,
            carried: 0,
            count: None,
            last_count: None,
            share: None,
            full: 0,
            trying: false,
            headers: Told::default(),
        }
    }

    /// Whether it can be reckoned with.
    pub(super) fn is_sound(&self) -> bool {
        let limits = [self.given, self.told, self.learned, self.learned_before];
        (1..=LONGEST).contains(&self.length)
            && self.carried <= self.used
            && self.full < 1 << 31
            && self.headers.is_sound()
            && limits.into_iter().flatten().all(|limit| limit >= 1)
            && (self.index == i64::MIN || self.index.unsigned_abs() < 1 << 61)
    }

    /// The limit that this process was given.
    pub(super) fn give(&mut self, limit: Option<u32>) {
        self.given = limit.map(|limit| limit.max(1)).or(self.given);
    }

    /// Takes limits that it does not know.
    pub(super) fn learn_from(&mut self, other: &Window) {
        self.told = self.told.or(other.told);
        self.learned = self.learned.or(other.learned);
    }

    pub(super) fn length(&self) -> Duration {
        micros(self.length)
    }

    /// What the server told outweighs what the program said, and both what was learned.
    pub(super) fn limit(&self) -> Option<u32> {
        self.told_limit().or(self.learned)
    }

    pub(super) fn told_limit(&self) -> Option<u32> {
        self.told.or(self.given)
    }

    /// How many requests of one window are sent at the most.
    fn cap(&self) -> Option<u32> {
        if self.trying {
            return None;
        }
        // With others about, refusals do not teach the limit.
        self.told_limit().or(self.learned.filter(|_| self.share.is_none()))
    }

    pub(super) fn remaining(&self) -> Option<u32> {
        self.limit().map(|limit| limit.saturating_sub(self.used))
    }

    /// Takes a limit that the server told.
    pub(super) fn set_limit(&mut self, limit: u32) {
        self.told = Some(limit.max(1));
    }

    /// The time at which this window has certainly begun, and that at which it has ended.
    pub(super) fn bounds(&self, clock: &ServerClock, now: Duration) -> (Duration, Duration) {
        let now = now - Duration::from_nanos(u64::from(now.subsec_nanos() % 1000));
        let into = clock.earliest(now).rem_euclid(self.length);
        (now.saturating_sub(micros(into)), now.saturating_add(micros(self.length - into)))
    }

    /// Goes on to the window that has certainly begun at `now`.
    pub(super) fn roll(&mut self, clock: &ServerClock, recent: &mut Recent, now: Duration) {
        let index = clock.earliest(now).div_euclid(self.length);
        if index <= self.index {
            // Back, because the clock proved to be behind its estimate: what was sent still counts.
            for sent in recent.newest_mut().take_while(|sent| sent.window > index) {
                sent.window = index;
            }
            self.index = index;
            return;
        }
        self.conclude();
        self.index = index;
        self.carried = 0;
        // Each request that was sent shortly before may have arrived after the window began.
        let begin = index.saturating_mul(self.length);
        for sent in recent.newest_mut() {
            if clock.latest(sent.at + TRANSIT) < begin {
                break;
            }
            if !sent.counted {
                (sent.window, sent.carried) = (index, true);
                self.carried += 1;
            }
        }
        self.used = self.carried;
    }

    /// Learns from a window that is over.
    fn conclude(&mut self) {
        let own = self.used - self.carried;
        if let Some(limit) = self.limit() {
            self.headers.roll(limit, own);
        }
        match self.count.take() {
            Some(count) => (self.last_count, self.full) = (Some(count), 0),
            None if self.cap().is_some_and(|cap| self.used >= cap) => {
                // All of it was there for this process alone.
                self.share = None;
                self.full += 1;
            }
            None => {}
        }
        self.learned_before = self.learned;
        self.trying = false;
        if self.full >= RETRY && self.given.is_none() && !self.headers.on_success {
            (self.full, self.trying) = (0, true);
            self.share = self.limit();
        }
    }

    /// How long the sender has to wait who stands there; `None` if it may send.
    #[inline]
    pub(super) fn delay(
        &self,
        stand: Stand,
        clock: &ServerClock,
        flight: &Flight,
        recent: &Recent,
        now: Duration,
    ) -> Option<Delay> {
        let ahead = stand.ahead;
        if let Some(cap) = self.cap() {
            let left = cap.saturating_sub(self.used) as usize;
            if let Some(behind) = ahead.checked_sub(left) {
                return Some(Delay::exactly(self.until_window(behind, cap, clock, now)));
            }
        }
        // What most are admitted by: a limit that is all one's own.
        if self.share.is_none() && self.limit().is_some() && !self.headers.on_success {
            return None;
        }
        self.delay_of_unsure(stand, clock, flight, recent, now)
    }

    /// The same where others use the quota, or where nothing is known of it.
    fn delay_of_unsure(
        &self,
        stand: Stand,
        clock: &ServerClock,
        flight: &Flight,
        recent: &Recent,
        now: Duration,
    ) -> Option<Delay> {
        let ahead = stand.ahead;
        let next = || self.until_next(clock, now);
        let ends = |least: Duration, again: Option<Duration>| {
            let next = next();
            let again = again.map_or(next, |again| again.min(next));
            Some(Delay { least: least.min(next), again })
        };
        if let (true, Some(limit)) = (self.headers.on_success, self.told) {
            let young = || recent.young(PATIENCE, now);
            return match self.headers.gate(limit, self.used) {
                ToldGate::Open => None,
                ToldGate::AtOnce(most) => {
                    let over =
                        (young().count() + ahead + 1).checked_sub(most).filter(|it| *it > 0)?;
                    ends(LOOK, over_in(young(), over, PATIENCE))
                }
                // As many are left by what was told: perhaps those have gone for whom they were kept.
                ToldGate::Rest(rest) if stand.waiting <= rest as usize => match young().next() {
                    None if ahead == 0 => None,
                    Some(youngest) if ahead == 0 => ends(LOOK, Some(PATIENCE - youngest)),
                    _ => ends(LOOK, None),
                },
                ToldGate::Rest(_) => Some(Delay::exactly(next())),
            };
        }
        let uncertain = || flight.uncertain(recent, now);
        let after = flight.presumed_after();
        let first = || uncertain().last().map_or(after, |age| after - age);
        match (self.share, self.limit()) {
            (Some(share), limit) => {
                let free = share.saturating_sub(self.used) as usize;
                if ahead < free {
                    return None;
                }
                if ahead > 0 {
                    // Those in front are why it waits, and whoever is admitted wakes the next.
                    let limit = limit.unwrap_or(u32::MAX);
                    let left = limit.saturating_sub(self.used) as usize;
                    let behind = ahead.saturating_sub(left);
                    let again = self.until_window(behind, limit, clock, now);
                    return Some(Delay { least: first().min(next()), again });
                }
                let youngest = uncertain().next()?;
                ends(first(), Some(after - youngest))
            }
            (None, Some(_)) => None,
            (None, None) => {
                let count = uncertain().count();
                let allowed = FIRST + flight.passed(count);
                let over = ((count + ahead) as u64).checked_sub(allowed)?;
                // Each that is presumed to be admitted is one less, and allows one more.
                let presumed = usize::try_from(over / 2 + 1).unwrap_or(usize::MAX);
                ends(first(), over_in(uncertain(), presumed, after))
            }
        }
    }

    /// The time until the window in which so many have gone before.
    fn until_window(
        &self,
        behind: usize,
        cap: u32,
        clock: &ServerClock,
        now: Duration,
    ) -> Duration {
        let windows = i64::try_from(behind / cap.max(1) as usize).unwrap_or(i64::MAX);
        let more = micros(windows.saturating_mul(self.length));
        self.until_next(clock, now).saturating_add(more)
    }

    /// The time until the next window has certainly begun.
    pub(super) fn until_next(&self, clock: &ServerClock, now: Duration) -> Duration {
        let earliest = clock.earliest(now);
        micros(self.length - earliest.rem_euclid(self.length))
    }

    /// Counts a request; says in which window.
    pub(super) fn admit(&mut self) -> i64 {
        self.used = self.used.saturating_add(1);
        self.index
    }

    /// A request was refused; says whether that was in this window.
    pub(super) fn refused(
        &mut self,
        grant: &Grant,
        clock: &ServerClock,
        recent: &mut Recent,
    ) -> bool {
        if clock.latest(grant.at() + TRANSIT).div_euclid(self.length) < self.index {
            return false;
        }
        if let Some(sent) = recent.remove(grant.id) {
            self.give_back(&sent);
        }
        // Nothing can be learned from a count that is not certain.
        if self.carried == 0 || self.told_limit().is_some() {
            self.learn(self.used - self.carried);
        }
        true
    }

    /// The server admits no more than so many of this process's requests in this window.
    fn learn(&mut self, count: u32) {
        let again = self.last_count == Some(count);
        self.count = Some(count);
        match (self.told_limit(), self.learned_before) {
            (Some(limit), _) => self.share = (count < limit).then_some(count),
            // The same number twice: it is the limit, or as good as that.
            (None, Some(known)) if count < known && !again => {
                (self.learned, self.share) = (Some(known), Some(count));
            }
            (None, _) => (self.learned, self.share) = (Some(count.max(1)), None),
        }
    }

    /// A request was not counted after all.
    pub(super) fn give_back(&mut self, sent: &Sent) {
        if sent.window == self.index {
            self.used = self.used.saturating_sub(1);
            if sent.carried {
                self.carried = self.carried.saturating_sub(1);
            }
        }
    }

    /// A request was answered, and counted.
    pub(super) fn answered(&mut self, grant: &Grant, settlement: &Settlement, recent: &mut Recent) {
        let Some(date) = settlement.date else { return };
        // Counted before the second that the answer shows was over.
        let second = date.unix_micros();
        let last = second.saturating_add(SECOND - 1).div_euclid(self.length);
        if last <= self.index {
            if let Some(sent) = recent.get_mut(grant.id).filter(|sent| !sent.counted) {
                let before = *sent;
                sent.counted = true;
                if last < self.index {
                    sent.window = last;
                    self.give_back(&before);
                }
            }
        }
        // Sent and answered in this window, so the remainder is that of this window.
        if grant.window == self.index && second.div_euclid(self.length) == self.index {
            if let Some(remaining) = settlement.rate_limit.and_then(|told| told.remaining()) {
                self.headers.remaining(u32::try_from(remaining).unwrap_or(u32::MAX));
            }
        }
    }

    /// Whether a window may end within this time.
    pub(super) fn may_end_within(&self, clock: &ServerClock, from: Duration, to: Duration) -> bool {
        if !clock.is_observed() {
            return true;
        }
        let windows = |at: i64| at.div_euclid(self.length);
        windows(clock.earliest(from).saturating_sub(1)) < windows(clock.latest(to))
    }

    /// The server said that the window ends within the second before `end`.
    pub(super) fn observe_end(&self, end: Duration, clock: &mut ServerClock) {
        // The end that is nearest to the middle of what the clock and that second leave open.
        let middle = (clock.earliest(end) / 2 + clock.latest(end) / 2).saturating_sub(SECOND / 2);
        let nearest = middle.saturating_add(self.length / 2).div_euclid(self.length) * self.length;
        clock.observe_between(nearest, nearest.saturating_add(SECOND), end);
    }
}

/// The time until so many of these ages, the youngest first, have come to `limit`.
fn over_in(
    mut ages: impl Iterator<Item = Duration> + Clone,
    count: usize,
    limit: Duration,
) -> Option<Duration> {
    let index = ages.clone().count().checked_sub(count)?;
    Some(limit.saturating_sub(ages.nth(index)?))
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
