//! The calls of a client.

use std::ffi::c_char;

use ::client::{ChatRequest, Client, Error};

use super::resayil_client;
use crate::account::{resayil_balance, resayil_models};
use crate::chat_stream::resayil_chat_stream;
use crate::completion::resayil_completion;
use crate::error::{clear, resayil_error};
use crate::options::{options_in, resayil_options};
use crate::panic::{give, guard};
use crate::response::resayil_response;
use crate::status::resayil_status;
use crate::text::{bytes_in, some_name_in, text_in};

/// Gives the result of a call to the caller.
fn settle<T, H>(
    result: Result<T, Error>,
    out: &mut *mut H,
    error: *mut *mut resayil_error,
    handle: impl FnOnce(T) -> H,
) -> resayil_status {
    match result {
        Ok(value) => {
            *out = give(handle(value));
            resayil_status::OK
        }
        Err(why) => resayil_error::report(why, error),
    }
}

/// Asks for a chat completion and waits for the whole answer. `request` is the JSON object of the
/// request, such as `{"model":"m","messages":[{"role":"user","content":"Hello"}]}`; see
/// `resayil_chat_request` for a way to make it. `options` may be NULL. `*completion` is yours.
///
/// RESAYIL_STATUS_ERROR with an error for whatever went wrong, after the retries that the policy
/// allows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_chat(
    client: *const resayil_client,
    request: *const c_char,
    request_len: usize,
    options: *const resayil_options,
    completion: *mut *mut resayil_completion,
    error: *mut *mut resayil_error,
) -> resayil_status {
    guard(|| {
        clear(error);
        let out = out!(completion);
        let client: &Client = &borrow!(client).client;
        // SAFETY: the header asks for NULL or as many bytes as `request_len` says.
        let request = match unsafe { text_in(request, request_len) } {
            Ok(request) => request,
            Err(status) => return status,
        };
        // SAFETY: the header asks for NULL or a handle that is alive.
        let options = unsafe { options_in(options) };
        let answer = ChatRequest::from_json(request).and_then(|it| client.chat_with(&it, &options));
        settle(answer, out, error, resayil_completion::new)
    })
}

/// Asks for a chat completion that comes piece by piece. Returns when the answer begins; `*stream`,
/// which is yours, has the rest. The request is that of `resayil_client_chat`; the deadline of the
/// options holds for the whole stream.
///
/// RESAYIL_STATUS_ERROR with an error for whatever went wrong before, after the retries that the
/// policy allows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_chat_stream(
    client: *const resayil_client,
    request: *const c_char,
    request_len: usize,
    options: *const resayil_options,
    stream: *mut *mut resayil_chat_stream,
    error: *mut *mut resayil_error,
) -> resayil_status {
    guard(|| {
        clear(error);
        let out = out!(stream);
        let client: &Client = &borrow!(client).client;
        // SAFETY: the header asks for NULL or as many bytes as `request_len` says.
        let request = match unsafe { text_in(request, request_len) } {
            Ok(request) => request,
            Err(status) => return status,
        };
        // SAFETY: the header asks for NULL or a handle that is alive.
        let options = unsafe { options_in(options) };
        let stream =
            ChatRequest::from_json(request).and_then(|it| client.chat_stream_with(&it, &options));
        settle(stream, out, error, resayil_chat_stream::new)
    })
}

/// Sends a JSON body to `{base}/{path}`, with quota, retries and budget as `resayil_client_chat`, and
/// gives the answer as it came. `options` may be NULL. `*response` is yours.
///
/// RESAYIL_STATUS_ERROR with an error for whatever went wrong, after the retries that the policy
/// allows: an answer that is no success is an error, too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_post(
    client: *const resayil_client,
    path: *const c_char,
    body: *const u8,
    body_len: usize,
    options: *const resayil_options,
    response: *mut *mut resayil_response,
    error: *mut *mut resayil_error,
) -> resayil_status {
    guard(|| {
        clear(error);
        let out = out!(response);
        let client: &Client = &borrow!(client).client;
        // SAFETY: the header asks for NULL or a NUL-terminated name.
        let path = unsafe { some_name_in(path) };
        // SAFETY: the header asks for NULL or as many bytes as `body_len` says.
        let body = unsafe { bytes_in(body, body_len) };
        let (path, body) = match path.and_then(|path| Ok((path, body?))) {
            Ok(both) => both,
            Err(status) => return status,
        };
        // SAFETY: the header asks for NULL or a handle that is alive.
        let options = unsafe { options_in(options) };
        settle(client.post(path, body, &options), out, error, resayil_response::new)
    })
}

/// Asks for the models that the key may use. `*models` is yours.
///
/// RESAYIL_STATUS_ERROR with an error for whatever went wrong, after the retries that the policy
/// allows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_models(
    client: *const resayil_client,
    models: *mut *mut resayil_models,
    error: *mut *mut resayil_error,
) -> resayil_status {
    guard(|| {
        clear(error);
        let out = out!(models);
        settle(borrow!(client).client.models(), out, error, resayil_models::new)
    })
}

/// Asks for the account's subscription and credits, which only LLM Resayil has. `*balance` is yours.
///
/// RESAYIL_STATUS_ERROR with an error for whatever went wrong, after the retries that the policy
/// allows. The service is known to answer 500 here at times while all else works.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_balance(
    client: *const resayil_client,
    balance: *mut *mut resayil_balance,
    error: *mut *mut resayil_error,
) -> resayil_status {
    guard(|| {
        clear(error);
        let out = out!(balance);
        settle(borrow!(client).client.balance(), out, error, resayil_balance::new)
    })
}
