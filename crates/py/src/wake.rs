//! What wakes a thread or task of Python from a thread of Rust.

use std::sync::Arc;
use std::task::Wake;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

/// A callable without arguments that any thread may call.
pub(crate) struct Callback(Py<PyAny>);

impl Callback {
    /// # Errors
    ///
    /// TypeError for what is not callable.
    pub(crate) fn new(function: Py<PyAny>, py: Python<'_>) -> PyResult<Self> {
        if function.bind(py).is_callable() {
            return Ok(Callback(function));
        }
        Err(PyTypeError::new_err("waker has to be callable"))
    }

    /// Calls it. An interpreter that is shutting down has nobody left to wake.
    pub(crate) fn call(&self) {
        let _ = Python::try_attach(|py| {
            if let Err(error) = self.0.call0(py) {
                error.write_unraisable(py, Some(self.0.bind(py)));
            }
        });
    }
}

impl Wake for Callback {
    fn wake(self: Arc<Self>) {
        self.call();
    }
}
