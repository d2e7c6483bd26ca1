//! What a function of this library says about itself, apart from errors of the API.

use std::ffi::{CStr, c_char};

/// How a function of this library ended: `RESAYIL_STATUS_OK`, which is 0, or another constant of
/// that name. It is no kind of error: those are in `resayil_error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct resayil_status {
    code: u32,
}

/// The function did what it is for. `resayil_classify` says so too when it found an error.
pub const RESAYIL_STATUS_OK: u32 = 0;
/// A pointer is NULL that must not be.
pub const RESAYIL_STATUS_NULL_PARAMETER: u32 = 1;
/// A text is not UTF-8.
pub const RESAYIL_STATUS_INVALID_UTF8: u32 = 2;
/// A number is out of range: not-a-number, a negative time, a length beyond the address space.
pub const RESAYIL_STATUS_INVALID_ARGUMENT: u32 = 3;
/// A name or number stands for no provider, preset, form of jitter, language or kind.
pub const RESAYIL_STATUS_UNKNOWN_NAME: u32 = 4;
/// The function failed; its `resayil_error **` says why.
pub const RESAYIL_STATUS_ERROR: u32 = 5;
/// The handle is in use: by another thread, or by the function that called this callback.
pub const RESAYIL_STATUS_BUSY: u32 = 6;
/// The library has a bug. The handles of the call are to be freed, and not used otherwise.
pub const RESAYIL_STATUS_PANIC: u32 = 7;
/// The handle is not where this function belongs: a step was left out, or is told twice. Nothing was
/// changed.
pub const RESAYIL_STATUS_INVALID_STATE: u32 = 8;

impl resayil_status {
    pub(crate) const OK: Self = Self { code: RESAYIL_STATUS_OK };
    pub(crate) const NULL_PARAMETER: Self = Self { code: RESAYIL_STATUS_NULL_PARAMETER };
    pub(crate) const INVALID_UTF8: Self = Self { code: RESAYIL_STATUS_INVALID_UTF8 };
    pub(crate) const INVALID_ARGUMENT: Self = Self { code: RESAYIL_STATUS_INVALID_ARGUMENT };
    pub(crate) const UNKNOWN_NAME: Self = Self { code: RESAYIL_STATUS_UNKNOWN_NAME };
    pub(crate) const ERROR: Self = Self { code: RESAYIL_STATUS_ERROR };
    pub(crate) const BUSY: Self = Self { code: RESAYIL_STATUS_BUSY };
    pub(crate) const PANIC: Self = Self { code: RESAYIL_STATUS_PANIC };
    pub(crate) const INVALID_STATE: Self = Self { code: RESAYIL_STATUS_INVALID_STATE };
}

/// Lets the body of a function use `?`: both sides are statuses.
pub(crate) fn ended(result: Result<(), resayil_status>) -> resayil_status {
    result.err().unwrap_or(resayil_status::OK)
}

/// What a status means, in English: a static text, never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn resayil_status_text(status: u32) -> *const c_char {
    let text: &'static CStr = match status {
        RESAYIL_STATUS_OK => c"ok",
        RESAYIL_STATUS_NULL_PARAMETER => c"a pointer is NULL that must not be",
        RESAYIL_STATUS_INVALID_UTF8 => c"a text is not UTF-8",
        RESAYIL_STATUS_INVALID_ARGUMENT => c"a number is out of range",
        RESAYIL_STATUS_UNKNOWN_NAME => c"a name or number is not known",
        RESAYIL_STATUS_ERROR => c"the function failed; see its error",
        RESAYIL_STATUS_BUSY => c"the handle is in use",
        RESAYIL_STATUS_PANIC => c"the library has a bug",
        RESAYIL_STATUS_INVALID_STATE => c"a step was left out, or is told twice",
        _ => c"a status that this version does not know",
    };
    text.as_ptr()
}
