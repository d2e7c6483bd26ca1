//! A request for a chat completion, for programs that have no JSON of their own.

use std::ffi::c_char;

use ::client::ChatRequest;

use crate::error::{clear, resayil_error};
use crate::panic::{give, guard, take_back};
use crate::status::{ended, resayil_status};
use crate::text::{resayil_string, some_name_in, text_in};

/// A request for a chat completion that is being made. One thread at a time.
pub struct resayil_chat_request {
    request: ChatRequest,
}

/// Starts a request to a model, without messages. `*request` is yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_chat_request_new(
    model: *const c_char,
    request: *mut *mut resayil_chat_request,
) -> resayil_status {
    guard(|| {
        let out = out!(request);
        ended((|| {
            // SAFETY: the header asks for NULL or a NUL-terminated name.
            let model = unsafe { some_name_in(model) }?;
            *out = give(resayil_chat_request { request: ChatRequest::new(model) });
            Ok(())
        })())
    })
}

/// Adds a message. `role` is `system`, `user` or `assistant`.
///
/// RESAYIL_STATUS_UNKNOWN_NAME for another role.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_chat_request_message(
    request: *mut resayil_chat_request,
    role: *const c_char,
    content: *const c_char,
    content_len: usize,
) -> resayil_status {
    guard(|| {
        let request = borrow_mut!(request);
        ended((|| {
            // SAFETY: the header asks for NULL or a NUL-terminated name.
            let role = unsafe { some_name_in(role) }?;
            // SAFETY: the header asks for NULL or as many bytes as `content_len` says.
            let content = unsafe { text_in(content, content_len) }?;
            let add = match role {
                "system" => ChatRequest::system,
                "user" => ChatRequest::user,
                "assistant" => ChatRequest::assistant,
                _ => return Err(resayil_status::UNKNOWN_NAME),
            };
            request.request = add(request.request.clone(), content);
            Ok(())
        })())
    })
}

/// Sets any field, such as `temperature`, to a value that is written as JSON. A field `stream` has no
/// effect: the function that sends the request decides.
///
/// RESAYIL_STATUS_ERROR with an error of RESAYIL_KIND_CONFIGURATION if the value is no JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_chat_request_set(
    request: *mut resayil_chat_request,
    name: *const c_char,
    json: *const c_char,
    json_len: usize,
    error: *mut *mut resayil_error,
) -> resayil_status {
    guard(|| {
        clear(error);
        let request = borrow_mut!(request);
        // SAFETY: the header asks for NULL or a NUL-terminated name.
        let name = unsafe { some_name_in(name) };
        // SAFETY: the header asks for NULL or as many bytes as `json_len` says.
        let json = unsafe { text_in(json, json_len) };
        match name.and_then(|name| Ok(request.request.clone().set(name, json?))) {
            Ok(Ok(changed)) => {
                request.request = changed;
                resayil_status::OK
            }
            Ok(Err(refused)) => resayil_error::report(refused, error),
            Err(status) => status,
        }
    })
}

/// Writes the request as JSON, as `resayil_client_chat` takes it. `*json` is yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_chat_request_to_json(
    request: *const resayil_chat_request,
    json: *mut *mut resayil_string,
) -> resayil_status {
    guard(|| {
        let out = out!(json);
        *out = resayil_string::give(&borrow!(request).request.to_json());
        resayil_status::OK
    })
}

/// Frees the request; NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_chat_request_free(request: *mut resayil_chat_request) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(request) }
}
