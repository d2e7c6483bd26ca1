//! Numbers, times and dates for people.

/// A number with thin spaces between its thousands.
pub(super) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

pub(super) fn rate(value: f64) -> String {
    if !value.is_finite() {
        return "0".to_owned();
    }
    if value < 10.0 { format!("{value:.1}") } else { number(value.round() as u64) }
}

/// A time in seconds, for people.
pub(super) fn time(seconds: f64) -> String {
    let digits = |value: f64| {
        let text = match value {
            100.0.. => format!("{value:.0}"),
            10.0.. => format!("{value:.1}"),
            _ => format!("{value:.2}"),
        };
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        }
    };
    let whole = seconds.max(0.0).round() as u64;
    match seconds {
        7200.0.. => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
        120.0.. => format!("{} min {} s", whole / 60, whole % 60),
        0.9995.. => format!("{} s", digits(seconds)),
        0.0009995.. => format!("{} ms", digits(seconds * 1e3)),
        1e-9.. => format!("{} µs", digits(seconds * 1e6)),
        _ => "0".to_owned(),
    }
}

/// A date and a time, in UTC.
pub(super) fn date(time: std::time::SystemTime) -> String {
    httpdate::fmt_http_date(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_for_people() {
        assert_eq!(number(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(number(12), "12");
        for (seconds, text) in [
            (0.0, "0"),
            (0.000_05, "50 µs"),
            (0.05, "50 ms"),
            (0.0523, "52.3 ms"),
            (1.0, "1 s"),
            (29.44, "29.4 s"),
            (100.0, "100 s"),
            (125.0, "2 min 5 s"),
            (7260.0, "2 h 1 min"),
        ] {
            assert_eq!(time(seconds), text);
        }
    }
}
