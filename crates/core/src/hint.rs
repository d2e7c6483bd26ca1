//! How long the server asks to wait, and where it says so.

use std::fmt;
use std::time::Duration;

use crate::timestamp::Timestamp;
use crate::{duration, http_date};

macro_rules! sources {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// Where a wait was read.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum HintSource {
            $($(#[$doc])* $variant,)*
        }

        impl HintSource {
            /// All sources that this version knows.
            pub const ALL: &'static [HintSource] = &[$(HintSource::$variant,)*];

            /// The name in the error record.
            pub const fn name(self) -> &'static str {
                match self { $(HintSource::$variant => $name,)* }
            }
        }
    };
}

sources! {
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

impl fmt::Display for HintSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Reads `Retry-After`: seconds, or a date in any of RFC 9110's three forms. Fractions and RFC 3339
/// dates are not in the grammar but are sent, and taken. A date that has passed is a wait of zero;
/// anything else is no hint.
pub(crate) fn parse_retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim_matches([' ', '\t']);
    let date = || http_date::parse(value, now).or_else(|| http_date::parse_rfc3339(value));
    duration::decimal_seconds(value).or_else(|| date().map(|date| date.since(now)))
}

/// Reads a wait in milliseconds.
pub(crate) fn parse_millis(value: &str) -> Option<Duration> {
    duration::from_seconds(duration::decimal(value.trim_matches([' ', '\t']))? / 1000.0)
}

/// Finds a wait in prose: `Please try again in 6m 11.52s`, `Retry after 60 seconds`, `Your quota
/// will reset after 19h14m47s`.
pub(crate) fn find_in_prose(message: &str) -> Option<Duration> {
    if !message.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut words = Words { rest: message };
    // The word before decides what a number means.
    let mut subject = 0;
    while let Some(word) = words.next() {
        let is = |names: &[&str]| names.iter().any(|name| word.eq_ignore_ascii_case(name));
        if is(&[
            "again",
            "retry",
            "retrying",
            "retry_after",
            "reset",
            "resets",
            "wait",
            "available",
            "back",
        ]) {
            subject = 4;
        }
        let bare_seconds = is(&["after", "retry_after"]);
        let introduces = bare_seconds
            || is(&["in", "for", "wait", "least", "another", "about", "approximately"]);
        if subject > 0 && introduces {
            if let Some(wait) = duration::prose_duration(words.number(), bare_seconds) {
                return Some(wait);
            }
        }
        subject = if subject > 0 { subject - 1 } else { 0 };
    }
    None
}

struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let start = self.rest.find(is_word)?;
        let tail = &self.rest[start..];
        let end = tail.find(|c| !is_word(c)).unwrap_or(tail.len());
        self.rest = &tail[end..];
        Some(&tail[..end])
    }

    /// What follows, if it begins with a number.
    fn number(&self) -> &'a str {
        self.rest.trim_start_matches([' ', ':', '=', '~', '"', '\''])
    }
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
        let secs = |value| parse_retry_after(value, now).map(|wait| wait.as_secs_f64());
        assert_eq!(secs("\t42 "), Some(42.0));
        assert_eq!(secs("Sun, 06 Nov 1994 08:49:37 GMT"), Some(30.0));
        assert_eq!(secs("Sun, 06 Nov 1960 08:49:37 GMT"), Some(0.0));
        for garbage in
            ["5, 7", "120;foo=bar", "4\r\n 2", "-2", "inf", "NaN", "²", "12\0", "", "soon"]
        {
            assert_eq!(secs(garbage), None, "{garbage}");
        }
        assert_eq!(parse_millis("1500"), Some(Duration::from_millis(1500)));
        assert_eq!(parse_millis("-1"), None);
    }
}
