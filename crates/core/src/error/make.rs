//! Making errors, for failures that no answer describes, and adding what a layer knows; restoring one
//! that was stored, and making one in a test.

use std::sync::Arc;
use std::time::Duration;

use super::{
    Error, HeaderSize, HintSource, Inner, MAX_BODY_BYTES, MAX_FIELD_ERRORS, Part, RateLimit,
};
use crate::kind::Kind;
use crate::limit_scope::LimitScope;
use crate::provider::Provider;
use crate::stop_reason::StopReason;
use crate::text::clip::clip;
use crate::timestamp::Timestamp;

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
    /// A [`Call`](crate::retry::Call) retries it with back-off as long as attempts are left, whatever the
    /// verdict on its kind. It costs no [`Budget`](crate::retry::Budget), and says nothing of the health of
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

    /// The same error with the provider's machine-readable code, redacted.
    #[must_use]
    pub fn with_code(mut self, code: &str) -> Self {
        self.0.store.set_redacted(Part::Code, code);
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

    /// The same error with the provider's id of the request, redacted.
    #[must_use]
    pub fn with_request_id(mut self, id: &str) -> Self {
        self.0.store.set_redacted(Part::RequestId, id);
        self
    }

    /// The same error with the headers of the answer.
    #[must_use]
    pub fn with_headers<N: AsRef<[u8]>, V: AsRef<[u8]>>(self, headers: &[(N, V)]) -> Self {
        let size = HeaderSize::of(headers.iter().map(|(name, value)| (name, value)));
        self.keep_headers(headers, size)
    }

    /// The same error with headers of this size.
    pub(crate) fn keep_headers<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        mut self,
        headers: &[(N, V)],
        size: HeaderSize,
    ) -> Self {
        self.0.store.set_headers(headers.iter().map(|(name, value)| (name, value)), size);
        self
    }

    /// The same error with the lower-level error that caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// The same error with another message of the provider, redacted; or without one.
    #[must_use]
    pub fn with_message(mut self, message: Option<&str>) -> Self {
        match message {
            Some(message) => self.0.store.set_redacted(Part::Message, message),
            None => self.0.store.clear(Part::Message),
        }
        self
    }

    /// The same error with our own words for what is wrong.
    #[doc(hidden)]
    #[must_use]
    pub fn with_explanation(mut self, explanation: &str) -> Self {
        self.0.store.set_redacted(Part::Explanation, explanation);
        self
    }

    /// The same error with the provider's error type, redacted.
    #[must_use]
    pub fn with_error_type(mut self, error_type: &str) -> Self {
        self.0.store.set_redacted(Part::Type, error_type);
        self
    }

    /// The same error with the parameter that the provider complains of, redacted.
    #[must_use]
    pub fn with_param(mut self, param: &str) -> Self {
        self.0.store.set_redacted(Part::Param, param);
        self
    }

    /// The same error with what the server says of retrying.
    #[must_use]
    pub fn with_should_retry(mut self, should_retry: Option<bool>) -> Self {
        self.0.should_retry = should_retry;
        self
    }

    /// The same error with the rate limit that the answer reports.
    #[must_use]
    pub fn with_rate_limit(mut self, rate_limit: RateLimit) -> Self {
        self.0.rate_limit = Some(rate_limit);
        self
    }

    /// The same error with what the limit counts that refused the request.
    #[must_use]
    pub fn with_limit_scope(mut self, scope: LimitScope) -> Self {
        (self.0.limit_scope, self.0.is_usual_scope) = (Some(scope), false);
        self
    }

    /// The same error with the length of the window in which the limit counts.
    #[must_use]
    pub fn with_limit_window(mut self, window: Duration) -> Self {
        self.0.limit_window = Some(window);
        self
    }

    /// The same error with the time when the server expects the next request.
    #[must_use]
    pub fn with_retry_at(mut self, at: Timestamp) -> Self {
        self.0.retry_at = Some(at);
        self
    }

    /// The same error with one more invalid field; those beyond [`MAX_FIELD_ERRORS`] are left out.
    #[must_use]
    pub fn with_field_error(mut self, field: &str, messages: &[&str]) -> Self {
        let fields = self.0.field_errors.get_or_insert_default();
        if !fields.is_full() {
            fields.push(true, field);
            for message in messages.iter().take(MAX_FIELD_ERRORS) {
                fields.push(false, message);
            }
        }
        self
    }

    /// The same error with the raw body of the answer, cut to [`MAX_BODY_BYTES`].
    #[must_use]
    pub fn with_body(mut self, body: &[u8]) -> Self {
        let body = &body[..body.len().min(MAX_BODY_BYTES)];
        self.0.store.set(Part::Body, body);
        self
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::error::{MAX_BODY_BYTES, RateLimit};
    use crate::{Error, Kind, Timestamp, classify};

    #[test]
    fn an_error_made_of_details_equals_the_one_that_was_read() {
        let body = br#"{"error":{"message":"no","code":422,"type":"t","param":"p"},"errors":{"a.0":["x","y"]}}"#;
        let headers =
            [("x-ratelimit-limit", "20"), ("x-ratelimit-remaining", "3"), ("x-request-id", "r")];
        let read = classify(422, &headers, body, Timestamp::UNIX_EPOCH).unwrap_err();
        let limit = read.rate_limit().unwrap();
        let made = Error::new(Kind::Validation, "no")
            .with_status(422)
            .with_code("422")
            .with_error_type("t")
            .with_param("p")
            .with_request_id("r")
            .with_field_error("a.0", &["x", "y"])
            .with_rate_limit(RateLimit::new(limit.limit(), limit.remaining(), None))
            .with_headers(&headers)
            .with_body(body)
            .with_provider(read.provider());
        assert_eq!(made.to_json(), read.to_json());
        assert_eq!(made.body(), read.body());
        assert!(made.headers().iter().eq(read.headers().iter()));
    }

    #[test]
    fn invalid_fields_stay_when_the_body_goes() {
        let body = br#"{"errors":{"a":["x"]}}"#;
        let read = |body: &[u8]| {
            classify(422, &[] as &[(&str, &str)], body, Timestamp::UNIX_EPOCH).unwrap_err()
        };
        let error = read(body);
        assert_eq!(error.message(), Some("x"));
        let long = [body, &b" ".repeat(MAX_BODY_BYTES)[..]].concat();
        for error in [error.clone(), error.with_body(b""), read(&long)] {
            assert_eq!(error.field_errors()[0].messages, ["x"]);
            let more = error.with_field_error("b", &["y"]);
            assert_eq!(more.field_errors().len(), 2);
        }
        assert!(Error::new(Kind::Server, "").with_body(body).field_errors().is_empty());
    }

    #[test]
    fn details_are_redacted_and_cut() {
        let secret = "key=abcdefghijklmnop1234";
        assert_eq!(Error::new(Kind::Server, "x").with_message(None).message(), None);
        let error = Error::new(Kind::Server, "")
            .with_message(Some(secret))
            .with_param(secret)
            .with_error_type(secret)
            .with_field_error("f", &[secret])
            .with_body(&vec![0; MAX_BODY_BYTES + 1]);
        assert!(!error.to_json().contains("abcdefgh"), "{}", error.to_json());
        assert_eq!(error.body().len(), MAX_BODY_BYTES);
        let tokens = RateLimit::default().with_tokens(Some(5), None, Some(Duration::from_secs(1)));
        assert_eq!((tokens.limit(), tokens.token_limit()), (Some(5), Some(5)));
    }
}
