//! Python's own exceptions that say that no answer came.

use pyo3::exceptions::{PyConnectionError, PyConnectionRefusedError, PyTimeoutError};
use pyo3::prelude::*;
use resayil_core::{Error, Kind};

use crate::error::NativeError;

/// The error that an exception of Python's own stands for; None if it does not say that an answer is
/// missing. One call, because a failing program makes many.
#[pyfunction]
#[pyo3(signature = (exception, /))]
pub(crate) fn read_builtin(exception: &Bound<'_, PyAny>) -> PyResult<Option<NativeError>> {
    let (kind, ambiguous) = if exception.is_instance_of::<PyTimeoutError>() {
        (Kind::Timeout, true)
    } else if exception.is_instance_of::<PyConnectionRefusedError>() {
        (Kind::Network, false)
    } else if exception.is_instance_of::<PyConnectionError>() {
        (Kind::Network, true)
    } else {
        return Ok(None);
    };
    let (name, text) = (exception.get_type().name()?, exception.str()?);
    let (name, text) = (name.to_cow()?, text.to_string_lossy());
    let message = if text.is_empty() { name.into_owned() } else { format!("{name}: {text}") };
    Ok(Some(NativeError(Error::new(kind, &message).with_ambiguous(ambiguous))))
}
