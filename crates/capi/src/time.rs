//! Seconds as C has them, and times as Rust has them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::client::Timestamp;

use crate::panic::guard;
use crate::status::resayil_status;

/// A time that is not negative.
pub(crate) fn seconds(seconds: f64) -> Result<Duration, resayil_status> {
    Duration::try_from_secs_f64(seconds).map_err(|_| resayil_status::INVALID_ARGUMENT)
}

/// A point on the wall clock.
pub(crate) fn unix_seconds(seconds: f64) -> Result<Timestamp, resayil_status> {
    if !seconds.is_finite() {
        return Err(resayil_status::INVALID_ARGUMENT);
    }
    Ok(Timestamp::from_unix_seconds_f64(seconds))
}

/// Seconds on a clock that never goes back, the one by which clients measure time: for all functions
/// that ask for `now_seconds`, and for a `resayil_quota` that clients share.
#[unsafe(no_mangle)]
pub extern "C" fn resayil_monotonic_seconds() -> f64 {
    guard(|| ::client::monotonic_now().as_secs_f64())
}

/// The wall clock, in seconds since 1970 UTC: for all functions that ask for `now_unix_seconds`.
#[unsafe(no_mangle)]
pub extern "C" fn resayil_unix_seconds() -> f64 {
    guard(|| match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    })
}
