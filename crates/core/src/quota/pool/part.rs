//! How much of what is left of a limit is this process's, where others use it who share nothing with it.

use crate::quota::bytes::record;

/// The part that this process takes of a limit.
///
/// Of what flows in it takes a share: what it took itself of all that was taken lately. So processes that know
/// nothing of each other save up for large requests without being refused, each in its part. The remainders
/// that answers tell are divided by the same share, and draw the part to what that yields.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// What of that which is left is for this process.
    left: f64,
    /// What it took lately, and what others did.
    own: f64,
    others: f64,
    /// What it is taken to have taken before anything was seen.
    prior: f64,
}

record!(Part { left, own, others, prior });

// All of these were found by simulation, for 1 to 8 processes.

/// Before anything is known one is reckoned with so many others, as if that had been seen while this share of
/// the limit was taken.
const USUAL_OTHERS: f64 = 7.0;
const PRIOR: f64 = 0.1;
/// That is forgotten, to a third, while this share of the limit is taken.
const FORGET: f64 = 0.2;
/// What others take is a sign of them from this share of the limit on.
const SIGN: f64 = 0.02;
/// At first so much less is taken, because all may begin at the same time, and first answers do not show that.
const AT_FIRST: f64 = 0.5;
const MOST_OTHERS: f64 = 15.0;
/// What was taken is forgotten while so many times the limit is taken.
const MEMORY: f64 = 1.0;
/// From this share on a process is taken to be alone.
const ALONE: f64 = 0.9;
/// How far an answer draws the part to what it tells.
const PULL: f64 = 0.3;
/// Where nothing is told while all of the limit flows in, what flows in for this process grows by so many
/// times: the others have gone more likely, and nothing else would show it.
const SILENCE: f64 = 2.0;

impl Part {
    /// The part of a limit of which so much remains.
    pub(super) fn new(limit: u64, remaining: u64) -> Self {
        let left = remaining as f64 / (1.0 + USUAL_OTHERS) * AT_FIRST;
        Part { left, own: 0.0, others: 0.0, prior: limit as f64 * PRIOR }
    }

    /// Whether it can be reckoned with.
    pub(super) fn is_sound(&self) -> bool {
        let is_amount = |amount: f64| (0.0..1e15).contains(&amount);
        self.left.abs() < 1e15 && [self.own, self.others, self.prior].into_iter().all(is_amount)
    }

    /// Which share is this process's.
    fn share(&self) -> f64 {
        let own = self.own + self.prior;
        let share = own / (own + self.others + USUAL_OTHERS * self.prior).max(1.0);
        if share > ALONE { 1.0 } else { share.max(1.0 / (1.0 + MOST_OTHERS)) }
    }

    /// What is this process's of what has flowed in since something was sent or told.
    fn gain(&self, flown: f64, limit: f64) -> f64 {
        (flown * self.share() * (1.0 + SILENCE * flown / limit)).min(flown)
    }

    /// How much has to flow in since then until so much is this process's.
    pub(super) fn needs(&self, wanted: f64, limit: f64) -> f64 {
        let missing = wanted - self.left;
        if missing <= 0.0 {
            return 0.0;
        }
        // Where `gain` yields it.
        let part = missing / self.share() / limit;
        let flown = ((1.0 + 4.0 * SILENCE * part).sqrt() - 1.0) / (2.0 * SILENCE);
        missing.max(flown * limit)
    }

    /// So much is taken, or comes back, after so much has flowed in.
    pub(super) fn change(&mut self, amount: f64, flown: f64, limit: f64) {
        self.left = (self.left + self.gain(flown, limit) + amount).min(limit);
    }

    /// An answer told that so much is left, after so much was taken here, and by others.
    pub(super) fn learn(&mut self, own: f64, others: f64, left: f64, limit: f64) {
        self.prior *= (-(own + others.max(0.0)) / (limit * FORGET)).exp();
        self.own += own;
        self.others = (self.others + others).max(0.0);
        let seen = (self.own + self.others) / (limit * MEMORY);
        if seen > 1.0 {
            self.own /= seen;
            self.others /= seen;
        }
        let share = self.share();
        let pull = if share == 1.0 || self.left > left { 1.0 } else { PULL };
        self.left += (left * share - self.left) * pull;
    }

    /// Whether there is no sign of others.
    pub(super) fn seems_alone(&self, limit: f64) -> bool {
        self.others < limit * SIGN
    }

    /// A refusal told that so much is left.
    pub(super) fn refused(&mut self, left: f64) {
        self.left = self.left.min(left * self.share());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: f64 = 40_000.0;

    #[test]
    fn what_is_shared_is_found_out_and_so_is_that_others_have_gone() {
        let mut part = Part::new(40_000, 40_000);
        assert!(part.left < LIMIT / 8.0);
        // Of each 4000 that are taken three quarters are not sent here.
        for _ in 0..60 {
            part.learn(1000.0, 3000.0, LIMIT / 2.0, LIMIT);
        }
        assert!((0.24..0.26).contains(&part.share()), "{part:?}");
        assert!((0.24..0.26).contains(&(part.left / (LIMIT / 2.0))), "{part:?}");
        // Alone all of it is there at once.
        for _ in 0..60 {
            part.learn(4000.0, 0.0, LIMIT / 2.0, LIMIT);
        }
        assert_eq!((part.share(), part.left), (1.0, LIMIT / 2.0));
        assert!(part.is_sound());
    }

    #[test]
    fn what_has_to_flow_in_is_enough() {
        for (own, others) in [(1.0, 0.0), (1.0, 3.0), (0.0, 10_000.0)] {
            for wanted in [1.0, 500.0, 30_000.0, LIMIT] {
                let mut part = Part {
                    left: -20.0,
                    own: 10_000.0 * own,
                    others: 10_000.0 * others,
                    prior: 0.0,
                };
                let needs = part.needs(wanted, LIMIT);
                part.change(0.0, needs, LIMIT);
                assert!((part.left - wanted).abs() < 0.1, "{own} {others} {wanted}: {part:?}");
            }
        }
    }

    #[test]
    fn a_long_silence_lets_a_large_request_go() {
        let part = Part { left: 0.0, own: 1.0, others: 1e6, prior: 0.0 };
        let needs = part.needs(30_000.0, LIMIT);
        assert!(needs < 3.0 * LIMIT, "{needs}");
    }
}
