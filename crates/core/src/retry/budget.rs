//! The retry budget: how much of a client's traffic may be retries.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::kind::Kind;

/// The options of a [`Budget`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct BudgetOptions {
    /// How many retries each successful call earns. Default 0.1; from 0 to 10.
    pub ratio: f64,
    /// How many retries are there at the beginning, and at the most. Default 10; from 0 to 10,000.
    pub reserve: f64,
}

impl Default for BudgetOptions {
    fn default() -> Self {
        BudgetOptions { ratio: 0.1, reserve: 10.0 }
    }
}

/// A stock of retries that all calls of a client share, so that an outage is not answered with a
/// storm. A clone is the same budget.
///
/// Two things have to allow a retry:
///
/// - **The stock.** A success adds a tenth of a retry, a retry takes one, and two after a time-out,
///   because that request may have been billed. Isolated failures find the reserve full.
/// - **The health** of the service, a moving average of attempts that succeed, from 0 to 1. A failure
///   takes a quarter of it, a time-out half, a success gives a quarter of what is missing. A call does
///   not hold its own failures against itself; but if what those of others left is below
///   [`MIN_HEALTH`](Self::MIN_HEALTH), failures dominate, and it fails on its first error. From its
///   third retry on it has to be the only one that fails. The next success opens the budget again, and
///   so does time, of which [`HEALING`](Self::HEALING) gives two thirds of what is missing: a client of
///   few calls is not held to what happened long ago.
///
/// Waiting for a quota window costs nothing. Calls that share a budget have to measure time by the
/// same clock; if they do not, time heals nothing, or too early.
#[derive(Clone)]
pub struct Budget(Arc<State>);

struct State {
    earned: u32,
    capacity: u32,
    /// [`Ledger`] as one number, so that threads need no lock.
    ledger: AtomicU64,
}

/// What changes.
#[derive(Clone, Copy)]
struct Ledger {
    /// In thousandths of a retry; 24 bits.
    stock: u32,
    /// From 0 to [`HEALTHY`]; 16 bits.
    health: u32,
    /// When health was last looked at, in seconds; 24 bits, so it is repeated after half a year.
    looked: u32,
}

/// The stock is counted in thousandths of a retry.
const RETRY: u32 = 1000;
/// Full health.
const HEALTHY: u32 = u16::MAX as u32;
const SECONDS: u32 = (1 << 24) - 1;

impl Ledger {
    fn pack(self) -> u64 {
        u64::from(self.stock) << 40 | u64::from(self.health) << 24 | u64::from(self.looked)
    }

    fn unpack(packed: u64) -> Self {
        // Each part has as many bits as the mask keeps.
        let part = |shift: u32, mask: u32| (packed >> shift) as u32 & mask;
        Ledger { stock: part(40, SECONDS), health: part(24, HEALTHY), looked: part(0, SECONDS) }
    }

    /// Lets the time since the last look heal.
    fn heal(mut self, now: Duration) -> Self {
        let seconds = (now.as_secs() & u64::from(SECONDS)) as u32;
        let passed = seconds.wrapping_sub(self.looked) & SECONDS;
        if passed == 0 || self.health == HEALTHY {
            self.looked = seconds;
            return self;
        }
        // A clock that seems to go back is another one: half of the circle lies behind.
        if passed <= SECONDS / 2 {
            let missing = f64::from(HEALTHY - self.health);
            let left = missing * (-f64::from(passed) / Budget::HEALING.as_secs_f64()).exp();
            self.health = HEALTHY - left as u32;
            self.looked = seconds;
        }
        self
    }

    fn affords(self, kind: Kind, own: &Own) -> bool {
        let of_others = f64::from(self.health) / f64::from(HEALTHY) / own.left;
        let least = if own.failures <= FREE { Budget::MIN_HEALTH } else { ALONE };
        self.stock >= cost(kind) && of_others >= least
    }
}

/// What a call's own failures left of the health.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own {
    left: f64,
    failures: u32,
}

impl Default for Own {
    fn default() -> Self {
        Own { left: 1.0, failures: 0 }
    }
}

impl Own {
    pub(super) fn failed(&mut self, kind: Kind) {
        self.left *= if kind == Kind::Timeout { 0.5 } else { 0.75 };
        // A time-out weighs as much as two failures, here too.
        self.failures += if kind == Kind::Timeout { 2 } else { 1 };
    }
}

/// After so many failures of its own a call is retried only while no other fails.
const FREE: u32 = 2;
/// The health that means that: one failure of another leaves less.
const ALONE: f64 = 0.8;

fn cost(kind: Kind) -> u32 {
    if kind == Kind::Timeout { 2 * RETRY } else { RETRY }
}

impl Default for Budget {
    fn default() -> Self {
        Budget::new(BudgetOptions::default())
    }
}

impl Budget {
    /// The health below which nothing is retried.
    pub const MIN_HEALTH: f64 = 0.6;

    /// The time that heals two thirds (more exactly 1 - 1/e) of what is missing to full health.
    pub const HEALING: Duration = Duration::from_secs(60);

    /// A full budget. Options out of range are moved to the nearest end of it.
    pub fn new(options: BudgetOptions) -> Self {
        let thousandths = |retries: f64, max: f64| (retries.clamp(0.0, max) * RETRY as f64) as u32;
        let capacity = thousandths(options.reserve, 10_000.0);
        let earned = thousandths(options.ratio, 10.0);
        let ledger = Ledger { stock: capacity, health: HEALTHY, looked: 0 };
        Budget(Arc::new(State { earned, capacity, ledger: AtomicU64::new(ledger.pack()) }))
    }

    /// The options that this budget was made with, moved into their ranges.
    pub fn options(&self) -> BudgetOptions {
        let retries = |thousandths: u32| f64::from(thousandths) / f64::from(RETRY);
        BudgetOptions { ratio: retries(self.0.earned), reserve: retries(self.0.capacity) }
    }

    /// How many retries are left in the stock.
    pub fn remaining(&self) -> f64 {
        f64::from(self.read().stock) / f64::from(RETRY)
    }

    /// The health of the service as the last attempts left it, from 0 to 1; time that passed since is
    /// not counted.
    pub fn health(&self) -> f64 {
        f64::from(self.read().health) / f64::from(HEALTHY)
    }

    fn read(&self) -> Ledger {
        Ledger::unpack(self.0.ledger.load(Ordering::Relaxed))
    }

    fn change(&self, change: impl Fn(Ledger) -> Option<Ledger>) -> bool {
        let change = |packed| change(Ledger::unpack(packed)).map(Ledger::pack);
        self.0.ledger.fetch_update(Ordering::Relaxed, Ordering::Relaxed, change).is_ok()
    }

    /// A call succeeded.
    pub(super) fn deposit(&self) {
        let full = Ledger { stock: self.0.capacity, health: HEALTHY, looked: 0 };
        let known = self.read();
        if known.stock == full.stock && known.health == full.health {
            return; // As nearly always: no need to fight for the cache line.
        }
        self.change(|ledger| {
            let missing = HEALTHY - ledger.health;
            Some(Ledger {
                stock: (ledger.stock + self.0.earned).min(self.0.capacity),
                health: ledger.health + missing.div_ceil(4),
                looked: ledger.looked,
            })
        });
    }

    /// An attempt failed in a way that speaks of the service's health.
    pub(super) fn failed(&self, kind: Kind, now: Duration) {
        self.change(|ledger| {
            let ledger = ledger.heal(now);
            let lost = if kind == Kind::Timeout { ledger.health / 2 } else { ledger.health / 4 };
            Some(Ledger { health: ledger.health - lost, ..ledger })
        });
    }

    pub(super) fn affords(&self, kind: Kind, own: &Own) -> bool {
        self.read().affords(kind, own)
    }

    /// Takes the price of a retry after this kind of error, if it is there.
    pub(super) fn withdraw(&self, kind: Kind, own: &Own) -> bool {
        self.change(|ledger| {
            ledger.affords(kind, own).then(|| Ledger { stock: ledger.stock - cost(kind), ..ledger })
        })
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("remaining", &self.remaining())
            .field("health", &self.health())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Duration = Duration::ZERO;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_stock_runs_empty_and_fills_by_successes() {
        let budget = Budget::new(BudgetOptions { ratio: 0.5, reserve: 2.0 });
        assert!(
            budget.withdraw(Kind::Server, &Own::default())
                && budget.withdraw(Kind::Server, &Own::default())
        );
        assert!(!budget.withdraw(Kind::Server, &Own::default()));
        budget.deposit();
        assert!(!budget.affords(Kind::Server, &Own::default()));
        budget.deposit();
        assert!(
            budget.affords(Kind::Server, &Own::default())
                && !budget.affords(Kind::Timeout, &Own::default())
        );
        (0..100).for_each(|_| budget.deposit());
        assert_eq!(budget.remaining(), 2.0);
    }

    #[test]
    fn options_out_of_range_do_no_harm() {
        let budget = Budget::new(BudgetOptions { ratio: f64::NAN, reserve: -1.0 });
        budget.deposit();
        assert_eq!(budget.remaining(), 0.0);
        let budget = Budget::new(BudgetOptions { ratio: 1e9, reserve: 1e9 });
        assert_eq!(budget.remaining(), 10_000.0);
        assert_eq!(budget.options(), BudgetOptions { ratio: 10.0, reserve: 10_000.0 });
    }

    #[test]
    fn two_failures_of_others_or_one_time_out_close_it() {
        for (kind, most) in [(Kind::Server, 2), (Kind::Network, 2), (Kind::Timeout, 1)] {
            let budget = Budget::default();
            for n in 1..=most {
                budget.failed(kind, T0);
                assert_eq!(budget.affords(Kind::Server, &Own::default()), n < most, "{kind} {n}");
            }
            budget.deposit();
            assert!(budget.affords(Kind::Server, &Own::default()));
        }
    }

    #[test]
    fn a_call_does_not_hold_its_own_failures_against_itself() {
        for kind in [Kind::Server, Kind::Timeout] {
            let (budget, mut own) = (Budget::default(), Own::default());
            for _ in 0..4 {
                budget.failed(kind, T0);
                own.failed(kind);
                assert!(budget.affords(kind, &own));
            }
            // But when another fails, too, it has had its share.
            budget.failed(kind, T0);
            assert!(!budget.affords(kind, &own));
        }
    }

    #[test]
    fn time_heals() {
        let budget = Budget::default();
        (0..10).for_each(|_| budget.failed(Kind::Server, seconds(5)));
        assert!(budget.health() < 0.1 && !budget.affords(Kind::Server, &Own::default()));
        // Still an outage for whoever calls every twelve seconds.
        for n in 1..20 {
            budget.failed(Kind::Server, seconds(5 + 12 * n));
            assert!(!budget.affords(Kind::Server, &Own::default()));
        }
        budget.failed(Kind::Server, seconds(1000));
        assert!(budget.affords(Kind::Server, &Own::default()));
        // A clock that goes back is no reason to trust.
        (0..10).for_each(|_| budget.failed(Kind::Server, seconds(1000)));
        budget.failed(Kind::Server, T0);
        assert!(!budget.affords(Kind::Server, &Own::default()));
    }

    #[test]
    fn every_ledger_survives_packing() {
        for (stock, health, looked) in [(0, 0, 0), (10_000_000, HEALTHY, SECONDS), (1, 2, 3)] {
            let ledger = Ledger::unpack(Ledger { stock, health, looked }.pack());
            assert_eq!((ledger.stock, ledger.health, ledger.looked), (stock, health, looked));
        }
    }
}
