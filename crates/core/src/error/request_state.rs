//! What became of the request that failed.

use super::Error;
use crate::named::named;

named! {
    /// What became of a request that failed, as far as one can tell.
    RequestState, "state of a request" {
        /// The service did not get it, or not whole.
        NotSent = "not_sent",
        /// The service may have carried it out, and billed it, though no whole answer arrived: sending it
        /// again may do it twice.
        PerhapsProcessed = "perhaps_processed",
        /// The service answered it, or turned it down.
        Answered = "answered",
    }
}

impl Error {
    /// What became of the request: whether the service got it, and whether it answered.
    ///
    /// A gateway's 504 and 524 say that it got no answer of the service itself, and a stream that ends
    /// too soon was carried out at least in part: both count as perhaps processed.
    /// [`is_ambiguous`](Self::is_ambiguous) is true for that state alone.
    ///
    /// ```
    /// use resayil_core::{Error, Kind};
    /// use resayil_core::error::RequestState;
    ///
    /// let error = Error::new(Kind::Timeout, "no answer came in time").with_ambiguous(true);
    /// assert_eq!(error.request_state(), RequestState::PerhapsProcessed);
    /// assert_eq!(RequestState::NotSent.name(), "not_sent");
    /// ```
    pub fn request_state(&self) -> RequestState {
        match (self.is_ambiguous(), self.status()) {
            (true, _) => RequestState::PerhapsProcessed,
            (false, Some(_)) => RequestState::Answered,
            (false, None) if self.answered_without_status() => RequestState::Answered,
            (false, None) => RequestState::NotSent,
        }
    }

    /// An event of a stream told it, or an answer that cannot be used.
    fn answered_without_status(&self) -> bool {
        !self.is_safe_to_replay() || !self.body().is_empty() || self.is_rejected()
    }
}
