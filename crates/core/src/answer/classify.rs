//! From an answer to an error, or to the verdict that there is none.

use std::sync::OnceLock;
use std::time::Duration;

use crate::answer::body::{self, Body, Format};
use crate::answer::headers::HeaderFacts;
use crate::answer::hint::HintSource;
use crate::answer::rate_limit;
use crate::answer::verdict::{self, Verdict};
use crate::error::{Error, HeaderSize, Inner, Part, ToldLimit, max_bytes};
use crate::kind::Kind;
use crate::provider::Provider;
use crate::stream::failure_without_content;
use crate::timestamp::Timestamp;

/// Reads an answer and recognises the provider by it; see [`Classifier`].
///
/// # Errors
///
/// The error that the answer stands for. `Ok` means success.
pub fn classify<N, V>(
    status: u16,
    headers: &[(N, V)],
    body: &[u8],
    now: Timestamp,
) -> Result<(), Error>
where
    N: AsRef<[u8]>,
    V: AsRef<[u8]>,
{
    Classifier::new().classify(status, headers, body, now)
}

/// Reads answers of LLM APIs.
///
/// The status decides first, then the codes in the body, then its prose, and that only where the
/// status leaves room. Headers and body are bytes, and any bytes will do: nothing panics, and time
/// is linear in their length.
#[derive(Clone, Copy, Debug, Default)]
pub struct Classifier {
    provider: Option<Provider>,
}

impl Classifier {
    /// A classifier that recognises the provider by the answer.
    pub fn new() -> Self {
        Classifier::default()
    }

    /// The same classifier, knowing whose answers it reads; with `None` it recognises the provider.
    #[must_use]
    pub fn provider(mut self, provider: impl Into<Option<Provider>>) -> Self {
        self.provider = provider.into();
        self
    }

    /// Reads an answer. `now` is the wall clock when it arrived, for waits that are given as dates.
    ///
    /// A 2xx is a success only if its body is no error in disguise. That is an error object or the
    /// looks of one (`success: false`, a `detail` alone, a failed code beside a message), JSON that
    /// cannot be read, a web page, an answer that ended in a failure before it held any text, and
    /// one without content that used no tokens. The body of a stream is for [`StreamDecoder`](crate::StreamDecoder) to read.
    ///
    /// # Errors
    ///
    /// The error that the answer stands for. `Ok` means success.
    pub fn classify<N, V>(
        &self,
        status: u16,
        headers: &[(N, V)],
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), Error>
    where
        N: AsRef<[u8]>,
        V: AsRef<[u8]>,
    {
        let facts = HeaderFacts::read(headers, now);
        let parsed = body::read(body, now);
        let provider =
            self.provider.or(facts.provider).or(parsed.provider).or_else(|| facts.front());
        let (status, verdict, explanation) = if (200..300).contains(&status) {
            match disguised_error(status, &facts, &parsed, body, provider) {
                Some(found) => found,
                None => return Ok(()),
            }
        } else {
            (Some(status), verdict::decide(Some(status), &facts, &parsed, provider), None)
        };
        let headers = headers.iter().map(|(name, value)| (name, value));
        let answer = Answer { status, headers, body };
        let error = make(answer, &facts, &parsed, provider, verdict, now);
        let Some(explanation) = explanation else { return Err(error) };
        // Half an answer is no message, and may quote the prompt.
        let is_half = parsed.format == Format::Text && is_cut_json(body);
        Err(if error.message().is_none() || is_half {
            error.with_message(None).with_explanation(explanation)
        } else {
            error
        })
    }
}

/// An error in the answer that claims success: its status, its verdict and, where the provider does
/// not say what is wrong, an explanation.
fn disguised_error(
    status: u16,
    facts: &HeaderFacts<'_>,
    body: &Body<'_>,
    bytes: &[u8],
    provider: Option<Provider>,
) -> Option<(Option<u16>, Verdict, Option<&'static str>)> {
    let protocol = |explanation| {
        let verdict =
            Verdict { kind: Kind::Protocol, retryable: facts.should_retry.unwrap_or(true) };
        Some((Some(status), verdict, Some(explanation)))
    };
    let content_type = facts.content_type();
    let is = |part: &str| content_type.to_ascii_lowercase().contains(part);
    let is_error = body.has_error || body.looks_like_error;
    let failure = if body.format == Format::Json && !is_error {
        failure_without_content(body::trim(bytes))
    } else {
        None
    };
    match body.format {
        Format::Json if is_error => {
            let named = embedded_status(body);
            Some((named.or(Some(status)), verdict::decide(named, facts, body, provider), None))
        }
        Format::Json if failure.is_some() => {
            let kind = failure?;
            let verdict = Verdict { kind, retryable: kind.is_retryable() };
            Some((Some(status), verdict, Some("the answer ended before it held any text")))
        }
        Format::Json if body.empty_answer => protocol("the answer is empty and used no tokens"),
        Format::Json => None,
        Format::Html => protocol("a web page came in place of an answer"),
        // Azure throttles some streams with an empty 200.
        Format::Empty if facts.retry_after.is_some() || facts.retry_after_ms.is_some() => {
            let verdict = Verdict { kind: Kind::RateLimit, retryable: true };
            Some((Some(status), verdict, Some("throttled: the answer is empty and asks to wait")))
        }
        Format::Empty if matches!(status, 204 | 205) || is("event-stream") => None,
        Format::Empty => protocol("the answer has no body"),
        Format::Text if is_cut_json(bytes) && !is("event-stream") && !is("ndjson") => {
            protocol("the answer is not readable JSON")
        }
        Format::Text if content_type.is_empty() || is("json") && !is("ndjson") => {
            protocol("the answer is not JSON")
        }
        Format::Text => None,
    }
}

/// Whether what is no readable JSON was to be some.
fn is_cut_json(bytes: &[u8]) -> bool {
    matches!(body::trim(bytes).first(), Some(b'{' | b'['))
}

/// The status that an error inside a success names, as `status` or as a numeric code.
pub(crate) fn embedded_status(body: &Body<'_>) -> Option<u16> {
    let code = || body.code.as_ref().and_then(|code| code.parse().ok());
    body.status.or_else(code).filter(|status| (400..=599).contains(status))
}

/// An answer as it came, to be kept with its error.
pub(crate) struct Answer<'a, H> {
    pub(crate) status: Option<u16>,
    pub(crate) headers: H,
    pub(crate) body: &'a [u8],
}

/// Puts the error together.
pub(crate) fn make<N: AsRef<[u8]>, V: AsRef<[u8]>>(
    answer: Answer<'_, impl Iterator<Item = (N, V)> + Clone>,
    facts: &HeaderFacts<'_>,
    body: &Body<'_>,
    provider: Option<Provider>,
    verdict: Verdict,
    now: Timestamp,
) -> Error {
    let headers = answer.headers;
    let reset = || rate_limit::read(headers.clone(), now).1;
    let hint = select_hint(facts, body, provider, verdict.kind, reset, now);
    let has_fields = !body.fields.is_empty();
    let fields = OnceLock::new();
    let read_fields = || fields.get_or_init(|| Box::new(body::read_fields(answer.body)));
    if has_fields && answer.body.len() > max_bytes(Part::Body) {
        // What is kept of the body does not tell them any more.
        read_fields();
    }
    let of_field = || has_fields.then(read_fields).and_then(|fields| fields.first_message());
    let message = body.message.as_deref().or_else(of_field);
    let texts = [
        (Part::Message, message),
        (Part::Code, body.code.as_deref().or(facts.code)),
        (Part::Type, body.error_type.as_deref()),
        (Part::Param, body.param.as_deref()),
        (Part::RequestId, facts.request_id.or(body.request_id.as_deref())),
    ];
    let header_size = HeaderSize::of(headers.clone());
    let raw = &answer.body[..answer.body.len().min(max_bytes(Part::Body))];
    let size_of_text = |(part, text): &(Part, Option<&str>)| {
        text.map_or(0, |text| text.len().min(max_bytes(*part)))
    };
    let mut inner = Inner::boxed();
    let store = &mut inner.store;
    store.reserve(raw.len() + header_size.bytes + texts.iter().map(size_of_text).sum::<usize>());
    store.set(Part::Body, raw);
    store.set_headers(headers, header_size);
    for (part, text) in texts {
        if let Some(text) = text {
            store.set_redacted(part, text);
        }
    }
    inner.kind = verdict.kind;
    inner.status = answer.status;
    inner.retryable = verdict.retryable;
    inner.should_retry = facts.should_retry;
    inner.provider = provider;
    inner.retry_after = hint;
    if facts.may_tell_rate_limit {
        inner.rate_limit = ToldLimit::InHeaders { read_at: now };
    }
    inner.has_fields_in_body = has_fields;
    inner.field_errors = fields;
    inner.into()
}

/// The wait that the server asks for: the body, the headers, the reset of a rate limit, the prose.
/// For LLM Resayil the body, then the end of the clock minute, because its reset header is late.
fn select_hint(
    facts: &HeaderFacts<'_>,
    body: &Body<'_>,
    provider: Option<Provider>,
    kind: Kind,
    reset: impl FnOnce() -> Option<Duration>,
    now: Timestamp,
) -> Option<(Duration, HintSource)> {
    let resayil = provider == Some(Provider::Resayil);
    if let Some(wait) = body.retry_after {
        // Google rounds the member down; its message is exact.
        let in_prose = if resayil { None } else { body.wait_in_prose() };
        let exact =
            in_prose.filter(|exact| *exact > wait && *exact - wait < Duration::from_secs(1));
        return Some((exact.unwrap_or(wait), HintSource::Body));
    }
    let limited = matches!(kind, Kind::RateLimit | Kind::QuotaExhausted | Kind::Overloaded);
    if resayil && kind == Kind::RateLimit {
        let date = facts.date(now);
        // Without the server's clock a wait that the message names is better than ours.
        let in_prose = if date.is_none() { body.wait_in_prose() } else { None };
        let window = || (until_next_minute(date.unwrap_or(now)), HintSource::Window);
        return in_prose.map(|wait| (wait, HintSource::Message)).or_else(|| Some(window()));
    }
    let may_be_reset = limited && facts.may_tell_rate_limit;
    let reset =
        || may_be_reset.then(reset).flatten().map(|wait| (wait, HintSource::RateLimitReset));
    let in_prose = || body.wait_in_prose().map(|wait| (wait, HintSource::Message));
    (facts.retry_after_ms.map(|wait| (wait, HintSource::RetryAfterMs)))
        .or_else(|| facts.retry_after.map(|wait| (wait, HintSource::RetryAfter)))
        .or_else(|| match reset() {
            // One that has passed says less than the prose.
            Some((Duration::ZERO, source)) => in_prose().or(Some((Duration::ZERO, source))),
            reset => reset.or_else(in_prose),
        })
}

fn until_next_minute(date: Timestamp) -> Duration {
    const MINUTE: i64 = 60_000_000;
    let elapsed = date.unix_micros().rem_euclid(MINUTE);
    Duration::from_micros((MINUTE - elapsed) as u64)
}
