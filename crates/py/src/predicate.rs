//! A Python function that says whether an answer is taken.

use std::sync::{Arc, Mutex, PoisonError};

use client::Response;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::wake;

/// The function, and what it raised in the thread of the call.
#[derive(Clone)]
pub(crate) struct Predicate(Arc<Inner>);

struct Inner {
    function: Py<PyAny>,
    failure: Mutex<Option<PyErr>>,
}

impl Predicate {
    pub(crate) fn new(function: Py<PyAny>) -> Self {
        Predicate(Arc::new(Inner { function, failure: Mutex::new(None) }))
    }

    /// Asks the function. What it raises ends the call, as a success that nobody sees.
    pub(crate) fn rejects(&self, answer: &Response) -> bool {
        let asked = wake::attached(|py| {
            let text = String::from_utf8_lossy(answer.body());
            let arguments = (text, answer.attempts(), answer.request_id(), answer.fallback());
            self.0.function.bind(py).call1(arguments)?.is_truthy()
        });
        // An interpreter that is going down is asked nothing.
        let gone = || Err(PyRuntimeError::new_err("the interpreter is going down"));
        asked.unwrap_or_else(gone).unwrap_or_else(|raised| {
            *self.0.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(raised);
            false
        })
    }

    /// What the function raised.
    pub(crate) fn take_failure(&self) -> Option<PyErr> {
        self.0.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
