//! Reading an answer.

use std::borrow::Cow;

use pyo3::prelude::*;
use resayil_core::Error;
use resayil_core::answer::Classifier;

use crate::error::NativeError;
use crate::headers::Headers;
use crate::{exceptions, input};

fn read(
    status: &Bound<'_, PyAny>,
    headers: &Bound<'_, PyAny>,
    body: &Bound<'_, PyAny>,
    now: Option<f64>,
    provider: Option<&str>,
) -> PyResult<Result<(), Error>> {
    let status = input::status(status)?;
    let headers = Headers::read(headers)?;
    let body = input::bytes(body, "body")?;
    let classifier = Classifier::new().provider(input::provider(provider)?);
    Ok(classifier.classify(status, &headers.pairs(), body.as_ref(), input::wall(now)?))
}

/// Says what went wrong with an answer: the exception of its kind, not raised, or None for a
/// success.
///
/// `status` is the HTTP status. `headers` is a mapping or an iterable of pairs, of str or bytes;
/// header objects of HTTP clients are fine. `body` is bytes, bytearray, memoryview, str or None.
/// `now` is the wall clock when the answer arrived, in seconds since 1970, by default
/// `time.time()`. `provider` names the API; by default it is recognised by the answer.
///
/// Raises TypeError and ValueError for arguments that are none of these, and never for what an
/// answer holds.
#[pyfunction]
#[pyo3(signature = (status, headers, body, *, now=None, provider=None))]
pub(crate) fn classify<'py>(
    py: Python<'py>,
    status: &Bound<'py, PyAny>,
    headers: &Bound<'py, PyAny>,
    body: &Bound<'py, PyAny>,
    now: Option<f64>,
    provider: Option<Cow<'_, str>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    match read(status, headers, body, now, provider.as_deref())? {
        Ok(()) => Ok(None),
        Err(error) => exceptions::exception(py, error).map(Some),
    }
}

/// Like `classify`, but gives the handle alone, without an exception around it.
#[pyfunction]
#[pyo3(signature = (status, headers, body, *, now=None, provider=None))]
pub(crate) fn read_error<'py>(
    status: &Bound<'py, PyAny>,
    headers: &Bound<'py, PyAny>,
    body: &Bound<'py, PyAny>,
    now: Option<f64>,
    provider: Option<Cow<'_, str>>,
) -> PyResult<Option<NativeError>> {
    Ok(read(status, headers, body, now, provider.as_deref())?.err().map(NativeError))
}
