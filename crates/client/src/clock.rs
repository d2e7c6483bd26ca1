//! The clocks of the client. The core reads none, so they are read here.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use resayil_core::Timestamp;

/// The time since a fixed point of this process, by a clock that nobody sets.
///
/// Every [`Client`](crate::Client) measures with this clock, so a [`Quota`](crate::Quota) that
/// several clients share has to be made with it:
///
/// ```
/// use resayil::{Quota, Timestamp, monotonic_now};
/// use resayil::quota::QuotaOptions;
///
/// let wall = Timestamp::from(std::time::SystemTime::now());
/// let quota = Quota::new(QuotaOptions::default(), wall, monotonic_now());
/// ```
pub fn monotonic_now() -> Duration {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    ORIGIN.get_or_init(Instant::now).elapsed()
}

/// The wall clock, which may be set at any time.
pub(crate) fn wall_now() -> Timestamp {
    SystemTime::now().into()
}
