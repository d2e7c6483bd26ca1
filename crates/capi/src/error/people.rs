//! Getters: what to tell people, in their language.

use std::ffi::c_char;

use ::client::Error;
use ::client::messages::{ARABIC, ENGLISH, Messages};

use super::resayil_error;
use crate::panic::guard;
use crate::status::{ended, resayil_status};
use crate::text::{Pool, Span, name_in, resayil_str, resayil_string};

/// The texts of a language by its tag, English for NULL.
///
/// # Safety
/// `tag` is NULL or NUL-terminated.
unsafe fn messages(tag: *const c_char) -> Result<&'static Messages, resayil_status> {
    // SAFETY: as this function demands.
    let tag = unsafe { name_in(tag) }?.unwrap_or(ENGLISH.language());
    Messages::of_language(tag).ok_or(resayil_status::UNKNOWN_NAME)
}

/// The texts of one language.
pub(super) struct ForPeople {
    pool: Pool,
    user_message: Span,
    advice: Vec<Span>,
}

impl ForPeople {
    fn of(error: &Error, messages: &Messages) -> Self {
        let mut pool = Pool::default();
        let user_message = pool.add(&error.user_message_in(messages));
        let advice = error.advice_in(messages).iter().map(|step| pool.add(step)).collect();
        ForPeople { pool, user_message, advice }
    }
}

impl resayil_error {
    /// # Safety
    /// `tag` is NULL or NUL-terminated.
    unsafe fn in_language(&self, tag: *const c_char) -> Option<&ForPeople> {
        // SAFETY: as this function demands.
        let messages = unsafe { messages(tag) }.ok()?;
        let arabic = messages.language() == ARABIC.language();
        let texts = if arabic { &self.arabic } else { &self.english };
        Some(texts.get_or_init(|| ForPeople::of(&self.error, messages)))
    }
}

/// A friendly sentence that is safe to show to an end user. `language` is a tag such as `en`, `ar`
/// or `ar-KW`, NULL for English; absent in a language that this version does not speak.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_user_message(
    error: *const resayil_error,
    language: *const c_char,
) -> resayil_str {
    guard(|| {
        let error = borrow!(error);
        // SAFETY: the header asks for NULL or a NUL-terminated name.
        let texts = unsafe { error.in_language(language) };
        texts.map_or_else(resayil_str::default, |texts| texts.pool.get(texts.user_message))
    })
}

/// How many steps of advice there are; 0 in a language that this version does not speak.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_advice_count(
    error: *const resayil_error,
    language: *const c_char,
) -> usize {
    guard(|| {
        let error = borrow!(error);
        // SAFETY: the header asks for NULL or a NUL-terminated name.
        unsafe { error.in_language(language) }.map_or(0, |texts| texts.advice.len())
    })
}

/// One step of advice on what to do about the error. Absent beyond the last one, and in a language
/// that this version does not speak.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_advice(
    error: *const resayil_error,
    language: *const c_char,
    index: usize,
) -> resayil_str {
    guard(|| {
        let error = borrow!(error);
        // SAFETY: the header asks for NULL or a NUL-terminated name.
        let texts = unsafe { error.in_language(language) };
        let step = texts.and_then(|texts| Some(texts.pool.get(*texts.advice.get(index)?)));
        step.unwrap_or_default()
    })
}

/// The page of the provider that explains this kind of error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_help_url(error: *const resayil_error) -> resayil_str {
    guard(|| borrow!(error).text(|texts| texts.help_url))
}

/// The error record: one JSON object, the same from every language, with the texts for people in
/// `language` (NULL for English). `*json` is yours.
///
/// RESAYIL_STATUS_UNKNOWN_NAME for a language that this version does not speak.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_to_json(
    error: *const resayil_error,
    language: *const c_char,
    json: *mut *mut resayil_string,
) -> resayil_status {
    guard(|| {
        let out = out!(json);
        let error = borrow!(error);
        ended((|| {
            // SAFETY: the header asks for NULL or a NUL-terminated name.
            let messages = unsafe { messages(language) }?;
            *out = resayil_string::give(&error.error.to_json_in(messages));
            Ok(())
        })())
    })
}
