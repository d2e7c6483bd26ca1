//! Reading the headers about rate limits.

use std::time::Duration;

use super::ietf::Ietf;
use super::{Bucket, RateLimit, parse_reset};
use crate::answer::headers::{LITELLM_PREFIX, MAX_NAME, is_positive, lowercase, server_time, trim};
use crate::text::{duration, swar};
use crate::timestamp::Timestamp;

/// Reads the rate limit from the headers of an answer that arrived at `now`, and the wait that
/// follows from one that is used up.
pub(crate) fn read<N: AsRef<[u8]>, V: AsRef<[u8]>>(
    headers: impl Iterator<Item = (N, V)> + Clone,
    now: Timestamp,
) -> (Option<RateLimit>, Option<Duration>) {
    let mut time = now;
    let mut has_date = false;
    for (name, value) in headers.clone() {
        let (name, value) = (name.as_ref(), value.as_ref());
        if swar::eq_ignore_case(name, b"age") && is_positive(value) {
            // What a cache has stored says nothing about now.
            return (None, None);
        }
        if swar::eq_ignore_case(name, b"date") && !std::mem::replace(&mut has_date, true) {
            time = server_time(Some(value), now);
        }
    }
    let own = read_names(headers.clone(), b"", time);
    if own.0.is_some() { own } else { read_names(headers, LITELLM_PREFIX, time) }
}

/// Reads the headers whose names have this in front.
fn read_names<N: AsRef<[u8]>, V: AsRef<[u8]>>(
    headers: impl Iterator<Item = (N, V)>,
    prefix: &[u8],
    server_time: Timestamp,
) -> (Option<RateLimit>, Option<Duration>) {
    let mut reader = Reader::default();
    let mut buffer = [0; MAX_NAME];
    for (name, value) in headers {
        let name = lowercase(name.as_ref(), &mut buffer);
        if let Some(name) = name.and_then(|name| name.strip_prefix(prefix)) {
            reader.read(name, trim(value.as_ref()), server_time);
        }
    }
    reader.finish()
}

/// Whether a header of this name, in any case, may be about rate limits: a glance at its first eight
/// characters.
#[inline]
pub(crate) fn may_tell(name: &[u8]) -> bool {
    const HEADS: [u64; 5] = [
        swar::word(b"x-rateli"),
        swar::word(b"ratelimi"),
        swar::word(b"x-rate-l"),
        swar::word(b"anthropi"),
        swar::word(b"llm_prov"),
    ];
    let head = swar::load(name, 0).map(swar::lowercase);
    head.is_some_and(|head| HEADS.contains(&head))
}

/// Gathers the rate limit from headers, one after the other.
#[derive(Default)]
struct Reader {
    requests: Told,
    tokens: Told,
    others: Vec<(u64, Told)>,
    ietf: Ietf,
}

/// What headers tell of a bucket.
#[derive(Clone, Copy, Default)]
struct Told {
    bucket: Bucket,
    /// Its limit and what is left of it are below zero: the server knows nothing of it (Azure).
    has_negative_limit: bool,
    has_negative_remainder: bool,
}

#[derive(Clone, Copy)]
enum Field {
    Limit,
    Remaining,
    Reset,
}

impl Reader {
    /// Takes one header, whose name is in lower case.
    fn read(&mut self, name: &[u8], value: &[u8], now: Timestamp) {
        let rest = match name.first() {
            Some(b'x') => {
                name.strip_prefix(b"x-ratelimit-").or(name.strip_prefix(b"x-rate-limit-"))
            }
            Some(b'r') => match name {
                b"ratelimit" => return self.read_ietf(value),
                b"ratelimit-policy" => {
                    return self.ietf.read_policies(std::str::from_utf8(value).unwrap_or_default());
                }
                _ => name.strip_prefix(b"ratelimit-").or(name.strip_prefix(b"ratelimitbysize-")),
            },
            Some(b'a') => name.strip_prefix(b"anthropic-ratelimit-"),
            _ => None,
        };
        // `limit`, `remaining` or `reset`, of whatever.
        if let Some((field, bucket)) = rest.and_then(read_name) {
            self.set(field, bucket, value, now);
        }
    }

    /// Sets a field, if its value is text.
    fn set(&mut self, field: Field, id: BucketId, value: &[u8], now: Timestamp) {
        let Ok(text) = std::str::from_utf8(value) else { return };
        let whole = || whole(text);
        let told = self.bucket(id);
        let bucket = &mut told.bucket;
        match field {
            Field::Limit if text.starts_with('-') => told.has_negative_limit = true,
            Field::Limit => bucket.limit = bucket.limit.or_else(whole),
            Field::Remaining => {
                told.has_negative_remainder |= text.starts_with('-');
                // Two proxies that count both have to let the next request pass.
                let least = text.split(',').filter_map(|part| self::whole(part.trim())).min();
                bucket.remaining = bucket.remaining.into_iter().chain(least).min();
            }
            Field::Reset => {
                bucket.reset_after = bucket.reset_after.or_else(|| parse_reset(text, now));
            }
        }
    }

    fn bucket(&mut self, id: BucketId) -> &mut Told {
        if id.other == 0 {
            return if id.tokens { &mut self.tokens } else { &mut self.requests };
        }
        let key = (id.other << 1) | u64::from(id.tokens);
        let index = self.others.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            // A dozen is more than any provider has; beyond it the last one is shared.
            if self.others.len() < 12 {
                self.others.push((key, Told::default()));
            }
            self.others.len() - 1
        });
        &mut self.others[index].1
    }

    /// `RateLimit: "default";r=1;t=7`, and the dictionary of an older draft.
    fn read_ietf(&mut self, value: &[u8]) {
        let Ok(value) = std::str::from_utf8(value) else { return };
        if !value.starts_with("limit=") {
            return self.ietf.read_limits(value);
        }
        let bucket = &mut self.requests.bucket;
        for part in value.split(',') {
            let Some((name, number)) = part.trim().split_once('=') else { continue };
            match name {
                "limit" => bucket.limit = whole(number),
                "remaining" => bucket.remaining = whole(number),
                "reset" => bucket.reset_after = whole(number).map(Duration::from_secs),
                _ => {}
            }
        }
    }

    /// The buckets, those first that are told apart by nothing but requests and tokens.
    fn buckets(&self) -> (Bucket, Bucket, Vec<Bucket>) {
        let known = |told: &Told| match told.has_negative_limit && told.has_negative_remainder {
            true => Bucket::default(),
            false => told.bucket,
        };
        let of_ietf = self.ietf.binding();
        let mut requests = known(&self.requests);
        requests.limit = requests.limit.or(of_ietf.limit);
        requests.remaining = of_ietf.remaining.or(requests.remaining);
        requests.reset_after = of_ietf.reset_after.or(requests.reset_after);
        let others = self.others.iter().map(|(_, told)| known(told)).collect();
        (requests, known(&self.tokens), others)
    }

    /// The rate limit, and the wait that follows from buckets that are used up.
    fn finish(self) -> (Option<RateLimit>, Option<Duration>) {
        let (mut requests, mut tokens, others) = self.buckets();
        // The longest wait for a bucket that is used up, and the longest one for a bucket whose
        // remainder is not told, of any resource and window.
        let (mut exhausted_reset, mut untold_reset) = (None, None);
        for bucket in [requests, tokens].iter().chain(&others) {
            let longest = match bucket.remaining {
                Some(0) => &mut exhausted_reset,
                Some(_) => continue,
                None => &mut untold_reset,
            };
            *longest = (*longest).max(bucket.reset_after);
        }
        for bucket in [&mut requests, &mut tokens] {
            if let (Some(limit), Some(remaining)) = (bucket.limit, bucket.remaining) {
                bucket.remaining = Some(remaining.min(limit));
            }
        }
        if requests.is_empty() && tokens.is_empty() {
            requests = others.first().copied().unwrap_or_default();
        }
        let told = !(requests.is_empty() && tokens.is_empty());
        let limit = told.then_some(RateLimit { requests, tokens });
        (limit, exhausted_reset.or(untold_reset))
    }
}

/// `limit-requests`, `tokens-remaining`, `remaining-tokens-day`
fn read_name(rest: &[u8]) -> Option<(Field, BucketId)> {
    let mut field = None;
    let mut bucket = BucketId::default();
    for part in rest.split(|byte| *byte == b'-') {
        match part {
            b"limit" => field = Some(Field::Limit),
            b"remaining" => field = Some(Field::Remaining),
            b"reset" => field = Some(Field::Reset),
            _ => bucket.add(part),
        }
    }
    Some((field?, bucket))
}

/// Which resource, and which window of it, a header speaks of.
#[derive(Default)]
struct BucketId {
    tokens: bool,
    /// A mix of the other words of the name; 0 for the plain bucket.
    other: u64,
}

impl BucketId {
    fn add(&mut self, word: &[u8]) {
        match word {
            b"request" | b"requests" | b"req" | b"minute" => {}
            b"token" | b"tokens" => self.tokens = true,
            // FNV-1a: two names that collide share a bucket, which does no harm.
            _ => {
                let hash =
                    |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
                self.other = word.iter().fold(self.other ^ 0xcbf2_9ce4_8422_2325, hash) | 1;
            }
        }
    }
}

/// A whole number. Negative remainders were seen and count as 0; `100, 100;w=60` counts as 100.
fn whole(text: &str) -> Option<u64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let first = text.split([',', ';']).next()?.trim();
    if let Some(digits) = first.strip_prefix('-') {
        return digits.parse::<u64>().ok().map(|_| 0);
    }
    first.parse().ok().or_else(|| duration::decimal(first).map(|number| number as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(headers: &[(&str, &str)]) -> Option<(Option<u64>, Option<u64>, Option<Duration>)> {
        let limit = read(headers.iter().copied(), Timestamp::from_unix_seconds(1_741_305_555)).0;
        limit.map(|limit| (limit.limit(), limit.remaining(), limit.reset_after()))
    }

    #[test]
    fn a_cached_answer_tells_no_rate_limit() {
        let limit = ("X-RateLimit-Limit", "20");
        assert_eq!(told(&[limit, ("Age", "120")]), None);
        assert_eq!(told(&[limit, ("Age", "0")]), Some((Some(20), None, None)));
    }

    #[test]
    fn a_date_is_one_of_the_server_s_clock() {
        let reset = ("X-RateLimit-Reset", "1741305600");
        let wait = |headers: &[_]| told(headers).unwrap().2.unwrap().as_secs();
        assert_eq!(wait(&[reset]), 45);
        assert_eq!(wait(&[reset, ("Date", "Thu, 06 Mar 2025 23:59:30 GMT")]), 30);
        assert_eq!(wait(&[reset, ("Date", "Thu, 01 Jan 1970 00:00:00 GMT")]), 45);
    }

    #[test]
    fn a_limit_below_zero_tells_nothing() {
        let names =
            ["limit", "remaining", "reset"].map(|part| format!("x-ratelimit-{part}-tokens"));
        let [limit, remaining, reset] = &names;
        let unknown = [(&**limit, "-1"), (&**remaining, "-1"), (&**reset, "0")];
        assert_eq!(told(&unknown), None);
        let used_up = [unknown[0], (&**remaining, "0"), (&**reset, "30")];
        assert_eq!(told(&used_up), Some((None, Some(0), Some(Duration::from_secs(30)))));
        assert_eq!(told(&unknown[1..]), Some((None, Some(0), Some(Duration::ZERO))));
    }

    #[test]
    fn of_two_remainders_the_smaller_counts() {
        let limit = ("X-RateLimit-Limit", "20");
        let remaining = |value| ("X-RateLimit-Remaining", value);
        for headers in [
            [limit, remaining("7"), remaining("3")],
            [limit, remaining("3"), remaining("7")],
            [limit, remaining("7, 3"), remaining("none")],
        ] {
            assert_eq!(told(&headers).unwrap().1, Some(3), "{headers:?}");
        }
    }

    #[test]
    fn litellm_passes_on_what_the_provider_told() {
        let headers = [("llm_provider-x-ratelimit-remaining-requests", "7")];
        assert_eq!(told(&headers), Some((None, Some(7), None)));
        let of_its_own = [headers[0], ("x-ratelimit-limit-requests", "100")];
        assert_eq!(told(&of_its_own), Some((Some(100), None, None)));
    }

    #[test]
    fn a_glance_tells_every_name_that_is_read() {
        for name in [
            "X-RateLimit-Limit",
            "x-rate-limit-reset",
            "RateLimit",
            "Anthropic-RateLimit-Requests-Limit",
            "llm_provider-x-ratelimit-limit-tokens",
        ] {
            assert!(may_tell(name.as_bytes()), "{name}");
        }
        assert!(!may_tell(b"x-request-id") && !may_tell(b"x-rate"));
    }
}
