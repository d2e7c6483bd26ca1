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
