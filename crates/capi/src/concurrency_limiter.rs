//! How many requests may be in flight at once, for programs that have their own HTTP.

use ::client::concurrency::{ConcurrencyLimit, ConcurrencyLimiter};

use crate::error::{clear, resayil_error};
use crate::panic::{give, guard, take_back};
use crate::policy::configuration;
use crate::status::resayil_status;

/// Limits how many requests are in flight at once; first come, first served. Shared by all operations
/// that are given it. Any thread may use it.
pub struct resayil_concurrency_limiter {
    pub(crate) limiter: ConcurrencyLimiter,
}

/// A limiter as it stands.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct resayil_concurrency_state {
    /// How many requests may be in flight now.
    pub limit: u32,
    /// How many are. More than the limit only after it has shrunk.
    pub in_flight: u32,
    /// How many wait for a place.
    pub waiting: u32,
}

/// Makes a limiter with all places free. `max` is 1 to 100000 requests; `adaptive` finds the limit by
/// trying, from 20 up to `max`. `*limiter` is yours.
///
/// RESAYIL_STATUS_ERROR with an error of RESAYIL_KIND_CONFIGURATION, which names the option
/// `max_concurrency`, if `max` is out of its range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_concurrency_limiter_new(
    max: u32,
    adaptive: bool,
    limiter: *mut *mut resayil_concurrency_limiter,
    error: *mut *mut resayil_error,
) -> resayil_status {
    guard(|| {
        clear(error);
        let out = out!(limiter);
        let limit =
            if adaptive { ConcurrencyLimit::adaptive(max) } else { ConcurrencyLimit::fixed(max) };
        match ConcurrencyLimiter::new(limit) {
            Ok(limiter) => {
                *out = give(resayil_concurrency_limiter { limiter });
                resayil_status::OK
            }
            Err(refused) => {
                let refused = configuration(refused.option(), &refused.to_string());
                resayil_error::report(refused, error)
            }
        }
    })
}

/// Reads how the limiter stands into `*state`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_concurrency_limiter_get_state(
    limiter: *const resayil_concurrency_limiter,
    state: *mut resayil_concurrency_state,
) -> resayil_status {
    guard(|| {
        let out = out!(state, resayil_concurrency_state::default());
        let state = borrow!(limiter).limiter.state();
        *out = resayil_concurrency_state {
            limit: state.limit,
            in_flight: state.in_flight,
            waiting: state.waiting,
        };
        resayil_status::OK
    })
}

/// Frees the handle; NULL is nothing. Operations that have the limiter keep it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_concurrency_limiter_free(
    limiter: *mut resayil_concurrency_limiter,
) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(limiter) }
}
