//! Errors that come from the caller's own side.

use std::time::Duration;

use super::{Error, HintSource, LimitScope};
use crate::kind::Kind;
use crate::timestamp::Timestamp;

impl Error {
    /// The call was cancelled by its caller.
    pub fn cancelled() -> Self {
        Error::new(Kind::Cancelled, "the call was cancelled")
    }

    /// The request is larger than a limit of the quota.
    pub(crate) fn exceeds_limit(scope: LimitScope, limit: u64) -> Self {
        let problem = format!("the request needs more than the quota's limit of {limit} {scope}");
        Error::new(Kind::ContextLength, &problem).with_limit_scope(scope)
    }

    /// The quota has a limit that is used up, and which begins anew after this time.
    pub(crate) fn used_up(reset: Duration, at: Option<Timestamp>) -> Self {
        let problem = "the quota is used up, and is there again only after longer than max_hint";
        let error =
            Error::new(Kind::QuotaExhausted, problem).with_retry_after(reset, HintSource::Quota);
        match at {
            Some(at) => error.with_retry_at(at),
            None => error,
        }
    }

    /// The deadline of the call is over, or too near for what has to be done yet.
    pub(crate) fn deadline() -> Self {
        Error::new(Kind::Deadline, "the deadline of the call leaves no time for the answer")
    }
}
