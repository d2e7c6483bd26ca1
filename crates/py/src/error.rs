//! The handle of an error that an exception holds. Everything is read from it when asked for.

use std::borrow::Cow;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use resayil_core::Error;
use resayil_core::redaction::OwnKey;

use crate::input::value_error;
use crate::rate_limit::RateLimit;
use crate::{error_new, messages};

/// What is known about a failure: the handle that every APIError holds. It cannot be changed.
#[pyclass(frozen, module = "resayil._native", name = "Error")]
pub(crate) struct NativeError(pub(crate) Error);

#[pymethods]
impl NativeError {
    /// An error of this kind. The details have the names of the attributes.
    #[new]
    #[pyo3(
        signature = (kind=Cow::Borrowed("unknown"), message=None, **details),
        text_signature = "(kind='unknown', message=None, **details)"
    )]
    fn new(
        kind: Cow<'_, str>,
        message: Option<Cow<'_, str>>,
        details: Option<Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        error_new::new(&kind, message.as_deref(), details).map(NativeError)
    }

    /// The same error without any of these keys in its texts, its headers and its body.
    fn without_keys(&self, keys: Vec<String>) -> Self {
        let masked = |error: Error, key: &String| error.masked(&OwnKey::new(key));
        NativeError(keys.iter().fold(self.0.clone(), masked))
    }

    /// The name of the kind, such as `rate_limit`.
    #[getter]
    fn kind(&self) -> &'static str {
        self.0.kind().name()
    }

    /// The number of the kind.
    #[getter]
    fn number(&self) -> u16 {
        self.0.kind().number()
    }

    /// The HTTP status, or None when there was no answer.
    #[getter]
    fn status(&self) -> Option<u16> {
        self.0.status()
    }

    /// `info`, `warning`, `error` or `critical`.
    #[getter]
    fn severity(&self) -> &'static str {
        self.0.severity().name()
    }

    /// Whether another try of the same request may succeed.
    #[getter]
    fn retryable(&self) -> bool {
        self.0.is_retryable()
    }

    /// What the server says of retrying, by `x-should-retry`.
    #[getter]
    fn should_retry(&self) -> Option<bool> {
        self.0.should_retry()
    }

    /// The provider's message, redacted.
    #[getter]
    fn message(&self) -> Option<&str> {
        self.0.message()
    }

    /// The provider's code; a number as its digits.
    #[getter]
    fn code(&self) -> Option<&str> {
        self.0.code()
    }

    /// The provider's error type.
    #[getter]
    fn r#type(&self) -> Option<&str> {
        self.0.error_type()
    }

    /// The parameter that the provider complains of.
    #[getter]
    fn param(&self) -> Option<&str> {
        self.0.param()
    }

    /// The provider's id of the request.
    #[getter]
    fn request_id(&self) -> Option<&str> {
        self.0.request_id()
    }

    /// The wait that the server asks for, in seconds, uncapped.
    #[getter]
    fn retry_after(&self) -> Option<f64> {
        self.0.retry_after().map(|wait| wait.as_secs_f64())
    }

    /// Where `retry_after` was read.
    #[getter]
    fn retry_after_source(&self) -> Option<&'static str> {
        self.0.retry_after_source().map(|source| source.name())
    }

    /// What the headers say of the rate limit.
    #[getter]
    fn rate_limit(&self) -> Option<RateLimit> {
        self.0.rate_limit().map(RateLimit)
    }

    /// What the limit counts that refused the request.
    #[getter]
    fn limit_scope(&self) -> Option<&'static str> {
        self.0.limit_scope().map(|scope| scope.name())
    }

    /// The length of that limit's window, in seconds.
    #[getter]
    fn limit_window(&self) -> Option<f64> {
        self.0.limit_window().map(|window| window.as_secs_f64())
    }

    /// When the server expects the next request, in seconds since 1970.
    #[getter]
    fn retry_at(&self) -> Option<f64> {
        self.0.retry_at().map(|at| at.unix_seconds_f64())
    }

    /// The provider's messages by invalid field.
    #[getter]
    fn field_errors<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let fields = PyDict::new(py);
        for field in self.0.field_errors() {
            fields.set_item(field.field, &field.messages)?;
        }
        Ok(fields)
    }

    /// The name of the provider.
    #[getter]
    fn provider(&self) -> Option<&'static str> {
        self.0.provider().map(|provider| provider.name())
    }

    /// A friendly sentence for an end user, in English.
    #[getter]
    fn user_message(&self) -> String {
        self.0.user_message()
    }

    /// What to do about it, in English, one step an entry.
    #[getter]
    fn advice(&self) -> Vec<String> {
        self.0.advice().into_iter().map(Into::into).collect()
    }

    /// The page of the provider that explains this kind of error.
    #[getter]
    fn help_url(&self) -> Option<&'static str> {
        self.0.help_url()
    }

    /// How many requests were sent.
    #[getter]
    fn attempts(&self) -> u32 {
        self.0.attempts()
    }

    /// Whether retries were used up.
    #[getter]
    fn exhausted(&self) -> bool {
        self.0.is_exhausted()
    }

    /// Which rule ended the call.
    #[getter]
    fn stop_reason(&self) -> Option<&'static str> {
        self.0.stop_reason().map(|reason| reason.name())
    }

    /// Whether the server may have carried out the request.
    #[getter]
    fn ambiguous(&self) -> bool {
        self.0.is_ambiguous()
    }

    /// What became of the request.
    #[getter]
    fn request_state(&self) -> &'static str {
        self.0.request_state().name()
    }

    /// Whether the answer was a success that the caller would not take.
    #[getter]
    fn rejected(&self) -> bool {
        self.0.is_rejected()
    }

    /// The model that the request named.
    #[getter]
    fn model(&self) -> Option<&str> {
        self.0.model()
    }

    /// What a stream had delivered before it failed.
    #[getter]
    fn partial_text(&self) -> Option<&str> {
        self.0.partial_text()
    }

    /// Whether the request can be sent again without delivering anything twice.
    #[getter]
    fn safe_to_replay(&self) -> bool {
        self.0.is_safe_to_replay()
    }

    /// The raw body, cut to 64 KiB.
    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.body())
    }

    /// The headers as they came, as pairs of bytes.
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let pair =
            |(name, value): (&[u8], &[u8])| (PyBytes::new(py, name), PyBytes::new(py, value));
        PyList::new(py, self.0.headers().iter().map(pair).collect::<Vec<_>>())
    }

    /// A friendly sentence for an end user in this language (`en`, `ar`) or by these texts.
    fn user_message_in(&self, language: &Bound<'_, PyAny>) -> PyResult<String> {
        messages::with(Some(language), |texts| self.0.user_message_in(texts))
    }

    /// What to do about it in this language (`en`, `ar`) or by these texts.
    fn advice_in(&self, language: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
        messages::with(Some(language), |texts| {
            self.0.advice_in(texts).into_iter().map(Into::into).collect()
        })
    }

    /// The error record as JSON, with texts in this language or these.
    #[pyo3(signature = (language=None))]
    fn to_json(&self, language: Option<&Bound<'_, PyAny>>) -> PyResult<String> {
        messages::with(language, |texts| self.0.to_json_in(texts))
    }

    /// A report of several lines for a developer, without secrets and raw body.
    fn report(&self) -> String {
        format!("{:?}", self.0)
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<Error {}>", self.0)
    }

    /// All that the error knows, as bytes that every later version reads.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.to_bytes())
    }

    /// The error of such bytes; ValueError for others.
    #[staticmethod]
    fn from_bytes(bytes: &[u8]) -> PyResult<Self> {
        Error::from_bytes(bytes).map(NativeError).map_err(value_error)
    }

    /// What pickle and copy make an equal error of.
    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let restore = slf.get_type().getattr("from_bytes")?;
        Ok((restore, (slf.get().to_bytes(slf.py()),)))
    }
}
