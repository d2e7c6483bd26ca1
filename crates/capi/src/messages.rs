//! Texts for people that an application brings.

use std::ffi::c_char;

use ::client::messages::{ENGLISH, Messages};
use ::client::{Error, Kind};

use crate::error::{clear, resayil_error};
use crate::panic::{give, guard, take_back};
use crate::status::resayil_status;
use crate::text::{name_in, resayil_string, text_in};

/// The texts for people of one language, some of them an application's own. Immutable; any thread may
/// use it. Who is content with the built-in texts does not need it: see
/// `resayil_error_user_message`.
pub struct resayil_messages {
    messages: Messages,
}

/// Makes texts from the built-in ones of a language (`en`, `ar`; NULL for English) and from data, a
/// JSON object such as
/// `{"language": "fr", "kinds": {"server": {"user_message": "...", "advice": ["..."]}}}`, whose texts
/// may hold `{wait}`, `{field}` and `{model}`. Without data `len` is 0. `*messages` is yours.
///
/// RESAYIL_STATUS_UNKNOWN_NAME for a language that is not built in. RESAYIL_STATUS_ERROR with an error
/// of RESAYIL_KIND_CONFIGURATION for data that is no set of texts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_messages_new(
    language: *const c_char,
    data: *const c_char,
    data_len: usize,
    messages: *mut *mut resayil_messages,
    error: *mut *mut resayil_error,
) -> resayil_status {
    guard(|| {
        clear(error);
        let out = out!(messages);
        // SAFETY: the header asks for NULL or a NUL-terminated name.
        let language = unsafe { name_in(language) }.map(|tag| tag.unwrap_or(ENGLISH.language()));
        // SAFETY: the header asks for NULL or as many bytes as `data_len` says.
        let data = unsafe { text_in(data, data_len) };
        let (language, data) = match language.and_then(|language| Ok((language, data?))) {
            Ok(both) => both,
            Err(status) => return status,
        };
        let Some(built_in) = Messages::of_language(language) else {
            return resayil_status::UNKNOWN_NAME;
        };
        let made =
            if data.is_empty() { Ok(built_in.clone()) } else { built_in.clone().with_json(data) };
        match made {
            Ok(messages) => {
                *out = give(resayil_messages { messages });
                resayil_status::OK
            }
            Err(why) => {
                resayil_error::report(Error::new(Kind::Configuration, &why.to_string()), error)
            }
        }
    })
}

/// Writes the sentence that is safe to show to an end user. `*text` is yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_messages_user_message(
    messages: *const resayil_messages,
    error: *const resayil_error,
    text: *mut *mut resayil_string,
) -> resayil_status {
    guard(|| {
        let out = out!(text);
        let (messages, error) = (borrow!(messages), borrow!(error));
        *out = resayil_string::give(&error.error.user_message_in(&messages.messages));
        resayil_status::OK
    })
}

/// Writes one step of advice on what to do about the error. `*text` is yours; NULL beyond the last
/// step.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_messages_advice(
    messages: *const resayil_messages,
    error: *const resayil_error,
    index: usize,
    text: *mut *mut resayil_string,
) -> resayil_status {
    guard(|| {
        let out = out!(text);
        let (messages, error) = (borrow!(messages), borrow!(error));
        if let Some(step) = error.error.advice_in(&messages.messages).get(index) {
            *out = resayil_string::give(step);
        }
        resayil_status::OK
    })
}

/// Writes the error record with these texts. `*json` is yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_messages_to_json(
    messages: *const resayil_messages,
    error: *const resayil_error,
    json: *mut *mut resayil_string,
) -> resayil_status {
    guard(|| {
        let out = out!(json);
        let (messages, error) = (borrow!(messages), borrow!(error));
        *out = resayil_string::give(&error.error.to_json_in(&messages.messages));
        resayil_status::OK
    })
}

/// Frees the texts; NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_messages_free(messages: *mut resayil_messages) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(messages) }
}
