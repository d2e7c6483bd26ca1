//! The headers of an answer, as a caller passes them in.

use std::ffi::c_char;

use ::client::answer::HeaderBlock;

use crate::panic::{give, guard, take_back};
use crate::status::{ended, resayil_status};
use crate::text::{bytes_in, name_in, resayil_bytes};

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

/// The headers of an answer, read from their text. Immutable; any thread may read it.
pub struct resayil_headers {
    status: Option<u16>,
    /// Into `text`, which stays where it is.
    list: Vec<resayil_header>,
    text: Box<[u8]>,
}

impl resayil_headers {
    fn new(block: &HeaderBlock<'_>) -> Self {
        let mut text = Vec::new();
        for (name, value) in block.headers() {
            for part in [name, value] {
                text.extend_from_slice(part);
                text.push(0);
            }
        }
        let text = text.into_boxed_slice();
        let mut rest = &text[..];
        let mut next = |len: usize| {
            let start = rest.as_ptr().cast::<c_char>();
            rest = rest.get(len + 1..).unwrap_or_default();
            start
        };
        let list = block.headers().map(|(name, value)| resayil_header {
            name: next(name.len()),
            name_len: name.len(),
            value: next(value.len()),
            value_len: value.len(),
        });
        resayil_headers { status: block.status(), list: list.collect(), text }
    }
}

/// Reads a header block as libcurl's header callback, a proxy's log or a file has it: a status line,
/// which may be missing, and headers; lines end in CRLF or LF, and folded ones are joined. Any bytes can be
/// read; a line that is no header is passed over. Where several blocks follow each other, as after
/// `100 Continue`, a redirect or a proxy's answer, the last one counts. What comes behind its empty line
/// is not read. The text is copied. `*headers` is yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_headers_parse(
    text: *const c_char,
    text_len: usize,
    headers: *mut *mut resayil_headers,
) -> resayil_status {
    guard(|| {
        let out = out!(headers);
        ended((|| {
            // SAFETY: the header asks for NULL or as many bytes as `text_len` says.
            let text = unsafe { bytes_in(text.cast::<u8>(), text_len) }?;
            *out = give(resayil_headers::new(&HeaderBlock::parse(text)));
            Ok(())
        })())
    })
}

/// The HTTP status of the block; 0 if it has none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_headers_status(headers: *const resayil_headers) -> u32 {
    guard(|| borrow!(headers).status.unwrap_or(0).into())
}

/// The headers in their order, for every function that takes an array of them. Names and values are
/// NUL-terminated. Borrowed: valid until the handle is freed; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_headers_data(
    headers: *const resayil_headers,
) -> *const resayil_header {
    guard(|| borrow!(headers).list.as_ptr())
}

/// How many headers there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_headers_count(headers: *const resayil_headers) -> usize {
    guard(|| borrow!(headers).list.len())
}

/// The value of the first header of this name, in any case. Absent if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_headers_get(
    headers: *const resayil_headers,
    name: *const c_char,
) -> resayil_bytes {
    guard(|| {
        let headers = borrow!(headers);
        // SAFETY: the header asks for NULL or a NUL-terminated name.
        let Ok(Some(name)) = (unsafe { name_in(name) }) else { return resayil_bytes::default() };
        // SAFETY: the list points into the text, which lives as long.
        let Ok(list) = (unsafe { headers_in(headers.list.as_ptr(), headers.list.len()) }) else {
            return resayil_bytes::default();
        };
        let found = list.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()));
        found.map_or_else(resayil_bytes::default, |(_, value)| (*value).into())
    })
}

/// Frees the headers; NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_headers_free(headers: *mut resayil_headers) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(headers) }
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
