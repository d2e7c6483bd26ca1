//! The server's clock, as far as its answers give it away.

use std::time::Duration;

use super::bytes::record;
use crate::timestamp::Timestamp;

/// Microseconds that the server's clock is ahead of the caller's monotonic clock: somewhere
/// between two bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerClock {
    earliest: i64,
    latest: i64,
    observed: bool,
}

record!(ServerClock { earliest, latest, observed });

/// `Date` has whole seconds.
const DATE_RESOLUTION: i64 = 1_000_000;

impl ServerClock {
    /// Guesses that the server's clock shows the same as the local wall clock.
    pub(super) fn new(wall: Timestamp, now: Duration) -> Self {
        let ahead = wall.unix_micros().saturating_sub(micros(now));
        ServerClock { earliest: ahead, latest: ahead, observed: false }
    }

    /// Learns from an answer that was asked for at `sent`, arrived at `received`, and shows `date`.
    pub(super) fn observe(&mut self, date: Timestamp, sent: Duration, received: Duration) {
        // The clock stood somewhere within the second `date`, at some moment of the exchange.
        let earliest = date.unix_micros().saturating_sub(micros(received));
        let latest =
            date.unix_micros().saturating_add(DATE_RESOLUTION).saturating_sub(micros(sent));
        self.narrow(earliest, latest);
    }

    /// Learns that the server's clock shows a moment from `earliest` to `latest` at `at`.
    pub(super) fn observe_between(&mut self, earliest: i64, latest: i64, at: Duration) {
        self.narrow(earliest.saturating_sub(micros(at)), latest.saturating_sub(micros(at)));
    }

    /// Whether the server has shown its clock.
    pub(super) fn is_observed(&self) -> bool {
        self.observed
    }

    /// Whether it can be reckoned with.
    pub(super) fn is_sound(&self) -> bool {
        self.earliest <= self.latest
            && self.earliest.unsigned_abs().max(self.latest.unsigned_abs()) < 1 << 58
    }

    /// Learns that it is ahead by so many microseconds, at least and at the most.
    pub(super) fn narrow(&mut self, earliest: i64, latest: i64) {
        let (low, high) = (self.earliest.max(earliest), self.latest.min(latest));
        // A guess, and what was learned before the server's clock was set, give way.
        if self.observed && low <= high {
            (self.earliest, self.latest) = (low, high);
        } else {
            (self.earliest, self.latest) = (earliest, latest.max(earliest));
        }
        self.observed = true;
    }

    /// The earliest that the server's clock may show at `now`, in microseconds since 1970.
    pub(super) fn earliest(&self, now: Duration) -> i64 {
        micros(now).saturating_add(self.earliest)
    }

    /// The latest that the server's clock may show at `now`.
    pub(super) fn latest(&self, now: Duration) -> i64 {
        micros(now).saturating_add(self.latest)
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn dates_narrow_the_estimate() {
        let mut clock = ServerClock::new(Timestamp::from_unix_seconds(1000), Duration::ZERO);
        // The server is 30 s ahead: the guess gives way.
        clock.observe(Timestamp::from_unix_seconds(1030), millis(100), millis(200));
        assert_eq!(clock.earliest(millis(200)), 1_030_000_000);
        assert_eq!(clock.latest(millis(100)), 1_031_000_000);
        // Just after its second has changed the bounds are close.
        clock.observe(Timestamp::from_unix_seconds(1031), millis(1000), millis(1050));
        assert_eq!(clock.earliest(millis(1050)), 1_031_000_000);
        assert!(clock.latest(millis(1050)) - clock.earliest(millis(1050)) <= 1_000_000);
    }

    #[test]
    fn a_server_whose_clock_is_set_is_followed() {
        let mut clock = ServerClock::new(Timestamp::from_unix_seconds(0), Duration::ZERO);
        clock.observe(Timestamp::from_unix_seconds(100), millis(0), millis(10));
        clock.observe(Timestamp::from_unix_seconds(50), millis(20), millis(30));
        assert_eq!(clock.earliest(millis(30)), 50_000_000);
    }
}
