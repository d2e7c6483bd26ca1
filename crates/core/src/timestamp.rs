//! Points on the wall clock, passed in by the caller: this crate never reads a clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A point in time on the wall clock, to the microsecond, as the caller's clock shows it.
///
/// It is needed where a server names a date (`Retry-After`, `X-RateLimit-Reset`). For everything
/// that only measures time this crate takes a [`Duration`] since any fixed point of a monotonic
/// clock, so that a clock that is set in the middle does no harm.
///
/// ```
/// use std::time::SystemTime;
/// use resayil_core::Timestamp;
///
/// let now = Timestamp::from(SystemTime::now());
/// assert!(now > Timestamp::from_unix_seconds(1_700_000_000));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

const MICROS: i64 = 1_000_000;

impl Timestamp {
    /// 1970-01-01 00:00:00 UTC.
    pub const UNIX_EPOCH: Timestamp = Timestamp(0);

    /// Whole seconds since 1970-01-01 00:00:00 UTC; saturates about 292,000 years away.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Timestamp(seconds.saturating_mul(MICROS))
    }

    /// Seconds since 1970-01-01 00:00:00 UTC. Not-a-number is read as the epoch; other values
    /// saturate.
    pub fn from_unix_seconds_f64(seconds: f64) -> Self {
        Timestamp((seconds * MICROS as f64).round() as i64)
    }

    /// Microseconds since 1970-01-01 00:00:00 UTC.
    pub const fn from_unix_micros(micros: i64) -> Self {
        Timestamp(micros)
    }

    /// Microseconds since 1970-01-01 00:00:00 UTC; negative before.
    pub const fn unix_micros(self) -> i64 {
        self.0
    }

    /// Seconds since 1970-01-01 00:00:00 UTC.
    pub fn unix_seconds_f64(self) -> f64 {
        self.0 as f64 / MICROS as f64
    }

    /// The time from `earlier` to this point; zero if this point is not later.
    pub fn since(self, earlier: Timestamp) -> Duration {
        let micros = i128::from(self.0) - i128::from(earlier.0);
        Duration::from_micros(u64::try_from(micros.max(0)).unwrap_or(u64::MAX))
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Timestamp;

    /// Saturates instead of overflowing.
    fn add(self, duration: Duration) -> Timestamp {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Timestamp(self.0.saturating_add(micros))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let signed = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Timestamp(signed(after)),
            Err(before) => Timestamp(-signed(before.duration())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_saturate() {
        let far = Timestamp::from_unix_seconds(i64::MAX);
        let early = Timestamp::from_unix_seconds(i64::MIN);
        assert!(far.since(early) > Duration::from_secs(1 << 40));
        assert_eq!(early.since(far), Duration::ZERO);
        assert_eq!(far + Duration::MAX, far);
        assert_eq!(Timestamp::from_unix_seconds_f64(f64::NAN), Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn the_system_clock_converts_both_sides_of_the_epoch() {
        let after = UNIX_EPOCH + Duration::from_millis(1500);
        assert_eq!(Timestamp::from(after).unix_seconds_f64(), 1.5);
        let before = UNIX_EPOCH - Duration::from_millis(1500);
        assert_eq!(Timestamp::from(before).unix_seconds_f64(), -1.5);
    }
}
