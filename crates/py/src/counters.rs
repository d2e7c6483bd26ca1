//! Counters, and the names under which they are exported.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use resayil_core::call::WaitReason;
use resayil_core::concurrency::ConcurrencyState;
use resayil_core::observe::{CallAction, CallEvent, Metric, Stats};
use resayil_core::quota::QuotaState as CoreState;

use crate::budget::Budget;
use crate::call::Decision;
use crate::{exceptions, input};

/// Counts what calls do: for `retry(counters=...)`, for the transports, and for programs of your own. Any
/// number of threads may count and read at once. `Client` has its own.
#[pyclass(frozen, module = "resayil")]
pub(crate) struct Counters(Arc<resayil_core::observe::Counters>);

impl Counters {
    /// The same counters, for an operation.
    pub(crate) fn handle(&self) -> Arc<resayil_core::observe::Counters> {
        Arc::clone(&self.0)
    }

    fn waited(&self, reason: WaitReason, wait: f64) -> PyResult<()> {
        let wait = input::duration("wait", wait)?;
        self.0.record(&CallEvent::new(CallAction::Waited(reason), 0).with_delay(wait));
        Ok(())
    }
}

#[pymethods]
impl Counters {
    #[new]
    fn new() -> Self {
        Counters(Arc::default())
    }

    /// A call begins.
    fn call_started(&self) {
        self.0.record(&CallEvent::new(CallAction::Start, 0));
    }

    /// A request is sent.
    fn attempt_started(&self) {
        self.0.record(&CallEvent::new(CallAction::Attempt, 0));
    }

    /// A call gave its answer.
    fn answered(&self) {
        self.0.record(&CallEvent::new(CallAction::Answer, 0));
    }

    /// A call gave its answer at the first attempt. The budget hears of it.
    #[pyo3(signature = (budget=None, /))]
    fn answered_at_once(&self, budget: Option<&Bound<'_, Budget>>) {
        for action in [CallAction::Start, CallAction::Attempt, CallAction::Answer] {
            self.0.record(&CallEvent::new(action, 1));
        }
        if let Some(budget) = budget {
            budget.get().on_success();
        }
    }

    /// What was decided on a failed attempt. `error` is an APIError, or an exception of an HTTP client
    /// that can be read as one; TypeError if it cannot.
    fn decided(&self, decision: &Decision, error: &Bound<'_, PyAny>) -> PyResult<()> {
        self.0.record(&CallEvent::decided(&decision.0, 0, &exceptions::error_of(error)?));
        Ok(())
    }

    /// A call waits for the quota; seconds.
    fn waited_for_quota(&self, wait: f64) -> PyResult<()> {
        self.waited(WaitReason::Quota, wait)
    }

    /// A call waits between two attempts for another reason; seconds.
    fn waited_for_backoff(&self, wait: f64) -> PyResult<()> {
        self.waited(WaitReason::Backoff, wait)
    }

    /// The numbers at this moment: a dict with the names of `Client.stats`.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        to_dict(py, &self.0.stats())
    }

    /// The same for an exporter: a list of `Metric`.
    fn metrics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        to_list(py, &self.0.stats())
    }

    fn __repr__(&self) -> String {
        let stats = self.0.stats();
        format!("<Counters of {} calls, {} attempts>", stats.calls, stats.attempts)
    }
}

/// The counters by their names.
pub(crate) fn to_dict<'py>(py: Python<'py>, stats: &Stats) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, count) in [
        ("calls", stats.calls),
        ("attempts", stats.attempts),
        ("answered", stats.answered),
        ("failed", stats.failed),
        ("refused", stats.refused),
        ("retries", stats.retries),
        ("stale_connections", stats.stale_connections),
        ("quota_waits", stats.quota_waits),
        ("backoff_waits", stats.backoff_waits),
    ] {
        dict.set_item(name, count)?;
    }
    dict.set_item("failed_by_kind", by(py, &stats.failed_by_kind, |kind| kind.name())?)?;
    dict.set_item("stops_by_reason", by(py, &stats.stops_by_reason, |reason| reason.name())?)?;
    dict.set_item("retries_by_reason", by(py, &stats.retries_by_reason, |reason| reason.name())?)?;
    dict.set_item("retries_by_kind", by(py, &stats.retries_by_kind, |kind| kind.name())?)?;
    dict.set_item("quota_wait", stats.quota_wait.as_secs_f64())?;
    dict.set_item("backoff_wait", stats.backoff_wait.as_secs_f64())?;
    dict.set_item("quota", stats.quota.as_ref().map(|state| quota(py, state)).transpose()?)?;
    dict.set_item("concurrency", stats.concurrency.map(|it| concurrency(py, it)).transpose()?)?;
    dict.set_item("budget_remaining", stats.budget_remaining)?;
    dict.set_item("budget_health", stats.budget_health)?;
    Ok(dict)
}

fn by<'py, K: Copy>(
    py: Python<'py>,
    counts: &[(K, u64)],
    name: impl Fn(K) -> &'static str,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (key, count) in counts {
        dict.set_item(name(*key), count)?;
    }
    Ok(dict)
}

fn quota<'py>(py: Python<'py>, state: &CoreState) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("limit", state.limit)?;
    dict.set_item("remaining", state.remaining)?;
    dict.set_item("reset_after", state.reset_after.map(|wait| wait.as_secs_f64()))?;
    dict.set_item("waiting", state.waiting)?;
    dict.set_item("admitted", state.admitted)?;
    dict.set_item("refused", state.refused)?;
    Ok(dict)
}

fn concurrency(py: Python<'_>, state: ConcurrencyState) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("limit", state.limit)?;
    dict.set_item("in_flight", state.in_flight)?;
    dict.set_item("waiting", state.waiting)?;
    Ok(dict)
}

/// The values as objects of the class `Metric`, which is Python's.
pub(crate) fn to_list<'py>(py: Python<'py>, stats: &Stats) -> PyResult<Bound<'py, PyList>> {
    let class = py.import("resayil._metrics")?.getattr("Metric")?;
    let list = PyList::empty(py);
    for metric in stats.metrics() {
        let attributes = PyDict::new(py);
        for (name, value) in metric.attributes() {
            attributes.set_item(name, value)?;
        }
        let row = metric.row();
        let fields = (row.name, attributes, row.unit, metric.value(), row.instrument.name());
        list.append(class.call1(fields)?)?;
    }
    Ok(list)
}

type MetricRow = (&'static str, &'static str, &'static str, Vec<&'static str>, &'static str);

/// The table of metrics: name, instrument, unit, attributes, description.
#[pyfunction]
pub(crate) fn metrics() -> Vec<MetricRow> {
    let row = |row: &&'static resayil_core::observe::MetricRow| {
        (row.name, row.instrument.name(), row.unit, row.attributes.to_vec(), row.meaning)
    };
    Metric::table().iter().map(row).collect()
}
