//! Errors of the standard library, and boxed ones.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use resayil_core::{Error, Kind, Timestamp};

use super::IntoError;

/// So many causes of an error are looked at.
const MAX_CAUSES: usize = 16;

impl IntoError for io::Error {
    fn into_error(self, _: Timestamp) -> Error {
        of_io(&self).with_source(self)
    }
}

impl IntoError for Box<dyn StdError + Send + Sync> {
    /// By the first error that is known, of this one and its causes. Where none is, it is of
    /// [`Kind::Unknown`], which is not retried.
    fn into_error(self, _: Timestamp) -> Error {
        match self.downcast::<Error>() {
            Ok(error) => *error,
            Err(other) => {
                let known = causes(&*other).find_map(known);
                let error = known.unwrap_or_else(|| Error::new(Kind::Unknown, &other.to_string()));
                error.with_source(Cause(other))
            }
        }
    }
}

/// The error itself and what caused it.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| (*error).source())
        .take(MAX_CAUSES)
}

/// What a known error stands for.
fn known(error: &(dyn StdError + 'static)) -> Option<Error> {
    if let Some(error) = error.downcast_ref::<Error>() {
        return Some(error.clone());
    }
    #[cfg(feature = "reqwest")]
    if let Some(error) = error.downcast_ref::<reqwest::Error>() {
        return Some(super::reqwest::of(error));
    }
    #[cfg(feature = "ureq")]
    if let Some(error) = error.downcast_ref::<ureq::Error>() {
        return Some(super::ureq::of(error));
    }
    error.downcast_ref::<io::Error>().map(of_io)
}

/// What a failure of input or output stands for.
pub(super) fn of_io(error: &io::Error) -> Error {
    use io::ErrorKind as K;
    // Some libraries put their own error inside.
    if let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        return inner.clone();
    }
    match error.kind() {
        K::ConnectionRefused
        | K::HostUnreachable
        | K::NetworkUnreachable
        | K::NetworkDown
        | K::AddrNotAvailable
        | K::NotFound => Error::new(Kind::Network, "the connection could not be made"),
        K::TimedOut | K::WouldBlock => {
            Error::new(Kind::Timeout, "no answer came in time").with_ambiguous(true)
        }
        K::InvalidInput => Error::new(Kind::Configuration, &error.to_string()),
        K::InvalidData => Error::new(Kind::Protocol, &error.to_string()).with_ambiguous(true),
        _ => Error::new(Kind::Network, "the connection broke before the answer was complete")
            .with_ambiguous(true),
    }
}

/// A boxed error as the source of another.
struct Cause(Box<dyn StdError + Send + Sync>);

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Outer(io::Error);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("outer")
        }
    }

    impl StdError for Outer {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }

    fn boxed(error: impl StdError + Send + Sync + 'static) -> Error {
        let error: Box<dyn StdError + Send + Sync> = Box::new(error);
        error.into_error(Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn the_first_known_cause_decides() {
        let error = boxed(Outer(io::ErrorKind::ConnectionRefused.into()));
        assert_eq!((error.kind(), error.is_ambiguous()), (Kind::Network, false));
        assert_eq!(StdError::source(&error).unwrap().to_string(), "outer");
        let error = boxed(Outer(io::ErrorKind::ConnectionReset.into()));
        assert_eq!((error.kind(), error.is_ambiguous()), (Kind::Network, true));
        let error = boxed(Outer(io::ErrorKind::TimedOut.into()));
        assert_eq!((error.kind(), error.is_ambiguous()), (Kind::Timeout, true));
        assert_eq!(boxed(fmt::Error).kind(), Kind::Unknown);
        let own = boxed(Error::new(Kind::Overloaded, "busy").with_status(529));
        assert_eq!((own.kind(), own.status()), (Kind::Overloaded, Some(529)));
        let inside = boxed(Outer(io::Error::other(Error::new(Kind::Overloaded, "busy"))));
        assert_eq!(inside.kind(), Kind::Overloaded);
    }
}
