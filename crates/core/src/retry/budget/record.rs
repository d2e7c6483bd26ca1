//! What became of the last attempts, and whether that is chance.

use std::time::Duration;

use crate::kind::Kind;
use crate::quota::bytes::record;

/// So many attempts are remembered.
const REMEMBERED: u32 = 20;
/// And none for longer than this.
const LONGEST: Duration = Duration::from_secs(60 * 60);
/// Failures in a row that chance would bring less often than this are an outage.
const UNLIKELY: f64 = 0.02;

/// The last attempts of all calls that share a budget.
#[derive(Clone, Default)]
pub(super) struct Record {
    /// Of the attempts before the last success and with it, the newest in the lowest bit: whether it
    /// failed.
    outcomes: u32,
    /// How many of them are known.
    known: u32,
    /// What failed since the last success.
    run: u32,
    /// The same with what counts twice.
    weight: u32,
    /// How often an attempt succeeded: tells one run of failures from the next.
    successes: u64,
    /// When something failed last.
    pub(super) last_failure: Duration,
}

record!(Record { outcomes, known, run, weight, successes, last_failure });

/// What a call's own failures are of the run.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::retry) struct Own {
    successes: u64,
    weight: u32,
}

/// How much a failure counts: twice where the service is overloaded, or was not reached at all.
pub(super) fn weight(kind: Kind, ambiguous: bool) -> u32 {
    // Of a connection that was refused nothing reached the service.
    let is_grave =
        matches!(kind, Kind::Overloaded | Kind::Timeout) || kind == Kind::Network && !ambiguous;
    if is_grave { 2 } else { 1 }
}

impl Record {
    pub(super) fn succeeded(&mut self) {
        for _ in 0..self.run.min(REMEMBERED) {
            self.push(true);
        }
        self.push(false);
        (self.run, self.weight) = (0, 0);
        self.successes += 1;
    }

    fn push(&mut self, failed: bool) {
        let mask = (1 << REMEMBERED) - 1;
        self.outcomes = (self.outcomes << 1 | u32::from(failed)) & mask;
        self.known = (self.known + 1).min(REMEMBERED);
    }

    /// Whether it can be reckoned with.
    pub(super) fn is_sound(&self) -> bool {
        self.known <= REMEMBERED && self.outcomes < 1 << REMEMBERED && self.successes < 1 << 62
    }

    pub(super) fn failed(&mut self, weight: u32, own: &mut Own, now: Duration) {
        if now.saturating_sub(self.last_failure) > LONGEST {
            *self = Record { successes: self.successes, ..Record::default() };
        }
        self.run = self.run.saturating_add(1);
        self.weight = self.weight.saturating_add(weight);
        self.last_failure = now;
        if own.successes != self.successes {
            *own = Own { successes: self.successes, weight: 0 };
        }
        own.weight = own.weight.saturating_add(weight);
    }

    /// Whether the failures of others since the last success are too many to be chance.
    pub(super) fn is_outage(&self, own: &Own) -> bool {
        let own = if own.successes == self.successes { own.weight } else { 0 };
        let of_others = self.weight.saturating_sub(own);
        // As if one success and one failure had come before all: the rule of succession.
        let failed = f64::from(self.outcomes.count_ones() + 1);
        let chance = failed / f64::from(self.known + 2);
        chance.powi(i32::try_from(of_others).unwrap_or(i32::MAX)) < UNLIKELY
    }

    pub(super) fn has_succeeded(&self) -> bool {
        self.successes > 0
    }

    /// The share of successes.
    pub(super) fn health(&self) -> f64 {
        let run = self.run.min(REMEMBERED);
        let kept = (REMEMBERED - run).min(self.known);
        let failed = (self.outcomes & ((1 << kept) - 1)).count_ones() + run;
        match kept + run {
            0 => 1.0,
            all => 1.0 - f64::from(failed) / f64::from(all),
        }
    }

    /// Whether nothing failed since the last success.
    pub(super) fn is_calm(&self) -> bool {
        self.run == 0
    }

    /// Whether all that is remembered succeeded, and as much is as may be.
    pub(super) fn is_clean(&self) -> bool {
        self.outcomes == 0 && self.run == 0 && self.known == REMEMBERED
    }
}
