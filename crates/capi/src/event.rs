//! What a client decides, told to a callback.

use std::ffi::c_void;

use ::client::Kind;
use ::client::observe::CallEvent;

use crate::error::resayil_error;
use crate::panic::guard;
use crate::text::{Pool, Span, resayil_str};

/// One decision of a client, for a log. It holds no key and no prompt. Borrowed for the time of the
/// callback.
pub struct resayil_event {
    pool: Pool,
    action: Span,
    reason: Span,
    summary: Span,
    code: Span,
    request_id: Span,
    attempt: u32,
    delay: Option<f64>,
    error: Option<resayil_error>,
}

/// Is told each decision of a client, in the thread of the call, which waits for it; several threads
/// may call it at once. It may not free the client. `user` is the pointer that was passed in beside
/// the callback.
pub type resayil_event_callback =
    Option<unsafe extern "C" fn(event: *const resayil_event, user: *mut c_void)>;

impl resayil_event {
    pub(crate) fn new(event: &CallEvent<'_>) -> Self {
        let mut pool = Pool::default();
        resayil_event {
            action: pool.add(event.action.name()),
            reason: pool.add(event.reason().unwrap_or_default()),
            summary: pool.add(&event.to_string()),
            code: pool.add_some(event.code()),
            request_id: pool.add_some(event.request_id()),
            pool,
            attempt: event.attempt,
            delay: event.delay.map(|delay| delay.as_secs_f64()),
            error: event.error.cloned().map(resayil_error::new),
        }
    }
}

/// What was decided: `retry`, `stop`, `quota_wait` or `warning`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_event_action(event: *const resayil_event) -> resayil_str {
    guard(|| {
        let event = borrow!(event);
        event.pool.get(event.action)
    })
}

/// Why: the reason of a `resayil_decision`, or `quota`, `stale_connection`, `attempt_timeout` or
/// `quota_not_shared`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_event_reason(event: *const resayil_event) -> resayil_str {
    guard(|| {
        let event = borrow!(event);
        event.pool.get(event.reason)
    })
}

/// How many requests were sent for this call so far.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_event_attempt(event: *const resayil_event) -> u32 {
    guard(|| borrow!(event).attempt)
}

/// How many seconds the call waits before the next attempt. Says whether it waits; if not, `*seconds`
/// is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_event_delay(
    event: *const resayil_event,
    seconds: *mut f64,
) -> bool {
    guard(|| {
        let out = out!(seconds, 0.0);
        let delay = borrow!(event).delay;
        *out = delay.unwrap_or(0.0);
        delay.is_some()
    })
}

/// All of it in one line, for a log: without secrets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_event_summary(event: *const resayil_event) -> resayil_str {
    guard(|| {
        let event = borrow!(event);
        event.pool.get(event.summary)
    })
}

/// The kind of the failure that led to the decision, a RESAYIL_KIND constant; RESAYIL_KIND_UNKNOWN if
/// there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_event_kind(event: *const resayil_event) -> u32 {
    guard(|| {
        let error = borrow!(event).error.as_ref();
        u32::from(error.map_or(Kind::Unknown, |error| error.error.kind()).number())
    })
}

/// The HTTP status of the failure that led to the decision; 0 if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_event_status(event: *const resayil_event) -> u32 {
    guard(|| {
        let error = borrow!(event).error.as_ref();
        u32::from(error.and_then(|error| error.error.status()).unwrap_or(0))
    })
}

/// The provider's code of the failure that led to the decision. May be absent.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_event_code(event: *const resayil_event) -> resayil_str {
    guard(|| {
        let event = borrow!(event);
        event.pool.get(event.code)
    })
}

/// The provider's id of the request that failed. May be absent.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_event_request_id(event: *const resayil_event) -> resayil_str {
    guard(|| {
        let event = borrow!(event);
        event.pool.get(event.request_id)
    })
}

/// The failure that led to the decision, NULL if there is none. Borrowed: not to be freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_event_error(event: *const resayil_event) -> *const resayil_error {
    guard(|| borrow!(event).error.as_ref().map_or(std::ptr::null(), std::ptr::from_ref))
}
