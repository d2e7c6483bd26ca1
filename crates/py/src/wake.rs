//! What wakes a thread or task of Python from a thread of Rust.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;
use std::thread;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

/// How many threads of this module are in Python's code now.
static INSIDE: AtomicUsize = AtomicUsize::new(0);
/// The end of an interpreter waits no longer for them.
const PATIENCE: Duration = Duration::from_secs(1);

/// Does something in Python from a thread of this module; not in an interpreter that is going down.
pub(crate) fn attached<T>(work: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    struct Inside;
    impl Drop for Inside {
        fn drop(&mut self) {
            INSIDE.fetch_sub(1, Ordering::SeqCst);
        }
    }
    INSIDE.fetch_add(1, Ordering::SeqCst);
    let _inside = Inside;
    Python::try_attach(work)
}

/// Waits until no thread of this module is in Python's code: one that comes back to an interpreter that
/// is gone would be torn down, and the process with it. `atexit` calls this.
#[pyfunction]
pub(crate) fn wait_for_threads(py: Python<'_>) {
    let end = Instant::now() + PATIENCE;
    while INSIDE.load(Ordering::SeqCst) > 0 && Instant::now() < end {
        py.detach(|| thread::sleep(Duration::from_millis(1)));
    }
}

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
        let _ = attached(|py| {
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
