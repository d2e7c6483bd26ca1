//! What a call is told after a failure.

use std::time::Duration;

use crate::named::named;
use crate::stop_reason::StopReason;

/// What to do after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// Wait, then send the same request again.
    Retry {
        /// How long to wait.
        delay: Duration,
        /// What the wait follows from.
        reason: RetryReason,
    },
    /// Give the error to the caller.
    Stop {
        /// Why no further attempt is made.
        reason: StopReason,
    },
}

impl Decision {
    /// Whether to try again.
    pub fn is_retry(&self) -> bool {
        matches!(self, Decision::Retry { .. })
    }

    /// How long to wait before the next attempt; `None` when there is none.
    pub fn delay(&self) -> Option<Duration> {
        match self {
            Decision::Retry { delay, .. } => Some(*delay),
            Decision::Stop { .. } => None,
        }
    }

    /// The reason's name, for log lines and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Decision::Retry { reason, .. } => reason.name(),
            Decision::Stop { reason } => reason.name(),
        }
    }
}

named! {
    /// What the wait before the next attempt follows from.
    RetryReason, "reason" {
        /// The quota of this window is used up; the wait lasts until the server admits more. It
        /// costs neither an attempt nor budget.
        QuotaWindow = "quota_window",
        /// The server named a wait.
        ServerHint = "server_hint",
        /// Nobody named a wait: exponential back-off.
        Backoff = "backoff",
        /// The retry budget affords it again, or it is tried whether the service is back. In a [`Decision`] it is
        /// the latter: see [`Call::on_error`](super::Call::on_error).
        Budget = "budget",
        /// A kept connection proved to be closed: once more on a new one, at once and free of charge. A
        /// [`Decision`] never says so; it is for what is told of it.
        StaleConnection = "stale_connection",
        /// Another target is asked, at once: see [`Fallback`](crate::call::Fallback). A [`Decision`] never
        /// says so; it is for what is told of it.
        Fallback = "fallback",
    }
}
