//! The few headers of an answer that matter, all read in one pass.

use std::time::Duration;

use super::rate_limit::{Reader, Told};
use super::request_id::RequestIds;
use super::wait::{Due, Wait, parse_millis, parse_retry_after};
use crate::error::HeaderSize;
use crate::provider::Provider;
use crate::text::http_date;
use crate::timestamp::Timestamp;

/// What the headers tell.
#[derive(Default)]
pub(crate) struct HeaderFacts<'a> {
    date: Option<&'a [u8]>,
    /// A cache kept the answer for a while, so that its date has passed.
    from_cache: bool,
    pub(crate) retry_after: Option<Due>,
    pub(crate) retry_after_ms: Option<Duration>,
    pub(crate) should_retry: Option<bool>,
    pub(crate) request_ids: RequestIds<'a>,
    pub(crate) content_type: &'a str,
    /// The error's code, where it stands in a header (Amazon).
    pub(crate) code: Option<&'a str>,
    /// `anthropic-ratelimit-unified-status: rejected`: the usage window is exhausted.
    pub(crate) usage_rejected: bool,
    /// The window of usage that Anthropic says it is about.
    pub(crate) usage_window: Option<Duration>,
    /// The rate limits.
    pub(crate) told: Told,
    /// The provider that a header gives away.
    pub(crate) provider: Option<Provider>,
    /// The software in front, which names itself.
    pub(crate) front: Option<Provider>,
    /// How much of the headers is to be kept.
    pub(crate) size: HeaderSize,
}

/// The longest header name that matters here.
pub(crate) const MAX_NAME: usize = 64;

impl<'a> HeaderFacts<'a> {
    pub(crate) fn read<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        headers: &'a [(N, V)],
        now: Timestamp,
    ) -> Self {
        let mut facts = HeaderFacts::default();
        let mut pass = Pass::default();
        let mut buffer = [0; MAX_NAME];
        for (name, value) in headers {
            let (name, value) = (name.as_ref(), value.as_ref());
            facts.size.add(name, value);
            if may_matter(name) {
                if let Some(lower) = lowercase(name, &mut buffer) {
                    facts.take(lower, value, &mut pass, now);
                }
            }
        }
        // Few answers name a time, and only those need the server's.
        let server_time = match pass.names_a_time() && !facts.from_cache {
            true => server_time(facts.date(now), now),
            false => now,
        };
        facts.retry_after = pass.retry_after.or(pass.upstream).map(|wait| wait.due(server_time));
        if !facts.from_cache {
            // What a cache has stored says nothing about now.
            facts.told = pass.limits.finish(server_time);
        }
        facts
    }

    /// When the server wrote the answer, by its own clock.
    pub(crate) fn date(&self, now: Timestamp) -> Option<Timestamp> {
        http_date::parse(text(self.date?), now)
    }

    /// Takes a header, whose name is in lower case.
    fn take(&mut self, name: &[u8], value: &'a [u8], pass: &mut Pass, now: Timestamp) {
        match name {
            b"date" => self.date = self.date.or(Some(value)),
            b"server" => self.front = self.front.or_else(|| front(value)),
            b"content-type" => self.content_type = text(value),
            b"x-request-id" => self.request_ids.take_common(0, value),
            b"request-id" => self.request_ids.take_common(1, value),
            // Of several lines the first one that can be read counts.
            b"retry-after" => {
                pass.retry_after = pass.retry_after.or_else(|| parse_retry_after(text(value), now));
            }
            b"retry-after-ms" | b"x-ms-retry-after-ms" => {
                // Zero says nothing, and must not hide a wait in the other header.
                let millis = || parse_millis(text(value)).filter(|wait| !wait.is_zero());
                self.retry_after_ms = self.retry_after_ms.or_else(millis);
            }
            b"cf-ray" => self.front = Some(Provider::Cloudflare),
            b"age" => self.from_cache |= is_positive(value),
            b"x-should-retry" => {
                let is = |word: &str| text(value).eq_ignore_ascii_case(word);
                self.should_retry =
                    if is("true") { Some(true) } else { is("false").then_some(false) };
            }
            _ => {
                let is_of_anybody = pass.limits.take(name, trim(value), now);
                if !is_of_anybody || name[0] == b'a' || name[0] == b'l' {
                    self.take_of_one(name, value, pass, now);
                }
            }
        }
    }

    /// Takes a header that only one provider sends.
    fn take_of_one(&mut self, name: &[u8], value: &'a [u8], pass: &mut Pass, now: Timestamp) {
        let found = MARKS.iter().find(|(mark, _)| name.starts_with(mark.as_bytes()));
        let Some((_, provider)) = found else { return };
        self.provider = self.provider.or(Some(*provider));
        match name {
            b"x-amzn-errortype" => {
                self.code = text(value).split(':').next();
                self.provider = Some(Provider::Bedrock);
            }
            // What the provider behind LiteLLM asked for.
            b"llm_provider-retry-after" => {
                pass.upstream = pass.upstream.or_else(|| parse_retry_after(text(value), now));
            }
            b"anthropic-ratelimit-unified-status" => {
                self.usage_rejected = text(value) == "rejected";
                self.provider = Some(Provider::Anthropic);
            }
            b"anthropic-ratelimit-unified-representative-claim" => {
                self.usage_window = usage_window(text(value));
            }
            _ => self.request_ids.take_own(name, value),
        }
    }
}

/// The window of usage that Anthropic names so.
fn usage_window(claim: &str) -> Option<Duration> {
    const HOUR: u64 = 3600;
    match claim {
        "five_hour" => Some(Duration::from_secs(5 * HOUR)),
        claim if claim.starts_with("seven_day") => Some(Duration::from_secs(7 * 24 * HOUR)),
        _ => None,
    }
}

/// What only all headers together tell.
#[derive(Default)]
struct Pass {
    retry_after: Option<Wait>,
    upstream: Option<Wait>,
    limits: Reader,
}

impl Pass {
    fn names_a_time(&self) -> bool {
        let is_time = |wait: &Option<Wait>| matches!(wait, Some(Wait::At(_)));
        is_time(&self.retry_after) || is_time(&self.upstream) || self.limits.names_a_time
    }
}

/// The software that names itself in `server`: `nginx/1.25`, `cloudflare`, `envoy`.
fn front(server: &[u8]) -> Option<Provider> {
    let mut parts = server.split(|byte| matches!(byte, b'/' | b' ' | b'\t' | b'-'));
    Provider::from_server(parts.find(|part| !part.is_empty())?)
}

/// Whether a header of this name may be one that is read: most are not, and end here.
fn may_matter(name: &[u8]) -> bool {
    let Some(letter) = name.first().map(|first| first | 0x20) else { return false };
    // cf-ray, content-type, date, server.
    matches!((letter, name.len()), (b'c', 6 | 12) | (b'd', 4) | (b's', 6))
        || LETTERS >> (letter & 0x1f) & 1 != 0
}

/// The letters, by their lowest five bits, that names begin with that are read.
const LETTERS: u32 = {
    let mut letters = bits(b"arx");
    let mut at = 0;
    while at < MARKS.len() {
        letters |= bits(MARKS[at].0.as_bytes().first_chunk::<1>().unwrap());
        at += 1;
    }
    letters
};

const fn bits(letters: &[u8]) -> u32 {
    let (mut bits, mut at) = (0, 0);
    while at < letters.len() {
        bits |= 1 << (letters[at] & 0x1f);
        at += 1;
    }
    bits
}

/// The name in lower case, unless it is too long to matter.
pub(crate) fn lowercase<'b>(name: &[u8], buffer: &'b mut [u8; MAX_NAME]) -> Option<&'b [u8]> {
    let lower = buffer.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    Some(lower)
}

/// The time by the server's clock, by which its dates are meant: that of the header `Date`, or ours
/// if that is missing or cannot be true.
fn server_time(date: Option<Timestamp>, now: Timestamp) -> Timestamp {
    const FARTHEST: Duration = Duration::from_secs(24 * 60 * 60);
    date.filter(|date| date.since(now).max(now.since(*date)) <= FARTHEST).unwrap_or(now)
}

/// Whether a header holds a number above zero.
fn is_positive(value: &[u8]) -> bool {
    value.iter().any(|digit| matches!(digit, b'1'..=b'9'))
}

/// What the names of headers begin with that only one provider sends, from all rows: to go through
/// the rows for each header would take longer than all the rest.
const MARKS: [(&str, Provider); mark_count()] = {
    let mut marks = [("", Provider::Resayil); mark_count()];
    let (mut row, mut at) = (0, 0);
    while row < Provider::ALL.len() {
        let provider = Provider::ALL[row];
        let names = [provider.headers(), provider.request_ids()];
        let (mut list, mut index) = (0, 0);
        while list < names.len() {
            if index < names[list].len() {
                marks[at] = (names[list][index], provider);
                (at, index) = (at + 1, index + 1);
            } else {
                (list, index) = (list + 1, 0);
            }
        }
        row += 1;
    }
    marks
};

const fn mark_count() -> usize {
    let (mut count, mut row) = (0, 0);
    while row < Provider::ALL.len() {
        let provider = Provider::ALL[row];
        count += provider.headers().len() + provider.request_ids().len();
        row += 1;
    }
    count
}

/// A value as trimmed text; what is not UTF-8 is as good as empty.
pub(super) fn text(value: &[u8]) -> &str {
    std::str::from_utf8(trim(value)).unwrap_or_default()
}

/// A value without the white space around it (RFC 9110 section 5.5).
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a>(headers: &'a [(&'a str, &'a str)]) -> HeaderFacts<'a> {
        HeaderFacts::read(headers, Timestamp::from_unix_seconds(1_741_305_555))
    }

    #[test]
    fn names_are_read_in_any_case_and_long_ones_skipped() {
        let long = "x".repeat(500);
        let headers = [("RETRY-AFTER", "2"), (long.as_str(), "3"), ("X-Request-ID", "req")];
        let facts = read(&headers);
        assert_eq!(facts.retry_after.unwrap().wait, Duration::from_secs(2));
        assert_eq!(facts.request_ids.of(None), Some("req"));
        assert_eq!(facts.size.bytes, 500 + 1 + 4 + 11 + 1 + 4 + 12 + 3 + 4);
    }

    #[test]
    fn the_first_readable_retry_after_counts() {
        let wait = |values: [&str; 2]| {
            let headers = values.map(|value| ("retry-after", value));
            read(&headers).retry_after.map(|due| due.wait.as_secs())
        };
        assert_eq!(wait(["x", "45"]), Some(45));
        assert_eq!(wait(["2", "3"]), Some(2));
    }

    #[test]
    fn a_date_is_one_of_the_server_s_clock() {
        let now = Timestamp::from_unix_seconds(784_111_700);
        let wait = |headers: &[(&str, &str)]| {
            let date = [("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT")];
            let due = HeaderFacts::read(&[&date, headers].concat(), now).retry_after.unwrap();
            assert_eq!(due.at, Some(Timestamp::from_unix_seconds(784_111_777)));
            due.wait.as_secs()
        };
        let date = ("Date", "Sun, 06 Nov 1994 08:49:27 GMT");
        assert_eq!(wait(&[]), 77);
        assert_eq!(wait(&[date]), 10);
        assert_eq!(wait(&[date, ("Age", "5")]), 77);
        assert_eq!(wait(&[("Date", "yesterday")]), 77);
    }

    #[test]
    fn a_header_may_give_the_provider_away() {
        for (name, provider) in [
            ("Anthropic-Organization-Id", Provider::Anthropic),
            ("openai-version", Provider::OpenAi),
            ("X-OpenAI-Proxy-Wasm", Provider::OpenAi),
            ("apim-request-id", Provider::Azure),
            ("mistral-correlation-id", Provider::Mistral),
            ("llm_provider-x-request-id", Provider::LiteLlm),
            ("x-ds-trace-id", Provider::DeepSeek),
        ] {
            assert_eq!(read(&[(name, "x")]).provider, Some(provider), "{name}");
        }
        assert_eq!(read(&[("x-request-id", "x"), ("server", "uvicorn")]).provider, None);
        assert_eq!(read(&[("Server", "nginx/1.25")]).front, Some(Provider::Nginx));
        assert_eq!(read(&[("cf-ray", "1"), ("Server", "envoy")]).front, Some(Provider::Cloudflare));
    }
}
