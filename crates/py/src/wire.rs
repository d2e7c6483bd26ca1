//! What comes on a connection of another library, read by the rules of the client.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::NativeError;
use crate::input;

/// What comes on one connection of another library, as it can read it: the heads of answers without what is odd
/// about them, bodies with a framing that is in order. Other protocols pass as they are.
#[pyclass(frozen, module = "resayil._native")]
pub(crate) struct Wire(Mutex<client::Wire>);

impl Wire {
    fn lock(&self) -> MutexGuard<'_, client::Wire> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Wire {
    /// `host` is what errors call the other side.
    #[new]
    fn new(host: &str, max_head_bytes: usize, max_headers: usize) -> Self {
        Wire(Mutex::new(client::Wire::new(host, max_head_bytes, max_headers)))
    }

    /// These bytes are sent: the first of a request tell what its answer will be like.
    fn sent(&self, data: &Bound<'_, PyAny>) -> PyResult<()> {
        self.lock().sent(input::bytes(data, "data")?.as_ref());
        Ok(())
    }

    /// Takes what came, and gives what to read in its place; perhaps nothing yet, or nothing more: see `error`.
    fn feed<'py>(&self, data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
        let out = self.lock().feed(input::bytes(data, "data")?.as_ref());
        Ok(PyBytes::new(data.py(), &out))
    }

    /// The other side has ended the connection. Gives what is still to be read before that.
    fn end<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.lock().end())
    }

    /// Why no more can be read.
    #[getter]
    fn error(&self) -> Option<NativeError> {
        self.lock().failure().cloned().map(NativeError)
    }

    /// Whether the answer is whole although the connection broke before its end.
    #[getter]
    fn is_past_data(&self) -> bool {
        self.lock().is_past_data()
    }

    /// Whether something came that nobody asked for, so that no other request may be sent here.
    #[getter]
    fn is_spoiled(&self) -> bool {
        self.lock().is_spoiled()
    }
}
