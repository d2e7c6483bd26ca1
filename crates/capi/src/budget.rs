//! The retry budget that calls share.

use ::client::retry::{Budget, BudgetOptions};

use crate::error::{clear, resayil_error};
use crate::panic::{give, guard, take_back};
use crate::quota::resayil_quota;
use crate::status::resayil_status;

/// How many retries a successful call earns, if nothing else is asked for.
pub const RESAYIL_BUDGET_RATIO: f64 = 1.0;
/// How many retries a budget holds at the beginning and at the most, if nothing else is asked for.
pub const RESAYIL_BUDGET_RESERVE: f64 = 10.0;

/// A stock of retries that all calls of a client share, so that an outage is not answered with a
/// storm. Any thread may use it.
pub struct resayil_budget {
    pub(crate) budget: Budget,
}

/// Makes a full budget. `ratio` is how many retries a successful call earns, 0 to 10
/// (RESAYIL_BUDGET_RATIO); `reserve` how many there are at the beginning and at the most, 0 to 10000
/// (RESAYIL_BUDGET_RESERVE). `*budget` is yours.
///
/// RESAYIL_STATUS_ERROR with an error of RESAYIL_KIND_CONFIGURATION if one is out of its range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_budget_new(
    ratio: f64,
    reserve: f64,
    budget: *mut *mut resayil_budget,
    error: *mut *mut resayil_error,
) -> resayil_status {
    guard(|| {
        clear(error);
        let out = out!(budget);
        let options = BudgetOptions::default().with_ratio(ratio).with_reserve(reserve);
        if let Err(refused) = options.check() {
            return resayil_error::report(refused.into(), error);
        }
        *out = give(resayil_budget { budget: Budget::new(options) });
        resayil_status::OK
    })
}

/// The same, kept where the quota's model is kept: all processes that share the quota (see
/// `resayil_quota_new_shared`) share the budget with it, so that in an outage many processes of one call each
/// are no storm. The quota stays yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_budget_new_shared(
    ratio: f64,
    reserve: f64,
    quota: *const resayil_quota,
    budget: *mut *mut resayil_budget,
    error: *mut *mut resayil_error,
) -> resayil_status {
    guard(|| {
        clear(error);
        let out = out!(budget);
        let quota = borrow!(quota);
        let options = BudgetOptions::default().with_ratio(ratio).with_reserve(reserve);
        if let Err(refused) = options.check() {
            return resayil_error::report(refused.into(), error);
        }
        *out = give(resayil_budget { budget: Budget::shared(options, &quota.quota) });
        resayil_status::OK
    })
}

/// How many retries are left.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_budget_remaining(budget: *const resayil_budget) -> f64 {
    guard(|| borrow!(budget).budget.remaining())
}

/// Frees the handle; NULL is nothing. Calls and clients that draw from the budget keep it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_budget_free(budget: *mut resayil_budget) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(budget) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constants_are_the_defaults() {
        let options = BudgetOptions::default();
        assert_eq!(options.ratio, RESAYIL_BUDGET_RATIO);
        assert_eq!(options.reserve, RESAYIL_BUDGET_RESERVE);
    }
}
