//! Giving an error the details that otherwise an answer gives it: to restore one that was stored,
//! and to make one in a test.

use std::time::Duration;

use super::{Error, MAX_BODY_BYTES, MAX_FIELD_ERRORS, Part, ToldLimit};
use crate::answer::limit_scope::LimitScope;
use crate::answer::rate_limit::RateLimit;
use crate::timestamp::Timestamp;

impl Error {
    /// The same error with another message of the provider, redacted; or without one.
    #[must_use]
    pub fn with_message(mut self, message: Option<&str>) -> Self {
        match message {
            Some(message) => self.0.store.set_redacted(Part::Message, message),
            None => self.0.store.clear(Part::Message),
        }
        self
    }

    /// What is wrong with an answer in which the provider says nothing: our own words, for
    /// `Display`. Bindings keep it when they store an error.
    #[doc(hidden)]
    pub fn explanation(&self) -> Option<&str> {
        self.0.store.text(Part::Explanation)
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
        self.0.rate_limit = ToldLimit::Here(Box::new(rate_limit));
        self
    }

    /// The same error with what the limit counts that refused the request.
    #[must_use]
    pub fn with_limit_scope(mut self, scope: LimitScope) -> Self {
        self.0.limit_scope = Some(scope);
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
        let mut fields = self.field_texts().clone();
        if !fields.is_full() {
            fields.push_field(|| field.into());
            for message in messages.iter().take(MAX_FIELD_ERRORS) {
                fields.push_message(|| (*message).into());
            }
        }
        self.0.field_errors = Box::new(fields).into();
        self
    }

    /// The same error with the raw body of the answer, cut to [`MAX_BODY_BYTES`].
    #[must_use]
    pub fn with_body(mut self, body: &[u8]) -> Self {
        // Those that the body named before stay.
        self.field_texts();
        let body = &body[..body.len().min(MAX_BODY_BYTES)];
        self.0.store.set(Part::Body, body);
        self
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::{Error, Kind, MAX_BODY_BYTES, RateLimit, Timestamp, classify};

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
