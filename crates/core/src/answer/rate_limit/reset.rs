//! When a rate limit is reset, in the forms in which servers write it.

use std::time::Duration;

use crate::answer::wait::Wait;
use crate::text::{duration, http_date};
use crate::timestamp::Timestamp;

/// From here on a number is a date in seconds since 1970, not a wait.
const EPOCH_SECONDS: u64 = 1_000_000_000;
/// From here on a number is a date in milliseconds since 1970.
const EPOCH_MILLIS: u64 = 100 * EPOCH_SECONDS;
/// From here on a number is no date at all: milliseconds that a [`Timestamp`] cannot hold.
const BEYOND_DATES: f64 = i64::MAX as f64 / 1_000.0;

/// A reset in any of its five meanings: a Go duration, a date in seconds or milliseconds since
/// 1970, seconds to wait, or an RFC 3339 date. One that has passed, be it a date or a wait below
/// zero, is a wait of zero.
pub(crate) fn parse_reset(text: &str, now: Timestamp) -> Option<Wait> {
    if let Some(passed) = text.strip_prefix('-') {
        return parse_reset(passed, now).map(|_| Wait::In(Duration::ZERO));
    }
    if let Some(number) = duration::digits(text.as_bytes()) {
        return Some(whole_reset(number));
    }
    if let Some(number) = duration::decimal(text) {
        let date = |unit: f64| Wait::At(Timestamp::from_unix_seconds_f64(number * unit));
        return if number >= BEYOND_DATES {
            None
        } else if number >= EPOCH_MILLIS as f64 {
            Some(date(1e-3))
        } else if number >= EPOCH_SECONDS as f64 {
            Some(date(1.0))
        } else {
            duration::decimal_seconds(text).map(Wait::In)
        };
    }
    let date = || http_date::parse_rfc3339(text).or_else(|| http_date::parse(text, now));
    duration::go_duration(text).map(Wait::In).or_else(|| date().map(Wait::At))
}

/// A reset that is a whole number of up to 15 digits, which are exact in integers.
fn whole_reset(number: u64) -> Wait {
    let date = |micros: u64| Wait::At(Timestamp::from_unix_micros((number * micros) as i64));
    match number {
        EPOCH_MILLIS.. => date(1_000),
        EPOCH_SECONDS.. => date(1_000_000),
        _ => Wait::In(Duration::from_secs(number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_zero_has_passed() {
        for (text, expected) in [
            ("-5", Some(Duration::ZERO)),
            ("-1.5", Some(Duration::ZERO)),
            ("-2m3s", Some(Duration::ZERO)),
            ("-", None),
            ("-soon", None),
            ("-99999999999999999999999", None),
        ] {
            let wait = parse_reset(text, Timestamp::UNIX_EPOCH);
            assert_eq!(wait.map(|wait| wait.from(Timestamp::UNIX_EPOCH)), expected, "{text}");
        }
    }

    #[test]
    fn a_date_that_overflows_is_no_reset() {
        for text in ["9300000000000000", "99999999999999999999999", "1e30", "99999999999999999999h"]
        {
            assert_eq!(parse_reset(text, Timestamp::UNIX_EPOCH), None, "{text}");
        }
        assert!(parse_reset("9200000000000000", Timestamp::UNIX_EPOCH).is_some());
    }
}
