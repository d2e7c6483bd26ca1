//! From an error to the Python exception of its kind.

use pyo3::exceptions::{PyBaseException, PyOSError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use resayil_core::{Error, Kind};

use crate::error::NativeError;

struct Class {
    class: Py<PyType>,
    /// Whether `BaseException.__new__` makes instances of it: not so for those of OSError.
    plain: bool,
}

struct Classes {
    /// In the order of the table of kinds.
    by_kind: Vec<Class>,
    /// Of a time-out that a server in front of the service told.
    gateway_timeout: Class,
    new: Py<PyAny>,
}

static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();

impl Classes {
    fn load(py: Python<'_>) -> PyResult<Classes> {
        let module = py.import("resayil._exceptions")?;
        let load = |name: &str| -> PyResult<Class> {
            // A kind that the Python half does not know yet is still an APIError.
            let class = match module.getattr_opt(name)? {
                Some(class) => class,
                None => module.getattr("APIError")?,
            };
            let class = class.cast_into::<PyType>()?;
            let plain = !class.is_subclass_of::<PyOSError>()?;
            Ok(Class { class: class.unbind(), plain })
        };
        let by_kind =
            Kind::table().iter().map(|row| load(row.python_class)).collect::<Result<_, _>>()?;
        let gateway_timeout = load("GatewayTimeoutError")?;
        let new = py.get_type::<PyBaseException>().getattr("__new__")?.unbind();
        Ok(Classes { by_kind, gateway_timeout, new })
    }
}

/// The exception that stands for the error.
pub(crate) fn exception<'py>(py: Python<'py>, error: Error) -> PyResult<Bound<'py, PyAny>> {
    let classes = CLASSES.get_or_try_init(py, || Classes::load(py))?;
    let kind = error.kind();
    let class = if kind == Kind::Timeout && error.status().is_some_and(|status| status >= 500) {
        &classes.gateway_timeout
    } else {
        let index = Kind::table().iter().position(|row| row.kind == kind).unwrap_or(0);
        &classes.by_kind[index]
    };
    let handle = Bound::new(py, NativeError(error))?;
    if class.plain {
        // Past __init__, which is written in Python and would take most of the time.
        classes.new.bind(py).call1((class.class.bind(py), handle))
    } else {
        class.class.bind(py).call1((handle,))
    }
}

/// The exception that stands for an error, not raised.
#[pyfunction]
pub(crate) fn to_exception<'py>(
    py: Python<'py>,
    error: &Bound<'py, NativeError>,
) -> PyResult<Bound<'py, PyAny>> {
    exception(py, error.get().0.clone())
}

/// The exception that stands for the error, to be raised.
pub(crate) fn raise(py: Python<'_>, error: Error) -> PyErr {
    exception(py, error).map_or_else(|failed| failed, PyErr::from_value)
}

/// The error that an exception stands for: an APIError, a handle, or a foreign exception that
/// `resayil._interop` can read.
pub(crate) fn error_of(exception: &Bound<'_, PyAny>) -> PyResult<Error> {
    if let Ok(handle) = exception.cast::<NativeError>() {
        return Ok(handle.get().0.clone());
    }
    let py = exception.py();
    let read = py.import("resayil._interop")?.call_method1("read_error", (exception,))?;
    match read.cast::<NativeError>() {
        Ok(handle) => Ok(handle.get().0.clone()),
        Err(_) => Err(pyo3::exceptions::PyTypeError::new_err(format!(
            "error has to be an APIError or an exception of an HTTP client, not {}",
            exception.get_type().name()?
        ))),
    }
}
