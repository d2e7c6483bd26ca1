//! What an operation is told of its requests.

use ::client::call::Reached;

use super::{Exchange, resayil_operation};
use crate::error::resayil_error;
use crate::headers::{headers_in, resayil_header};
use crate::panic::guard;
use crate::status::{ended, resayil_status};
use crate::text::bytes_in;
use crate::time;

/// Nothing of the request reached the server.
pub const RESAYIL_REACHED_NOTHING: u32 = 0;
/// The request went out on a kept connection which the server had closed already, as far as one can
/// tell: not one byte came back (RFC 9112, section 9.3.1). It is sent again at once, on a new one.
pub const RESAYIL_REACHED_STALE_CONNECTION: u32 = 1;
/// The server may have got the request, and may have carried it out.
pub const RESAYIL_REACHED_SERVER: u32 = 2;

fn reached_of(number: u32) -> Result<Reached, resayil_status> {
    match number {
        RESAYIL_REACHED_NOTHING => Ok(Reached::Nothing),
        RESAYIL_REACHED_STALE_CONNECTION => Ok(Reached::StaleConnection),
        RESAYIL_REACHED_SERVER => Ok(Reached::Server),
        _ => Err(resayil_status::UNKNOWN_NAME),
    }
}

/// The head of the answer came: its HTTP status and headers, which are copied. A success settles the
/// quota at once. `now_unix_seconds` is the wall clock at `now_seconds`.
///
/// RESAYIL_STATUS_INVALID_STATE if no request is under way, or its head was told already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_on_headers(
    operation: *mut resayil_operation,
    status: u32,
    headers: *const resayil_header,
    header_count: usize,
    now_unix_seconds: f64,
    now_seconds: f64,
) -> resayil_status {
    guard(|| {
        let operation = borrow!(operation);
        ended((|| {
            let status = u16::try_from(status).map_err(|_| resayil_status::INVALID_ARGUMENT)?;
            // SAFETY: the header asks for NULL or as many headers as `header_count` says.
            let headers = unsafe { headers_in(headers, header_count) }?;
            let wall = time::unix_seconds(now_unix_seconds)?;
            let now = time::seconds(now_seconds)?;
            operation.advance(|it| {
                let attempt = it.sent()?;
                let response = it.operation.on_headers(attempt, status, &headers, now, wall);
                let headers = headers.iter().map(|(name, value)| (name.to_vec(), value.to_vec()));
                it.exchange = Exchange::Answered(response, headers.collect());
                Ok(())
            })
        })())
    })
}

/// The body of the answer came, or as much of it as is wanted of an error. `*is_success` says whether
/// it is a success: then make the result of it, and tell `resayil_operation_on_success`, or
/// `resayil_operation_on_error` if it is of no use. Of an error, one inside a success included, the
/// operation takes care itself: poll it.
///
/// The body of a stream is for `resayil_stream`, and not told here: tell how it ended. A redirect is an
/// error that is not retried: whoever follows redirects tells the last answer.
///
/// RESAYIL_STATUS_INVALID_STATE if the head of the answer was not told.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_on_body(
    operation: *mut resayil_operation,
    body: *const u8,
    body_len: usize,
    now_unix_seconds: f64,
    now_seconds: f64,
    is_success: *mut bool,
) -> resayil_status {
    guard(|| {
        let out = out!(is_success, false);
        let operation = borrow!(operation);
        ended((|| {
            // SAFETY: the header asks for NULL or as many bytes as `body_len` says.
            let body = unsafe { bytes_in(body, body_len) }?;
            let wall = time::unix_seconds(now_unix_seconds)?;
            let now = time::seconds(now_seconds)?;
            *out = operation.state.with(|it| it.on_body(body, now, wall))??;
            Ok(())
        })())
    })
}

/// The whole answer is there and good: the operation is done.
///
/// RESAYIL_STATUS_INVALID_STATE if the head of the answer was not told.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_on_success(
    operation: *mut resayil_operation,
    now_seconds: f64,
) -> resayil_status {
    guard(|| {
        let operation = borrow!(operation);
        ended((|| {
            let now = time::seconds(now_seconds)?;
            operation.advance(|it| {
                let (response, _) = it.answered()?;
                it.operation.on_success(response, now);
                Ok(())
            })
        })())
    })
}

/// The answer broke off after its head, or is of no use: an error that was made of what came of it, such
/// as the one that ends a stream. The error stays yours.
///
/// RESAYIL_STATUS_INVALID_STATE if the head of the answer was not told.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_on_error(
    operation: *mut resayil_operation,
    error: *const resayil_error,
    now_seconds: f64,
) -> resayil_status {
    guard(|| {
        let (operation, error) = (borrow!(operation), borrow!(error));
        ended((|| {
            let now = time::seconds(now_seconds)?;
            operation.advance(|it| {
                let (response, _) = it.answered()?;
                it.operation.on_error(response, error.error.clone(), now);
                Ok(())
            })
        })())
    })
}

/// No answer came to the request. The error says why: make it by `resayil_error_new`, and with
/// `resayil_error_set_ambiguous` if the request may have been carried out; for a time-out there is
/// `resayil_operation_timeout_error`. `reached` is a RESAYIL_REACHED constant: how far the request got.
/// The error stays yours.
///
/// RESAYIL_STATUS_INVALID_STATE if no request is under way, or the head of its answer was told;
/// RESAYIL_STATUS_UNKNOWN_NAME for another `reached`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_on_failure(
    operation: *mut resayil_operation,
    error: *const resayil_error,
    reached: u32,
    now_seconds: f64,
) -> resayil_status {
    guard(|| {
        let (operation, error) = (borrow!(operation), borrow!(error));
        ended((|| {
            let reached = reached_of(reached)?;
            let now = time::seconds(now_seconds)?;
            operation.advance(|it| {
                let attempt = it.sent()?;
                it.operation.on_failure(attempt, error.error.clone(), reached, now);
                Ok(())
            })
        })())
    })
}

/// The operation fails with this error, whatever the policy: the request cannot be sent again, or what
/// came is nothing that the policy is to judge. To be told after the head of an answer. The error stays
/// yours.
///
/// RESAYIL_STATUS_INVALID_STATE if the head of the answer was not told.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_operation_give_up(
    operation: *mut resayil_operation,
    error: *const resayil_error,
    now_seconds: f64,
) -> resayil_status {
    guard(|| {
        let (operation, error) = (borrow!(operation), borrow!(error));
        ended((|| {
            let now = time::seconds(now_seconds)?;
            operation.advance(|it| {
                let (response, _) = it.answered()?;
                it.operation.give_up(response, error.error.clone(), now);
                Ok(())
            })
        })())
    })
}
