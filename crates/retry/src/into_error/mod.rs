//! What becomes an error of the core.

#[cfg(feature = "http")]
mod http;
#[cfg(feature = "reqwest")]
mod reqwest;
mod standard;
#[cfg(feature = "ureq")]
mod ureq;

use resayil_core::{Error, Timestamp};

/// What becomes an [`Error`] of the core, so that a policy can decide about it.
///
/// | type | feature |
/// |---|---|
/// | [`Error`] itself, [`std::io::Error`], a boxed error that has one of those below inside | - |
/// | `http::Response` of bytes: status, headers and body are read | `http` |
/// | `reqwest::Error`, from reqwest 0.13 | `reqwest` |
/// | `ureq::Error`, from ureq 3 | `ureq` |
///
/// An SDK's error becomes one by what it shows of the answer, for which [`classify`](resayil_core::classify)
/// is enough:
///
/// ```
/// use resayil_core::{Error, Kind, Timestamp, classify};
/// use resayil_retry::IntoError;
///
/// /// The error of an SDK.
/// struct HttpError { status: u16, headers: Vec<(String, String)>, body: String }
///
/// struct MyError(HttpError);
///
/// impl IntoError for MyError {
///     fn into_error(self, now: Timestamp) -> Error {
///         let HttpError { status, headers, body } = self.0;
///         classify(status, &headers, body.as_bytes(), now)
///             .err()
///             .unwrap_or_else(|| Error::new(Kind::Protocol, "a success that the SDK cannot read"))
///     }
/// }
///
/// let error = HttpError { status: 503, headers: vec![("retry-after".into(), "2".into())], body: "".into() };
/// let error = MyError(error).into_error(Timestamp::UNIX_EPOCH);
/// assert_eq!(error.retry_after().unwrap().as_secs(), 2);
/// ```
pub trait IntoError {
    /// The error of the core. `now` is the wall clock, against which dates in an answer are read.
    fn into_error(self, now: Timestamp) -> Error;
}

impl IntoError for Error {
    fn into_error(self, _: Timestamp) -> Error {
        self
    }
}
