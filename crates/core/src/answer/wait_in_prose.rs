//! Waits that stand in the prose of a message.

use std::time::Duration;

use crate::text::{duration, swar};

/// Finds a wait in prose: `Please try again in 6m 11.52s`, `Retry after 60 seconds`, `Your quota
/// will reset after 19h14m47s`.
pub(super) fn find(message: &str) -> Option<Duration> {
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
        find(message).map(|wait| wait.as_secs_f64())
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
}
