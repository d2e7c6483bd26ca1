//! The least time that a batch can take, given the quota.

use std::time::Duration;

/// What the server's quota is, and what it had to admit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// Requests that counted against the quota: each prompt, and each injected failure besides.
    pub(super) admitted: u64,
    /// Requests that a window admits.
    pub(super) limit: u64,
    /// The length of a window, aligned to the server's clock.
    pub(super) window: Duration,
    /// When the first request arrived, by the server's clock, since 1970.
    pub(super) start: Duration,
    /// How long the server takes for one answer.
    pub(super) latency: Duration,
}

/// The time from the start to the last answer of a perfect client, which knows quota and clock.
///
/// It sends the limit at once, then the limit again at the very beginning of each window, and the
/// last answer takes its latency. That the window had begun before the batch did is to its favour:
/// the first wait is shorter than a window. Which requests fail, and so have to be sent again, even
/// a perfect client cannot know; they are counted, but taken to be repeated without delay.
pub(super) fn least_time(load: &Load) -> Duration {
    let windows = load.admitted.div_ceil(load.limit.max(1));
    let Some(full) = windows.checked_sub(2) else { return load.latency };
    let length = load.window.as_nanos().max(1);
    let first = length - load.start.as_nanos() % length;
    let nanos = first + u128::from(full) * length;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)) + load.latency
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_window_is_as_long_as_what_is_left_of_it() {
        let load = Load {
            admitted: 20,
            limit: 20,
            window: Duration::from_secs(3),
            start: Duration::from_millis(300_001_000),
            latency: Duration::from_millis(50),
        };
        let millis = |admitted| least_time(&Load { admitted, ..load }).as_millis();
        assert_eq!(millis(0), 50);
        assert_eq!(millis(20), 50);
        // 300,001 s is 1 s into a window.
        assert_eq!(millis(21), 2_050);
        assert_eq!(millis(40), 2_050);
        assert_eq!(millis(41), 5_050);
        assert_eq!(millis(210), 29_050);
    }
}
