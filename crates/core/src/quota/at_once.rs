//! How many requests may be under way at once, where the server limits that.

use super::bytes::record;
use super::flight::Flight;
use super::nanos;

/// A limit of concurrency is recognised by refusals that say so, and by those that fall when more are
/// under way than ever before and no more otherwise. It is tried upward now and then.
#[derive(Clone, Default)]
pub(super) struct AtOnce {
    /// So many may be under way, if there is such a limit, and since when that is thought.
    limit: Option<u32>,
    since: u64,
    /// Whether a refusal said so.
    is_told: bool,
    /// So many were under way at once and none of them was refused.
    proven: u32,
    /// More than that were sent at once and may still be refused, and when.
    trying: Option<(u32, u64)>,
    /// A request was refused although no more were under way than that. Once that may be an error in the
    /// count, twice it is another kind of limit.
    is_doubted: bool,
    /// Successes since the limit was tried upward, and after how many for each of those that may be under
    /// way that is done again.
    successes: u32,
    try_after: u32,
}

record!(AtOnce { limit, since, is_told, proven, trying, is_doubted, successes, try_after });

/// Each time that it was tried upward in vain it takes twice as long to the next.
const FIRST_TRY: u32 = 8;
const LAST_TRY: u32 = 1024;

impl AtOnce {
    /// How many more may be sent, if that is limited, when so many are under way.
    pub(super) fn room(&self, under_way: usize) -> Option<u64> {
        let limit = u64::from(self.limit?) + u64::from(self.is_due());
        Some(limit.saturating_sub(under_way as u64))
    }

    fn is_due(&self) -> bool {
        self.successes >= self.try_after.saturating_mul(self.limit.unwrap_or_default())
    }

    /// A request is sent, and so many are under way, itself included.
    #[inline]
    pub(super) fn sent(&mut self, under_way: u32, now: u64) {
        if under_way > self.proven && self.trying.is_none_or(|(most, _)| under_way > most) {
            self.trying = Some((under_way, now));
        }
    }

    /// A request was answered.
    pub(super) fn answered(&mut self, flight: &Flight, now: u64) {
        self.presume(flight, now);
        // It had ended before what was sent just now arrived.
        let way = nanos(flight.refusals_take());
        if let Some((most, at)) = &mut self.trying {
            *most = most.saturating_sub(u32::from(now.saturating_sub(*at) < way));
        }
        self.trying = self.trying.filter(|(most, _)| *most > self.proven);
        self.successes = self.successes.saturating_add(1);
        let doubted_for = FIRST_TRY.saturating_mul(self.limit.unwrap_or_default());
        self.is_doubted &= self.successes < doubted_for;
    }

    /// So many were good.
    fn prove(&mut self, count: u32, now: u64) {
        self.proven = self.proven.max(count);
        self.trying = self.trying.filter(|(most, _)| *most > self.proven);
        if self.limit.is_some_and(|limit| count > limit) {
            // And perhaps more still.
            (self.limit, self.since) = (Some(count), now);
            (self.successes, self.try_after) = (0, 1);
        }
    }

    /// Those that were not refused for long enough are presumed to be admitted.
    fn presume(&mut self, flight: &Flight, now: u64) {
        let after = nanos(flight.presumed_after());
        if let Some((most, _)) = self.trying.filter(|(_, at)| now.saturating_sub(*at) >= after) {
            self.prove(most, now);
        }
    }

    /// A request was refused that was sent at `at`, when so many were under way, itself included. `says_so`
    /// tells whether the refusal speaks of a limit of concurrency, or of another one. Says whether
    /// that is what it is taken for.
    pub(super) fn refused(
        &mut self,
        sent_with: u32,
        at: u64,
        says_so: Option<bool>,
        flight: &Flight,
        now: u64,
    ) -> bool {
        let under_way = u32::try_from(flight.under_way()).unwrap_or(u32::MAX);
        // On their way one may pass the other.
        let way = nanos(flight.refusals_take());
        let together = self.trying.filter(|(_, tried)| tried.abs_diff(at) <= way);
        let sent_with = sent_with.max(together.map_or(0, |(most, _)| most));
        if self.trying.is_none_or(|(most, _)| sent_with > most) {
            self.presume(flight, now);
        }
        self.trying = self.trying.filter(|(most, _)| *most < sent_with);
        let is_late = self.limit.is_some() && at >= self.since;
        let good = match says_so {
            Some(false) => return false,
            Some(true) => {
                self.is_told = true;
                sent_with.saturating_sub(1)
            }
            None => {
                let is_within = is_late && self.limit.is_some_and(|limit| sent_with <= limit);
                let is_doubtful = is_within && sent_with > 1 && !self.is_doubted;
                if is_doubtful && self.limit == Some(sent_with) {
                    self.is_doubted = true;
                    sent_with - 1
                } else if sent_with <= self.proven.max(1) || is_within {
                    // So many were good before: it is something else.
                    self.prove(sent_with, now);
                    self.limit = self.limit.filter(|_| self.is_told);
                    return false;
                } else {
                    under_way.max(self.proven)
                }
            }
        };
        if is_late && self.is_due() {
            self.try_after = self.try_after.saturating_mul(2).min(LAST_TRY);
        }
        let good = self.limit.map_or(good, |limit| limit.min(good)).max(1);
        self.proven = self.proven.min(good);
        if self.limit != Some(good) {
            (self.limit, self.since) = (Some(good), now);
        }
        (self.successes, self.try_after) = (0, self.try_after.max(FIRST_TRY));
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    struct World {
        at_once: AtOnce,
        flight: Flight,
        now: u64,
    }

    impl World {
        fn new() -> Self {
            World { at_once: AtOnce::default(), flight: Flight::default(), now: SECOND }
        }

        fn send(&mut self) -> (u32, u64) {
            self.flight.send(self.now);
            let under_way = self.flight.under_way() as u32;
            self.at_once.sent(under_way, self.now);
            (under_way, self.now)
        }

        fn answer(&mut self, (with, at): (u32, u64)) {
            self.flight.settle(at);
            let _ = with;
            self.at_once.answered(&self.flight, self.now);
        }

        fn refuse(&mut self, (with, at): (u32, u64), says_so: Option<bool>) -> bool {
            self.flight.settle(at);
            self.flight.refused(Duration::from_nanos(self.now - at));
            self.at_once.refused(with, at, says_so, &self.flight, self.now)
        }

        fn room(&self) -> Option<u64> {
            self.at_once.room(self.flight.under_way())
        }
    }

    #[test]
    fn what_is_refused_above_all_that_was_good_is_a_limit() {
        let mut world = World::new();
        let sent: Vec<_> = (0..8).map(|_| world.send()).collect();
        world.now += SECOND / 20;
        for refused in &sent[4..] {
            assert!(world.refuse(*refused, None));
        }
        assert_eq!(world.room(), Some(0));
        world.now += SECOND;
        world.answer(sent[0]);
        assert_eq!(world.room(), Some(1));
        // When it has been good for long one more is tried, and in vain.
        let mut under_way = sent[1..4].to_vec();
        let mut count = 0;
        while world.room() == Some(1) {
            under_way.push(world.send());
            world.now += SECOND / 4;
            world.answer(under_way.remove(0));
            count += 1;
            assert!(count < 100);
        }
        assert_eq!(world.room(), Some(2));
        under_way.push(world.send());
        let tried = world.send();
        world.now += SECOND / 20;
        assert!(world.refuse(tried, None));
        assert_eq!(world.room(), Some(0));
        assert_eq!(world.at_once.try_after, 2 * FIRST_TRY);
    }

    #[test]
    fn what_is_refused_although_as_many_were_good_is_another_limit() {
        let mut world = World::new();
        let first: Vec<_> = (0..4).map(|_| world.send()).collect();
        world.now += SECOND;
        world.answer(first[0]);
        let next = world.send();
        world.now += SECOND / 20;
        assert!(!world.refuse(next, None));
        assert_eq!(world.room(), None);
        // One alone is never too many at once.
        let mut world = World::new();
        let only = world.send();
        assert!(!world.refuse(only, None));
        // What was suspected and then refused below the suspected number is none either.
        let mut world = World::new();
        let both = [world.send(), world.send()];
        world.now += SECOND / 20;
        assert!(world.refuse(both[1], None));
        assert_eq!(world.room(), Some(0));
        world.answer(both[0]);
        let next = world.send();
        world.now += SECOND / 20;
        assert!(!world.refuse(next, None));
        assert_eq!(world.room(), None);
    }

    #[test]
    fn a_refusal_that_says_so_is_believed() {
        let mut world = World::new();
        let sent: Vec<_> = (0..3).map(|_| world.send()).collect();
        world.now += 5 * SECOND;
        world.answer(sent[0]);
        let next = world.send();
        assert!(world.refuse(next, Some(true)));
        assert_eq!(world.room(), Some(0));
        assert!(!world.refuse(sent[1], Some(false)));
        assert_eq!(world.room(), Some(1));
    }

    #[test]
    fn the_largest_limit_that_bytes_may_hold_overflows_nothing() {
        let mut at_once = AtOnce {
            limit: Some(u32::MAX),
            try_after: u32::MAX,
            successes: u32::MAX,
            is_doubted: true,
            ..AtOnce::default()
        };
        let flight = Flight::default();
        at_once.answered(&flight, u64::MAX);
        assert!(at_once.room(0).is_some());
    }
}
