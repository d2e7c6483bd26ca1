//! The retry budget: how much of a client's traffic may be retries.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
/// A success adds a tenth of a retry, a retry takes one, and two after a time-out, because that
/// request may have been billed. Isolated failures find the reserve full; when failures dominate
/// it runs empty, and calls fail on their first error until successes fill it again. Waiting for a
/// quota window costs nothing.
#[derive(Clone, Debug)]
pub struct Budget(Arc<State>);

#[derive(Debug)]
struct State {
    earned: u64,
    capacity: u64,
    stock: AtomicU64,
}

/// The stock is counted in thousandths of a retry.
const RETRY: u64 = 1000;

impl Default for Budget {
    fn default() -> Self {
        Budget::new(BudgetOptions::default())
    }
}

impl Budget {
    /// A full budget. Options out of range are moved to the nearest end of it.
    pub fn new(options: BudgetOptions) -> Self {
        let thousandths = |retries: f64, max: f64| (retries.clamp(0.0, max) * RETRY as f64) as u64;
        let capacity = thousandths(options.reserve, 10_000.0);
        let earned = thousandths(options.ratio, 10.0);
        Budget(Arc::new(State { earned, capacity, stock: AtomicU64::new(capacity) }))
    }

    /// How many retries are left.
    pub fn remaining(&self) -> f64 {
        self.0.stock.load(Ordering::Relaxed) as f64 / RETRY as f64
    }

    pub(super) fn deposit(&self) {
        let add = |stock: u64| Some((stock + self.0.earned).min(self.0.capacity));
        // `add` never refuses.
        let _ = self.0.stock.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    fn cost(kind: Kind) -> u64 {
        if kind == Kind::Timeout { 2 * RETRY } else { RETRY }
    }

    pub(super) fn affords(&self, kind: Kind) -> bool {
        self.0.stock.load(Ordering::Relaxed) >= Self::cost(kind)
    }

    /// Takes the price of a retry after this kind of error, if it is there.
    pub(super) fn withdraw(&self, kind: Kind) -> bool {
        let take = |stock: u64| stock.checked_sub(Self::cost(kind));
        self.0.stock.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_empty_and_fills_by_successes() {
        let budget = Budget::new(BudgetOptions { ratio: 0.5, reserve: 2.0 });
        assert!(budget.withdraw(Kind::Server) && budget.withdraw(Kind::Server));
        assert!(!budget.withdraw(Kind::Server));
        budget.deposit();
        assert!(!budget.affords(Kind::Server));
        budget.deposit();
        assert!(budget.affords(Kind::Server) && !budget.affords(Kind::Timeout));
        (0..100).for_each(|_| budget.deposit());
        assert_eq!(budget.remaining(), 2.0);
    }

    #[test]
    fn options_out_of_range_do_no_harm() {
        let budget = Budget::new(BudgetOptions { ratio: f64::NAN, reserve: -1.0 });
        budget.deposit();
        assert_eq!(budget.remaining(), 0.0);
    }
}
