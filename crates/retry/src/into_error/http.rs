//! Whole answers.

use resayil_core::{Error, Kind, Timestamp, classify};

use super::IntoError;

impl<B: AsRef<[u8]>> IntoError for http::Response<B> {
    /// The error that the answer stands for. A success is of no use to whoever gives it as an error:
    /// [`Error::rejected`].
    fn into_error(self, now: Timestamp) -> Error {
        let status = self.status().as_u16();
        let headers: Vec<_> =
            self.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let body = self.body().as_ref();
        match classify(status, &headers, body, now) {
            Err(error) => error,
            Ok(()) if (200..300).contains(&status) => {
                Error::rejected().with_status(status).with_headers(&headers).with_body(body)
            }
            Ok(()) => Error::new(Kind::Protocol, "the status is no answer")
                .with_retryable(false)
                .with_status(status)
                .with_headers(&headers),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn read(status: u16, body: &str) -> Error {
        let response = http::Response::builder().status(status).header("retry-after", "7");
        response.body(body).unwrap().into_error(Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn status_headers_and_body_are_read() {
        let error = read(429, r#"{"error":{"code":"insufficient_quota"}}"#);
        assert_eq!(error.kind(), Kind::QuotaExhausted);
        let error = read(503, "");
        assert_eq!(
            (error.kind(), error.retry_after()),
            (Kind::Overloaded, Some(Duration::from_secs(7)))
        );
    }

    #[test]
    fn a_success_is_rejected_and_what_is_no_answer_is_not_retried() {
        let error = read(200, r#"{"choices":[{"message":{"content":"x"}}]}"#);
        assert!(error.is_rejected() && error.status() == Some(200));
        assert!(!read(304, "").is_retryable());
    }
}
