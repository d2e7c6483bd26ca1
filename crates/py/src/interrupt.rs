//! Work that blocks in Rust, and that Ctrl-C still ends.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use client::CancelToken;
use pyo3::exceptions::{PyException, PyRuntimeError};
use pyo3::prelude::*;

use crate::wake;

/// How often a waiting call looks for signals.
const SIGNAL_POLL: Duration = Duration::from_millis(50);

/// Starts a thread of this module.
pub(crate) fn spawn(work: impl FnOnce() + Send + 'static) -> PyResult<()> {
    let started = thread::Builder::new().name("resayil".to_owned()).spawn(work);
    started.map(drop).map_err(|error| {
        PyRuntimeError::new_err(format!("the system starts no further thread: {error}"))
    })
}

/// What ends a call in the thread of its caller: a signal whose handler raises. Python runs the handlers
/// in its main thread alone, so a call that waits there looks for them.
#[derive(Clone)]
pub(crate) struct Interruption {
    token: CancelToken,
    raised: Arc<Mutex<Option<PyErr>>>,
}

impl Interruption {
    pub(crate) fn new() -> Self {
        let raised = Arc::new(Mutex::new(None));
        let place = Arc::clone(&raised);
        let token = CancelToken::from_fn(SIGNAL_POLL, move || {
            let looked = wake::attached(|py| py.check_signals());
            // An interpreter that is going down has no signals.
            let Some(Err(exception)) = looked else { return false };
            keep(&place, exception);
            true
        });
        Interruption { token, raised }
    }

    /// The token of the call that is to be ended.
    pub(crate) fn token(&self) -> &CancelToken {
        &self.token
    }

    /// Ends the call by an exception that a function of the program's raised in it, if it is no mere
    /// mistake: the handler of a signal runs wherever the interpreter is. Gives back any other.
    pub(crate) fn end_by(&self, py: Python<'_>, exception: PyErr) -> Option<PyErr> {
        if exception.is_instance_of::<PyException>(py) {
            return Some(exception);
        }
        keep(&self.raised, exception);
        self.token.cancel();
        None
    }

    /// Carries out `work` detached from the interpreter.
    ///
    /// # Errors
    ///
    /// What a signal's handler raised; RuntimeError if the work broke off.
    pub(crate) fn run<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce() -> T + Send,
    ) -> PyResult<T> {
        let result = py.detach(|| catch_unwind(AssertUnwindSafe(work)));
        let raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner).take();
        match raised {
            Some(exception) => Err(exception),
            None => result
                .map_err(|_| PyRuntimeError::new_err("the call broke off by an internal error")),
        }
    }
}

fn keep(place: &Mutex<Option<PyErr>>, exception: PyErr) {
    *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(exception);
}
