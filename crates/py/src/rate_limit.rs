//! What the headers of an answer say of the rate limit.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyType;

use crate::input;

type Numbers = (Option<u64>, Option<u64>, Option<f64>, Option<u64>, Option<u64>, Option<f64>);

/// What the headers of an answer say of the rate limit; what they do not say is None.
#[pyclass(frozen, eq, module = "resayil", name = "RateLimit")]
#[derive(PartialEq)]
pub(crate) struct RateLimit(pub(crate) resayil_core::error::RateLimit);

fn seconds(wait: Option<Duration>) -> Option<f64> {
    wait.map(|wait| wait.as_secs_f64())
}

#[pymethods]
impl RateLimit {
    #[new]
    #[pyo3(signature = (limit=None, remaining=None, reset_after=None, token_limit=None, tokens_remaining=None, tokens_reset_after=None))]
    fn new(
        limit: Option<u64>,
        remaining: Option<u64>,
        reset_after: Option<f64>,
        token_limit: Option<u64>,
        tokens_remaining: Option<u64>,
        tokens_reset_after: Option<f64>,
    ) -> PyResult<Self> {
        let wait = |name, seconds: Option<f64>| {
            seconds.map(|seconds| input::duration(name, seconds)).transpose()
        };
        let requests = resayil_core::error::RateLimit::new(
            limit,
            remaining,
            wait("reset_after", reset_after)?,
        );
        let tokens_reset_after = wait("tokens_reset_after", tokens_reset_after)?;
        Ok(RateLimit(requests.with_tokens(token_limit, tokens_remaining, tokens_reset_after)))
    }

    /// How many requests a window admits; tokens where the server counts only those.
    #[getter]
    fn limit(&self) -> Option<u64> {
        self.0.limit()
    }

    /// How many requests the window still admits.
    #[getter]
    fn remaining(&self) -> Option<u64> {
        self.0.remaining()
    }

    /// Seconds until the window ends.
    #[getter]
    fn reset_after(&self) -> Option<f64> {
        seconds(self.0.reset_after())
    }

    /// How many tokens a window admits.
    #[getter]
    fn token_limit(&self) -> Option<u64> {
        self.0.token_limit()
    }

    /// How many tokens the window still admits.
    #[getter]
    fn tokens_remaining(&self) -> Option<u64> {
        self.0.tokens_remaining()
    }

    /// Seconds until the window of tokens ends.
    #[getter]
    fn tokens_reset_after(&self) -> Option<f64> {
        seconds(self.0.tokens_reset_after())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let show = |value: Option<u64>| value.map_or("None".to_owned(), |value| value.to_string());
        let reset = self.reset_after().into_pyobject(py)?.repr()?;
        Ok(format!(
            "RateLimit(limit={}, remaining={}, reset_after={reset})",
            show(self.limit()),
            show(self.remaining()),
        ))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> (Bound<'py, PyType>, Numbers) {
        let limit = &slf.get().0;
        let numbers = (
            limit.limit(),
            limit.remaining(),
            seconds(limit.reset_after()),
            limit.token_limit(),
            limit.tokens_remaining(),
            seconds(limit.tokens_reset_after()),
        );
        (slf.get_type(), numbers)
    }
}
