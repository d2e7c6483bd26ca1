//! Texts and bytes on their way over the border.

use std::ffi::{CStr, c_char};

use crate::panic::{give, guard, take_back};
use crate::status::resayil_status;

/// A borrowed text: UTF-8 and NUL-terminated, `len` bytes before that NUL. `data` is NULL if there
/// is no text, which is not the same as an empty one.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct resayil_str {
    /// The first byte, or NULL.
    pub data: *const c_char,
    /// How many bytes; 0 if there is no text.
    pub len: usize,
}

impl Default for resayil_str {
    fn default() -> Self {
        resayil_str { data: std::ptr::null(), len: 0 }
    }
}

impl From<&'static CStr> for resayil_str {
    fn from(text: &'static CStr) -> Self {
        resayil_str { data: text.as_ptr(), len: text.count_bytes() }
    }
}

/// Borrowed bytes: any bytes, not terminated. `data` may be NULL if `len` is 0.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct resayil_bytes {
    /// The first byte.
    pub data: *const u8,
    /// How many bytes.
    pub len: usize,
}

impl Default for resayil_bytes {
    fn default() -> Self {
        resayil_bytes { data: std::ptr::null(), len: 0 }
    }
}

impl From<&[u8]> for resayil_bytes {
    fn from(bytes: &[u8]) -> Self {
        resayil_bytes { data: bytes.as_ptr(), len: bytes.len() }
    }
}

/// Where a text lies in a [`Pool`]; its length leaves out the NUL.
#[derive(Clone, Copy, Default)]
pub(crate) struct Span {
    start: usize,
    len: usize,
    present: bool,
}

/// Many texts in one allocation, each followed by NUL, so that getters need none.
#[derive(Default)]
pub(crate) struct Pool {
    buffer: Vec<u8>,
}

impl Pool {
    pub(crate) fn add(&mut self, text: &str) -> Span {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(text.as_bytes());
        self.buffer.push(0);
        Span { start, len: text.len(), present: true }
    }

    pub(crate) fn add_some(&mut self, text: Option<&str>) -> Span {
        text.map_or_else(Span::default, |text| self.add(text))
    }

    pub(crate) fn get(&self, span: Span) -> resayil_str {
        match self.buffer.get(span.start..) {
            Some(text) if span.present => resayil_str { data: text.as_ptr().cast(), len: span.len },
            _ => resayil_str::default(),
        }
    }
}

/// A text that is yours. Immutable; any thread may read it.
pub struct resayil_string {
    pool: Pool,
    span: Span,
}

impl resayil_string {
    pub(crate) fn of(text: &str) -> Self {
        let mut pool = Pool { buffer: Vec::with_capacity(text.len() + 1) };
        let span = pool.add(text);
        resayil_string { pool, span }
    }

    pub(crate) fn give(text: &str) -> *mut resayil_string {
        give(resayil_string::of(text))
    }

    pub(crate) fn borrow(&self) -> resayil_str {
        self.pool.get(self.span)
    }
}

/// The text, NUL-terminated; NULL for NULL. Valid until the handle is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_string_data(string: *const resayil_string) -> *const c_char {
    guard(|| borrow!(string).borrow()).data
}

/// How many bytes the text has, without the NUL; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_string_len(string: *const resayil_string) -> usize {
    guard(|| borrow!(string).span.len)
}

/// Frees the text; NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_string_free(string: *mut resayil_string) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(string) }
}

/// The bytes that a caller passes in.
///
/// # Safety
/// `data` points to `len` bytes that live and stay as they are for `'a`, or is NULL.
pub(crate) unsafe fn bytes_in<'a, T>(
    data: *const T,
    len: usize,
) -> Result<&'a [T], resayil_status> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(resayil_status::NULL_PARAMETER);
    }
    // No object is larger than this; a negative number that was cast to a length is.
    if len > isize::MAX as usize / size_of::<T>() {
        return Err(resayil_status::INVALID_ARGUMENT);
    }
    // SAFETY: not NULL, not too long; the rest is as this function demands.
    Ok(unsafe { std::slice::from_raw_parts(data, len) })
}

/// The text that a caller passes in with its length.
///
/// # Safety
/// As for [`bytes_in`].
pub(crate) unsafe fn text_in<'a>(
    data: *const c_char,
    len: usize,
) -> Result<&'a str, resayil_status> {
    // SAFETY: as this function demands.
    let bytes = unsafe { bytes_in(data.cast::<u8>(), len) }?;
    std::str::from_utf8(bytes).map_err(|_| resayil_status::INVALID_UTF8)
}

/// The name that a caller passes in; `None` for NULL.
///
/// # Safety
/// `name` is NULL or NUL-terminated, and lives and stays as it is for `'a`.
pub(crate) unsafe fn name_in<'a>(name: *const c_char) -> Result<Option<&'a str>, resayil_status> {
    if name.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL; the rest is as this function demands.
    let name = unsafe { CStr::from_ptr(name) };
    name.to_str().map(Some).map_err(|_| resayil_status::INVALID_UTF8)
}

/// The name that a caller has to pass in.
///
/// # Safety
/// As for [`name_in`].
pub(crate) unsafe fn some_name_in<'a>(name: *const c_char) -> Result<&'a str, resayil_status> {
    // SAFETY: as this function demands.
    unsafe { name_in(name) }?.ok_or(resayil_status::NULL_PARAMETER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_a_pool_are_terminated() {
        let mut pool = Pool::default();
        let spans = [pool.add("a\0b"), pool.add(""), pool.add_some(None)];
        let [first, empty, absent] = spans.map(|span| pool.get(span));
        // SAFETY: the pool lives.
        let bytes = unsafe { bytes_in(first.data.cast::<u8>(), first.len + 1) }.unwrap();
        assert_eq!(bytes, b"a\0b\0");
        assert!(!empty.data.is_null() && empty.len == 0);
        assert!(absent.data.is_null());
    }

    #[test]
    fn lengths_are_checked() {
        let byte = 0u8;
        // SAFETY: no byte is read.
        unsafe {
            assert_eq!(bytes_in::<u8>(std::ptr::null(), 0).unwrap(), b"");
            assert_eq!(bytes_in::<u8>(std::ptr::null(), 1), Err(resayil_status::NULL_PARAMETER));
            assert_eq!(bytes_in(&byte, usize::MAX), Err(resayil_status::INVALID_ARGUMENT));
        }
    }
}
