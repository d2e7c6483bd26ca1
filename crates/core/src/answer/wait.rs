//! Waits as servers name them: in seconds, milliseconds, or by the time when they end.

use std::time::Duration;

use crate::text::{duration, http_date};
use crate::timestamp::Timestamp;

/// What a server names: a wait, or the time when it ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wait {
    In(Duration),
    At(Timestamp),
}

impl Wait {
    /// How long it is. A date that has passed is a wait of zero.
    pub(crate) fn from(self, now: Timestamp) -> Duration {
        match self {
            Wait::In(wait) => wait,
            Wait::At(date) => date.since(now),
        }
    }

    /// The wait from now on.
    pub(crate) fn due(self, now: Timestamp) -> Due {
        Due { wait: self.from(now), at: self.at() }
    }

    /// The time, if that is what the server names.
    pub(crate) fn at(self) -> Option<Timestamp> {
        match self {
            Wait::In(_) => None,
            Wait::At(date) => Some(date),
        }
    }
}

/// A wait from the moment when the answer came, and the time when it ends, if that was named.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Due {
    pub(crate) wait: Duration,
    pub(crate) at: Option<Timestamp>,
}

impl From<Duration> for Due {
    fn from(wait: Duration) -> Self {
        Due { wait, at: None }
    }
}

/// Reads `Retry-After`: seconds, or a date in any of RFC 9110's three forms. Fractions, RFC 3339
/// dates and seconds since 1970 are not in the grammar but are sent, and taken. So is a value that a
/// proxy has repeated; of different ones none is trusted. Anything else is no hint.
pub(crate) fn parse_retry_after(value: &str, now: Timestamp) -> Option<Wait> {
    let value = value.trim_matches([' ', '\t']);
    let date = || http_date::parse(value, now).or_else(|| http_date::parse_rfc3339(value));
    let seconds = |value| duration::decimal_seconds(value).map(|wait| wait_or_date(wait, now));
    seconds(value).or_else(|| date().map(Wait::At)).or_else(|| {
        let mut values = value.split(',').map(|value| value.trim_matches([' ', '\t']));
        let first = values.next()?;
        if values.all(|value| value == first) { seconds(first) } else { None }
    })
}

/// Seconds, unless they, or as many milliseconds, are the date of a time not far from now: nobody
/// asks to wait for decades, but some servers do write a date so.
pub(crate) fn wait_or_date(seconds: Duration, now: Timestamp) -> Wait {
    const YEAR: Duration = Duration::from_secs(366 * 24 * 60 * 60);
    let is_near = |date: &Timestamp| date.since(now).max(now.since(*date)) < YEAR;
    let dates = [seconds, seconds / 1000].map(|since| Timestamp::UNIX_EPOCH + since);
    match dates.into_iter().find(is_near) {
        Some(date) if seconds > YEAR => Wait::At(date),
        _ => Wait::In(seconds),
    }
}

/// Reads a wait in milliseconds.
pub(crate) fn parse_millis(value: &str) -> Option<Duration> {
    duration::from_seconds(duration::decimal(value.trim_matches([' ', '\t']))? / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_values() {
        let now = Timestamp::from_unix_seconds(784_111_747);
        let secs = |value| parse_retry_after(value, now).map(|wait| wait.from(now).as_secs_f64());
        assert_eq!(secs("\t42 "), Some(42.0));
        assert_eq!(secs("Sun, 06 Nov 1994 08:49:37 GMT"), Some(30.0));
        assert_eq!(secs("Sun, 06 Nov 1960 08:49:37 GMT"), Some(0.0));
        assert_eq!(secs("30, 30"), Some(30.0));
        assert_eq!(secs("784111789"), Some(42.0));
        assert_eq!(secs("784111789500"), Some(42.5));
        assert_eq!(secs("9223372037"), Some(9_223_372_037.0));
        for garbage in
            ["5, 7", "120;foo=bar", "4\r\n 2", "-2", "inf", "NaN", "²", "12\0", "", "soon"]
        {
            assert_eq!(secs(garbage), None, "{garbage}");
        }
        assert_eq!(parse_millis("1500"), Some(Duration::from_millis(1500)));
        assert_eq!(parse_millis("-1"), None);
    }
}
