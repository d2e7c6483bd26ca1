//! How long the server asks to wait, and where it says so.

use std::time::Duration;

use crate::named::named;
use crate::text::{duration, http_date, swar};
use crate::timestamp::Timestamp;

named! {
    /// Where a wait was read.
    HintSource, "source" {
        /// A member of the body: `retry_after`, `retryDelay`, `estimated_time` and the like.
        Body = "body",
        /// The end of LLM Resayil's clock minute, by the answer's `Date`.
        Window = "window",
        /// The header `retry-after-ms` or `x-ms-retry-after-ms`.
        RetryAfterMs = "retry_after_ms",
        /// The header `Retry-After` (RFC 9110 section 10.2.3).
        RetryAfter = "retry_after",
        /// A reset header of a rate limit that is used up.
        RateLimitReset = "rate_limit_reset",
        /// The prose of the message.
        Message = "message",
        /// This program's own quota, not the server.
        Quota = "quota",
    }
}

/// What `Retry-After` names: the wait, or the time when it ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum RetryAfter {
    In(Duration),
    At(Timestamp),
}

impl RetryAfter {
    /// The wait. A date that has passed is a wait of zero.
    pub(crate) fn wait(self, now: Timestamp) -> Duration {
        match self {
            RetryAfter::In(wait) => wait,
            RetryAfter::At(date) => date.since(now),
        }
    }
}

/// Reads `Retry-After`: seconds, or a date in any of RFC 9110's three forms. Fractions, RFC 3339
/// dates and seconds since 1970 are not in the grammar but are sent, and taken. So is a value that a
/// proxy has repeated; of different ones none is trusted. Anything else is no hint.
pub(crate) fn parse_retry_after(value: &str, now: Timestamp) -> Option<RetryAfter> {
    let value = value.trim_matches([' ', '\t']);
    let date = || http_date::parse(value, now).or_else(|| http_date::parse_rfc3339(value));
    let seconds = |value| duration::decimal_seconds(value).map(|wait| wait_or_date(wait, now));
    seconds(value).or_else(|| date().map(RetryAfter::At)).or_else(|| {
        let mut values = value.split(',').map(|value| value.trim_matches([' ', '\t']));
        let first = values.next()?;
        if values.all(|value| value == first) { seconds(first) } else { None }
    })
}

/// Seconds, unless they, or as many milliseconds, are the date of a time not far from now: nobody
/// asks to wait for decades, but some servers do write a date so.
pub(crate) fn wait_or_date(seconds: Duration, now: Timestamp) -> RetryAfter {
    const YEAR: Duration = Duration::from_secs(366 * 24 * 60 * 60);
    let is_near = |date: &Timestamp| date.since(now).max(now.since(*date)) < YEAR;
    let dates = [seconds, seconds / 1000].map(|since| Timestamp::UNIX_EPOCH + since);
    match dates.into_iter().find(is_near) {
        Some(date) if seconds > YEAR => RetryAfter::At(date),
        _ => RetryAfter::In(seconds),
    }
}

/// Reads a wait in milliseconds.
pub(crate) fn parse_millis(value: &str) -> Option<Duration> {
    duration::from_seconds(duration::decimal(value.trim_matches([' ', '\t']))? / 1000.0)
}

/// Finds a wait in prose: `Please try again in 6m 11.52s`, `Retry after 60 seconds`, `Your quota
/// will reset after 19h14m47s`.
pub(crate) fn find_in_prose(message: &str) -> Option<Duration> {
    let bytes = message.as_bytes();
    let is_number = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let mut at = 0;
    // Numbers are rarer than words, so each number is asked for the words before it.
    while let Some(digit) = first_digit(bytes, at) {
        let start = digit - bytes[at..digit].iter().rev().take_while(|b| is_number(b)).count();
        at = digit + bytes[digit..].iter().take_while(|b| is_number(b)).count();
        let (before, number) = message.split_at(start);
        let inside_word = start == digit && before.bytes().next_back().is_some_and(is_word);
        let wait = if inside_word { None } else { introduces_wait(before.as_bytes()) };
        if let Some(bare_seconds) = wait {
            if let Some(wait) = duration::prose_duration(number, bare_seconds) {
                return Some(wait);
            }
        }
    }
    None
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Where the next digit is.
fn first_digit(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    let digits = |word| swar::mark_range(word, b'0', b'9');
    for word in bytes.get(from..)?.chunks_exact(8) {
        let found = digits(swar::load_padded(word, 0));
        if found != 0 {
            return Some(at + swar::first(found));
        }
        at += 8;
    }
    let found = digits(swar::load_padded(bytes, at));
    (found != 0).then(|| at + swar::first(found))
}

/// Whether the text before a number says that it is a wait, and if so, whether that is in seconds
/// unless it has a unit.
fn introduces_wait(before: &[u8]) -> Option<bool> {
    let mut rest = before;
    while let [head @ .., b' ' | b':' | b'=' | b'~' | b'"' | b'\''] = rest {
        rest = head;
    }
    // All words that introduce a wait end so, and few others do.
    if !matches!(rest.last()? | 0x20, b'n' | b'r' | b's' | b't' | b'y') {
        return None;
    }
    let mut words = std::iter::from_fn(|| {
        let end = rest.iter().rposition(|byte| is_word(*byte))? + 1;
        let start = rest[..end].iter().rposition(|byte| !is_word(*byte)).map_or(0, |at| at + 1);
        let word = &rest[start..end];
        rest = &rest[..start];
        Some(word)
    });
    let last = words.next()?;
    let is = |word: &[u8], names: &[&str]| {
        names.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes()))
    };
    // google.rpc.RetryInfo, printed: `retry_delay { seconds: 58 }`.
    if is(last, &["seconds"]) {
        return words.next().filter(|word| is(word, &["retry_delay"])).map(|_| true);
    }
    let bare_seconds = is(last, &["after", "retry_after"]);
    let introduces = bare_seconds
        || is(last, &["in", "for", "wait", "least", "another", "about", "approximately"]);
    if !introduces {
        return None;
    }
    let subjects = [
        "again",
        "retry",
        "retrying",
        "retry_after",
        "reset",
        "resets",
        "wait",
        "available",
        "back",
    ];
    // It may be the same word, or one of three before.
    let found = is(last, &subjects) || words.take(3).any(|word| is(word, &subjects));
    found.then_some(bare_seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prose(message: &str) -> Option<f64> {
        find_in_prose(message).map(|wait| wait.as_secs_f64())
    }

    #[test]
    fn waits_in_prose() {
        for (message, expected) in [
            ("Please try again in 28ms.", Some(0.028)),
            ("TRY AGAIN IN 35 SECONDS.", Some(35.0)),
            ("try again in 1 minute", Some(60.0)),
            ("Please retry after 22 seconds. Please go here", Some(22.0)),
            ("Please retry in 56.185908122s.", Some(56.185908122)),
            ("Your quota will reset after 19h14m47s.", Some(69_287.0)),
            ("Please try again in 6m 11.52s. Need more tokens?", Some(371.52)),
            ("Limit 10 per minute. Retry after 60 seconds.", Some(60.0)),
            ("retry_after: 7", Some(7.0)),
            ("Quota exceeded. retry_delay {\n  seconds: 58\n}", Some(58.0)),
            ("max_seconds: 58", None),
            ("Please wait 10 seconds before retrying", Some(10.0)),
            ("Resets in 3 days. ...", Some(259_200.0)),
            ("try again in about 20s", Some(20.0)),
            ("try again in -1s", None),
            ("try again in tomorrow", None),
            ("Limit 200000, used 197494 in 60 seconds", None),
            ("", None),
        ] {
            assert_eq!(prose(message), expected, "{message}");
        }
    }

    #[test]
    fn retry_after_values() {
        let now = Timestamp::from_unix_seconds(784_111_747);
        let secs = |value| parse_retry_after(value, now).map(|wait| wait.wait(now).as_secs_f64());
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
