//! Windows of fixed length, aligned to multiples of it since the Unix epoch.

use std::time::Duration;

/// The number of the window that holds `now`.
pub(crate) fn index(now: Duration, length: Duration) -> u64 {
    u64::try_from(now.as_nanos() / length.as_nanos().max(1)).unwrap_or(u64::MAX)
}

/// What is left of the window that holds `now`: more than zero, at most `length`.
pub(crate) fn left(now: Duration, length: Duration) -> Duration {
    let length = length.as_nanos().max(1);
    let left = length - now.as_nanos() % length;
    Duration::from_nanos(u64::try_from(left).unwrap_or(u64::MAX))
}

/// The body's `retry_after`: whole seconds left, at least 1. For a window of a minute this is
/// 60 less the second of the minute.
pub(crate) fn retry_after(now: Duration, length: Duration) -> u64 {
    ceil_seconds(left(now, length)).max(1)
}

/// Whole seconds, rounded up.
pub(crate) fn ceil_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn retry_after_is_sixty_less_the_second_of_the_minute() {
        for second in 0..60 {
            for nanos in [0, 1, 500_000_000, 999_999_999] {
                let now = Duration::new(1_741_305_600 + second, nanos);
                assert_eq!(retry_after(now, MINUTE), 60 - second, "at {now:?}");
            }
        }
    }

    #[test]
    fn windows_are_aligned_to_the_epoch() {
        let length = Duration::from_millis(1500);
        assert_eq!(index(Duration::from_millis(0), length), 0);
        assert_eq!(index(Duration::from_millis(1499), length), 0);
        assert_eq!(index(Duration::from_millis(1500), length), 1);
        assert_eq!(left(Duration::from_millis(1500), length), length);
        assert_eq!(left(Duration::from_millis(2999), length), Duration::from_millis(1));
        assert_eq!(retry_after(Duration::from_millis(2999), length), 1);
        assert_eq!(retry_after(Duration::from_millis(3001), length), 2);
    }
}
