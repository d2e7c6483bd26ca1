//! Headers as Python programs hold them.

use std::cell::RefCell;
use std::ops::Range;

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use crate::input::type_error;

/// No more headers than this are read from one answer.
const MAX_INPUT_HEADERS: usize = 10_000;

const EXPECTED: &str = "a mapping or an iterable of (name, value) pairs";

/// Names and values, one behind the other in a single buffer.
#[derive(Default)]
pub(crate) struct Headers {
    buffer: Vec<u8>,
    pairs: Vec<(Range<usize>, Range<usize>)>,
    scratch: Vec<u32>,
}

impl Headers {
    /// Reads a mapping, an object with `items()`, or an iterable of pairs; names and values are
    /// `str` or `bytes`.
    pub(crate) fn read(object: &Bound<'_, PyAny>) -> PyResult<Headers> {
        let mut headers = Headers::default();
        if object.is_none() {
            return Ok(headers);
        }
        if let Ok(dict) = object.cast::<PyDict>() {
            headers.reserve(dict.len());
            let cell = RefCell::new(headers);
            dict.locked_for_each(|name, value| cell.borrow_mut().push(&name, &value))?;
            return Ok(cell.into_inner());
        }
        if let Ok(list) = object.cast::<PyList>() {
            headers.push_list(list)?;
            return Ok(headers);
        }
        if object.is_instance_of::<PyString>() || object.is_instance_of::<PyBytes>() {
            return type_error("headers", EXPECTED, object);
        }
        // httpx keeps the lines as they came; its items() joins those of one name.
        if object.hasattr("multi_items")? {
            match object.getattr_opt("raw")?.map(Bound::cast_into::<PyList>) {
                Some(Ok(raw)) => headers.push_list(&raw)?,
                _ => headers.push_all(&object.call_method0("multi_items")?)?,
            }
        } else if object.hasattr("items")? {
            headers.push_all(&object.call_method0("items")?)?;
        } else {
            headers.push_all(object)?;
        }
        Ok(headers)
    }

    /// Names and values in order.
    pub(crate) fn pairs(&self) -> Vec<(&[u8], &[u8])> {
        let bytes = |range: &Range<usize>| &self.buffer[range.clone()];
        self.pairs.iter().map(|(name, value)| (bytes(name), bytes(value))).collect()
    }

    fn reserve(&mut self, count: usize) {
        let count = count.min(MAX_INPUT_HEADERS);
        self.pairs.reserve(count);
        // Most headers are shorter than this.
        self.buffer.reserve(count * 48);
    }

    fn push_list(&mut self, list: &Bound<'_, PyList>) -> PyResult<()> {
        self.reserve(list.len());
        list.iter().try_for_each(|item| self.push_item(&item))
    }

    fn push_all(&mut self, object: &Bound<'_, PyAny>) -> PyResult<()> {
        let Ok(mut items) = object.try_iter() else {
            return type_error("headers", EXPECTED, object);
        };
        items.try_for_each(|item| self.push_item(&item?))
    }

    fn push_item(&mut self, item: &Bound<'_, PyAny>) -> PyResult<()> {
        if let Ok(pair) = item.cast::<PyTuple>() {
            if pair.len() == 2 {
                return self.push(&pair.get_item(0)?, &pair.get_item(1)?);
            }
        } else if let Ok(pair) = item.cast::<PyList>() {
            if pair.len() == 2 {
                return self.push(&pair.get_item(0)?, &pair.get_item(1)?);
            }
        }
        type_error("each entry of headers", "a pair of name and value", item)
    }

    fn push(&mut self, name: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        if self.pairs.len() == MAX_INPUT_HEADERS {
            let message = format!("headers has more than {MAX_INPUT_HEADERS} entries");
            return Err(PyValueError::new_err(message));
        }
        let Some(name_range) = self.push_text(name)? else {
            return type_error("the name of a header", "str or bytes", name);
        };
        let Some(value_range) = self.push_text(value)? else {
            let what = format!("the value of the header {}", name.repr()?);
            return type_error(&what, "str or bytes", value);
        };
        self.pairs.push((name_range, value_range));
        Ok(())
    }

    /// Appends a text or bytes; `None` for anything else.
    fn push_text(&mut self, object: &Bound<'_, PyAny>) -> PyResult<Option<Range<usize>>> {
        let start = self.buffer.len();
        if let Ok(text) = object.cast::<PyString>() {
            self.push_str(text)?;
        } else if let Ok(bytes) = object.cast::<PyBytes>() {
            self.buffer.extend_from_slice(bytes.as_bytes());
        } else {
            return Ok(None);
        }
        Ok(Some(start..self.buffer.len()))
    }

    /// Appends a text as UTF-8. A lone surrogate, which stands for a byte that was no text, becomes
    /// a replacement character.
    ///
    /// The stable ABI of Python 3.9 has no way to look into a `str`; copying its characters here
    /// costs less than the `bytes` object that encoding it would make.
    fn push_str(&mut self, text: &Bound<'_, PyString>) -> PyResult<()> {
        let length = text.len()?;
        self.scratch.clear();
        self.scratch.reserve(length);
        let room = ffi::Py_ssize_t::try_from(self.scratch.capacity()).unwrap_or(isize::MAX);
        // SAFETY: `text` is a str, and the buffer has room for `room` characters.
        let copied =
            unsafe { ffi::PyUnicode_AsUCS4(text.as_ptr(), self.scratch.as_mut_ptr(), room, 0) };
        if copied.is_null() {
            return Err(PyErr::fetch(text.py()));
        }
        // SAFETY: the call wrote all `length` characters, or it would have failed.
        unsafe { self.scratch.set_len(length) };
        if self.scratch.iter().all(|c| *c < 0x80) {
            self.buffer.extend(self.scratch.iter().map(|c| *c as u8));
            return Ok(());
        }
        for c in &self.scratch {
            let c = char::from_u32(*c).unwrap_or(char::REPLACEMENT_CHARACTER);
            self.buffer.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Ok(())
    }
}
