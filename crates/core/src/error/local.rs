//! Errors that come from the caller's own side.

use super::Error;
use crate::kind::Kind;

impl Error {
    /// The call was cancelled by its caller.
    pub fn cancelled() -> Self {
        Error::new(Kind::Cancelled, "the call was cancelled")
    }

    /// The deadline of the call is over, or too near for what has to be done yet.
    pub(crate) fn deadline() -> Self {
        Error::new(Kind::Deadline, "the deadline of the call leaves no time for the answer")
    }
}
