//! Making errors for failures that no answer describes: a connection that broke, a local limit.

use std::ffi::c_char;

use ::client::error::HintSource;
use ::client::retry::StopReason;
use ::client::{Error, Kind};

use super::resayil_error;
use crate::kind::kind_of;
use crate::names;
use crate::panic::{give, guard};
use crate::status::{ended, resayil_status};
use crate::text::{name_in, some_name_in, text_in};
use crate::time;

/// Makes an error of a kind, for a failure that no answer describes: RESAYIL_KIND_NETWORK for a
/// connection that broke, RESAYIL_KIND_TIMEOUT for a local limit. The message is redacted. A number
/// that this version does not know makes an error of RESAYIL_KIND_UNKNOWN.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_new(
    kind: u32,
    message: *const c_char,
    message_len: usize,
    error: *mut *mut resayil_error,
) -> resayil_status {
    guard(|| {
        let out = out!(error);
        ended((|| {
            // SAFETY: the header asks for NULL or as many bytes as `message_len` says.
            let message = unsafe { text_in(message, message_len) }?;
            let kind = kind_of(kind).unwrap_or(Kind::Unknown);
            *out = give(resayil_error::new(Error::new(kind, message)));
            Ok(())
        })())
    })
}

/// Sets the HTTP status: 100 to 999.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_set_status(
    error: *mut resayil_error,
    status: u32,
) -> resayil_status {
    guard(|| {
        let error = borrow_mut!(error);
        let Some(status) = u16::try_from(status).ok().filter(|it| (100..=999).contains(it)) else {
            return resayil_status::INVALID_ARGUMENT;
        };
        error.change(|error| error.with_status(status));
        resayil_status::OK
    })
}

/// Sets whether another try of the same request may succeed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_set_retryable(
    error: *mut resayil_error,
    retryable: bool,
) -> resayil_status {
    guard(|| {
        borrow_mut!(error).change(|error| error.with_retryable(retryable));
        resayil_status::OK
    })
}

/// Sets the wait that is needed, in seconds: 0 or more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_set_retry_after(
    error: *mut resayil_error,
    seconds: f64,
) -> resayil_status {
    guard(|| {
        let error = borrow_mut!(error);
        ended((|| {
            let wait = time::seconds(seconds)?;
            error.change(|error| error.with_retry_after(wait, HintSource::RetryAfter));
            Ok(())
        })())
    })
}

/// Sets how many requests were sent for this call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_set_attempts(
    error: *mut resayil_error,
    attempts: u32,
) -> resayil_status {
    guard(|| {
        borrow_mut!(error).change(|error| error.with_attempts(attempts));
        resayil_status::OK
    })
}

/// Marks the error as the end of a layer's retries, or not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_set_exhausted(
    error: *mut resayil_error,
    exhausted: bool,
) -> resayil_status {
    guard(|| {
        borrow_mut!(error).change(|error| error.with_exhausted(exhausted));
        resayil_status::OK
    })
}

/// Sets which rule ended the call, by the name that a `resayil_decision` gives, such as
/// `max_attempts`.
///
/// RESAYIL_STATUS_UNKNOWN_NAME for a name that this version does not know.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_set_stop_reason(
    error: *mut resayil_error,
    reason: *const c_char,
) -> resayil_status {
    guard(|| {
        let error = borrow_mut!(error);
        ended((|| {
            // SAFETY: the header asks for NULL or a NUL-terminated name.
            let name = unsafe { some_name_in(reason) }?;
            let reason: StopReason = name.parse().map_err(|_| resayil_status::UNKNOWN_NAME)?;
            error.change(|error| error.with_stop_reason(reason));
            Ok(())
        })())
    })
}

/// Marks the error as one after which the request may have been carried out, or not: a time-out or
/// a connection that broke after the request was sent.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_set_ambiguous(
    error: *mut resayil_error,
    ambiguous: bool,
) -> resayil_status {
    guard(|| {
        borrow_mut!(error).change(|error| error.with_ambiguous(ambiguous));
        resayil_status::OK
    })
}

/// Sets whether the answer was a success that you do not take: an empty text, JSON that breaks off. A
/// `resayil_call` retries such an error, of RESAYIL_KIND_PROTOCOL, as long as attempts are left, and
/// without cost to the budget.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_set_rejected(
    error: *mut resayil_error,
    rejected: bool,
) -> resayil_status {
    guard(|| {
        borrow_mut!(error).change(|error| error.with_rejected(rejected));
        resayil_status::OK
    })
}

/// Sets the model that the request named, for the texts for people; cut to 200 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_set_model(
    error: *mut resayil_error,
    model: *const c_char,
) -> resayil_status {
    guard(|| {
        let error = borrow_mut!(error);
        ended((|| {
            // SAFETY: the header asks for NULL or a NUL-terminated name.
            let model = unsafe { some_name_in(model) }?;
            error.change(|error| error.with_model(model));
            Ok(())
        })())
    })
}

/// Sets whose API it was, by name such as `resayil`; NULL for nobody's.
///
/// RESAYIL_STATUS_UNKNOWN_NAME for a name that this version does not know.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_set_provider(
    error: *mut resayil_error,
    provider: *const c_char,
) -> resayil_status {
    guard(|| {
        let error = borrow_mut!(error);
        ended((|| {
            // SAFETY: the header asks for NULL or a NUL-terminated name.
            let provider = names::provider(unsafe { name_in(provider) }?)?;
            error.change(|error| error.with_provider(provider));
            Ok(())
        })())
    })
}
