//! The headers of an answer, as a caller passes them in.

use std::ffi::c_char;

use crate::status::resayil_status;
use crate::text::bytes_in;

/// One header of an answer, to be passed in as an array of them. Names are taken in any case;
/// values are bytes. Nothing has to be NUL-terminated. A pointer may be NULL if its length is 0.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct resayil_header {
    /// The name, such as `retry-after`.
    pub name: *const c_char,
    /// How many bytes the name has.
    pub name_len: usize,
    /// The value, without the line end.
    pub value: *const c_char,
    /// How many bytes the value has.
    pub value_len: usize,
}

type Headers<'a> = Vec<(&'a [u8], &'a [u8])>;

/// The headers that a caller passes in.
///
/// # Safety
/// `headers` is NULL or points to `count` headers, whose pointers are NULL or point to as many bytes
/// as they say; all of it lives and stays as it is for `'a`.
pub(crate) unsafe fn headers_in<'a>(
    headers: *const resayil_header,
    count: usize,
) -> Result<Headers<'a>, resayil_status> {
    // SAFETY: as this function demands.
    let headers: &'a [resayil_header] = unsafe { bytes_in(headers, count) }?;
    let pair = |header: &resayil_header| {
        // SAFETY: as this function demands.
        let name = unsafe { bytes_in(header.name.cast::<u8>(), header.name_len) }?;
        // SAFETY: as this function demands.
        let value = unsafe { bytes_in(header.value.cast::<u8>(), header.value_len) }?;
        Ok((name, value))
    };
    headers.iter().map(pair).collect()
}
