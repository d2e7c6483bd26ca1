//! The limit: fixed, or found by trying.

use crate::error::Error;
use crate::kind::Kind;

/// The most that an adaptive limit admits before it has learned anything.
const FIRST: u32 = 20;
/// What a decrease leaves of an adaptive limit.
const KEPT: f64 = 0.7;

/// How many requests may be in flight at once.
///
/// An adaptive limit starts at 20, or at its ceiling if that is less. It grows by one for each round of
/// successes while at least half of it is in use (a success adds one divided by the limit), and shrinks by
/// three tenths when an exchange ends [`overloaded`](Kind::Overloaded) or with a
/// [`timeout`](Kind::Timeout): at most once for the requests that were in flight together, since they
/// met the same trouble. It is never less than one. Refusals for quota leave it as it is, because less at
/// once does not mean less a minute; so do all other errors.
///
/// That is additive increase and multiplicative decrease, as TCP has it and proxies for services, too.
///
/// ```
/// use resayil_core::concurrency::{ConcurrencyLimit, ConcurrencyLimiter};
///
/// let limiter = ConcurrencyLimiter::new(ConcurrencyLimit::fixed(8)).unwrap();
/// assert_eq!(limiter.state().limit, 8);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConcurrencyLimit {
    max: u32,
    adaptive: bool,
}

impl ConcurrencyLimit {
    /// Always so many: 1 to 100,000.
    pub const fn fixed(limit: u32) -> Self {
        ConcurrencyLimit { max: limit, adaptive: false }
    }

    /// As many as the service bears, at most `max`: 1 to 100,000.
    pub const fn adaptive(max: u32) -> Self {
        ConcurrencyLimit { max, adaptive: true }
    }

    /// The limit, or the ceiling of an adaptive one.
    pub const fn max(&self) -> u32 {
        self.max
    }

    /// Whether the limit is found by trying.
    pub const fn is_adaptive(&self) -> bool {
        self.adaptive
    }
}

/// The limit as it stands.
#[derive(Debug)]
pub(super) struct Current {
    options: ConcurrencyLimit,
    limit: f64,
    /// Grows with each decrease.
    round: u64,
}

impl Current {
    pub(super) fn new(options: ConcurrencyLimit) -> Self {
        let first = if options.adaptive { options.max.min(FIRST) } else { options.max };
        Current { options, limit: f64::from(first), round: 0 }
    }

    /// Whole requests; at least 1.
    pub(super) fn get(&self) -> u32 {
        self.limit as u32
    }

    /// What an exchange that begins now is to be settled with.
    pub(super) fn round(&self) -> u64 {
        self.round
    }

    /// Learns of an exchange that began in this round, when so many were in flight.
    pub(super) fn learn(&mut self, round: u64, in_flight: u32, error: Option<&Error>) {
        if !self.options.adaptive {
            return;
        }
        match error.map(Error::kind) {
            None if u64::from(in_flight) * 2 >= u64::from(self.get()) => {
                self.limit = (self.limit + 1.0 / self.limit).min(f64::from(self.options.max));
            }
            Some(Kind::Overloaded | Kind::Timeout) if round == self.round => {
                self.limit = (self.limit * KEPT).max(1.0);
                self.round += 1;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(kind: Kind) -> Error {
        Error::new(kind, "")
    }

    #[test]
    fn a_fixed_limit_stays() {
        let mut current = Current::new(ConcurrencyLimit::fixed(3));
        current.learn(0, 3, Some(&failed(Kind::Overloaded)));
        current.learn(0, 3, None);
        assert_eq!(current.get(), 3);
    }

    #[test]
    fn an_adaptive_limit_grows_by_one_a_round_up_to_its_ceiling() {
        let mut current = Current::new(ConcurrencyLimit::adaptive(22));
        assert_eq!(current.get(), 20);
        for _ in 0..20 {
            current.learn(0, 20, None);
        }
        assert_eq!(current.get(), 20);
        current.learn(0, 20, None);
        assert_eq!(current.get(), 21);
        for _ in 0..1000 {
            current.learn(0, 20, None);
        }
        assert_eq!(current.get(), 22);
        assert_eq!(Current::new(ConcurrencyLimit::adaptive(4)).get(), 4);
    }

    #[test]
    fn it_does_not_grow_while_nobody_needs_it() {
        let mut current = Current::new(ConcurrencyLimit::adaptive(100));
        for _ in 0..1000 {
            current.learn(0, 9, None);
        }
        assert_eq!(current.get(), 20);
    }

    #[test]
    fn trouble_shrinks_it_once_for_those_in_flight_together_and_never_below_one() {
        for kind in [Kind::Overloaded, Kind::Timeout] {
            let mut current = Current::new(ConcurrencyLimit::adaptive(20));
            for _ in 0..20 {
                current.learn(0, 20, Some(&failed(kind)));
            }
            assert_eq!((current.get(), current.round()), (14, 1));
            current.learn(1, 14, Some(&failed(kind)));
            assert_eq!(current.get(), 9);
            for round in 2..100 {
                current.learn(round, 1, Some(&failed(kind)));
            }
            assert_eq!(current.get(), 1);
        }
    }

    #[test]
    fn refusals_for_quota_and_other_errors_leave_it() {
        let mut current = Current::new(ConcurrencyLimit::adaptive(20));
        for row in Kind::table() {
            if !matches!(row.kind, Kind::Overloaded | Kind::Timeout) {
                current.learn(0, 20, Some(&failed(row.kind)));
            }
        }
        assert_eq!(current.get(), 20);
    }
}
