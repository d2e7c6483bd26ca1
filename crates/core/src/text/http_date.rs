//! HTTP dates in the three forms of RFC 9110 section 5.6.7, and RFC 3339 timestamps.

use crate::timestamp::Timestamp;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Reads an HTTP date. `now` decides the century of a two-digit year: one that seems more than 50
/// years ahead is in the past (RFC 9110 section 5.6.7). The weekday has to be one, but need not be
/// the right one.
pub(crate) fn parse(text: &str, now: Timestamp) -> Option<Timestamp> {
    parse_imf_fixdate(text).or_else(|| parse_rfc850(text, now)).or_else(|| parse_asctime(text))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`: every field has its place.
fn parse_imf_fixdate(text: &str) -> Option<Timestamp> {
    let bytes: &[u8; 29] = text.as_bytes().try_into().ok()?;
    let separators = [
        (3, b','),
        (4, b' '),
        (7, b' '),
        (11, b' '),
        (16, b' '),
        (19, b':'),
        (22, b':'),
        (25, b' '),
    ];
    if separators.iter().any(|(at, byte)| bytes[*at] != *byte) || &bytes[26..] != b"GMT" {
        return None;
    }
    // The separators are ASCII, so the text splits at them.
    is_short_weekday(&text[..3]).then_some(())?;
    let date = Date {
        day: number(&text[5..7], 2)?,
        month: month(&text[8..11])?,
        year: number(&text[12..16], 4)?,
        second_of_day: time(&text[17..25])?,
    };
    date.timestamp()
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`
fn parse_rfc850(text: &str, now: Timestamp) -> Option<Timestamp> {
    let (weekday, rest) = text.split_once(", ")?;
    DAYS.contains(&weekday).then_some(())?;
    let mut parts = rest.split(' ');
    let mut fields = parts.next()?.split('-');
    let (day, month) = (number(fields.next()?, 2)?, month(fields.next()?)?);
    let two_digits = number(fields.next()?, 2)?;
    fields.next().is_none().then_some(())?;
    let second_of_day = time(parts.next()?)?;
    (parts.next() == Some("GMT") && parts.next().is_none()).then_some(())?;

    let this_year = year_of(now);
    let in_century = |century: i64| Date { day, month, year: century + two_digits, second_of_day };
    let date = in_century(this_year.div_euclid(100) * 100);
    // Taken as the nearest such year that is not more than 50 years ahead of now.
    let fifty_years_ahead = Date { year: date.year - 50, ..date }.timestamp_lenient();
    let date = if fifty_years_ahead > now { Date { year: date.year - 100, ..date } } else { date };
    let next = Date { year: date.year + 100, ..date };
    let next_is_near = Date { year: next.year - 50, ..next }.timestamp_lenient() <= now;
    if next_is_near { next.timestamp() } else { date.timestamp() }
}

/// `Sun Nov  6 08:49:37 1994`
fn parse_asctime(text: &str) -> Option<Timestamp> {
    let (weekday, rest) = text.split_once(' ')?;
    is_short_weekday(weekday).then_some(())?;
    let (month_name, rest) = rest.split_once(' ')?;
    let (day, rest) = rest.split_at_checked(2)?;
    let day = match day.strip_prefix(' ') {
        Some(digit) => number(digit, 1)?,
        None => number(day, 2)?,
    };
    let (clock, year) = rest.strip_prefix(' ')?.split_once(' ')?;
    let year = number(year, 4)?;
    Date { day, month: month(month_name)?, year, second_of_day: time(clock)? }.timestamp()
}

/// Reads an RFC 3339 timestamp: `2026-03-29T14:00:32.5Z`, also with an offset.
pub(crate) fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let (date, rest) = iso_date(text)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, rest) = rest.split_at_checked(8)?;
    let midnight = Date { second_of_day: time(clock)?, ..date }.timestamp()?;

    let (micros, zone) = match rest.strip_prefix('.') {
        Some(fraction) => {
            let len = fraction.bytes().take_while(u8::is_ascii_digit).count();
            (len > 0).then_some(())?;
            let digits = format!("{:0<6}", &fraction[..len.min(6)]);
            (digits.parse::<i64>().ok()?, &fraction[len..])
        }
        None => (0, rest),
    };
    let offset_seconds = match zone {
        "Z" | "z" => 0,
        // RFC 3339 wants the colon.
        _ => offset_seconds(zone).filter(|_| zone.len() == 6)?,
    };
    Some(Timestamp::from_unix_micros(midnight.unix_micros() + micros - offset_seconds * 1_000_000))
}

/// Reads the date at the beginning of prose: `2026-09-25 20:00:00 +0800`, `2025-11-01 at 00:00 UTC`,
/// `2026-09-25`. Without a time it is the first moment of the day, and without a zone that is UTC's.
pub(crate) fn parse_in_prose(text: &str) -> Option<Timestamp> {
    let (date, rest) = iso_date(text)?;
    let day = date.timestamp()?;
    let clock = rest.strip_prefix(['T', 't']).or_else(|| {
        let rest = rest.strip_prefix(',').unwrap_or(rest).strip_prefix(' ')?;
        Some(rest.strip_prefix("at ").unwrap_or(rest))
    });
    let Some((second_of_day, rest)) = clock.and_then(clock_in_prose) else { return Some(day) };
    let zone = rest.strip_prefix(' ').unwrap_or(rest);
    let offset = offset_seconds(zone.get(..6).unwrap_or_default())
        .or_else(|| offset_seconds(zone.get(..5).unwrap_or_default()))
        .unwrap_or(0);
    let seconds = second_of_day - offset;
    Some(Timestamp::from_unix_micros(day.unix_micros() + seconds * 1_000_000))
}

/// `20:00`, `20:00:00` or `20:00:00.123` as the second of the day, rounded up, and what follows.
fn clock_in_prose(text: &str) -> Option<(i64, &str)> {
    if let Some((second, rest)) =
        text.split_at_checked(8).and_then(|(clock, rest)| Some((time(clock)?, rest)))
    {
        let Some(fraction) = rest.strip_prefix('.') else { return Some((second, rest)) };
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        return Some((second + i64::from(digits > 0), &fraction[digits..]));
    }
    let (clock, rest) = text.split_at_checked(5)?;
    Some((time(&format!("{clock}:00"))?, rest))
}

/// `2026-09-25`, and what follows.
fn iso_date(text: &str) -> Option<(Date, &str)> {
    let (date, rest) = text.split_at_checked(10)?;
    let mut fields = date.split('-');
    let (year, month, day) =
        (number(fields.next()?, 4)?, number(fields.next()?, 2)?, number(fields.next()?, 2)?);
    (fields.next().is_none() && (1..=12).contains(&month)).then_some(())?;
    Some((Date { day, month: month as usize - 1, year, second_of_day: 0 }, rest))
}

/// `+08:00`, `-0530`: seconds east of Greenwich.
fn offset_seconds(zone: &str) -> Option<i64> {
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = zone.strip_prefix(['+', '-'])?.split_at_checked(2)?;
    let minutes = minutes.strip_prefix(':').unwrap_or(minutes);
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn is_short_weekday(name: &str) -> bool {
    name.len() == 3 && DAYS.iter().any(|day| day.starts_with(name))
}

/// A month's name as its index from 0.
fn month(name: &str) -> Option<usize> {
    MONTHS.iter().position(|month| *month == name)
}

fn number(text: &str, digits: usize) -> Option<i64> {
    // The length first: of any number of digits the value would overflow.
    (text.len() == digits).then_some(())?;
    text.bytes().try_fold(0, |value, byte| {
        byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0'))
    })
}

/// `08:49:37` as the second of the day. Second 60, a leap second, is legal.
fn time(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    (bytes.len() == 8 && bytes.is_ascii() && bytes[2] == b':' && bytes[5] == b':').then_some(())?;
    let (hour, minute) = (number(&text[..2], 2)?, number(&text[3..5], 2)?);
    let second = number(&text[6..], 2)?;
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

/// A point of the proleptic Gregorian calendar, in UTC.
#[derive(Clone, Copy)]
struct Date {
    day: i64,
    /// From 0.
    month: usize,
    year: i64,
    second_of_day: i64,
}

impl Date {
    fn timestamp(self) -> Option<Timestamp> {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        let length = match self.month {
            1 if leap => 29,
            1 => 28,
            3 | 5 | 8 | 10 => 30,
            _ => 31,
        };
        (1..=length).contains(&self.day).then(|| self.timestamp_lenient())
    }

    /// Without a check that the month has this day.
    fn timestamp_lenient(self) -> Timestamp {
        // Years that begin in March put the leap day at the end.
        let month = (self.month as i64 + 10) % 12;
        let year = if month >= 10 { self.year - 1 } else { self.year };
        let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        let day_of_year = (153 * month + 2) / 5 + self.day - 1;
        const DAYS_TO_1970: i64 = 719_468;
        let days = 365 * year + leap_days + day_of_year - DAYS_TO_1970;
        Timestamp::from_unix_seconds(days * 86_400 + self.second_of_day)
    }
}

/// The year of a timestamp, exact but for its first and last day.
fn year_of(time: Timestamp) -> i64 {
    let days = time.unix_micros().div_euclid(86_400_000_000);
    1970 + (days as f64 / 365.2425).floor() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str, now: i64) -> Option<i64> {
        parse(text, Timestamp::from_unix_seconds(now)).map(|time| time.unix_micros() / 1_000_000)
    }

    #[test]
    fn the_three_forms_of_one_moment() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(seconds(text, 784_111_747), Some(784_111_777), "{text}");
        }
    }

    #[test]
    fn two_digit_years_lie_within_fifty_years_ahead() {
        let in_2026 = 1_767_225_600;
        assert_eq!(seconds("Monday, 15-Jan-74 00:00:00 GMT", in_2026), Some(3_283_200_000));
        assert_eq!(seconds("Sunday, 06-Nov-94 08:49:37 GMT", in_2026), Some(784_111_777));
        // In 1999 the year 00 is the next one.
        assert_eq!(seconds("Saturday, 01-Jan-00 00:00:00 GMT", 946_684_790), Some(946_684_800));
    }

    #[test]
    fn leap_days_and_leap_seconds() {
        assert_eq!(seconds("Thu, 29 Feb 2024 00:00:10 GMT", 0), Some(1_709_164_810));
        assert_eq!(seconds("Tue, 29 Feb 2000 00:00:05 GMT", 0), Some(951_782_405));
        assert_eq!(seconds("Wed, 29 Feb 2023 00:00:10 GMT", 0), None);
        assert_eq!(seconds("Sat, 31 Dec 2016 23:59:60 GMT", 0), Some(1_483_228_800));
        assert_eq!(seconds("Sun, 06 Nov 1960 08:49:37 GMT", 0), Some(-288_803_423));
    }

    #[test]
    fn what_is_no_http_date() {
        for text in [
            "Zun, 29 Sep 2023 16:26:27 GMT",
            "Fri, 29 Sep 100000 16:26:57 GMT",
            "Fri, 00 Feb 2024 00:00:10 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT foo",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:49:61 GMT",
            "sun, 06 nov 1994 08:49:37 gmt",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun Nov é 08:49:37 1994",
            "Sunday, 02222222222222222222222222222222-Nov-94 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 UTC",
            "Sunday, 06-Nov-94 08:49:37 GMT foo",
            "Sunday, 06-Nov-94-1 08:49:37 GMT",
            "",
        ] {
            assert_eq!(seconds(text, 0), None, "{text}");
        }
    }

    #[test]
    fn rfc_3339() {
        let micros = |text| parse_rfc3339(text).map(Timestamp::unix_micros);
        assert_eq!(micros("1994-11-06T08:49:37Z"), Some(784_111_777_000_000));
        assert_eq!(micros("1994-11-06T08:49:37.5Z"), Some(784_111_777_500_000));
        assert_eq!(micros("1994-11-06T11:49:37+03:00"), Some(784_111_777_000_000));
        assert_eq!(micros("1994-11-06T08:49:37"), None);
        assert_eq!(micros("1994-13-06T08:49:37Z"), None);
        assert_eq!(micros("1994-11-06"), None);
    }
}
