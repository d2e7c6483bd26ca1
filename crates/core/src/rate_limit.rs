//! What the headers of an answer say of the rate limit.

use std::time::Duration;

use crate::headers::{MAX_NAME, lowercase, trim};
use crate::structured_fields::{self, Item};
use crate::timestamp::Timestamp;
use crate::{duration, http_date, swar};

/// The state of a rate limit as the server reports it.
///
/// Read from `X-RateLimit-*`, `RateLimit-*`, the `RateLimit` field of the IETF's draft, and the
/// forms of them that providers use. On an answer from a cache (a positive `Age`) they are ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RateLimit {
    requests: Bucket,
    tokens: Bucket,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Bucket {
    limit: Option<u64>,
    remaining: Option<u64>,
    reset_after: Option<Duration>,
}

impl Bucket {
    fn is_empty(&self) -> bool {
        *self == Bucket::default()
    }
}

impl RateLimit {
    /// A limit of requests that was not read from headers.
    pub fn new(limit: Option<u64>, remaining: Option<u64>, reset_after: Option<Duration>) -> Self {
        let requests = Bucket { limit, remaining, reset_after };
        RateLimit { requests, tokens: Bucket::default() }
    }

    /// The same limit with what is known of tokens.
    #[must_use]
    pub fn with_tokens(
        mut self,
        limit: Option<u64>,
        remaining: Option<u64>,
        reset_after: Option<Duration>,
    ) -> Self {
        self.tokens = Bucket { limit, remaining, reset_after };
        self
    }

    /// How many requests a window admits; tokens where the server counts only those.
    pub fn limit(&self) -> Option<u64> {
        self.main().limit
    }

    /// How many requests the window still admits, never more than the limit.
    pub fn remaining(&self) -> Option<u64> {
        self.main().remaining
    }

    /// The time until the window ends, or until the bucket is full.
    pub fn reset_after(&self) -> Option<Duration> {
        self.main().reset_after
    }

    /// How many tokens a window admits.
    pub fn token_limit(&self) -> Option<u64> {
        self.tokens.limit
    }

    /// How many tokens the window still admits.
    pub fn tokens_remaining(&self) -> Option<u64> {
        self.tokens.remaining
    }

    /// The time until the window of tokens ends.
    pub fn tokens_reset_after(&self) -> Option<Duration> {
        self.tokens.reset_after
    }

    /// The same with no reset that is further away.
    pub(crate) fn with_resets_within(mut self, longest: Duration) -> Self {
        for bucket in [&mut self.requests, &mut self.tokens] {
            bucket.reset_after = bucket.reset_after.map(|reset| reset.min(longest));
        }
        self
    }

    fn main(&self) -> &Bucket {
        if self.requests.is_empty() { &self.tokens } else { &self.requests }
    }
}

/// Reads the rate limit from the headers of an answer that arrived at `now`, and the wait that
/// follows from one that is used up.
pub(crate) fn read<N: AsRef<[u8]>, V: AsRef<[u8]>>(
    headers: impl IntoIterator<Item = (N, V)>,
    now: Timestamp,
) -> (Option<RateLimit>, Option<Duration>) {
    let mut reader = Reader::default();
    let mut buffer = [0; MAX_NAME];
    for (name, value) in headers {
        let Some(name) = lowercase(name.as_ref(), &mut buffer) else { continue };
        let value = trim(value.as_ref());
        // What a cache has stored says nothing about now.
        if name == b"age" && value.iter().any(|digit| matches!(digit, b'1'..=b'9')) {
            return (None, None);
        }
        reader.read(name, value, now);
    }
    reader.finish()
}

/// Whether a header of this name, in any case, may be about rate limits: a glance at its first eight
/// characters.
#[inline]
pub(crate) fn may_tell(name: &[u8]) -> bool {
    const HEADS: [u64; 4] = [
        swar::word(b"x-rateli"),
        swar::word(b"ratelimi"),
        swar::word(b"x-rate-l"),
        swar::word(b"anthropi"),
    ];
    let head = swar::load(name, 0).map(swar::lowercase);
    head.is_some_and(|head| HEADS.contains(&head))
}

/// Gathers the rate limit from headers, one after the other.
#[derive(Default)]
struct Reader {
    requests: Bucket,
    tokens: Bucket,
    /// The longest wait for a bucket that is used up, of any resource and window.
    exhausted_reset: Option<Duration>,
    /// The longest reset of a bucket whose remainder is not told.
    untold_reset: Option<Duration>,
    others: Vec<(u64, Bucket)>,
    from_ietf: bool,
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
                b"ratelimit-policy" => return self.read_ietf_policy(value),
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
        let bucket = self.bucket(id);
        match field {
            Field::Limit => bucket.limit = bucket.limit.or_else(whole),
            Field::Remaining => bucket.remaining = bucket.remaining.or_else(whole),
            Field::Reset => {
                bucket.reset_after = bucket.reset_after.or_else(|| parse_reset(text, now));
            }
        }
    }

    fn bucket(&mut self, id: BucketId) -> &mut Bucket {
        if id.other == 0 {
            return if id.tokens { &mut self.tokens } else { &mut self.requests };
        }
        let key = (id.other << 1) | u64::from(id.tokens);
        let index = self.others.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            // A dozen is more than any provider has; beyond it the last one is shared.
            if self.others.len() < 12 {
                self.others.push((key, Bucket::default()));
            }
            self.others.len() - 1
        });
        &mut self.others[index].1
    }

    /// `RateLimit: "default";r=1;t=7`, and the dictionary of an older draft.
    fn read_ietf(&mut self, value: &[u8]) {
        let Ok(value) = std::str::from_utf8(value) else { return };
        if value.starts_with("limit=") {
            for part in value.split(',') {
                let Some((name, number)) = part.trim().split_once('=') else { continue };
                match name {
                    "limit" => self.requests.limit = whole(number),
                    "remaining" => self.requests.remaining = whole(number),
                    "reset" => self.requests.reset_after = whole(number).map(Duration::from_secs),
                    _ => {}
                }
            }
            return;
        }
        let items = structured_fields::parse_list(value).unwrap_or_default();
        let limit = |item: &Item| {
            let number = |name| item.integer(name).and_then(|number| u64::try_from(number).ok());
            let remaining = number("r")?;
            Some(Bucket {
                limit: None,
                remaining: Some(remaining),
                reset_after: number("t").map(Duration::from_secs),
            })
        };
        // Of several limits the one with the least left binds, and of these the longest.
        let binding = items
            .iter()
            .filter_map(limit)
            .min_by_key(|bucket| (bucket.remaining, std::cmp::Reverse(bucket.reset_after)));
        if let Some(binding) = binding {
            self.from_ietf = true;
            self.requests.remaining = binding.remaining;
            self.requests.reset_after = binding.reset_after;
        }
    }

    /// `RateLimit-Policy: "burst";q=100;w=60`
    fn read_ietf_policy(&mut self, value: &[u8]) {
        let Ok(value) = std::str::from_utf8(value) else { return };
        let items = structured_fields::parse_list(value).unwrap_or_default();
        let quota = |item: &Item| {
            item.integer("q").or(item.bare_integer()).and_then(|quota| u64::try_from(quota).ok())
        };
        if let [only] = &items[..] {
            if only.integer("w") != Some(0) {
                self.requests.limit = self.requests.limit.or(quota(only));
            }
        }
    }

    /// The rate limit, and the wait that follows from buckets that are used up.
    fn finish(&mut self) -> (Option<RateLimit>, Option<Duration>) {
        let mut note = |bucket: &Bucket| {
            let slot = match bucket.remaining {
                Some(0) => &mut self.exhausted_reset,
                Some(_) => return,
                None => &mut self.untold_reset,
            };
            *slot = (*slot).max(bucket.reset_after);
        };
        note(&self.requests);
        note(&self.tokens);
        self.others.iter().for_each(|(_, bucket)| note(bucket));
        for bucket in [&mut self.requests, &mut self.tokens] {
            if let (Some(limit), Some(remaining)) = (bucket.limit, bucket.remaining) {
                bucket.remaining = Some(remaining.min(limit));
            }
        }
        if self.requests.is_empty() && self.tokens.is_empty() {
            if let Some((_, bucket)) = self.others.first() {
                self.requests = *bucket;
            }
        }
        let limit = RateLimit { requests: self.requests, tokens: self.tokens };
        let told = !(limit.requests.is_empty() && limit.tokens.is_empty());
        (told.then_some(limit), self.exhausted_reset.or(self.untold_reset))
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

/// From here on a number is a date in seconds since 1970, not a wait.
const EPOCH_SECONDS: u64 = 1_000_000_000;
/// From here on a number is a date in milliseconds since 1970.
const EPOCH_MILLIS: u64 = 100 * EPOCH_SECONDS;
/// From here on a number is no date at all: milliseconds that a [`Timestamp`] cannot hold.
const BEYOND_DATES: f64 = i64::MAX as f64 / 1_000.0;

/// A reset in any of its five meanings: a Go duration, a date in seconds or milliseconds since
/// 1970, seconds to wait, or an RFC 3339 date. A date that has passed is a wait of zero.
pub(crate) fn parse_reset(text: &str, now: Timestamp) -> Option<Duration> {
    if let Some(number) = duration::digits(text.as_bytes()) {
        return Some(whole_reset(number, now));
    }
    if let Some(number) = duration::decimal(text) {
        let date = |unit: f64| Timestamp::from_unix_seconds_f64(number * unit).since(now);
        return if number >= BEYOND_DATES {
            None
        } else if number >= EPOCH_MILLIS as f64 {
            Some(date(1e-3))
        } else if number >= EPOCH_SECONDS as f64 {
            Some(date(1.0))
        } else {
            duration::decimal_seconds(text)
        };
    }
    let date = || http_date::parse_rfc3339(text).or_else(|| http_date::parse(text, now));
    duration::go_duration(text).or_else(|| date().map(|date| date.since(now)))
}

/// A reset that is a whole number of up to 15 digits, which are exact in integers.
fn whole_reset(number: u64, now: Timestamp) -> Duration {
    let date = |micros: u64| Timestamp::from_unix_micros((number * micros) as i64).since(now);
    match number {
        EPOCH_MILLIS.. => date(1_000),
        EPOCH_SECONDS.. => date(1_000_000),
        _ => Duration::from_secs(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cached_answer_tells_no_rate_limit() {
        let read = |age: &str| {
            let headers =
                [("X-RateLimit-Limit", "20"), ("X-RateLimit-Remaining", "0"), ("Age", age)];
            super::read(headers, Timestamp::UNIX_EPOCH).0
        };
        assert!(read("120").is_none());
        assert!(read("0").is_some());
    }

    #[test]
    fn a_date_that_overflows_is_no_reset() {
        for text in ["9300000000000000", "99999999999999999999999", "1e30", "99999999999999999999h"]
        {
            assert_eq!(parse_reset(text, Timestamp::UNIX_EPOCH), None, "{text}");
        }
        assert!(parse_reset("9200000000000000", Timestamp::UNIX_EPOCH).is_some());
    }

    #[test]
    fn a_glance_tells_every_name_that_is_read() {
        for name in [
            "X-RateLimit-Limit",
            "x-rate-limit-reset",
            "RateLimit",
            "Anthropic-RateLimit-Requests-Limit",
        ] {
            assert!(may_tell(name.as_bytes()), "{name}");
        }
        assert!(!may_tell(b"x-request-id") && !may_tell(b"x-rate"));
    }
}
