//! Where to go with a request that its first target does not serve.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};
use resayil_core::Kind;

use crate::call::Call;
use crate::exceptions;
use crate::input::{self, type_error, value_error};
use crate::policy::count;

/// Another model, another service, or both, that may serve a request. What is None is as the request
/// has it. A service of another origin has to have its own key: the first one's is never sent there.
#[pyclass(frozen, eq, module = "resayil")]
#[derive(PartialEq)]
pub(crate) struct FallbackTarget(resayil_core::call::FallbackTarget);

#[pymethods]
impl FallbackTarget {
    #[new]
    #[pyo3(signature = (model=None, base_url=None, api_key=None))]
    fn new(model: Option<&str>, base_url: Option<&str>, api_key: Option<&str>) -> Self {
        let mut target = resayil_core::call::FallbackTarget::new();
        if let Some(model) = model {
            target = target.with_model(model);
        }
        if let Some(url) = base_url {
            target = target.with_base_url(url);
        }
        if let Some(key) = api_key {
            target = target.with_api_key(key);
        }
        FallbackTarget(target)
    }

    /// The model to ask.
    #[getter]
    fn model(&self) -> Option<&str> {
        self.0.model()
    }

    /// The address of the service.
    #[getter]
    fn base_url(&self) -> Option<&str> {
        self.0.base_url()
    }

    /// The key: do not print it.
    #[getter]
    fn api_key(&self) -> Option<&str> {
        self.0.api_key()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let shown = |text: Option<&str>| match text {
            Some(text) => PyString::new(py, text).repr().map(|text| text.to_string()),
            None => Ok("None".to_owned()),
        };
        let key = if self.0.api_key().is_some() { ", api_key='[redacted]'" } else { "" };
        let (model, url) = (shown(self.0.model())?, shown(self.0.base_url())?);
        Ok(format!("FallbackTarget(model={model}, base_url={url}{key})"))
    }
}

/// An ordered list of targets that take over a request which the one before does not serve. A target is
/// the name of a model of the same service, or a `FallbackTarget`.
///
/// `on`: which kinds of error lead to the next target, by default `not_found` and `overloaded`: at once where nothing is retried, such as
/// `not_found`; for others when the retries are used up, or the wait would be too long.
/// `overloaded_attempts`: how many attempts that end `overloaded` a target gets, although the policy would
/// allow more; from 1 to 1000.
/// `max_wait`: the longest wait, in seconds, for a target that is overloaded; at most a day.
///
/// Where the closed budget keeps an error from being retried, the next target of another service is
/// taken. Never when something of an answer was delivered, when the deadline is over, or when the request
/// may have been carried out and the policy does not allow to repeat it (`retry_ambiguous`).
///
/// Raises ValueError for an option that is out of its range.
#[pyclass(frozen, eq, module = "resayil")]
#[derive(PartialEq)]
pub(crate) struct Fallback(pub(crate) resayil_core::call::Fallback);

#[pymethods]
impl Fallback {
    #[new]
    #[pyo3(signature = (targets, *, on=None, overloaded_attempts=2, max_wait=10.0))]
    fn new(
        targets: &Bound<'_, PyAny>,
        on: Option<Vec<String>>,
        overloaded_attempts: i64,
        max_wait: f64,
    ) -> PyResult<Self> {
        if targets.is_instance_of::<PyString>() {
            return type_error("targets", "a list of models or of FallbackTarget", targets);
        }
        let mut builder = resayil_core::call::Fallback::builder()
            .overloaded_attempts(count(overloaded_attempts))
            .max_wait(input::duration("max_wait", max_wait)?);
        for target in targets.try_iter()? {
            let target = target?;
            builder = if let Ok(target) = target.cast::<FallbackTarget>() {
                builder.target(target.get().0.clone())
            } else if let Ok(model) = target.cast::<PyString>() {
                builder.target(&*model.to_cow()?)
            } else {
                return type_error("a target", "a str or a FallbackTarget", &target);
            };
        }
        if let Some(on) = on {
            let kinds: PyResult<Vec<Kind>> = on.iter().map(|kind| input::kind(kind)).collect();
            builder = builder.on(kinds?);
        }
        builder.build().map(Fallback).map_err(value_error)
    }

    /// Begins one call, at the target that the request names itself.
    fn start(&self) -> FallbackCall {
        FallbackCall(Mutex::new(self.0.start()))
    }

    /// The targets in order.
    #[getter]
    fn targets<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.rows().map(|row| Bound::new(py, row)).collect::<PyResult<Vec<_>>>()?)
    }

    /// The kinds of error that lead to the next target.
    #[getter]
    fn on<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.on().iter().map(|kind| kind.name()))
    }

    /// How many attempts that end `overloaded` a target gets.
    #[getter]
    fn overloaded_attempts(&self) -> u32 {
        self.0.overloaded_attempts()
    }

    /// The longest wait for a target that is overloaded, in seconds.
    #[getter]
    fn max_wait(&self) -> f64 {
        self.0.max_wait().as_secs_f64()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let targets: PyResult<Vec<String>> = self.rows().map(|row| row.__repr__(py)).collect();
        Ok(format!("Fallback([{}])", targets?.join(", ")))
    }
}

impl Fallback {
    fn rows(&self) -> impl Iterator<Item = FallbackTarget> {
        self.0.targets().iter().cloned().map(FallbackTarget)
    }
}

/// One call's way through the targets of a `Fallback`, for programs that have their own HTTP. Made by
/// `Fallback.start`.
#[pyclass(frozen, module = "resayil")]
pub(crate) struct FallbackCall(Mutex<resayil_core::call::FallbackCall>);

#[pymethods]
impl FallbackCall {
    /// The index of the target to take after this error; None if the call is to go on as it has decided.
    ///
    /// To be asked after each `call.on_error`, with the same error and time. Where it names a target,
    /// that decision is void: `call.restart()` begins the attempts anew, and the request is sent there at
    /// once, with another idempotency key.
    #[pyo3(signature = (call, error, now=None))]
    fn next(
        &self,
        call: &Bound<'_, Call>,
        error: &Bound<'_, PyAny>,
        now: Option<f64>,
    ) -> PyResult<Option<usize>> {
        let now = input::monotonic(now)?;
        let error = exceptions::error_of(error)?;
        // Nothing panics while it is held.
        let mut targets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(call.get().with(|call| targets.next(call, &error, now)))
    }

    /// The index of the target that the request is at; None for the one that it names itself.
    #[getter]
    fn current(&self) -> Option<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).current()
    }
}
