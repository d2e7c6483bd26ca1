//! Waits that stand in the prose of a message.

mod chinese;

use super::wait::Wait;
use crate::text::{duration, http_date, swar};

/// Finds a wait in prose: `Please try again in 6m 11.52s`, `Retry after 60 seconds`, `Your quota
/// will reset after 19h14m47s`, `It will reset at 2026-09-25 20:00:00 +0800`.
pub(super) fn find(message: &str) -> Option<Wait> {
    let bytes = message.as_bytes();
    let is_number = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let mut at = 0;
    // Numbers are rarer than words, so each number is asked for the words before it.
    while let Some(digit) = first_digit(bytes, at) {
        let start = digit - bytes[at..digit].iter().rev().take_while(|b| is_number(b)).count();
        at = digit + bytes[digit..].iter().take_while(|b| is_number(b)).count();
        let (before, number) = message.split_at(start);
        let inside_word = start == digit && before.bytes().next_back().is_some_and(is_word);
        if bytes.get(at) == Some(&b'-') && at - start == 4 && !inside_word {
            let date = http_date::parse_in_prose(number).filter(|_| introduces_date(before));
            if let Some(date) = date {
                return Some(Wait::At(date));
            }
        }
        let wait = if inside_word { None } else { introduces_wait(before.as_bytes()) };
        if let Some(bare_seconds) = wait {
            if let Some(wait) = duration::prose_duration(number, bare_seconds) {
                return Some(Wait::In(wait));
            }
        }
        if let Some(wait) = chinese::wait(before, number) {
            return Some(Wait::In(wait));
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
    let rest = before_marks(before);
    // All words that introduce a wait end so, and few others do.
    if !matches!(rest.last()? | 0x20, b'n' | b'r' | b's' | b't' | b'y') {
        return None;
    }
    let mut words = words_from_end(rest);
    let last = words.next()?;
    // google.rpc.RetryInfo, printed: `retry_delay { seconds: 58 }`.
    if is_any(last, &["seconds"]) {
        return words.next().filter(|word| is_any(word, &["retry_delay"])).map(|_| true);
    }
    let bare_seconds = is_any(last, &["after", "retry_after"]);
    let introduces = bare_seconds
        || is_any(last, &["in", "for", "wait", "least", "another", "about", "approximately"]);
    if !introduces {
        return None;
    }
    // It may be the same word, or one of three before.
    let found = is_any(last, SUBJECTS) || words.take(3).any(|word| is_any(word, SUBJECTS));
    found.then_some(bare_seconds)
}

/// Whether the text before a date says that it is the end of a wait: `resets at`, `regain access on`,
/// `try again after`, `blocked until`.
fn introduces_date(before: &str) -> bool {
    let mut words = words_from_end(before_marks(before.as_bytes()));
    let Some(last) = words.next() else { return false };
    let follows_subject = is_any(last, &["at", "on", "after", "from"])
        && words.take(3).any(|word| is_any(word, SUBJECTS) || is_any(word, SUBJECTS_OF_DATES));
    follows_subject || is_any(last, &["until", "till", "reset", "resets", "reset_at", "resets_at"])
}

/// What waits are about.
const SUBJECTS: &[&str] =
    &["again", "retry", "retrying", "retry_after", "reset", "resets", "wait", "available", "back"];
/// What dates are about, besides.
const SUBJECTS_OF_DATES: &[&str] =
    &["access", "resume", "resumes", "refresh", "refreshes", "renew", "renews", "restored"];

/// A text without the marks between its last word and what follows.
fn before_marks(mut text: &[u8]) -> &[u8] {
    while let [head @ .., b' ' | b':' | b'=' | b'~' | b'"' | b'\''] = text {
        text = head;
    }
    text
}

/// The words of a text, the last one first.
fn words_from_end(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let end = rest.iter().rposition(|byte| is_word(*byte))? + 1;
        let start = rest[..end].iter().rposition(|byte| !is_word(*byte)).map_or(0, |at| at + 1);
        let word = &rest[start..end];
        rest = &rest[..start];
        Some(word)
    })
}

fn is_any(word: &[u8], names: &[&str]) -> bool {
    names.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::Timestamp;

    /// 2026-09-25 08:00:00 UTC.
    const NOW: i64 = 1_790_323_200;

    fn prose(message: &str) -> Option<f64> {
        find(message).map(|wait| wait.from(Timestamp::UNIX_EPOCH).as_secs_f64())
    }

    #[test]
    fn dates_in_prose() {
        const HOUR: i64 = 3600;
        for (message, expected) in [
            ("It will reset at 2026-09-25 20:00:00 +0800 CST.", Some(4 * HOUR)),
            ("Limit resets at: 2026-09-25 09:00:00 UTC", Some(HOUR)),
            ("You will regain access on 2026-09-26 at 00:00 UTC.", Some(16 * HOUR)),
            ("try again after 2026-09-25T08:30:00.5Z", Some(HOUR / 2 + 1)),
            ("blocked until 2026-09-26", Some(16 * HOUR)),
            ("resets on 2026-09-25, at 10:00-02:00", Some(4 * HOUR)),
            // One that has passed.
            ("resets at 2026-09-24", Some(-32 * HOUR)),
            ("the model was retired on 2026-09-26", None),
            ("gpt-4o-2024-08-06 was called at 2026-09-26", None),
            ("retry with api-version 2026-09-26", None),
            ("resets at 2026-13-26", None),
        ] {
            let at = find(message).and_then(Wait::at);
            let from_now = at.map(|at| at.unix_micros() / 1_000_000 - NOW);
            assert_eq!(from_now, expected, "{message}");
        }
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
