//! The server's clock: the machine's with an offset, or one that stands still until it is moved.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The largest offset either way, in seconds: about 30 years. Keeps dates printable.
pub(crate) const MAX_OFFSET_SECONDS: f64 = 1e9;

/// The last moment shown: in the year 9998, since an HTTP date has four digits for the year.
pub(crate) const LAST: Duration = Duration::from_secs(253_350_000_000);

#[derive(Debug)]
pub(crate) struct Clock {
    /// Time since the epoch at which the clock stands still; `None` follows the machine.
    frozen_at: Option<Duration>,
    start_offset: i64,
    /// Nanoseconds.
    offset: AtomicI64,
}

impl Clock {
    /// `offset` in seconds, already checked against [`MAX_OFFSET_SECONDS`].
    pub(crate) fn new(frozen_at: Option<Duration>, offset: f64) -> Self {
        let start_offset = nanos(offset);
        Self { frozen_at, start_offset, offset: AtomicI64::new(start_offset) }
    }

    /// The server's time since the Unix epoch.
    pub(crate) fn now(&self) -> Duration {
        let base = self.frozen_at.unwrap_or_else(machine_now);
        let offset = self.offset.load(Ordering::SeqCst);
        let shift = Duration::from_nanos(offset.unsigned_abs());
        let now = if offset < 0 { base.saturating_sub(shift) } else { base.saturating_add(shift) };
        now.min(LAST)
    }

    /// Moves the clock by `seconds` (forward or back), within [`MAX_OFFSET_SECONDS`].
    pub(crate) fn advance(&self, seconds: f64) {
        let limit = nanos(MAX_OFFSET_SECONDS);
        let step = nanos(seconds);
        let _ = self.offset.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |offset| {
            Some(offset.saturating_add(step).clamp(-limit, limit))
        });
    }

    pub(crate) fn reset(&self) {
        self.offset.store(self.start_offset, Ordering::SeqCst);
    }

    /// The value of a `Date` header for now.
    pub(crate) fn http_date(&self) -> String {
        httpdate::fmt_http_date(UNIX_EPOCH + self.now())
    }
}

/// The machine's time since the Unix epoch, without the offset.
pub(crate) fn machine_now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Saturates; NaN is 0.
fn nanos(seconds: f64) -> i64 {
    (seconds * 1e9) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_clock_moves_only_when_told() {
        let clock = Clock::new(Some(Duration::from_secs(1_741_305_555)), 0.0);
        assert_eq!(clock.http_date(), "Thu, 06 Mar 2025 23:59:15 GMT");
        clock.advance(45.0);
        assert_eq!(clock.now(), Duration::from_secs(1_741_305_600));
        clock.advance(-46.0);
        assert_eq!(clock.now(), Duration::from_secs(1_741_305_554));
        clock.reset();
        assert_eq!(clock.now(), Duration::from_secs(1_741_305_555));
    }

    #[test]
    fn no_step_leaves_the_printable_range() {
        for step in [1e300, f64::INFINITY, -1e300, f64::NEG_INFINITY, f64::NAN] {
            let clock = Clock::new(Some(LAST), MAX_OFFSET_SECONDS);
            clock.advance(step);
            assert!(clock.http_date().ends_with(" GMT"));
            let early = Clock::new(Some(Duration::ZERO), -MAX_OFFSET_SECONDS);
            early.advance(step);
            assert!(early.http_date().ends_with(" GMT"));
        }
    }
}
