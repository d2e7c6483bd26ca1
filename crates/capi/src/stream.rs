//! Decoding a streamed answer, for programs that have their own HTTP.

use std::ffi::{c_char, c_void};

use ::client::StreamDecoder;
use ::client::stream::{StreamEnd, StreamEvent};

use crate::error::{clear, resayil_error};
use crate::exclusive::Exclusive;
use crate::headers::{headers_in, resayil_header};
use crate::names;
use crate::panic::{give, guard, take_back};
use crate::status::{ended, resayil_status};
use crate::text::{bytes_in, name_in, resayil_string};
use crate::time;

/// The whole answer was delivered.
pub const RESAYIL_STREAM_COMPLETE: u32 = 0;
/// The service reported an error inside the stream.
pub const RESAYIL_STREAM_ERROR: u32 = 1;
/// The stream broke off: it has no end that its protocol knows.
pub const RESAYIL_STREAM_TRUNCATED: u32 = 2;

/// Reads a streamed answer as it arrives: server-sent events or NDJSON, split anywhere. One thread
/// at a time; a second one, and a callback, is told RESAYIL_STATUS_BUSY.
pub struct resayil_stream {
    decoder: Exclusive<StreamDecoder>,
}

/// Is given each event of a stream: the text that it adds to the answer, often empty, and its JSON.
/// Both are borrowed for the time of the callback and are not NUL-terminated. `user` is the pointer
/// that was passed in beside the callback.
pub type resayil_stream_callback = Option<
    unsafe extern "C" fn(
        text: *const c_char,
        text_len: usize,
        data: *const u8,
        data_len: usize,
        user: *mut c_void,
    ),
>;

/// Gives an event to a callback, if there is one.
fn notify(callback: resayil_stream_callback, event: &StreamEvent<'_>, user: *mut c_void) {
    if let Some(callback) = callback {
        let (text, data) = (event.text, event.data);
        // SAFETY: the header asks for a function of this type that does not unwind.
        unsafe { callback(text.as_ptr().cast(), text.len(), data.as_ptr(), data.len(), user) }
    }
}

/// Makes a decoder. The headers are the answer's, and may be left out; they hold the request's id.
/// `provider` names whose stream it is; NULL or `auto` for any. `*stream` is yours.
///
/// RESAYIL_STATUS_UNKNOWN_NAME for an unknown provider.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_stream_new(
    headers: *const resayil_header,
    header_count: usize,
    provider: *const c_char,
    stream: *mut *mut resayil_stream,
) -> resayil_status {
    guard(|| {
        let out = out!(stream);
        ended((|| {
            // SAFETY: the header asks for NULL or as many headers as `header_count` says.
            let headers = unsafe { headers_in(headers, header_count) }?;
            // SAFETY: the header asks for NULL or a NUL-terminated name.
            let provider = names::provider(unsafe { name_in(provider) }?)?;
            let decoder = StreamDecoder::new().provider(provider).headers(&headers);
            *out = give(resayil_stream { decoder: Exclusive::new(decoder) });
            Ok(())
        })())
    })
}

/// Takes the next bytes, and gives each event that they complete to `callback`, which may be NULL.
/// What follows the end of the answer is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_stream_feed(
    stream: *mut resayil_stream,
    bytes: *const u8,
    len: usize,
    callback: resayil_stream_callback,
    user: *mut c_void,
) -> resayil_status {
    guard(|| {
        let stream = borrow!(stream);
        ended((|| {
            // SAFETY: the header asks for NULL or as many bytes as `len` says.
            let bytes = unsafe { bytes_in(bytes, len) }?;
            let on_event = |event: StreamEvent<'_>| notify(callback, &event, user);
            stream.decoder.with(|decoder| decoder.feed(bytes, on_event))
        })())
    })
}

/// Ends the stream: no more bytes will come. `*end` becomes RESAYIL_STREAM_COMPLETE,
/// RESAYIL_STREAM_ERROR or RESAYIL_STREAM_TRUNCATED; for the latter two `*error` is why, and yours; `error` may be NULL.
/// An event whose line end never came is given to `callback`, which may be NULL, if it is whole.
/// Call it once; a second call says truncated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_stream_finish(
    stream: *mut resayil_stream,
    now_unix_seconds: f64,
    callback: resayil_stream_callback,
    user: *mut c_void,
    end: *mut u32,
    error: *mut *mut resayil_error,
) -> resayil_status {
    guard(|| {
        clear(error);
        let end = out!(end, RESAYIL_STREAM_TRUNCATED);
        let stream = borrow!(stream);
        ended((|| {
            let now = time::unix_seconds(now_unix_seconds)?;
            let on_event = |event: StreamEvent<'_>| notify(callback, &event, user);
            let how = stream.decoder.with(|decoder| decoder.finish(now, on_event))?;
            *end = match how {
                StreamEnd::Complete => RESAYIL_STREAM_COMPLETE,
                StreamEnd::Error(_) => RESAYIL_STREAM_ERROR,
                StreamEnd::Truncated(_) => RESAYIL_STREAM_TRUNCATED,
            };
            if let Err(why) = how.into_result() {
                resayil_error::report(why, error);
            }
            Ok(())
        })())
    })
}

/// Whether the end of the answer has been read, so that no more bytes are needed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_stream_is_finished(stream: *const resayil_stream) -> bool {
    guard(|| borrow!(stream).decoder.with(|it| it.is_finished()).unwrap_or(false))
}

/// Whether anything of the answer was delivered: text, a tool call, reasoning. If so, sending the
/// request again would deliver it twice.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_stream_has_delivered(stream: *const resayil_stream) -> bool {
    guard(|| borrow!(stream).decoder.with(|it| it.has_delivered()).unwrap_or(false))
}

/// A copy of the text that was delivered so far, cut to 1 MiB. `*text` is yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_stream_partial_text(
    stream: *const resayil_stream,
    text: *mut *mut resayil_string,
) -> resayil_status {
    guard(|| {
        let out = out!(text);
        let stream = borrow!(stream);
        ended(stream.decoder.with(|it| *out = resayil_string::give(it.partial_text())))
    })
}

/// A copy of the provider's word for why the model stopped, such as `stop` or `length`. `*reason` is
/// yours; NULL as long as there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_stream_finish_reason(
    stream: *const resayil_stream,
    reason: *mut *mut resayil_string,
) -> resayil_status {
    guard(|| {
        let out = out!(reason);
        let stream = borrow!(stream);
        ended(stream.decoder.with(|it| {
            if let Some(reason) = it.finish_reason() {
                *out = resayil_string::give(reason);
            }
        }))
    })
}

/// Frees the decoder; NULL is nothing. Not from its own callback.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_stream_free(stream: *mut resayil_stream) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(stream) }
}
