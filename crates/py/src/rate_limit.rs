//! What the headers of an answer say of the rate limit.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};

use crate::input;

/// Limit, what remains and seconds until the window ends.
type Window = (Option<u64>, Option<u64>, Option<f64>);

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
    #[pyo3(signature = (limit=None, remaining=None, reset_after=None, token_limit=None, tokens_remaining=None, tokens_reset_after=None, input_token_limit=None, input_tokens_remaining=None, input_tokens_reset_after=None, output_token_limit=None, output_tokens_remaining=None, output_tokens_reset_after=None))]
    #[expect(clippy::too_many_arguments, reason = "one a field, by its name")]
    fn new(
        limit: Option<u64>,
        remaining: Option<u64>,
        reset_after: Option<f64>,
        token_limit: Option<u64>,
        tokens_remaining: Option<u64>,
        tokens_reset_after: Option<f64>,
        input_token_limit: Option<u64>,
        input_tokens_remaining: Option<u64>,
        input_tokens_reset_after: Option<f64>,
        output_token_limit: Option<u64>,
        output_tokens_remaining: Option<u64>,
        output_tokens_reset_after: Option<f64>,
    ) -> PyResult<Self> {
        let wait = |name, seconds: Option<f64>| {
            seconds.map(|seconds| input::duration(name, seconds)).transpose()
        };
        let reset = wait("reset_after", reset_after)?;
        let tokens_reset = wait("tokens_reset_after", tokens_reset_after)?;
        let input_reset = wait("input_tokens_reset_after", input_tokens_reset_after)?;
        let output_reset = wait("output_tokens_reset_after", output_tokens_reset_after)?;
        Ok(RateLimit(
            resayil_core::error::RateLimit::new(limit, remaining, reset)
                .with_tokens(token_limit, tokens_remaining, tokens_reset)
                .with_input_tokens(input_token_limit, input_tokens_remaining, input_reset)
                .with_output_tokens(output_token_limit, output_tokens_remaining, output_reset),
        ))
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

    /// How many tokens of prompts a window admits, where the server counts them apart, as Anthropic does.
    #[getter]
    fn input_token_limit(&self) -> Option<u64> {
        self.0.input_token_limit()
    }

    /// How many tokens of prompts the window still admits.
    #[getter]
    fn input_tokens_remaining(&self) -> Option<u64> {
        self.0.input_tokens_remaining()
    }

    /// Seconds until the window of the tokens of prompts ends, or until that bucket is full.
    #[getter]
    fn input_tokens_reset_after(&self) -> Option<f64> {
        seconds(self.0.input_tokens_reset_after())
    }

    /// How many tokens of answers a window admits, where the server counts them apart, as Anthropic does.
    #[getter]
    fn output_token_limit(&self) -> Option<u64> {
        self.0.output_token_limit()
    }

    /// How many tokens of answers the window still admits.
    #[getter]
    fn output_tokens_remaining(&self) -> Option<u64> {
        self.0.output_tokens_remaining()
    }

    /// Seconds until the window of the tokens of answers ends, or until that bucket is full.
    #[getter]
    fn output_tokens_reset_after(&self) -> Option<f64> {
        seconds(self.0.output_tokens_reset_after())
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

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyType>, Bound<'py, PyTuple>)> {
        let limit = slf.get();
        let (of, py) = (&limit.0, slf.py());
        let windows: [Window; 4] = [
            (of.limit(), of.remaining(), limit.reset_after()),
            (of.token_limit(), of.tokens_remaining(), limit.tokens_reset_after()),
            (of.input_token_limit(), of.input_tokens_remaining(), limit.input_tokens_reset_after()),
            (
                of.output_token_limit(),
                of.output_tokens_remaining(),
                limit.output_tokens_reset_after(),
            ),
        ];
        let mut numbers = Vec::with_capacity(3 * windows.len());
        for (limit, remaining, reset) in windows {
            numbers.push(limit.into_pyobject(py)?);
            numbers.push(remaining.into_pyobject(py)?);
            numbers.push(reset.into_pyobject(py)?);
        }
        Ok((slf.get_type(), PyTuple::new(py, numbers)?))
    }
}
