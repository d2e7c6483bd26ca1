//! Getters: what the answer said.

use std::ffi::c_char;
use std::time::Duration;

use super::resayil_error;
use crate::panic::{Fallback, guard};
use crate::text::{name_in, resayil_bytes, resayil_str};

/// The provider's message, redacted, for the developer's eyes. What to show a user is
/// `resayil_error_user_message`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_message(error: *const resayil_error) -> resayil_str {
    guard(|| borrow!(error).text(|texts| texts.message))
}

/// The provider's error code; a number as its digits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_code(error: *const resayil_error) -> resayil_str {
    guard(|| borrow!(error).text(|texts| texts.code))
}

/// The provider's error type, such as `invalid_request_error`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_type(error: *const resayil_error) -> resayil_str {
    guard(|| borrow!(error).text(|texts| texts.error_type))
}

/// The parameter of the request that the provider complains of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_param(error: *const resayil_error) -> resayil_str {
    guard(|| borrow!(error).text(|texts| texts.param))
}

/// The provider's id of the request, to name when asking for support.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_request_id(error: *const resayil_error) -> resayil_str {
    guard(|| borrow!(error).text(|texts| texts.request_id))
}

/// Whose API answered, such as `resayil`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_provider(error: *const resayil_error) -> resayil_str {
    guard(|| borrow!(error).text(|texts| texts.provider))
}

/// The model that the request named, where the client told.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_model(error: *const resayil_error) -> resayil_str {
    guard(|| borrow!(error).text(|texts| texts.model))
}

/// What a stream had delivered before it failed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_partial_text(error: *const resayil_error) -> resayil_str {
    guard(|| borrow!(error).text(|texts| texts.partial_text))
}

/// How long the server asks to wait, uncapped, in seconds. Says whether it asks; if not, `*seconds`
/// is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_retry_after(
    error: *const resayil_error,
    seconds: *mut f64,
) -> bool {
    guard(|| {
        let seconds = out!(seconds, 0.0);
        write_known(borrow!(error).error.retry_after().map(|wait| wait.as_secs_f64()), seconds)
    })
}

/// Where the wait was read: `body`, `window`, `retry_after_ms`, `retry_after`, `rate_limit_reset`,
/// `message` or `quota`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_retry_after_source(
    error: *const resayil_error,
) -> resayil_str {
    guard(|| borrow!(error).text(|texts| texts.retry_after_source))
}

/// How many requests a window admits, by the answer's headers. Says whether they tell; if not,
/// `*limit` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_rate_limit_limit(
    error: *const resayil_error,
    limit: *mut u64,
) -> bool {
    guard(|| {
        let out = out!(limit, 0);
        write_known(borrow!(error).error.rate_limit().and_then(|limit| limit.limit()), out)
    })
}

/// How many requests the window still admits, by the answer's headers. Says whether they tell; if
/// not, `*remaining` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_rate_limit_remaining(
    error: *const resayil_error,
    remaining: *mut u64,
) -> bool {
    guard(|| {
        let out = out!(remaining, 0);
        write_known(borrow!(error).error.rate_limit().and_then(|limit| limit.remaining()), out)
    })
}

/// How many seconds are left until the window ends, by the answer's headers. Says whether they tell;
/// if not, `*seconds` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_rate_limit_reset_after(
    error: *const resayil_error,
    seconds: *mut f64,
) -> bool {
    guard(|| {
        let out = out!(seconds, 0.0);
        let reset = borrow!(error).error.rate_limit().and_then(|limit| limit.reset_after());
        write_known(reset.as_ref().map(Duration::as_secs_f64), out)
    })
}

/// What the limit counts that refused the request: `requests`, `tokens`, `input_tokens`,
/// `output_tokens`, `concurrency`, `images` or `spend`. Absent where the answer does not tell.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_limit_scope(error: *const resayil_error) -> resayil_str {
    guard(|| borrow!(error).text(|texts| texts.limit_scope))
}

/// The length of the window in which that limit counts, in seconds; a month is 30 days. Says whether
/// the answer tells; if not, `*seconds` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_limit_window(
    error: *const resayil_error,
    seconds: *mut f64,
) -> bool {
    guard(|| {
        let seconds = out!(seconds, 0.0);
        write_known(borrow!(error).error.limit_window().map(|window| window.as_secs_f64()), seconds)
    })
}

/// When the server expects the next request, in seconds since 1970 by its own clock, uncapped. Says
/// whether it names a time, and not a wait; if not, `*seconds` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_retry_at(
    error: *const resayil_error,
    seconds: *mut f64,
) -> bool {
    guard(|| {
        let seconds = out!(seconds, 0.0);
        write_known(borrow!(error).error.retry_at().map(|at| at.unix_seconds_f64()), seconds)
    })
}

/// Which rule ended the call, such as `max_attempts`: the reasons that a `resayil_call` gives for
/// stopping. Absent if nobody decided about another attempt.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_stop_reason(error: *const resayil_error) -> resayil_str {
    guard(|| borrow!(error).text(|texts| texts.stop_reason))
}

/// What became of the request: `not_sent`, `perhaps_processed` (the service may have carried it out, and
/// billed it, though no whole answer arrived) or `answered`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_request_state(error: *const resayil_error) -> resayil_str {
    guard(|| borrow!(error).text(|texts| texts.request_state))
}

/// How many requests were sent for this call, refused ones included; 0 if none was or if nobody
/// counted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_attempts(error: *const resayil_error) -> u32 {
    guard(|| borrow!(error).error.attempts())
}

/// Whether retries are used up below, so that an outer layer must not multiply them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_is_exhausted(error: *const resayil_error) -> bool {
    guard(|| borrow!(error).error.is_exhausted())
}

/// Whether the server may have carried out the request although no whole answer arrived.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_is_ambiguous(error: *const resayil_error) -> bool {
    guard(|| borrow!(error).error.is_ambiguous())
}

/// Whether the answer was a success that the caller would not take: see
/// `resayil_options_retry_if_result`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_is_rejected(error: *const resayil_error) -> bool {
    guard(|| borrow!(error).error.is_rejected())
}

/// Whether the request can be sent again without delivering anything twice: nothing of an answer
/// had been delivered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_is_safe_to_replay(error: *const resayil_error) -> bool {
    guard(|| borrow!(error).error.is_safe_to_replay())
}

/// The raw body of the answer, cut to 64 KiB. It may hold the prompt: do not print it. Borrowed as
/// texts are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_body(error: *const resayil_error) -> resayil_bytes {
    guard(|| resayil_bytes::from(borrow!(error).error.body()))
}

/// How many headers of the answer are kept: at most 128.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_header_count(error: *const resayil_error) -> usize {
    guard(|| borrow!(error).error.headers().len())
}

/// A header of the answer, in the order in which they came. Says whether there is one of this
/// number. Values may hold secrets: do not print them. Borrowed as texts are, not NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_header_at(
    error: *const resayil_error,
    index: usize,
    name: *mut resayil_bytes,
    value: *mut resayil_bytes,
) -> bool {
    guard(|| {
        let name = out!(name, resayil_bytes::default());
        let value = out!(value, resayil_bytes::default());
        let found = borrow!(error).error.headers().iter().nth(index);
        if let Some((known_name, known_value)) = found {
            (*name, *value) = (known_name.into(), known_value.into());
        }
        found.is_some()
    })
}

/// The value of the first header of this name, in any case; `data` is NULL if there is none.
/// Borrowed as texts are, not NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_header(
    error: *const resayil_error,
    name: *const c_char,
) -> resayil_bytes {
    guard(|| {
        let error = borrow!(error);
        // SAFETY: the header asks for NULL or a NUL-terminated name.
        let Ok(Some(name)) = (unsafe { name_in(name) }) else { return Fallback::on_null() };
        error.error.headers().get(name).map_or_else(resayil_bytes::default, resayil_bytes::from)
    })
}

/// Writes a value that may be unknown, and says whether it is known.
fn write_known<T>(value: Option<T>, out: &mut T) -> bool {
    match value {
        Some(value) => {
            *out = value;
            true
        }
        None => false,
    }
}
