//! Durations as servers write them.

use std::time::Duration;

/// Seconds as a duration; `None` for what is negative, not a number or too long for the type, which
/// nobody means.
pub(crate) fn from_seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

/// A whole number of up to 15 digits, which a float holds exactly. Most numbers are such, so it is
/// tried first.
pub(crate) fn digits(text: &[u8]) -> Option<u64> {
    if !(1..=15).contains(&text.len()) {
        return None;
    }
    text.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + u64::from(byte - b'0'))
    })
}

/// A decimal number without sign, such as `45`, `1.5`, `.5` or `1e3`; digits in ASCII only.
pub(crate) fn decimal(text: &str) -> Option<f64> {
    if let Some(number) = digits(text.as_bytes()) {
        return Some(number as f64);
    }
    let plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+');
    let first = *text.as_bytes().first()?;
    (text.len() <= 64 && (first.is_ascii_digit() || first == b'.') && text.bytes().all(plain))
        .then_some(())?;
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A decimal number of seconds. Whole numbers are exact; those too large for the type, however many
/// digits they have, are the longest wait there is.
pub(crate) fn decimal_seconds(text: &str) -> Option<Duration> {
    if let Some(number) = digits(text.as_bytes()) {
        return Some(Duration::from_secs(number));
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    from_seconds(decimal(text)?)
}

/// The longest name of a unit, in bytes.
const LONGEST_UNIT: usize = "milliseconds".len();

/// The seconds of one unit, by any of its usual names.
fn unit(name: &str) -> Option<f64> {
    let mut buffer = [0; LONGEST_UNIT];
    let lower = buffer.get_mut(..name.len())?;
    lower.copy_from_slice(name.as_bytes());
    lower.make_ascii_lowercase();
    Some(match std::str::from_utf8(lower).ok()? {
        "ns" | "nanosecond" | "nanoseconds" => 1e-9,
        "us" | "µs" | "μs" | "microsecond" | "microseconds" => 1e-6,
        "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => 1e-3,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "week" | "weeks" => 604_800.0,
        _ => return None,
    })
}

/// A duration in the form of Go's `time.Duration`: `6m0s`, `1h30m0s`, `120ms`, `7.66s`; a plain
/// `0` as well.
pub(crate) fn go_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (value, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (name, tail) = tail.split_at(letters);
        let go_unit = matches!(name, "ns" | "us" | "µs" | "μs" | "ms" | "s" | "m" | "h");
        seconds += decimal(value)? * unit(name).filter(|_| go_unit)?;
        rest = tail;
    }
    if text.is_empty() { None } else { from_seconds(seconds) }
}

/// A duration at the beginning of prose: `35 seconds`, `6m 11.52s`, `11m0.528s`, `2 hours and 5
/// minutes`. A number without a unit counts as seconds if `bare_seconds`.
pub(crate) fn prose_duration(text: &str, bare_seconds: bool) -> Option<Duration> {
    let mut rest = text;
    let mut seconds = None;
    while let Some((mut value, mut tail)) = split_number(rest) {
        // Of a range, `5-10 seconds`, the end is safe.
        if let Some((end, after)) = tail.strip_prefix(['-', '–']).and_then(split_number) {
            (value, tail) = (value.max(end), after);
        }
        let tail = tail.strip_prefix('-').unwrap_or(tail).trim_start_matches([' ', '\u{a0}']);
        let end = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
        let Some(scale) = unit(&tail[..end]) else {
            // `after 429 errors` counts errors.
            if seconds.is_none() && bare_seconds && end == 0 {
                seconds = Some(value);
            }
            break;
        };
        seconds = Some(seconds.unwrap_or(0.0) + value * scale);
        rest = tail[end..].trim_start_matches([' ', ',']);
        rest = rest.strip_prefix("and ").unwrap_or(rest);
    }
    from_seconds(seconds?)
}

fn split_number(text: &str) -> Option<(f64, &str)> {
    if let Some((number, rest)) = split_thousands(text) {
        return Some((number, rest));
    }
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    // A full stop behind the number ends the sentence.
    let digits = text[..end].trim_end_matches('.');
    decimal(digits).map(|number| (number, &text[digits.len()..]))
}

/// `1,200`: up to three digits, then groups of three.
fn split_thousands(text: &str) -> Option<(f64, &str)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut end = digits(text);
    text[end..].starts_with(',').then_some(())?;
    let mut number: f64 = text.get(..end).filter(|_| (1..=3).contains(&end))?.parse().ok()?;
    let mut groups = 0;
    while let Some(group) = text[end..].strip_prefix(',').filter(|group| digits(group) == 3) {
        number = number * 1000.0 + group[..3].parse::<f64>().ok()?;
        end += 4;
        groups += 1;
    }
    (groups > 0).then_some((number, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(duration: Option<Duration>) -> Option<f64> {
        duration.map(|duration| duration.as_secs_f64())
    }

    #[test]
    fn go_durations() {
        for (text, expected) in [
            ("6m0s", Some(360.0)),
            ("1h30m0s", Some(5400.0)),
            ("120ms", Some(0.12)),
            ("1m30.951s", Some(90.951)),
            ("500μs", Some(0.0005)),
            ("500µs", Some(0.0005)),
            ("0", Some(0.0)),
            ("-", None),
            ("s", None),
            ("1 s", None),
            ("e", None),
            ("1d", None),
            ("1h30", None),
            ("-1s", None),
            ("", None),
            (".s", None),
        ] {
            assert_eq!(secs(go_duration(text)), expected, "{text}");
        }
    }

    #[test]
    fn prose() {
        for (text, expected) in [
            ("35 SECONDS.", Some(35.0)),
            ("6m 11.52s. Need more", Some(371.52)),
            ("11m0.528s", Some(660.528)),
            ("19h14m47s.", Some(69_287.0)),
            ("2 hours and 5 minutes", Some(7500.0)),
            ("1.5 milliseconds.", Some(0.0015)),
            ("5-10 seconds", Some(10.0)),
            ("1,200 seconds", Some(1200.0)),
            ("1,234,567ms", Some(1234.567)),
            ("1,2 seconds", None),
            ("tomorrow", None),
            ("-1s", None),
            ("3 tokens", None),
        ] {
            assert_eq!(secs(prose_duration(text, false)), expected, "{text}");
        }
        assert_eq!(secs(prose_duration("60. Then", true)), Some(60.0));
        assert_eq!(secs(prose_duration("60. Then", false)), None);
        assert_eq!(secs(prose_duration("429 errors", true)), None);
    }

    #[test]
    fn decimals() {
        assert_eq!(
            decimal_seconds("9223372036854775807"),
            Some(Duration::from_secs(i64::MAX as u64))
        );
        assert_eq!(decimal_seconds(".5"), Some(Duration::from_millis(500)));
        for text in ["", "-1", "+1", "inf", "nan", "1_000", "0x10", "²", "1e-3", "12\0"] {
            assert_eq!(decimal_seconds(text), None, "{text}");
        }
    }

    #[test]
    fn what_overflows_is_no_duration() {
        for text in ["18446744073709551616.0", "1e30", "1e999"] {
            assert_eq!(decimal_seconds(text), None, "{text}");
        }
        // But what is all digits is meant to be long.
        for text in ["18446744073709551616", "99999999999999999999999", &"9".repeat(100)] {
            assert_eq!(decimal_seconds(text), Some(Duration::from_secs(u64::MAX)), "{text}");
        }
        assert_eq!(go_duration("99999999999999999999999h"), None);
        assert_eq!(prose_duration("99999999999999999999999 seconds", false), None);
    }
}
