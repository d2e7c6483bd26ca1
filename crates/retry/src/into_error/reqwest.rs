//! Errors of reqwest.

use std::error::Error as _;
use std::io;

use resayil_core::{Error, Kind, Timestamp, classify};

use super::IntoError;
use super::standard::of_io;

impl IntoError for reqwest::Error {
    /// By what reqwest says of it. Of an error that `error_for_status` made only the status is known: wait
    /// and code are in the headers and the body, so look at these first.
    fn into_error(self, now: Timestamp) -> Error {
        // The address may hold a key.
        let error = self.without_url();
        with_now(&error, now).with_source(error)
    }
}

/// What an error of reqwest stands for.
pub(super) fn of(error: &reqwest::Error) -> Error {
    with_now(error, Timestamp::UNIX_EPOCH)
}

fn with_now(error: &reqwest::Error, now: Timestamp) -> Error {
    if let Some(status) = error.status() {
        let headers: [(&str, &str); 0] = [];
        if let Err(error) = classify(status.as_u16(), &headers, b"", now) {
            return error;
        }
    }
    #[cfg(not(target_family = "wasm"))]
    if error.is_connect() {
        // Nothing was sent, so nothing is billed: no time-out as the budget understands it.
        return Error::new(Kind::Network, "the connection could not be made");
    }
    if error.is_builder() {
        return Error::new(Kind::Configuration, "the request cannot be built");
    }
    if error.is_timeout() {
        return Error::new(Kind::Timeout, "no answer came in time").with_ambiguous(true);
    }
    #[cfg(not(target_family = "wasm"))]
    if error.is_redirect() {
        let problem = "a redirect that leads nowhere";
        return Error::new(Kind::Protocol, problem).with_retryable(false).with_ambiguous(true);
    }
    if error.is_decode() && !has_io(error) {
        return Error::new(Kind::Protocol, "the answer cannot be read").with_ambiguous(true);
    }
    Error::new(Kind::Network, "the connection broke before the answer was complete")
        .with_ambiguous(true)
}

/// Whether a failure of input or output is the cause that breaks an answer.
fn has_io(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return of_io(error).kind() == Kind::Network;
        }
        cause = error.source();
    }
    false
}
