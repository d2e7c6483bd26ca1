//! What an operation does next.

use std::time::Duration;

use super::Attempt;
use crate::error::Error;
use crate::named::named;

/// What an [`Operation`](super::Operation) does next.
#[derive(Debug)]
#[must_use]
pub enum Step {
    /// Ask again at `until`, on the clock of the operation, or as soon as the waker is called; only
    /// then where there is no time.
    Wait {
        /// When to ask again at the latest.
        until: Option<Duration>,
        /// What is waited for.
        reason: WaitReason,
    },
    /// Send this request, then tell what came of it.
    Send(Attempt),
    /// The operation has succeeded.
    Done,
    /// The operation has failed: the error for the caller, marked with what the operation knows. It
    /// is given once; whoever asks again hears of `cancelled`.
    Failed(Error),
}

named! {
    /// What an operation waits for before it sends.
    WaitReason, "reason" {
        /// The quota admits no request yet.
        Quota = "quota",
        /// As many requests are in flight as may be.
        Concurrency = "concurrency",
        /// The retry budget does not afford the next attempt: see [`Budget`](crate::retry::Budget).
        Budget = "budget",
        /// The time between a failed attempt and the next one.
        Backoff = "backoff",
    }
}
