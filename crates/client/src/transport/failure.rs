//! Failures of an exchange that no answer describes.

use std::io;

use resayil_core::{Error, Kind};

/// Why there is no answer, or only a part of one.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A limit of time.
    Timeout,
    /// No connection, or it broke.
    Network(ureq::Error),
    /// The other side speaks no HTTP that can be read.
    Protocol(ureq::Error),
    /// The certificate or another part of TLS is wrong, which another try does not change.
    Tls(ureq::Error),
    /// The body is larger than allowed.
    TooLarge,
}

impl From<ureq::Error> for Failure {
    fn from(error: ureq::Error) -> Self {
        use ureq::Error as E;
        match error {
            E::Timeout(_) => Failure::Timeout,
            E::Io(io) if io.kind() == io::ErrorKind::InvalidData => Failure::Tls(E::Io(io)),
            E::Tls(_) | E::Rustls(_) | E::Pem(_) | E::TlsRequired => Failure::Tls(error),
            E::Protocol(_) | E::Http(_) | E::LargeResponseHeader(..) | E::Decompress(..) => {
                Failure::Protocol(error)
            }
            error => Failure::Network(error),
        }
    }
}

impl Failure {
    /// Whether the connection was simply gone.
    pub(crate) fn is_disconnect(&self) -> bool {
        use io::ErrorKind as K;
        let Failure::Network(ureq::Error::Io(error)) = self else { return false };
        matches!(
            error.kind(),
            K::UnexpectedEof | K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe
        )
    }

    /// The error to report. `sent` says whether the server may have got the request.
    pub(crate) fn into_error(self, sent: bool) -> Error {
        match self {
            // It cannot have been billed, so it is no time-out as the retry budget understands it.
            Failure::Timeout if !sent => {
                Error::new(Kind::Network, "the connection was not made in time")
            }
            Failure::Timeout => {
                Error::new(Kind::Timeout, "no answer came in time").with_ambiguous(true)
            }
            Failure::Network(error) => {
                let message = match (&error, sent) {
                    (ureq::Error::HostNotFound, _) => "the host name was not found",
                    (_, false) => "the connection could not be made",
                    (_, true) => "the connection broke before the answer was complete",
                };
                Error::new(Kind::Network, message).with_ambiguous(sent).with_source(error)
            }
            Failure::Protocol(error) => {
                Error::new(Kind::Protocol, "the answer is not readable HTTP")
                    .with_ambiguous(sent)
                    .with_source(error)
            }
            Failure::Tls(error) => {
                Error::new(Kind::Network, "a secure connection could not be made")
                    .with_retryable(sent)
                    .with_ambiguous(sent)
                    .with_source(error)
            }
            Failure::TooLarge => {
                Error::new(Kind::Protocol, "the answer is larger than max_response_bytes")
                    .with_retryable(false)
            }
        }
    }
}
