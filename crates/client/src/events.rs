//! What the client decides, told to an observer.

use std::time::Duration;

use resayil_core::{Error, Kind};

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallAction {
    /// The request is sent again after a delay.
    Retry,
    /// The error is given to the caller.
    Stop,
    /// The request waits until the quota admits it.
    QuotaWait,
    /// Something is unwise, but goes on.
    Warning,
}

impl CallAction {
    /// The name in log lines and metrics, in snake case.
    pub const fn name(self) -> &'static str {
        match self {
            CallAction::Retry => "retry",
            CallAction::Stop => "stop",
            CallAction::QuotaWait => "quota_wait",
            CallAction::Warning => "warning",
        }
    }
}

/// One decision of the client. It holds no key and no prompt.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallEvent<'a> {
    /// What was decided.
    pub action: CallAction,
    /// The name of the reason: of a [`RetryReason`](crate::RetryReason), of a
    /// [`StopReason`](crate::StopReason), `quota`, `stale_connection`, `cancelled`,
    /// `attempt_timeout` or `quota_not_shared`.
    pub reason: &'static str,
    /// How many requests were sent for this call so far.
    pub attempt: u32,
    /// How long the call waits before the next attempt. For a quota wait it is the wait as it
    /// looks now.
    pub delay: Option<Duration>,
    /// The failure that led to the decision.
    pub error: Option<&'a Error>,
}

impl<'a> CallEvent<'a> {
    /// The kind of the failure.
    pub fn kind(&self) -> Option<Kind> {
        self.error.map(Error::kind)
    }

    /// The HTTP status of the failure.
    pub fn status(&self) -> Option<u16> {
        self.error.and_then(Error::status)
    }

    /// The provider's error code.
    pub fn code(&self) -> Option<&'a str> {
        self.error.and_then(Error::code)
    }

    /// The provider's id of the request.
    pub fn request_id(&self) -> Option<&'a str> {
        self.error.and_then(Error::request_id)
    }
}

/// Who is told.
pub(crate) type Observer = dyn Fn(&CallEvent<'_>) + Send + Sync;
