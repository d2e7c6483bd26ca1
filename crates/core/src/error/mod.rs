//! The error: what went wrong, and all that is known about it.

mod bytes;
mod display;
mod field_errors;
mod header_list;
mod hint_source;
mod local;
mod make;
mod mask;
mod rate_limit;
mod request_state;
mod store;

use std::sync::Arc;
use std::time::Duration;

pub use crate::kind::KindRow;
pub use crate::limit_scope::LimitScope;
pub use crate::option_error::OptionError;
pub use crate::severity::Severity;
pub use crate::unknown_name::UnknownName;
pub use bytes::DecodeError;
pub use field_errors::{FieldError, MAX_FIELD_ERRORS};
pub(crate) use field_errors::{FieldTexts, MAX_ALL_FIELD_BYTES, MAX_FIELD_TEXT_BYTES};
pub(crate) use header_list::HeaderSize;
pub use header_list::{HeaderList, MAX_HEADER_BYTES, MAX_HEADERS};
pub use hint_source::HintSource;
pub(crate) use rate_limit::Bucket;
pub use rate_limit::RateLimit;
pub use request_state::RequestState;
pub(crate) use store::{Part, Store, max_bytes};

use crate::kind::Kind;
use crate::provider::Provider;
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
    /// What the limit counts was not said: it is what the provider's limits usually count.
    pub(crate) is_usual_scope: bool,
    pub(crate) stop_reason: Option<StopReason>,
    pub(crate) attempts: u32,
    pub(crate) store: Store,
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) field_errors: Option<Box<FieldTexts>>,
    pub(crate) model: Option<Box<str>>,
    pub(crate) partial_text: Option<Box<str>>,
    pub(crate) delivered: bool,
    pub(crate) source: Option<Arc<dyn std::error::Error + Send + Sync>>,
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
                    is_usual_scope: false,
                    stop_reason: None,
                    attempts: 0,
                    store: Store::new(),
                    rate_limit: None,
                    field_errors: None,
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
        self.0.rate_limit
    }

    /// What the limit counts that refused the request, where the answer tells.
    pub fn limit_scope(&self) -> Option<LimitScope> {
        self.0.limit_scope
    }

    /// Whether that was not said, and is what the provider's limits usually count.
    pub(crate) fn is_usual_scope(&self) -> bool {
        self.0.is_usual_scope
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
        self.0.field_errors.as_ref().map(|fields| fields.to_vec()).unwrap_or_default()
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

    /// The page of the provider that explains this kind of error.
    pub fn help_url(&self) -> Option<&'static str> {
        self.provider()?.help_url(self.kind())
    }

    /// What is wrong with an answer in which the provider says nothing: our own words, for
    /// `Display`. Bindings keep it when they store an error.
    #[doc(hidden)]
    pub fn explanation(&self) -> Option<&str> {
        self.0.store.text(Part::Explanation)
    }
}

#[cfg(test)]
mod tests {
    use super::Error;

    #[test]
    fn an_error_is_one_word() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Option<Error>>(), size_of::<usize>());
        assert_eq!(size_of::<Result<(), Error>>(), size_of::<usize>());
    }
}
