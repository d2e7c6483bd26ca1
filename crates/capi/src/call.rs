//! One call and its attempts, for programs that have their own HTTP.

use ::client::retry::Call;

use crate::budget::resayil_budget;
use crate::error::resayil_error;
use crate::exclusive::Exclusive;
use crate::names::static_name;
use crate::panic::{Fallback, give, guard, take_back};
use crate::policy::resayil_policy;
use crate::status::{ended, resayil_status};
use crate::text::resayil_str;
use crate::time;

/// One call: it is told each failure and answers what to do. It has no clock and does not sleep.
/// One thread at a time; a second one is told RESAYIL_STATUS_BUSY.
pub struct resayil_call {
    pub(crate) call: Exclusive<Call>,
}

/// What to do after a failed attempt.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct resayil_decision {
    /// Whether to send the same request again, after the delay.
    pub retry: bool,
    /// How long to wait before, in seconds; 0 if there is no next attempt.
    pub delay_seconds: f64,
    /// Why, for log lines and metrics: a static text such as `quota_window`, `server_hint`,
    /// `backoff`, `not_retryable`, `max_attempts`, `budget` or `deadline`.
    pub reason: resayil_str,
}

/// Begins one call. `now_seconds` is a point on a clock that never goes back; the same clock is meant
/// in all functions of the call. `seed` decides the jitter. `*call` is yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_policy_start(
    policy: *const resayil_policy,
    now_seconds: f64,
    seed: u64,
    call: *mut *mut resayil_call,
) -> resayil_status {
    guard(|| {
        let out = out!(call);
        let policy = borrow!(policy);
        ended((|| {
            let call = policy.policy.start(time::seconds(now_seconds)?, seed);
            *out = give(resayil_call { call: Exclusive::new(call) });
            Ok(())
        })())
    })
}

/// Lets the call draw its retries from a shared budget.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_call_set_budget(
    call: *mut resayil_call,
    budget: *const resayil_budget,
) -> resayil_status {
    guard(|| {
        let (call, budget) = (borrow!(call), borrow!(budget));
        let set = |call: &mut Call| *call = call.clone().with_budget(budget.budget.clone());
        ended(call.call.with(set))
    })
}

/// Tells a failed attempt, and answers what to do next in `*decision`. `now_seconds` is when the
/// attempt failed. The error stays yours.
///
/// What the budget does not afford is a retry for the reason `budget`: after the delay this call may try whether
/// the service is back, which spends neither an attempt nor budget.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_call_on_error(
    call: *mut resayil_call,
    error: *const resayil_error,
    now_seconds: f64,
    decision: *mut resayil_decision,
) -> resayil_status {
    guard(|| {
        let stop =
            resayil_decision { retry: false, delay_seconds: 0.0, reason: resayil_str::default() };
        let out = out!(decision, stop);
        let (call, error) = (borrow!(call), borrow!(error));
        ended((|| {
            let now = time::seconds(now_seconds)?;
            let decision = call.call.with(|call| call.on_error(&error.error, now))?;
            *out = resayil_decision {
                retry: decision.is_retry(),
                delay_seconds: decision.delay().unwrap_or_default().as_secs_f64(),
                reason: static_name(decision.reason()),
            };
            Ok(())
        })())
    })
}

/// Tells that the call succeeded, which fills the budget.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_call_on_success(call: *mut resayil_call) -> resayil_status {
    guard(|| ended(borrow!(call).call.with(Call::on_success)))
}

/// Begins the attempts anew, at another target: see `resayil_fallback_call_next`. The deadline and the
/// budget stay; for another service set its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_call_restart(call: *mut resayil_call) -> resayil_status {
    guard(|| ended(borrow!(call).call.with(Call::restart)))
}

/// How many failed attempts were told so far, refusals for quota included; 0 while the call is busy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_call_failures(call: *const resayil_call) -> u32 {
    guard(|| borrow!(call).call.with(|call| call.failures()).unwrap_or(0))
}

/// How many seconds are left until the deadline. Says whether there is a deadline; if not, or if
/// `now_seconds` is no time, `*seconds` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_call_remaining(
    call: *const resayil_call,
    now_seconds: f64,
    seconds: *mut f64,
) -> bool {
    guard(|| {
        let out = out!(seconds, 0.0);
        let call = borrow!(call);
        let Ok(now) = time::seconds(now_seconds) else { return Fallback::on_null() };
        let left = call.call.with(|call| call.remaining(now)).ok().flatten();
        *out = left.unwrap_or_default().as_secs_f64();
        left.is_some()
    })
}

/// Frees the call; NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_call_free(call: *mut resayil_call) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(call) }
}
