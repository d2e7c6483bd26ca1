//! One call and its attempts.

use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyType;
use resayil_core::Decision as CoreDecision;
use resayil_core::observe::CallEvent;
use resayil_core::retry::{RetryReason, StopReason};

use crate::budget::Budget;
use crate::error::NativeError;
use crate::policy::RetryPolicy;
use crate::{exceptions, input};

/// One call: it is told each failure, and answers what to do. Made by `RetryPolicy.start`.
///
/// It neither sleeps nor reads a clock if `now` is given. All calls of `now` have to mean the same
/// clock: that of `monotonic_now()`, or one of your own.
#[pyclass(frozen, module = "resayil")]
pub(crate) struct Call(Mutex<resayil_core::retry::Call>);

impl Call {
    pub(crate) fn new(call: resayil_core::retry::Call) -> Self {
        Call(Mutex::new(call))
    }

    /// What the call itself is needed for.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&resayil_core::retry::Call) -> T) -> T {
        work(&self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, resayil_core::retry::Call> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Call {
    /// Tells a failed attempt, and answers what to do next. `error` is an APIError, or an exception
    /// of an HTTP client that can be read as one; TypeError if it cannot. What the budget does not afford is a
    /// retry for the reason `budget`: after its delay this call may try whether the service is back, free of charge.
    #[pyo3(signature = (error, now=None))]
    fn on_error(&self, error: &Bound<'_, PyAny>, now: Option<f64>) -> PyResult<Decision> {
        let now = input::monotonic(now)?;
        let error = exceptions::error_of(error)?;
        Ok(Decision(self.lock().on_error(&error, now)))
    }

    /// Tells that the call succeeded, which fills the budget.
    fn on_success(&self) {
        self.lock().on_success();
    }

    /// Begins the attempts anew, at another target: see `FallbackCall.next`. The deadline stays, and so
    /// does the budget, unless another service's is given.
    #[pyo3(signature = (*, budget=None))]
    fn restart(&self, budget: Option<&Bound<'_, Budget>>) {
        let mut call = self.lock();
        call.restart();
        if let Some(budget) = budget {
            *call = call.clone().with_budget(budget.get().budget.clone());
        }
    }

    /// The error as the caller is given it after this decision to stop: with the number of requests,
    /// and marked as exhausted if an outer layer must not begin anew.
    fn _mark(&self, error: &NativeError, decision: &Decision, attempts: u32) -> NativeError {
        let error = error.0.clone().with_attempts(attempts);
        NativeError(match decision.0 {
            CoreDecision::Stop { reason } => self.lock().mark(error, reason),
            CoreDecision::Retry { .. } => error,
        })
    }

    /// How many failed attempts were told so far, refusals for quota included.
    #[getter]
    fn failures(&self) -> u32 {
        self.lock().failures()
    }

    /// The policy of this call.
    #[getter]
    fn policy(&self) -> RetryPolicy {
        RetryPolicy(self.lock().policy().clone())
    }

    /// Seconds that are left until the deadline; None when there is no deadline.
    #[pyo3(signature = (now=None))]
    fn remaining(&self, now: Option<f64>) -> PyResult<Option<f64>> {
        let now = input::monotonic(now)?;
        Ok(self.lock().remaining(now).map(|left| left.as_secs_f64()))
    }

    fn __repr__(&self) -> String {
        format!("<Call with {} failures>", self.lock().failures())
    }
}

/// What to do after a failed attempt: `retry` says whether to try again, `delay` how many seconds
/// to wait before, `reason` why.
#[pyclass(frozen, eq, hash, module = "resayil")]
#[derive(PartialEq, Eq)]
pub(crate) struct Decision(pub(crate) CoreDecision);

impl std::hash::Hash for Decision {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.0.delay(), self.0.reason()).hash(state);
    }
}

#[pymethods]
impl Decision {
    #[new]
    fn new(retry: bool, delay: Option<f64>, reason: Cow<'_, str>) -> PyResult<Self> {
        let unknown = || PyValueError::new_err(format!("unknown reason {reason:?}"));
        if !retry {
            if delay.is_some() {
                return Err(PyValueError::new_err("delay has to be None without a retry"));
            }
            let found = StopReason::ALL.iter().copied().find(|known| known.name() == reason);
            return Ok(Decision(CoreDecision::Stop { reason: found.ok_or_else(unknown)? }));
        }
        let Some(delay) = delay else {
            return Err(PyValueError::new_err("delay has to be given with a retry"));
        };
        let delay = input::duration("delay", delay)?;
        let found = RetryReason::ALL.iter().copied().find(|known| known.name() == reason);
        Ok(Decision(CoreDecision::Retry { delay, reason: found.ok_or_else(unknown)? }))
    }

    #[classattr]
    fn __match_args__() -> (&'static str, &'static str, &'static str) {
        ("retry", "delay", "reason")
    }

    /// Whether to try again.
    #[getter]
    fn retry(&self) -> bool {
        self.0.is_retry()
    }

    /// Seconds to wait before the next attempt; None when there is none.
    #[getter]
    fn delay(&self) -> Option<f64> {
        self.0.delay().map(|delay| delay.as_secs_f64())
    }

    /// What the decision follows from, for log lines and metrics.
    #[getter]
    fn reason(&self) -> &'static str {
        self.0.reason()
    }

    /// The text of a log line.
    fn _text(&self, attempt: u32, error: &NativeError) -> String {
        CallEvent::decided(&self.0, attempt, &error.0).to_string()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let retry = if self.retry() { "True" } else { "False" };
        let delay = self.delay().into_pyobject(py)?.repr()?;
        Ok(format!("Decision(retry={retry}, delay={delay}, reason={:?})", self.reason()))
    }

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> (Bound<'py, PyType>, (bool, Option<f64>, &'static str)) {
        let this = slf.get();
        (slf.get_type(), (this.retry(), this.delay(), this.reason()))
    }
}
