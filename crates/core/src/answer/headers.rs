//! The few headers of an answer that matter.

use std::time::Duration;

use crate::answer::hint::{RetryAfter, parse_millis, parse_retry_after};
use crate::answer::rate_limit;
use crate::provider::Provider;
use crate::text::http_date;
use crate::text::swar;
use crate::timestamp::Timestamp;

/// What the headers tell.
#[derive(Default)]
pub(crate) struct HeaderFacts<'a> {
    date: Option<&'a [u8]>,
    /// A cache kept the answer for a while, so that its date has passed.
    from_cache: bool,
    pub(crate) retry_after: Option<Duration>,
    retry_after_date: Option<Timestamp>,
    /// What the provider behind LiteLLM asked for.
    retry_after_upstream: Option<&'a [u8]>,
    pub(crate) retry_after_ms: Option<Duration>,
    pub(crate) should_retry: Option<bool>,
    pub(crate) request_id: Option<&'a str>,
    content_type: &'a [u8],
    /// The error's code, where it stands in a header (Amazon).
    pub(crate) code: Option<&'a str>,
    /// `anthropic-ratelimit-unified-status: rejected`: the usage window is exhausted.
    pub(crate) usage_rejected: bool,
    /// The provider that a header gives away.
    pub(crate) provider: Option<Provider>,
    server: &'a [u8],
    /// Cloudflare is in front.
    has_cf_ray: bool,
    /// There may be headers about rate limits, for [`rate_limit::read`].
    pub(crate) may_tell_rate_limit: bool,
    request_id_rank: u8,
}

/// LiteLLM passes on the headers of the provider behind it with this in front of their names.
pub(crate) const LITELLM_PREFIX: &[u8] = b"llm_provider-";

/// The longest header name that matters here.
pub(crate) const MAX_NAME: usize = 64;

impl<'a> HeaderFacts<'a> {
    pub(crate) fn read<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        headers: &'a [(N, V)],
        now: Timestamp,
    ) -> Self {
        let mut facts = HeaderFacts::default();
        let mut buffer = [0; MAX_NAME];
        for (name, value) in headers {
            let (name, value) = (name.as_ref(), value.as_ref());
            if !may_matter(name) {
                continue;
            }
            // Most answers have no others of those that matter, so they come first.
            let is = |known: &str| swar::eq_ignore_case(name, known.as_bytes());
            match name.len() {
                4 if is("date") => facts.date = facts.date.or(Some(value)),
                6 if is("server") => facts.server = value,
                12 if is("content-type") => facts.content_type = value,
                // They are read when somebody asks for them.
                _ if rate_limit::may_tell(name) && matches!(name[0] | 0x20, b'r' | b'x') => {
                    facts.may_tell_rate_limit = true;
                }
                _ => {
                    if let Some(lower) = lowercase(name, &mut buffer) {
                        facts.take(lower, value, now);
                    }
                }
            }
        }
        if let Some(value) = facts.retry_after_upstream {
            facts.take(b"retry-after", value, now);
        }
        if let Some(date) = facts.retry_after_date {
            let date_header = facts.date.filter(|_| !facts.from_cache);
            facts.retry_after = Some(date.since(server_time(date_header, now)));
        }
        facts
    }

    /// When the server wrote the answer, by its own clock.
    pub(crate) fn date(&self, now: Timestamp) -> Option<Timestamp> {
        parse_date(self.date?, now)
    }

    pub(crate) fn content_type(&self) -> &'a str {
        text(self.content_type)
    }

    /// Takes a header, whose name is in lower case.
    fn take(&mut self, name: &[u8], value: &'a [u8], now: Timestamp) {
        match name {
            // Of several lines the first one that can be read counts.
            b"retry-after" if self.retry_after.is_none() && self.retry_after_date.is_none() => {
                match parse_retry_after(text(value), now) {
                    Some(RetryAfter::In(wait)) => self.retry_after = Some(wait),
                    Some(RetryAfter::At(date)) => self.retry_after_date = Some(date),
                    None => {}
                }
            }
            b"retry-after-ms" | b"x-ms-retry-after-ms" => {
                // Zero says nothing, and must not hide a wait in the other header.
                let millis = || parse_millis(text(value)).filter(|wait| !wait.is_zero());
                self.retry_after_ms = self.retry_after_ms.or_else(millis);
            }
            b"age" => self.from_cache |= is_positive(value),
            b"x-should-retry" => {
                let is = |word: &str| text(value).eq_ignore_ascii_case(word);
                self.should_retry =
                    if is("true") { Some(true) } else { is("false").then_some(false) };
            }
            b"x-request-id" => self.set_request_id(3, value, None),
            b"request-id" => self.set_request_id(2, value, None),
            b"x-amzn-requestid" => self.set_request_id(2, value, Some(Provider::Bedrock)),
            b"apim-request-id" => self.set_request_id(1, value, Some(Provider::Azure)),
            b"x-amzn-errortype" => {
                self.code = text(value).split(':').next();
                self.provider = Some(Provider::Bedrock);
            }
            b"anthropic-ratelimit-unified-status" => {
                self.usage_rejected = text(value) == "rejected";
                self.provider = Some(Provider::Anthropic);
            }
            b"cf-ray" => self.has_cf_ray = true,
            b"llm_provider-retry-after" => {
                self.provider = self.provider.or(Some(Provider::LiteLlm));
                self.retry_after_upstream = Some(value);
            }
            _ => {
                self.may_tell_rate_limit |= rate_limit::may_tell(name);
                self.provider = self.provider.or_else(|| provider_of(name));
            }
        }
    }

    /// The software in front, which names itself in `server`: `nginx/1.25`, `cloudflare`, `envoy`.
    pub(crate) fn front(&self) -> Option<Provider> {
        if self.has_cf_ray {
            return Some(Provider::Cloudflare);
        }
        let mut parts = self.server.split(|byte| matches!(byte, b'/' | b' ' | b'\t' | b'-'));
        let software = parts.find(|part| !part.is_empty())?;
        let fronts = [Provider::Nginx, Provider::Envoy, Provider::Cloudflare];
        fronts.into_iter().find(|front| software.eq_ignore_ascii_case(front.name().as_bytes()))
    }

    fn set_request_id(&mut self, rank: u8, value: &'a [u8], provider: Option<Provider>) {
        self.provider = self.provider.or(provider);
        let id = text(value);
        if rank > self.request_id_rank && !id.is_empty() {
            self.request_id_rank = rank;
            self.request_id = Some(id);
        }
    }
}

/// Whether a header of this name may be one that is read: most are not, and end here.
fn may_matter(name: &[u8]) -> bool {
    match name.first().map(|first| first | 0x20) {
        Some(b'c') => matches!(name.len(), 6 | 12), // cf-ray, content-type
        Some(b'd') => name.len() == 4,              // date
        Some(b's') => name.len() == 6,              // server
        Some(b'a' | b'l' | b'm' | b'o' | b'r' | b'x') => true,
        _ => false,
    }
}

/// The name in lower case, unless it is too long to matter.
pub(crate) fn lowercase<'b>(name: &[u8], buffer: &'b mut [u8; MAX_NAME]) -> Option<&'b [u8]> {
    let lower = buffer.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    Some(lower)
}

fn parse_date(value: &[u8], now: Timestamp) -> Option<Timestamp> {
    http_date::parse(text(value), now)
}

/// The time by the server's clock, by which its dates are meant: that of the header `Date`, or ours
/// if that is missing or cannot be true.
pub(crate) fn server_time(date: Option<&[u8]>, now: Timestamp) -> Timestamp {
    const FARTHEST: Duration = Duration::from_secs(24 * 60 * 60);
    let date = date.and_then(|date| parse_date(date, now));
    date.filter(|date| date.since(now).max(now.since(*date)) <= FARTHEST).unwrap_or(now)
}

/// Whether a header holds a number above zero.
pub(crate) fn is_positive(value: &[u8]) -> bool {
    value.iter().any(|digit| matches!(digit, b'1'..=b'9'))
}

/// The provider that a header's name gives away.
fn provider_of(name: &[u8]) -> Option<Provider> {
    let begins = |prefix: &[u8]| name.starts_with(prefix);
    match *name.first()? {
        b'a' if begins(b"anthropic-") => Some(Provider::Anthropic),
        b'o' if begins(b"openai-") => Some(Provider::OpenAi),
        b'x' if begins(b"x-openai-") => Some(Provider::OpenAi),
        b'x' if begins(b"x-litellm-") => Some(Provider::LiteLlm),
        b'x' if begins(b"x-groq-") => Some(Provider::Groq),
        b'x' if begins(b"x-amzn-") => Some(Provider::Bedrock),
        b'x' if begins(b"x-ms-") => Some(Provider::Azure),
        b'l' if begins(LITELLM_PREFIX) => Some(Provider::LiteLlm),
        b'm' if begins(b"mistral-") => Some(Provider::Mistral),
        _ => None,
    }
}

/// A value as trimmed text; what is not UTF-8 is as good as empty.
fn text(value: &[u8]) -> &str {
    std::str::from_utf8(trim(value)).unwrap_or_default()
}

/// A value without the white space around it (RFC 9110 section 5.5).
pub(crate) fn trim(mut value: &[u8]) -> &[u8] {
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
        assert_eq!(facts.retry_after, Some(Duration::from_secs(2)));
        assert_eq!(facts.request_id, Some("req"));
    }

    #[test]
    fn the_first_readable_retry_after_counts() {
        let wait = |values: [&str; 2]| {
            let headers = values.map(|value| ("retry-after", value));
            read(&headers).retry_after.map(|wait| wait.as_secs())
        };
        assert_eq!(wait(["x", "45"]), Some(45));
        assert_eq!(wait(["2", "3"]), Some(2));
    }

    #[test]
    fn a_date_is_one_of_the_server_s_clock() {
        let now = Timestamp::from_unix_seconds(784_111_700);
        let wait = |headers: &[(&str, &str)]| {
            let date = [("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT")];
            HeaderFacts::read(&[&date, headers].concat(), now).retry_after.unwrap().as_secs()
        };
        let date = ("Date", "Sun, 06 Nov 1994 08:49:27 GMT");
        assert_eq!(wait(&[]), 77);
        assert_eq!(wait(&[date]), 10);
        assert_eq!(wait(&[date, ("Age", "5")]), 77);
        assert_eq!(wait(&[("Date", "yesterday")]), 77);
    }
}
