//! Reading an answer.

use std::ffi::c_char;

use ::client::answer::Classifier;

use crate::error::resayil_error;
use crate::headers::{headers_in, resayil_header};
use crate::names;
use crate::panic::{give, guard};
use crate::status::{ended, resayil_status};
use crate::text::{bytes_in, name_in};
use crate::time;

/// Reads an answer of an LLM API.
///
/// `status` is the HTTP status; headers and body are the answer's, any bytes. `provider` names whose
/// API it is (`resayil`, `openai` and so on); NULL or `auto` recognises it by the answer.
/// `now_unix_seconds` is the wall clock when the answer arrived, for waits that are given as dates.
///
/// RESAYIL_STATUS_OK with `*error` NULL for a success; RESAYIL_STATUS_OK with an error that is yours
/// for anything else, an error inside a 200 included. The body of a stream is for `resayil_stream`.
/// RESAYIL_STATUS_UNKNOWN_NAME for an unknown provider, RESAYIL_STATUS_INVALID_ARGUMENT for a status
/// above 65535, a time that is no number or a length beyond the address space.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_classify(
    status: u32,
    headers: *const resayil_header,
    header_count: usize,
    body: *const u8,
    body_len: usize,
    provider: *const c_char,
    now_unix_seconds: f64,
    error: *mut *mut resayil_error,
) -> resayil_status {
    guard(|| {
        let out = out!(error);
        ended((|| {
            let status = u16::try_from(status).map_err(|_| resayil_status::INVALID_ARGUMENT)?;
            // SAFETY: the header asks for NULL or as many headers as `header_count` says.
            let headers = unsafe { headers_in(headers, header_count) }?;
            // SAFETY: the header asks for NULL or as many bytes as `body_len` says.
            let body = unsafe { bytes_in(body, body_len) }?;
            // SAFETY: the header asks for NULL or a NUL-terminated name.
            let provider = names::provider(unsafe { name_in(provider) }?)?;
            let now = time::unix_seconds(now_unix_seconds)?;
            let classifier = Classifier::new().provider(provider);
            if let Err(error) = classifier.classify(status, &headers, body, now) {
                *out = give(resayil_error::new(error));
            }
            Ok(())
        })())
    })
}
