//! Errors of ureq.

use resayil_core::{Error, Kind, Timestamp, classify};
use ureq::Timeout;

use super::IntoError;
use super::standard::of_io;

impl IntoError for ureq::Error {
    /// By what ureq says of it. Of an error for a status only that is known: wait and code are in the
    /// headers and the body, so switch `http_status_as_error` off and look at these.
    fn into_error(self, _: Timestamp) -> Error {
        of(&self).with_source(self)
    }
}

/// What an error of ureq stands for.
pub(super) fn of(error: &ureq::Error) -> Error {
    let not_sent = |message: &str| Error::new(Kind::Network, message);
    let configuration = || Error::new(Kind::Configuration, "the request cannot be sent");
    let unreadable =
        || Error::new(Kind::Protocol, "the answer cannot be read").with_ambiguous(true);
    match error {
        ureq::Error::StatusCode(status) => {
            let headers: [(&str, &str); 0] = [];
            classify(*status, &headers, b"", Timestamp::UNIX_EPOCH)
                .err()
                .unwrap_or_else(|| unreadable().with_status(*status))
        }
        ureq::Error::Io(error) => of_io(error),
        ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
            not_sent("the connection was not made in time")
        }
        ureq::Error::Timeout(_) => {
            Error::new(Kind::Timeout, "no answer came in time").with_ambiguous(true)
        }
        ureq::Error::HostNotFound => not_sent("the host name was not found"),
        ureq::Error::ConnectionFailed | ureq::Error::ConnectProxyFailed(_) => {
            not_sent("the connection could not be made")
        }
        ureq::Error::Http(_)
        | ureq::Error::BadUri(_)
        | ureq::Error::InvalidProxyUrl
        | ureq::Error::BodyExceedsLimit(_)
        | ureq::Error::RequireHttpsOnly(_)
        | ureq::Error::Tls(_)
        | ureq::Error::TlsRequired => configuration(),
        ureq::Error::RedirectFailed | ureq::Error::TooManyRedirects => {
            unreadable().with_retryable(false)
        }
        _ => unreadable(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_sent_is_not_ambiguous() {
        let now = Timestamp::UNIX_EPOCH;
        let error = ureq::Error::Timeout(Timeout::Connect).into_error(now);
        assert_eq!((error.kind(), error.is_ambiguous()), (Kind::Network, false));
        let error = ureq::Error::Timeout(Timeout::RecvResponse).into_error(now);
        assert_eq!((error.kind(), error.is_ambiguous()), (Kind::Timeout, true));
        assert_eq!(ureq::Error::StatusCode(429).into_error(now).kind(), Kind::RateLimit);
        assert!(!ureq::Error::BadUri(String::new()).into_error(now).is_retryable());
    }
}
