//! An answer as it came.

use std::ffi::{c_char, c_void};
use std::sync::OnceLock;

use ::client::Response;

use crate::fallback::write_target;
use crate::panic::{guard, take_back};
use crate::text::{Pool, Span, resayil_bytes, resayil_str, some_name_in};
use crate::user::User;

/// A successful answer as it came: status, headers and body. Immutable; any thread may read it.
pub struct resayil_response {
    pool: Pool,
    request_id: Span,
    /// Looked for when it is asked for.
    content: OnceLock<(Pool, Span)>,
    response: Response,
}

/// Says of an answer that came well whether to treat it as a failure all the same, in the thread of the
/// call, which waits for it; several threads may call it at once. The answer is borrowed for the time of
/// the callback. `user` is the pointer that was passed in beside the callback.
pub type resayil_result_callback =
    Option<unsafe extern "C" fn(response: *const resayil_response, user: *mut c_void) -> bool>;

/// The predicate that a callback is; NULL takes every answer.
pub(crate) fn predicate(
    callback: resayil_result_callback,
    user: *mut c_void,
) -> impl Fn(&Response) -> bool + Send + Sync + 'static {
    let user = User(user);
    move |response| {
        callback.is_some_and(|callback| {
            let response = resayil_response::new(response.clone());
            // SAFETY: the header asks for a function of this type that does not unwind.
            unsafe { callback(&response, user.pointer()) }
        })
    }
}

impl resayil_response {
    pub(crate) fn new(response: Response) -> Self {
        let mut pool = Pool::default();
        let request_id = pool.add_some(response.request_id());
        resayil_response { request_id, pool, content: OnceLock::new(), response }
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

/// The text of the first choice, if the answer is a chat completion; empty if the model only calls
/// tools.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_response_content(
    response: *const resayil_response,
) -> resayil_str {
    guard(|| {
        let response = borrow!(response);
        let (pool, content) = response.content.get_or_init(|| {
            let mut pool = Pool::default();
            let content = pool.add_some(response.response.content().as_deref());
            (pool, content)
        });
        pool.get(*content)
    })
}

/// How many requests were sent for this call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_response_attempts(response: *const resayil_response) -> u32 {
    guard(|| borrow!(response).response.attempts())
}

/// Which target of the client's fallback answered, counted from 0. Says whether it was one; if not, `*index`
/// is 0: the target that was asked first did.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_response_fallback(
    response: *const resayil_response,
    index: *mut usize,
) -> bool {
    guard(|| {
        let index = out!(index, 0);
        write_target(borrow!(response).response.fallback(), index)
    })
}

/// Frees the answer and with it all that was borrowed from it; NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_response_free(response: *mut resayil_response) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(response) }
}
