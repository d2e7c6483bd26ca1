//! The options of one call of the client.

use std::borrow::Cow;

use ::client::{CallOptions, CancelToken};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::policy::RetryPolicy;
use crate::predicate::Predicate;
use crate::{enter, input};

/// The options of one call, what cancels it, and what was asked about its result.
pub(crate) struct Options {
    pub(crate) call: CallOptions,
    pub(crate) token: CancelToken,
    pub(crate) predicate: Option<Predicate>,
    /// Who is told of this call's decisions.
    pub(crate) observer: Option<Py<PyAny>>,
}

impl Options {
    /// Reads keyword arguments; None stands for what is not given.
    pub(crate) fn read(given: Option<&Bound<'_, PyDict>>, token: CancelToken) -> PyResult<Self> {
        let mut call = CallOptions::new().cancel(token.clone());
        let (mut predicate, mut observer) = (None, None);
        for (name, value) in given.into_iter().flatten() {
            if value.is_none() {
                continue;
            }
            let name: String = name.extract()?;
            let seconds = || input::duration(&name, value.extract()?);
            call = match name.as_str() {
                "deadline" => call.deadline(seconds()?),
                "attempt_timeout" => call.attempt_timeout(seconds()?),
                "idempotency_key" => call.idempotency_key(&value.extract::<Cow<'_, str>>()?),
                "policy" => call.policy(value.cast::<RetryPolicy>()?.get().0.clone()),
                "headers" => {
                    pairs(&value)?.iter().fold(call, |call, (name, value)| call.header(name, value))
                }
                "query" => {
                    pairs(&value)?.iter().fold(call, |call, (name, value)| call.query(name, value))
                }
                "cost" => call.cost(enter::cost(&value)?),
                "priority" => call.priority(enter::priority(&value)?),
                "tenant" => {
                    let (name, weight) = enter::tenant(&value)?;
                    call.tenant(&name, weight)
                }
                "observer" => {
                    observer = Some(value.unbind());
                    call
                }
                "retry_if_result" => {
                    let asked = Predicate::new(value.unbind());
                    predicate = Some(asked.clone());
                    call.retry_if_result(move |answer| asked.rejects(answer))
                }
                _ => return Err(PyTypeError::new_err(format!("a call has no option {name:?}"))),
            };
        }
        Ok(Options { call, token, predicate, observer })
    }
}

fn pairs(value: &Bound<'_, PyAny>) -> PyResult<Vec<(String, String)>> {
    value.extract()
}
