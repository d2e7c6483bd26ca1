//! What an operation does next.

use ::client::call::{Attempt, WaitReason};

use crate::names::static_name;
use crate::text::resayil_str;

/// Nothing: the operation was not asked, because the function failed.
pub const RESAYIL_STEP_NONE: u32 = 0;
/// Ask again at `until_seconds` or as soon as the waker is called, whichever comes first; only then
/// where there is no time.
pub const RESAYIL_STEP_WAIT: u32 = 1;
/// Send the request, then tell what came of it.
pub const RESAYIL_STEP_SEND: u32 = 2;
/// The operation has succeeded.
pub const RESAYIL_STEP_DONE: u32 = 3;
/// The operation has failed; `resayil_operation_take_error` has the error.
pub const RESAYIL_STEP_FAILED: u32 = 4;

/// What an operation does next. Times are on the clock of the operation.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct resayil_step {
    /// A RESAYIL_STEP constant. It decides which of the others mean anything.
    pub action: u32,
    /// To wait: whether there is a time to ask again.
    pub has_until: bool,
    /// To send: whether there is a time at which the request has to be given up.
    pub has_ends_at: bool,
    /// To send: whether it must not go out on a kept connection, because one proved to be closed.
    pub needs_fresh_connection: bool,
    /// To send: which request of the operation it is, from 1.
    pub attempt: u32,
    /// To send: the index of the fallback's target, or -1 for the request's own.
    pub target: i64,
    /// To wait: when to ask again at the latest.
    pub until_seconds: f64,
    /// To send: when the request has to be given up: at the end of its own time or at the deadline.
    pub ends_at_seconds: f64,
    /// To wait: for what, a static text: `quota`, `concurrency`, `budget` or `backoff`.
    pub reason: resayil_str,
}

impl resayil_step {
    pub(super) fn new(action: u32) -> Self {
        resayil_step {
            action,
            has_until: false,
            has_ends_at: false,
            needs_fresh_connection: false,
            attempt: 0,
            target: -1,
            until_seconds: 0.0,
            ends_at_seconds: 0.0,
            reason: resayil_str::default(),
        }
    }

    pub(super) fn wait(until: Option<std::time::Duration>, reason: WaitReason) -> Self {
        resayil_step {
            has_until: until.is_some(),
            until_seconds: until.unwrap_or_default().as_secs_f64(),
            reason: static_name(reason.name()),
            ..resayil_step::new(RESAYIL_STEP_WAIT)
        }
    }

    pub(super) fn send(attempt: &Attempt) -> Self {
        resayil_step {
            has_ends_at: attempt.ends_at().is_some(),
            ends_at_seconds: attempt.ends_at().unwrap_or_default().as_secs_f64(),
            needs_fresh_connection: attempt.needs_fresh_connection(),
            attempt: attempt.number(),
            target: attempt.target().and_then(|it| i64::try_from(it).ok()).unwrap_or(-1),
            ..resayil_step::new(RESAYIL_STEP_SEND)
        }
    }
}
