//! The retry budget.

use std::time::Duration;

use pyo3::prelude::*;
use resayil_core::Policy;
use resayil_core::retry::BudgetOptions;

use crate::input::value_error;
use crate::quota::Quota;

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

impl Budget {
    /// A call that draws from it succeeded without a retry.
    pub(crate) fn on_success(&self) {
        Policy::default().start(Duration::ZERO, 0).with_budget(self.budget.clone()).on_success();
    }
}

#[pymethods]
impl Budget {
    #[new]
    #[pyo3(signature = (ratio=BudgetOptions::default().ratio, reserve=BudgetOptions::default().reserve), text_signature = "(ratio=1.0, reserve=10.0)")]
    fn new(ratio: f64, reserve: f64) -> PyResult<Self> {
        let options = BudgetOptions::default().with_ratio(ratio).with_reserve(reserve);
        options.check().map_err(value_error)?;
        Ok(Budget { budget: resayil_core::retry::Budget::new(options), ratio, reserve })
    }

    /// A budget that is kept where the model of this quota is kept: all processes that share the quota share
    /// it, too, so that in an outage many of one call each are no storm.
    #[staticmethod]
    #[pyo3(signature = (quota, ratio=BudgetOptions::default().ratio, reserve=BudgetOptions::default().reserve), text_signature = "(quota, ratio=1.0, reserve=10.0)")]
    fn shared(quota: &Bound<'_, Quota>, ratio: f64, reserve: f64) -> PyResult<Self> {
        let options = BudgetOptions::default().with_ratio(ratio).with_reserve(reserve);
        options.check().map_err(value_error)?;
        let budget = resayil_core::retry::Budget::shared(options, &quota.get().handle());
        Ok(Budget { budget, ratio, reserve })
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
