//! Decoding streamed answers, whose end has to be told from a cut.

mod decoder;
mod delivered;
pub(crate) mod event;
mod lines;
mod records;
mod state;
mod words;

use crate::error::Error;

pub use decoder::StreamDecoder;
pub use lines::MAX_EVENT_BYTES;

/// No more than this many bytes of the delivered text are kept.
pub const MAX_PARTIAL_BYTES: usize = 1024 * 1024;

/// How a stream ended.
#[derive(Clone, Debug)]
#[must_use]
pub enum StreamEnd {
    /// The whole answer was delivered.
    Complete,
    /// The service reported an error inside the stream.
    Error(Error),
    /// The stream broke off: it has no end that its protocol knows.
    Truncated(Error),
}

impl StreamEnd {
    /// The name in records: `complete`, `error` or `truncated`.
    pub fn name(&self) -> &'static str {
        match self {
            StreamEnd::Complete => "complete",
            StreamEnd::Error(_) => "error",
            StreamEnd::Truncated(_) => "truncated",
        }
    }

    /// The error, unless the stream is complete.
    pub fn error(&self) -> Option<&Error> {
        match self {
            StreamEnd::Complete => None,
            StreamEnd::Error(error) | StreamEnd::Truncated(error) => Some(error),
        }
    }

    /// `Ok` for a complete stream.
    ///
    /// # Errors
    ///
    /// The error of a failed or truncated stream.
    pub fn into_result(self) -> Result<(), Error> {
        match self {
            StreamEnd::Complete => Ok(()),
            StreamEnd::Error(error) | StreamEnd::Truncated(error) => Err(error),
        }
    }
}

/// One event of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamEvent<'a> {
    /// The text that this event adds to the answer; often empty.
    pub text: &'a str,
    /// The event's JSON.
    pub data: &'a [u8],
}
