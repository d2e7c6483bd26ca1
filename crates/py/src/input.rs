//! What Python hands in, as Rust needs it. What is of a wrong type gets a clear error.

use std::time::{Duration, SystemTime};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView, PyString};
use resayil_core::messages::Messages;
use resayil_core::{Kind, Provider, Timestamp};

/// Bytes that a Python object holds.
pub(crate) struct Bytes<'py>(Bound<'py, PyBytes>);

impl AsRef<[u8]> for Bytes<'_> {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

fn type_name(object: &Bound<'_, PyAny>) -> String {
    object.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string())
}

/// Refuses a value of a wrong type.
pub(crate) fn type_error<T>(what: &str, expected: &str, found: &Bound<'_, PyAny>) -> PyResult<T> {
    Err(PyTypeError::new_err(format!("{what} has to be {expected}, not {}", type_name(found))))
}

/// UTF-8. Lone surrogates, which stand for bytes that were not text, are let through.
fn encode<'py>(text: &Bound<'py, PyString>) -> PyResult<Bytes<'py>> {
    if let Ok(bytes) = text.encode_utf8() {
        return Ok(Bytes(bytes));
    }
    let bytes = text.call_method1("encode", ("utf-8", "surrogatepass"))?;
    Ok(Bytes(bytes.cast_into()?))
}

/// A body: `bytes`, `bytearray`, `memoryview`, `str` or `None`.
pub(crate) fn bytes<'py>(object: &Bound<'py, PyAny>, what: &str) -> PyResult<Bytes<'py>> {
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(Bytes(bytes.clone()));
    }
    if let Ok(text) = object.cast::<PyString>() {
        return encode(text);
    }
    if object.is_instance_of::<PyByteArray>() || object.is_instance_of::<PyMemoryView>() {
        let bytes = object.py().get_type::<PyBytes>().call1((object,))?;
        return Ok(Bytes(bytes.cast_into()?));
    }
    if object.is_none() {
        return Ok(Bytes(PyBytes::new(object.py(), b"")));
    }
    type_error(what, "bytes, bytearray, memoryview, str or None", object)
}

/// An HTTP status.
pub(crate) fn status(object: &Bound<'_, PyAny>) -> PyResult<u16> {
    if let Ok(status) = object.extract::<u16>() {
        return Ok(status);
    }
    match object.extract::<i64>() {
        Ok(status) => {
            Err(PyValueError::new_err(format!("status has to be from 0 to 65535, not {status}")))
        }
        Err(error) if error.is_instance_of::<PyTypeError>(object.py()) => {
            type_error("status", "an int", object)
        }
        Err(_) => Err(PyValueError::new_err("status has to be from 0 to 65535")),
    }
}

/// A point on the wall clock in seconds since 1970; now, if it is not given.
pub(crate) fn wall(seconds: Option<f64>) -> PyResult<Timestamp> {
    match seconds {
        None => Ok(SystemTime::now().into()),
        Some(seconds) => timestamp("now", seconds),
    }
}

/// A point on the wall clock in seconds since 1970.
pub(crate) fn timestamp(what: &str, seconds: f64) -> PyResult<Timestamp> {
    if seconds.is_finite() {
        return Ok(Timestamp::from_unix_seconds_f64(seconds));
    }
    Err(PyValueError::new_err(format!("{what} has to be a finite number of seconds")))
}

/// A point on a monotonic clock; now by the package's clock, if it is not given.
pub(crate) fn monotonic(seconds: Option<f64>) -> PyResult<Duration> {
    match seconds {
        Some(seconds) => duration("now", seconds),
        None => Ok(client::monotonic_now()),
    }
}

/// The clock that this package measures time with, in seconds since a fixed point of this process.
#[pyfunction(name = "monotonic_now")]
pub(crate) fn monotonic_now() -> f64 {
    client::monotonic_now().as_secs_f64()
}

/// A duration in seconds.
pub(crate) fn duration(name: &str, seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|_| {
        PyValueError::new_err(format!("{name} has to be 0 or more seconds, not {seconds}"))
    })
}

/// A provider by its name.
pub(crate) fn provider(name: Option<&str>) -> PyResult<Option<Provider>> {
    name.map(|name| name.parse().map_err(value_error)).transpose()
}

/// A kind by its name.
pub(crate) fn kind(name: &str) -> PyResult<Kind> {
    name.parse().map_err(value_error)
}

/// The built-in texts of a language; English for `None`.
pub(crate) fn messages(language: Option<&str>) -> PyResult<&'static Messages> {
    let tag = language.unwrap_or("en");
    Messages::of_language(tag).ok_or_else(|| {
        let tag: String = tag.chars().take(40).collect();
        PyValueError::new_err(format!("there are no texts in the language {tag:?}; use en or ar"))
    })
}

pub(crate) fn value_error(error: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}
