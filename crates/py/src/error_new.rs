//! Making an error from its details, for programs and for their tests.

use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use resayil_core::Error;
use resayil_core::error::HintSource;

use crate::headers::Headers;
use crate::input;
use crate::rate_limit::RateLimit;

/// The details of an error; each may be left out.
struct Details<'py>(Option<Bound<'py, PyDict>>);

impl<'py> Details<'py> {
    /// A detail that is there and not None. Each detail is taken once.
    fn take<T>(&self, name: &str) -> PyResult<Option<T>>
    where
        T: for<'a> FromPyObject<'a, 'py, Error = PyErr>,
    {
        let Some(value) = self.object(name)? else { return Ok(None) };
        value.extract().map(Some).map_err(|error: PyErr| {
            let py = value.py();
            let text = error.value(py).to_string();
            PyErr::from_type(error.get_type(py), format!("{name}: {text}"))
        })
    }

    fn object(&self, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(details) = &self.0 else { return Ok(None) };
        let Some(value) = details.get_item(name)? else { return Ok(None) };
        details.del_item(name)?;
        Ok(Some(value).filter(|value| !value.is_none()))
    }

    /// Refuses what nobody took.
    fn finish(self) -> PyResult<()> {
        let left = self.0.as_ref().and_then(|details| details.keys().iter().next());
        match left {
            Some(name) => {
                let message = format!("an error has no detail {}", name.repr()?);
                Err(pyo3::exceptions::PyTypeError::new_err(message))
            }
            None => Ok(()),
        }
    }
}

/// Seconds; what is too long for a duration is the longest.
fn wait(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Duration> {
    match value.extract::<f64>() {
        Ok(seconds) if seconds >= u64::MAX as f64 => Ok(Duration::MAX),
        Ok(seconds) => input::duration(name, seconds),
        Err(_) => input::type_error(name, "a number of seconds", value),
    }
}

fn source(name: Option<String>) -> PyResult<HintSource> {
    let Some(name) = name else { return Ok(HintSource::Body) };
    HintSource::ALL.iter().copied().find(|source| source.name() == name).ok_or_else(|| {
        let known: Vec<_> = HintSource::ALL.iter().map(|source| source.name()).collect();
        let known = known.join(", ");
        PyValueError::new_err(format!("unknown retry_after_source {name:?}; known are {known}"))
    })
}

/// An error of the kind of this name. `details` is emptied.
pub(crate) fn new(
    kind: &str,
    message: Option<&str>,
    details: Option<Bound<'_, PyDict>>,
) -> PyResult<Error> {
    let error = Error::new(input::kind(kind)?, "").with_message(message);
    make(error, Details(details))
}

fn make(mut error: Error, details: Details<'_>) -> PyResult<Error> {
    if let Some(explanation) = details.take::<String>("explanation")? {
        error = error.with_explanation(&explanation);
    }
    if let Some(status) = details.object("status")? {
        error = error.with_status(input::status(&status)?);
    }
    if let Some(retryable) = details.take("retryable")? {
        error = error.with_retryable(retryable);
    }
    error = error.with_should_retry(details.take("should_retry")?);
    if let Some(code) = details.take::<String>("code")? {
        error = error.with_code(&code);
    }
    if let Some(error_type) = details.take::<String>("type")? {
        error = error.with_error_type(&error_type);
    }
    if let Some(param) = details.take::<String>("param")? {
        error = error.with_param(&param);
    }
    if let Some(id) = details.take::<String>("request_id")? {
        error = error.with_request_id(&id);
    }
    let hint_source = details.take("retry_after_source")?;
    if let Some(value) = details.object("retry_after")? {
        error = error.with_retry_after(wait("retry_after", &value)?, source(hint_source)?);
    }
    if let Some(limit) = details.object("rate_limit")? {
        let Ok(limit) = limit.cast::<RateLimit>() else {
            return input::type_error("rate_limit", "a RateLimit", &limit);
        };
        error = error.with_rate_limit(limit.get().0);
    }
    if let Some(scope) = details.take::<String>("limit_scope")? {
        error = error.with_limit_scope(scope.parse().map_err(input::value_error)?);
    }
    if let Some(window) = details.object("limit_window")? {
        error = error.with_limit_window(wait("limit_window", &window)?);
    }
    if let Some(at) = details.take::<f64>("retry_at")? {
        error = error.with_retry_at(input::timestamp("retry_at", at)?);
    }
    if let Some(fields) = details.object("field_errors")? {
        for item in fields.call_method0("items")?.try_iter()? {
            let (field, messages): (String, Vec<String>) = item?.extract()?;
            let messages: Vec<_> = messages.iter().map(String::as_str).collect();
            error = error.with_field_error(&field, &messages);
        }
    }
    let provider: Option<String> = details.take("provider")?;
    error = error.with_provider(input::provider(provider.as_deref())?);
    error = error.with_attempts(details.take("attempts")?.unwrap_or(0));
    error = error.with_exhausted(details.take("exhausted")?.unwrap_or(false));
    if let Some(reason) = details.take::<String>("stop_reason")? {
        error = error.with_stop_reason(reason.parse().map_err(input::value_error)?);
    }
    error = error.with_ambiguous(details.take("ambiguous")?.unwrap_or(false));
    error = error.with_rejected(details.take("rejected")?.unwrap_or(false));
    if let Some(model) = details.take::<String>("model")? {
        error = error.with_model(&model);
    }
    if let Some(text) = details.take::<String>("partial_text")? {
        error = error.with_partial_text(&text);
    }
    error = error.with_delivered(!details.take("safe_to_replay")?.unwrap_or(true));
    if let Some(body) = details.object("body")? {
        error = error.with_body(input::bytes(&body, "body")?.as_ref());
    }
    if let Some(headers) = details.object("headers")? {
        error = error.with_headers(&Headers::read(&headers)?.pairs());
    }
    details.finish()?;
    Ok(error)
}
