//! An answer as it came.

use std::ffi::c_char;

use ::client::Response;

use crate::panic::{guard, take_back};
use crate::text::{Pool, Span, resayil_bytes, resayil_str, some_name_in};

/// A successful answer as it came: status, headers and body. Immutable; any thread may read it.
pub struct resayil_response {
    pool: Pool,
    request_id: Span,
    response: Response,
}

impl resayil_response {
    pub(crate) fn new(response: Response) -> Self {
        let mut pool = Pool::default();
        resayil_response { request_id: pool.add_some(response.request_id()), pool, response }
    }
}

/// The HTTP status: 200 to 299.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_response_status(response: *const resayil_response) -> u32 {
    guard(|| borrow!(response).response.status().into())
}

/// The body, unpacked. Borrowed as texts are, not NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_response_body(response: *const resayil_response) -> resayil_bytes {
    guard(|| borrow!(response).response.body().into())
}

/// The value of the first header of this name, in any case; `data` is NULL if there is none.
/// Borrowed as texts are, not NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_response_header(
    response: *const resayil_response,
    name: *const c_char,
) -> resayil_bytes {
    guard(|| {
        let response = borrow!(response);
        // SAFETY: the header asks for NULL or a NUL-terminated name.
        let Ok(name) = (unsafe { some_name_in(name) }) else { return resayil_bytes::default() };
        response.response.header(name).map_or_else(resayil_bytes::default, resayil_bytes::from)
    })
}

/// The provider's id of the request.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_response_request_id(
    response: *const resayil_response,
) -> resayil_str {
    guard(|| {
        let response = borrow!(response);
        response.pool.get(response.request_id)
    })
}

/// How many requests were sent for this call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_response_attempts(response: *const resayil_response) -> u32 {
    guard(|| borrow!(response).response.attempts())
}

/// Frees the answer and with it all that was borrowed from it; NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_response_free(response: *mut resayil_response) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(response) }
}
