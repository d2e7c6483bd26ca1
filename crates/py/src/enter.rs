//! How a request stands in a quota's line: cost, priority, tenant.

use std::borrow::Cow;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use resayil_core::quota::{Cost, EnterOptions, Priority};

use crate::input;

/// Of keyword arguments; None stands for what is not given.
pub(crate) fn options(
    cost: Option<&Bound<'_, PyAny>>,
    priority: Option<&Bound<'_, PyAny>>,
    tenant: Option<&Bound<'_, PyAny>>,
) -> PyResult<EnterOptions> {
    let mut options = EnterOptions::default();
    if let Some(value) = cost {
        options = options.with_cost(self::cost(value)?);
    }
    if let Some(value) = priority {
        options = options.with_priority(self::priority(value)?);
    }
    if let Some(value) = tenant {
        let (name, weight) = self::tenant(value)?;
        options = options.with_tenant(&name, weight);
    }
    Ok(options)
}

/// So many tokens in all, or those of the prompt and those of the answer, of which None is unknown.
pub(crate) fn cost(value: &Bound<'_, PyAny>) -> PyResult<Cost> {
    if let Ok(tokens) = value.extract::<u64>() {
        return Ok(Cost::default().with_input_tokens(tokens).with_output_tokens(0));
    }
    let (prompt, answer): (Option<u64>, Option<u64>) = value.extract().map_err(|_| {
        PyTypeError::new_err(
            "cost has to be a number of tokens, or a pair: those of the prompt and of the answer",
        )
    })?;
    Ok(Cost::default().with_input_tokens(prompt).with_output_tokens(answer))
}

pub(crate) fn priority(value: &Bound<'_, PyAny>) -> PyResult<Priority> {
    value.extract::<Cow<'_, str>>()?.parse().map_err(input::value_error)
}

/// A name, or a pair of a name and its weight.
pub(crate) fn tenant(value: &Bound<'_, PyAny>) -> PyResult<(String, u32)> {
    if let Ok(name) = value.extract::<String>() {
        return Ok((name, 1));
    }
    let (name, weight): (String, u32) = value.extract().map_err(|_| {
        PyTypeError::new_err("tenant has to be a name, or a pair of a name and a weight")
    })?;
    if !(1..=1000).contains(&weight) {
        let problem = format!("the weight of a tenant has to be from 1 to 1000, not {weight}");
        return Err(PyValueError::new_err(problem));
    }
    Ok((name, weight))
}
