//! An answer of a chat that comes piece by piece.

use std::ffi::{c_char, c_int, c_void};

use ::client::{ChatEvent, ChatStream, Error};

use crate::error::{clear, resayil_error};
use crate::exclusive::Exclusive;
use crate::fallback::write_target;
use crate::panic::{guard, take_back};
use crate::status::{ended, resayil_status};
use crate::text::{Pool, Span, resayil_str, resayil_string};

/// An answer that comes piece by piece. As long as nothing was delivered, failures are retried
/// unseen; after that the error has what was delivered. Freeing it closes the connection. One thread
/// at a time; a second one, and a callback, is told RESAYIL_STATUS_BUSY.
pub struct resayil_chat_stream {
    state: Exclusive<State>,
}

struct State {
    stream: ChatStream,
    /// The texts of the last event.
    pool: Pool,
}

impl State {
    fn next(&mut self) -> Result<Option<(Span, Span)>, Error> {
        let Some(event): Option<Result<ChatEvent, Error>> = self.stream.next_event() else {
            return Ok(None);
        };
        let event = event?;
        self.pool = Pool::default();
        Ok(Some((self.pool.add(event.text()), self.pool.add(event.data()))))
    }
}

impl resayil_chat_stream {
    pub(crate) fn new(stream: ChatStream) -> Self {
        resayil_chat_stream { state: Exclusive::new(State { stream, pool: Pool::default() }) }
    }
}

/// Is given each event of an answer: the text that it adds, often empty, and its JSON, both
/// NUL-terminated and borrowed for the time of the callback. 0 goes on, anything else stops. `user`
/// is the pointer that was passed in beside the callback.
pub type resayil_chat_callback = Option<
    unsafe extern "C" fn(
        text: *const c_char,
        text_len: usize,
        data: *const c_char,
        data_len: usize,
        user: *mut c_void,
    ) -> c_int,
>;

/// Waits for the next event: `*text` is what it adds to the answer, often empty, and `*data` its
/// JSON; both are valid until the next function that takes this stream. After the last event
/// RESAYIL_STATUS_OK with both absent.
///
/// RESAYIL_STATUS_ERROR with an error for whatever broke the answer. Nothing follows an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_chat_stream_next(
    stream: *mut resayil_chat_stream,
    text: *mut resayil_str,
    data: *mut resayil_str,
    error: *mut *mut resayil_error,
) -> resayil_status {
    guard(|| {
        clear(error);
        let text = out!(text, resayil_str::default());
        let data = out!(data, resayil_str::default());
        let stream = borrow!(stream);
        let next = stream.state.with(|state| {
            let event = state.next()?;
            if let Some((added, json)) = event {
                (*text, *data) = (state.pool.get(added), state.pool.get(json));
            }
            Ok(())
        });
        report(next, error)
    })
}

/// Gives all events that are left to `callback`, until it says stop. `*stopped` says whether it did;
/// the stream can go on then.
///
/// RESAYIL_STATUS_ERROR with an error for whatever broke the answer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_chat_stream_run(
    stream: *mut resayil_chat_stream,
    callback: resayil_chat_callback,
    user: *mut c_void,
    stopped: *mut bool,
    error: *mut *mut resayil_error,
) -> resayil_status {
    guard(|| {
        clear(error);
        let stopped = out!(stopped, false);
        let stream = borrow!(stream);
        let Some(callback) = callback else { return resayil_status::NULL_PARAMETER };
        let run = stream.state.with(|state| {
            while let Some((text, data)) = state.next()? {
                let (text, data) = (state.pool.get(text), state.pool.get(data));
                // SAFETY: the header asks for a function of this type that does not unwind.
                let stop = unsafe { callback(text.data, text.len, data.data, data.len, user) };
                if stop != 0 {
                    *stopped = true;
                    break;
                }
            }
            Ok(())
        });
        report(run, error)
    })
}

fn report(
    result: Result<Result<(), Error>, resayil_status>,
    error: *mut *mut resayil_error,
) -> resayil_status {
    match result {
        Ok(Ok(())) => resayil_status::OK,
        Ok(Err(why)) => resayil_error::report(why, error),
        Err(status) => status,
    }
}

/// A copy of the text so far, cut to 1 MiB. `*text` is yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_chat_stream_partial_text(
    stream: *const resayil_chat_stream,
    text: *mut *mut resayil_string,
) -> resayil_status {
    guard(|| {
        let out = out!(text);
        let stream = borrow!(stream);
        ended(stream.state.with(|it| *out = resayil_string::give(it.stream.partial_text())))
    })
}

/// A copy of the provider's word for why the model stopped. `*reason` is yours; NULL as long as that
/// is not known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_chat_stream_finish_reason(
    stream: *const resayil_chat_stream,
    reason: *mut *mut resayil_string,
) -> resayil_status {
    guard(|| {
        let out = out!(reason);
        let stream = borrow!(stream);
        ended(stream.state.with(|it| {
            if let Some(reason) = it.stream.finish_reason() {
                *out = resayil_string::give(reason);
            }
        }))
    })
}

/// A copy of the provider's id of the request. `*id` is yours; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_chat_stream_request_id(
    stream: *const resayil_chat_stream,
    id: *mut *mut resayil_string,
) -> resayil_status {
    guard(|| {
        let out = out!(id);
        let stream = borrow!(stream);
        ended(stream.state.with(|it| {
            if let Some(id) = it.stream.request_id() {
                *out = resayil_string::give(id);
            }
        }))
    })
}

/// How many requests were sent for this call so far; 0 while the stream is busy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_chat_stream_attempts(stream: *const resayil_chat_stream) -> u32 {
    guard(|| borrow!(stream).state.with(|it| it.stream.attempts()).unwrap_or(0))
}

/// Which target of the client's fallback answers, counted from 0. Says whether it was one; if not, `*index`
/// is 0: the target that was asked first does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_chat_stream_fallback(
    stream: *const resayil_chat_stream,
    index: *mut usize,
) -> bool {
    guard(|| {
        let index = out!(index, 0);
        let served = borrow!(stream).state.with(|it| it.stream.fallback());
        write_target(served.ok().flatten(), index)
    })
}

/// Frees the stream and closes its connection; NULL is nothing. Not from its own callback.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_chat_stream_free(stream: *mut resayil_chat_stream) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(stream) }
}
