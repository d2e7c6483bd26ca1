//! The quota of one key that all processes of this host share.

use std::borrow::Cow;
use std::path::PathBuf;

use client::HostQuotaOptions;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::error::NativeError;
use crate::exceptions;
use crate::quota::Quota;

/// A quota whose model is in a small file, which all processes of this host share that use the same
/// origin, key, window and folder, in whatever language.
#[pyclass(frozen, module = "resayil._native")]
pub(crate) struct HostQuota(client::HostQuota, Py<Quota>);

#[pymethods]
impl HostQuota {
    /// `like` says limit and window; what is counted is in the file.
    #[new]
    #[pyo3(signature = (origin, api_key, like, *, folder=None))]
    fn new(
        py: Python<'_>,
        origin: Cow<'_, str>,
        api_key: Cow<'_, str>,
        like: &Bound<'_, Quota>,
        folder: Option<PathBuf>,
    ) -> PyResult<Self> {
        if origin.is_empty() {
            return Err(PyValueError::new_err("origin is empty"));
        }
        let given = like.get().options();
        let options = HostQuotaOptions::default().with_quota(given).with_folder(folder);
        let opened = py.detach(|| client::HostQuota::open(&origin, &api_key, &options));
        let opened = opened.map_err(|error| exceptions::raise(py, error))?;
        let quota = Py::new(py, Quota::of(opened.quota().clone(), given))?;
        Ok(HostQuota(opened, quota))
    }

    /// The quota.
    #[getter]
    fn quota(&self, py: Python<'_>) -> Py<Quota> {
        self.1.clone_ref(py)
    }

    /// Why the quota is not shared, or was not for some time; once.
    fn take_warning(&self) -> Option<NativeError> {
        self.0.take_warning().map(NativeError)
    }
}
