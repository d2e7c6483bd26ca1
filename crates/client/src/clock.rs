//! The clocks of the client. The core reads none, so they are read here.

use std::time::SystemTime;

use resayil_core::Timestamp;

pub use resayil_retry::monotonic_now;

/// The wall clock, which may be set at any time.
pub(crate) fn wall_now() -> Timestamp {
    SystemTime::now().into()
}
