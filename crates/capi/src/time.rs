//! Seconds as C has them, and times as Rust has them.

use std::time::Duration;

use ::client::Timestamp;

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
