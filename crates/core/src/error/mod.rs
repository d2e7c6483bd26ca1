//! The error: what went wrong, and all that is known about it.

mod details;
mod field_errors;
mod header_list;
mod record;
mod store;

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub(crate) use field_errors::FieldTexts;
pub use field_errors::{FieldError, MAX_FIELD_ERRORS};
pub(crate) use header_list::HeaderSize;
pub use header_list::{HeaderList, MAX_HEADER_BYTES, MAX_HEADERS};
pub(crate) use store::{Part, Store, max_bytes};

use crate::answer::body;
use crate::answer::hint::HintSource;
use crate::answer::limit_scope::LimitScope;
use crate::answer::rate_limit::{self, RateLimit};
use crate::kind::Kind;
use crate::messages::{self, Messages};
use crate::provider::Provider;
use crate::severity::Severity;
use crate::stop_reason::StopReason;
use crate::timestamp::Timestamp;

/// No more than this many bytes of an error's body are kept.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// No more than this many bytes of the provider's message are kept.
pub const MAX_MESSAGE_BYTES: usize = 2 * 1024;

/// The longest code, type, parameter or request id that is kept, in bytes.
pub(crate) const MAX_TEXT_BYTES: usize = 256;

/// Why a call failed.
///
/// One machine word; everything is behind accessors. `Display` is one line without secrets and
/// without the raw body, `Debug` a report of several lines.
///
/// ```
/// use resayil_core::{Kind, Timestamp, classify};
///
/// let body = br#"{"error":{"message":"Rate limit exceeded","code":429},"retry_after":45}"#;
/// let headers: [(&str, &str); 0] = [];
/// let error = classify(429, &headers, body, Timestamp::UNIX_EPOCH).unwrap_err();
/// assert_eq!(error.kind(), Kind::RateLimit);
/// assert_eq!(error.retry_after().unwrap().as_secs(), 45);
/// assert_eq!(error.to_string(), "rate_limit (429): Rate limit exceeded; retry after 45 s");
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
pub(crate) struct Inner {
    pub(crate) kind: Kind,
    pub(crate) retryable: bool,
    pub(crate) exhausted: bool,
    pub(crate) ambiguous: bool,
    pub(crate) rejected: bool,
    pub(crate) should_retry: Option<bool>,
    pub(crate) status: Option<u16>,
    pub(crate) provider: Option<Provider>,
    pub(crate) retry_after: Option<(Duration, HintSource)>,
    pub(crate) retry_at: Option<Timestamp>,
    pub(crate) limit_scope: Option<LimitScope>,
    pub(crate) limit_window: Option<Duration>,
    pub(crate) stop_reason: Option<StopReason>,
    pub(crate) attempts: u32,
    pub(crate) store: Store,
    pub(crate) rate_limit: ToldLimit,
    pub(crate) has_fields_in_body: bool,
    /// Once they were read; few who handle an error ask for them.
    pub(crate) field_errors: OnceLock<Box<FieldTexts>>,
    pub(crate) model: Option<Box<str>>,
    pub(crate) partial_text: Option<Box<str>>,
    pub(crate) delivered: bool,
    pub(crate) source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// Where the rate limit of an answer is to be found.
#[derive(Clone)]
pub(crate) enum ToldLimit {
    Nowhere,
    /// In the headers, which arrived at this time. Few who handle an error ask for it.
    InHeaders {
        read_at: Timestamp,
    },
    Here(Box<RateLimit>),
}

impl Inner {
    /// An error of which nothing is known yet, on the heap, where the rest is written in its place:
    /// to build and then move it costs more than some answers cost to read.
    pub(crate) fn boxed() -> Box<Self> {
        Box::new(
            const {
                Inner {
                    kind: Kind::Unknown,
                    retryable: false,
                    exhausted: false,
                    ambiguous: false,
                    rejected: false,
                    should_retry: None,
                    status: None,
                    provider: None,
                    retry_after: None,
                    retry_at: None,
                    limit_scope: None,
                    limit_window: None,
                    stop_reason: None,
                    attempts: 0,
                    store: Store::new(),
                    rate_limit: ToldLimit::Nowhere,
                    has_fields_in_body: false,
                    field_errors: OnceLock::new(),
                    model: None,
                    partial_text: None,
                    delivered: false,
                    source: None,
                }
            },
        )
    }
}

impl From<Box<Inner>> for Error {
    fn from(inner: Box<Inner>) -> Self {
        Error(inner)
    }
}

/// What is known about the failure.
impl Error {
    /// What went wrong.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The HTTP status of the answer; `None` when there was no answer. For an error inside a
    /// success or a stream it is the status that the error stands for, where the body names one.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// How grave it is.
    pub fn severity(&self) -> Severity {
        self.0.kind.severity()
    }

    /// Whether another try of the same request may succeed. A [`Policy`](crate::Policy) looks at
    /// more than this.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// What the server says of retrying, by `x-should-retry`.
    pub fn should_retry(&self) -> Option<bool> {
        self.0.should_retry
    }

    /// The provider's message, redacted and cut to [`MAX_MESSAGE_BYTES`]; for the developer's
    /// eyes. What to show a user is [`user_message`](Self::user_message).
    pub fn message(&self) -> Option<&str> {
        self.0.store.text(Part::Message)
    }

    /// The provider's error code; a number as its digits.
    pub fn code(&self) -> Option<&str> {
        self.0.store.text(Part::Code)
    }

    /// The provider's error type, such as `invalid_request_error`.
    pub fn error_type(&self) -> Option<&str> {
        self.0.store.text(Part::Type)
    }

    /// The parameter of the request that the provider complains of.
    pub fn param(&self) -> Option<&str> {
        self.0.store.text(Part::Param)
    }

    /// The provider's id of the request, to name when asking for support.
    pub fn request_id(&self) -> Option<&str> {
        self.0.store.text(Part::RequestId)
    }

    /// How long the server asks to wait, uncapped. The longest wait that can be stored stands for
    /// anything beyond it.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after.map(|(wait, _)| wait)
    }

    /// Where [`retry_after`](Self::retry_after) was read.
    pub fn retry_after_source(&self) -> Option<HintSource> {
        self.0.retry_after.map(|(_, source)| source)
    }

    /// What the answer's headers say of the rate limit.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        match &self.0.rate_limit {
            ToldLimit::Nowhere => None,
            ToldLimit::InHeaders { read_at } => rate_limit::read(self.headers().iter(), *read_at).0,
            ToldLimit::Here(limit) => Some(**limit),
        }
    }

    /// What the limit counts that refused the request, where the answer tells.
    pub fn limit_scope(&self) -> Option<LimitScope> {
        self.0.limit_scope
    }

    /// The length of the window in which that limit counts, where the answer tells; a month is 30
    /// days.
    pub fn limit_window(&self) -> Option<Duration> {
        self.0.limit_window
    }

    /// When the server expects the next request, where it names a time and not a wait: by the
    /// server's clock, uncapped.
    pub fn retry_at(&self) -> Option<Timestamp> {
        self.0.retry_at
    }

    /// The invalid fields of the request, in the provider's order; at most [`MAX_FIELD_ERRORS`].
    pub fn field_errors(&self) -> Vec<FieldError<'_>> {
        self.field_texts().to_vec()
    }

    fn field_texts(&self) -> &FieldTexts {
        let read = || match self.0.has_fields_in_body {
            true => body::read_fields(self.body()),
            false => FieldTexts::kept(),
        };
        self.0.field_errors.get_or_init(|| Box::new(read()))
    }

    /// Whose API answered, named by the caller or recognised.
    pub fn provider(&self) -> Option<Provider> {
        self.0.provider
    }

    /// How many requests were sent for this call, refused ones included; 0 if none was or if
    /// nobody counted.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Whether the retries of an inner layer are used up, so that an outer one must not multiply
    /// them.
    pub fn is_exhausted(&self) -> bool {
        self.0.exhausted
    }

    /// Which rule ended the call; `None` if nobody decided about another attempt.
    pub fn stop_reason(&self) -> Option<StopReason> {
        self.0.stop_reason
    }

    /// Whether the server may have carried out the request although no whole answer arrived.
    pub fn is_ambiguous(&self) -> bool {
        self.0.ambiguous
    }

    /// Whether the answer was a success that the caller would not take: see [`Error::rejected`].
    pub fn is_rejected(&self) -> bool {
        self.0.rejected
    }

    /// What a stream had delivered before it failed.
    pub fn partial_text(&self) -> Option<&str> {
        self.0.partial_text.as_deref()
    }

    /// Whether the request can be sent again without delivering anything twice: nothing of an
    /// answer, be it text or a tool call, had been delivered.
    pub fn is_safe_to_replay(&self) -> bool {
        !self.0.delivered
    }

    /// The raw body, cut to [`MAX_BODY_BYTES`]. It may hold the prompt: do not print it.
    pub fn body(&self) -> &[u8] {
        self.0.store.get(Part::Body).unwrap_or_default()
    }

    /// The headers of the answer. Values may hold secrets: do not print them.
    pub fn headers(&self) -> HeaderList<'_> {
        self.0.store.headers()
    }

    /// The model that the request named, where the client told.
    pub fn model(&self) -> Option<&str> {
        self.0.model.as_deref()
    }
}

/// What to tell people.
impl Error {
    /// A friendly sentence that is safe to show to an end user, in English.
    pub fn user_message(&self) -> String {
        self.user_message_in(&messages::ENGLISH)
    }

    /// A friendly sentence in the language, or with the texts, of `messages`.
    pub fn user_message_in(&self, messages: &Messages) -> String {
        messages.user_message(self)
    }

    /// What to do about it, one step an entry, in English.
    pub fn advice(&self) -> Vec<Cow<'_, str>> {
        self.advice_in(&messages::ENGLISH)
    }

    /// What to do about it, one step an entry, in the language of `messages`.
    pub fn advice_in<'a>(&'a self, messages: &'a Messages) -> Vec<Cow<'a, str>> {
        messages.advice(self)
    }

    /// The page of the provider that explains this kind of error.
    pub fn help_url(&self) -> Option<&'static str> {
        messages::help_url(self.provider(), self.kind())
    }

    /// The error record: one JSON object, the same from every language.
    pub fn to_json(&self) -> String {
        self.to_json_in(&messages::ENGLISH)
    }

    /// The error record with `user_message` and `advice` in the language of `messages`.
    pub fn to_json_in(&self, messages: &Messages) -> String {
        record::to_json(self, messages)
    }
}

/// Making errors, for failures that no answer describes, and adding what a layer knows.
impl Error {
    /// An error of this kind. The message is redacted.
    pub fn new(kind: Kind, message: &str) -> Self {
        let mut inner = Inner::boxed();
        inner.kind = kind;
        inner.retryable = kind.is_retryable();
        inner.store.set_redacted(Part::Message, message);
        inner.into()
    }

    /// An answer that came well, but that the caller does not take: an empty text, JSON that breaks
    /// off. Of [`Kind::Protocol`].
    ///
    /// A [`Call`](crate::Call) retries it with back-off as long as attempts are left, whatever the
    /// verdict on its kind. It costs no [`Budget`](crate::Budget), and says nothing of the health of
    /// a service that did answer.
    pub fn rejected() -> Self {
        Error::new(Kind::Protocol, "the answer was rejected by the caller").with_rejected(true)
    }

    /// The same error, marked as an answer that the caller would not take.
    #[must_use]
    pub fn with_rejected(mut self, rejected: bool) -> Self {
        self.0.rejected = rejected;
        self
    }

    /// The same error with the HTTP status of the answer.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// The same error with another verdict on retrying.
    #[must_use]
    pub fn with_retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = retryable;
        self
    }

    /// The same error with the provider's machine-readable code.
    #[must_use]
    pub fn with_code(mut self, code: &str) -> Self {
        self.0.store.set(Part::Code, code.as_bytes());
        self
    }

    /// The same error with the provider.
    #[must_use]
    pub fn with_provider(mut self, provider: Option<Provider>) -> Self {
        self.0.provider = provider;
        self
    }

    /// The same error with the wait that is needed, and where it is known from.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration, source: HintSource) -> Self {
        self.0.retry_after = Some((wait, source));
        self
    }

    /// The same error with the number of requests that were sent.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// The same error, marked as the end of a layer's retries.
    #[must_use]
    pub fn with_exhausted(mut self, exhausted: bool) -> Self {
        self.0.exhausted = exhausted;
        self
    }

    /// The same error with the rule that ended the call.
    #[must_use]
    pub fn with_stop_reason(mut self, reason: StopReason) -> Self {
        self.0.stop_reason = Some(reason);
        self
    }

    /// The same error, marked as one after which the request may have been carried out.
    #[must_use]
    pub fn with_ambiguous(mut self, ambiguous: bool) -> Self {
        self.0.ambiguous = ambiguous;
        self
    }

    /// The same error with the model that the request named.
    #[must_use]
    pub fn with_model(mut self, model: &str) -> Self {
        self.0.model = Some(clip(model, 200).into());
        self
    }

    /// The same error with what a stream had delivered before it failed.
    #[must_use]
    pub fn with_partial_text(mut self, text: &str) -> Self {
        self.0.partial_text = Some(text.into());
        self.with_delivered(!text.is_empty())
    }

    /// The same error, saying whether anything of an answer had been delivered before.
    #[must_use]
    pub fn with_delivered(mut self, delivered: bool) -> Self {
        self.0.delivered |= delivered;
        self
    }

    /// The same error with the provider's id of the request.
    #[must_use]
    pub fn with_request_id(mut self, id: &str) -> Self {
        self.0.store.set(Part::RequestId, clip(id, MAX_TEXT_BYTES).as_bytes());
        self
    }

    /// The same error with the headers of the answer.
    #[must_use]
    pub fn with_headers<N: AsRef<[u8]>, V: AsRef<[u8]>>(mut self, headers: &[(N, V)]) -> Self {
        let headers = headers.iter().map(|(name, value)| (name, value));
        self.0.store.set_headers(headers.clone(), HeaderSize::of(headers));
        self
    }

    /// The same error with the lower-level error that caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }
}

/// The beginning of a text, at most `max` bytes, cut at a character.
pub(crate) fn clip(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let end = (0..=max).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    &text[..end]
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().name())?;
        if let Some(status) = self.status() {
            write!(f, " ({status})")?;
        }
        let said = self.message().filter(|message| !message.is_empty());
        if let Some(message) = said.or(self.explanation()) {
            write!(f, ": {}", OneLine(message))?;
        }
        if let Some(wait) = self.retry_after() {
            write!(f, "; retry after {} s", Seconds(wait))?;
        }
        if let Some(id) = self.request_id() {
            write!(f, "; request id {}", OneLine(id))?;
        }
        if self.attempts() > 1 {
            write!(f, "; {} attempts", self.attempts())?;
        }
        Ok(())
    }
}

/// A text of the server. Line ends and other control characters become spaces, so that a log line
/// stays one line and nobody can forge another.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |c: char| if c.is_control() { ' ' } else { c };
        self.0.chars().try_for_each(|c| fmt::Write::write_char(f, shown(c)))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let retry = if self.is_retryable() { "retryable" } else { "not retryable" };
        writeln!(f, "{self}")?;
        writeln!(f, "  kind: {} ({}, {retry})", self.kind(), self.severity())?;
        for (name, value) in
            [("code", self.code()), ("type", self.error_type()), ("param", self.param())]
        {
            if let Some(value) = value {
                writeln!(f, "  {name}: {}", OneLine(value))?;
            }
        }
        if let Some(provider) = self.provider() {
            writeln!(f, "  provider: {provider}")?;
        }
        for field in self.field_errors() {
            let messages = field.messages.join(" ");
            writeln!(f, "  field {}: {}", OneLine(field.field), OneLine(&messages))?;
        }
        if let Some(source) = std::error::Error::source(self) {
            writeln!(f, "  caused by: {source}")?;
        }
        write!(f, "  body: {} bytes", self.body().len())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// A duration as seconds, with as many decimals as it needs.
pub(crate) struct Seconds(pub(crate) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.as_secs())?;
        let nanos = self.0.subsec_nanos();
        if nanos > 0 {
            let digits = format!("{nanos:09}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_word() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Option<Error>>(), size_of::<usize>());
        assert_eq!(size_of::<Result<(), Error>>(), size_of::<usize>());
    }

    #[test]
    fn display_is_one_line_without_secrets() {
        let error =
            Error::new(Kind::Server, "first\r\nsecond key=abcdefghijklmnop1234").with_status(500);
        assert_eq!(error.to_string(), "server (500): first  second key=[redacted]");
        let error = error.with_request_id("1\nforged").with_code("a\rb");
        assert!(error.to_string().ends_with("; request id 1 forged"), "{error}");
        assert!(format!("{error:?}").contains("code: a b\n"), "{error:?}");
    }

    #[test]
    fn debug_names_the_cause() {
        let cause = std::io::Error::other("connection reset");
        let error = Error::new(Kind::Network, "could not connect").with_source(cause);
        let report = format!("{error:?}");
        assert!(report.contains("caused by: connection reset"), "{report}");
        assert!(report.lines().count() > 2);
    }

    #[test]
    fn seconds_have_the_decimals_they_need() {
        assert_eq!(Seconds(Duration::from_millis(56_185)).to_string(), "56.185");
        assert_eq!(Seconds(Duration::from_nanos(1)).to_string(), "0.000000001");
        assert_eq!(Seconds(Duration::from_secs(u64::MAX)).to_string(), "18446744073709551615");
    }

    #[test]
    fn clipping_never_splits_a_character() {
        assert_eq!(clip("مرحبا", 3), "م");
        assert_eq!(clip("abc", 3), "abc");
    }
}
