//! The retry budget.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use resayil_core::retry::BudgetOptions;

/// A stock of retries that calls share, so that an outage is not answered with a storm.
///
/// Each success adds `ratio` (from 0 to 10) of a retry, up to `reserve` (from 0 to 10,000); a retry
/// takes one, and two after a time-out. Waiting for a quota window costs nothing.
#[pyclass(frozen, module = "resayil")]
pub(crate) struct Budget {
    pub(crate) budget: resayil_core::retry::Budget,
    ratio: f64,
    reserve: f64,
}

#[pymethods]
impl Budget {
    #[new]
    #[pyo3(signature = (ratio=1.0, reserve=10.0))]
    fn new(ratio: f64, reserve: f64) -> PyResult<Self> {
        if !(0.0..=10.0).contains(&ratio) {
            return Err(PyValueError::new_err("ratio is out of range: it has to be 0 to 10"));
        }
        if !(0.0..=10_000.0).contains(&reserve) {
            return Err(PyValueError::new_err("reserve is out of range: it has to be 0 to 10000"));
        }
        let mut options = BudgetOptions::default();
        options.ratio = ratio;
        options.reserve = reserve;
        Ok(Budget { budget: resayil_core::retry::Budget::new(options), ratio, reserve })
    }

    /// How many retries are left.
    #[getter]
    fn remaining(&self) -> f64 {
        self.budget.remaining()
    }

    fn __repr__(&self) -> String {
        format!(
            "Budget(ratio={}, reserve={}) with {} left",
            self.ratio,
            self.reserve,
            self.budget.remaining()
        )
    }
}
