//! The quota of one key that processes of many hosts share.

use std::borrow::Cow;

use client::{ClientBuilder, FleetFailure};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use resayil_core::quota::QuotaOptions;
use resayil_core::quota::fleet::{FleetCall, FleetOptions};

use crate::error::NativeError;
use crate::exceptions;
use crate::quota::Quota;

/// How the server is reached: a URL, or a function of Python, which takes the words of a command and gives the
/// list of numbers that the server answers, or the text of the error that it answers, or raises.
pub(crate) enum Fleet {
    Url(String),
    Function(Py<PyAny>),
}

impl Fleet {
    pub(crate) fn read(value: &Bound<'_, PyAny>) -> PyResult<Self> {
        if value.is_instance_of::<PyString>() {
            return Ok(Fleet::Url(value.extract()?));
        }
        if value.is_callable() {
            return Ok(Fleet::Function(value.clone().unbind()));
        }
        Err(PyTypeError::new_err("fleet has to be a URL or a client of Redis or Valkey"))
    }

    pub(crate) fn apply(self, builder: ClientBuilder) -> ClientBuilder {
        match self {
            Fleet::Url(url) => builder.fleet(&url),
            Fleet::Function(function) => builder.fleet_with(move |call| carry(&function, call)),
        }
    }

    pub(crate) fn open(
        self,
        py: Python<'_>,
        origin: &str,
        api_key: &str,
        like: QuotaOptions,
    ) -> PyResult<client::FleetQuota> {
        let options = FleetOptions::default().with_quota(like);
        let opened = py.detach(|| match self {
            Fleet::Url(url) => client::FleetQuota::open(&url, origin, api_key, &options),
            Fleet::Function(function) => {
                let carry = move |call: &FleetCall| carry(&function, call);
                client::FleetQuota::open_with(carry, origin, api_key, &options)
            }
        });
        opened.map_err(|error| exceptions::raise(py, error))
    }
}

/// Carries a call. It runs in a thread of Rust.
fn carry(function: &Py<PyAny>, call: &FleetCall) -> Result<Vec<i64>, FleetFailure> {
    let lost = || FleetFailure::Lost("the interpreter is shutting down".to_owned());
    let carried = Python::try_attach(|py| {
        let told = |error: PyErr| FleetFailure::Lost(error.to_string());
        let answer = function.bind(py).call1((call.command(),)).map_err(told)?;
        match answer.extract::<String>() {
            Ok(error) => Err(FleetFailure::Server(error)),
            Err(_) => answer.extract().map_err(told),
        }
    });
    carried.ok_or_else(lost)?
}

/// A quota that all processes share which use the same server, origin, key and window, in whatever language.
#[pyclass(frozen, module = "resayil._native")]
pub(crate) struct FleetQuota(client::FleetQuota, Py<Quota>);

#[pymethods]
impl FleetQuota {
    /// `like` says limit and window.
    #[new]
    fn new(
        py: Python<'_>,
        fleet: &Bound<'_, PyAny>,
        origin: Cow<'_, str>,
        api_key: Cow<'_, str>,
        like: &Bound<'_, Quota>,
    ) -> PyResult<Self> {
        let given = like.get().options();
        let opened = Fleet::read(fleet)?.open(py, &origin, &api_key, given)?;
        let quota = Py::new(py, Quota::of(opened.quota().clone(), given))?;
        Ok(FleetQuota(opened, quota))
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
