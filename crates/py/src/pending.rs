//! A call that a thread of its own carries out while a task of Python waits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::client::CancelToken;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::interrupt;
use crate::wake::Callback;

/// Makes the result, or raises the error, when the interpreter is attached.
pub(crate) type Finish = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// A call under way. The waker that it was started with is called once, when the result is there.
#[pyclass(frozen, module = "resayil._native")]
pub(crate) struct Pending {
    result: Arc<Mutex<Option<Finish>>>,
    token: CancelToken,
    taken: AtomicBool,
}

fn lock(result: &Mutex<Option<Finish>>) -> MutexGuard<'_, Option<Finish>> {
    result.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pending {
    /// Starts the work, which ends when the token is cancelled.
    pub(crate) fn start(
        token: CancelToken,
        waker: Callback,
        work: impl FnOnce() -> Finish + Send + 'static,
    ) -> PyResult<Self> {
        let result = Arc::new(Mutex::new(None));
        let place = Arc::clone(&result);
        interrupt::spawn(move || {
            let finish = work();
            *lock(&place) = Some(finish);
            waker.call();
        })?;
        Ok(Pending { result, token, taken: AtomicBool::new(false) })
    }
}

#[pymethods]
impl Pending {
    /// The result, once the waker was called; raises what went wrong. May be called once.
    fn take(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let finish = lock(&self.result).take();
        match finish {
            Some(finish) => {
                // A stream that has begun goes on with the same token.
                self.taken.store(true, Ordering::Relaxed);
                finish(py)
            }
            None => Err(PyRuntimeError::new_err("there is no result")),
        }
    }

    /// Ends the call: its connection is closed, and its place and its turn are free.
    fn cancel(&self, py: Python<'_>) {
        py.detach(|| self.token.cancel());
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.taken.load(Ordering::Relaxed) {
            self.token.cancel();
        }
    }
}
