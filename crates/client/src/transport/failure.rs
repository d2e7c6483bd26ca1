//! Failures of an exchange that no answer describes.

use std::io;

use resayil_core::{Error, Kind};

use super::proxy::ProxyFailure;
use super::tls::TlsFailure;

/// Why there is no answer, or only a part of one.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A limit of time.
    Timeout(Step),
    /// Somebody cancelled the call.
    Cancelled,
    /// The name of this host has no address.
    HostNotFound(String),
    /// No connection, or it broke.
    Network(io::Error),
    /// The proxy did not open the way.
    Proxy(ProxyFailure),
    /// The other side speaks no HTTP that can be read.
    Protocol(&'static str),
    /// The server said 101.
    Switched,
    /// An answer that no other try would make readable.
    Unusable(String),
    /// The certificate or another part of TLS is wrong, which another try does not change.
    Tls(TlsFailure),
    /// The answer is larger than the option of this name allows.
    TooLarge(&'static str),
}

/// What a limit of time was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Looking a name up, or making a connection.
    Connect,
    /// The first byte of the answer.
    FirstByte,
    /// The whole attempt.
    Attempt,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Network(error)
    }
}

impl Failure {
    /// The end of the connection where there should be more.
    pub(crate) fn closed() -> Self {
        Failure::Network(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the other side closed the connection",
        ))
    }

    /// Whether a limit of time passed.
    pub(crate) fn is_timeout(&self) -> bool {
        matches!(self, Failure::Timeout(_))
    }

    /// Whether the connection was simply gone.
    pub(crate) fn is_disconnect(&self) -> bool {
        use io::ErrorKind as K;
        let Failure::Network(error) = self else { return false };
        matches!(
            error.kind(),
            K::UnexpectedEof | K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe
        )
    }

    /// The error to report. `sent` says whether the server, which is called `host`, may have got the
    /// request.
    pub(crate) fn into_error(self, sent: bool, host: &str) -> Error {
        let ambiguous = |kind, message: &str| Error::new(kind, message).with_ambiguous(sent);
        match self {
            Failure::Cancelled => ambiguous(Kind::Cancelled, "the call was cancelled"),
            // It cannot have been billed, so it is no time-out as the retry budget understands it.
            Failure::Timeout(_) if !sent => {
                let message = format!("the connection to {host} was not made in time");
                Error::new(Kind::Network, &message)
            }
            Failure::Timeout(Step::FirstByte) => {
                ambiguous(Kind::Timeout, "no answer began within first_byte_timeout")
            }
            Failure::Timeout(_) => ambiguous(Kind::Timeout, "no answer came in time"),
            Failure::HostNotFound(host) => {
                Error::new(Kind::Network, &format!("the host name was not found: {host}"))
            }
            Failure::Network(error) => {
                let what = match sent {
                    false => "could not be made",
                    true => "broke before the answer was complete",
                };
                let message = format!("the connection to {host} {what}");
                ambiguous(Kind::Network, &message).with_source(error)
            }
            Failure::Proxy(failure) => failure.into_error(),
            Failure::Protocol(problem) => {
                ambiguous(Kind::Protocol, &format!("the answer is not readable HTTP: {problem}"))
            }
            Failure::Switched => Error::new(
                Kind::Protocol,
                "the server switches to another protocol, which nobody asked for",
            )
            .with_status(101)
            .with_retryable(false),
            Failure::Unusable(problem) => {
                Error::new(Kind::Protocol, &problem).with_retryable(false)
            }
            Failure::Tls(failure) => failure.into_error().with_ambiguous(sent),
            Failure::TooLarge(option) => {
                let message = format!("the answer is larger than {option}");
                // Without a head there is no answer that anybody knows of.
                let is_head = option.starts_with("max_head");
                Error::new(Kind::Protocol, &message)
                    .with_retryable(false)
                    .with_ambiguous(sent && is_head)
            }
        }
    }
}
