//! The retry policy.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState};

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use resayil_core::{Kind, Policy};

use crate::budget::Budget;
use crate::call::Call;
use crate::input::{self, value_error};

/// When to try again. It cannot be changed; `replace` makes a changed copy.
///
/// `max_attempts`: attempts in all, the first included, from 1 to 1000.
/// `deadline`: seconds that the whole call may take, waits included; None is no limit.
/// `base_delay`, `factor`, `max_delay`: the back-off, in seconds; at most a day.
/// `max_hint`: the longest wait that a server may ask for, in seconds; a longer one stops at once.
/// `jitter`: `equal`, `full`, `additive`, `decorrelated`, `quarter` or `none`.
/// `max_quota_waits`: how often one call may be refused for quota, from 0 to 1000; such waits
/// spend no attempt.
/// `patience`: seconds that a call waits, in all and without sending, for a retry that its budget does
/// not afford; None is the sum of the back-off delays without jitter, 0 not at all.
/// `retry_ambiguous`: whether a request that may have been carried out (and billed) is repeated.
/// `retry_kinds`: verdicts that differ from the table of kinds, such as `{"server": False}`.
///
/// Raises ValueError for an option that is out of its range.
#[pyclass(frozen, eq, module = "resayil")]
#[derive(PartialEq)]
pub(crate) struct RetryPolicy(pub(crate) Policy);

#[pymethods]
impl RetryPolicy {
    #[new]
    #[pyo3(
        signature = (max_attempts=i64::from(Policy::default().max_attempts()), deadline=None, base_delay=Policy::default().base_delay().as_secs_f64(), max_delay=Policy::default().max_delay().as_secs_f64(), max_hint=Policy::default().max_hint().as_secs_f64(), *, factor=Policy::default().factor(), jitter=Cow::Borrowed(Policy::default().jitter().name()), max_quota_waits=i64::from(Policy::default().max_quota_waits()), patience=None, retry_ambiguous=Policy::default().retry_ambiguous(), retry_kinds=None),
        text_signature = "(max_attempts=5, deadline=None, base_delay=1.0, max_delay=60.0, max_hint=120.0, *, factor=2.0, jitter='equal', max_quota_waits=20, patience=None, retry_ambiguous=True, retry_kinds=None)"
    )]
    #[expect(clippy::too_many_arguments, reason = "they are the options, by keyword")]
    fn new(
        max_attempts: i64,
        deadline: Option<f64>,
        base_delay: f64,
        max_delay: f64,
        max_hint: f64,
        factor: f64,
        jitter: Cow<'_, str>,
        max_quota_waits: i64,
        patience: Option<f64>,
        retry_ambiguous: bool,
        retry_kinds: Option<BTreeMap<String, bool>>,
    ) -> PyResult<Self> {
        let deadline = deadline.map(|seconds| input::duration("deadline", seconds)).transpose()?;
        let patience = patience.map(|seconds| input::duration("patience", seconds)).transpose()?;
        let mut builder = Policy::builder()
            .max_attempts(count(max_attempts))
            .deadline(deadline)
            .base_delay(input::duration("base_delay", base_delay)?)
            .max_delay(input::duration("max_delay", max_delay)?)
            .max_hint(input::duration("max_hint", max_hint)?)
            .factor(factor)
            .jitter(jitter.parse().map_err(value_error)?)
            .max_quota_waits(count(max_quota_waits))
            .patience(patience)
            .retry_ambiguous(retry_ambiguous);
        for (kind, retry) in retry_kinds.unwrap_or_default() {
            builder = builder.retry_kind(input::kind(&kind)?, retry);
        }
        builder.build().map(RetryPolicy).map_err(value_error)
    }

    /// Never tries again, not even after a quota refusal.
    #[staticmethod]
    fn none() -> Self {
        RetryPolicy(Policy::none())
    }

    /// For people who wait at a screen: tries again soon, after 0.25 s to 4 s, and gives up soon: after
    /// three attempts, or when the server asks for more than 10 s. The one that tries hardest is
    /// `patient`.
    #[staticmethod]
    fn aggressive() -> Self {
        RetryPolicy(Policy::aggressive())
    }

    /// For jobs that nobody waits for: ten attempts, hints of up to an hour, and in an outage a day
    /// of patience.
    #[staticmethod]
    fn patient() -> Self {
        RetryPolicy(Policy::patient())
    }

    /// As OpenAI's SDK, for programs that move over: two retries after 0.5 s and 1 s, less up to a
    /// quarter, and waits that a server names up to 60 s.
    #[staticmethod]
    fn openai() -> Self {
        RetryPolicy(Policy::openai())
    }

    /// Begins one call. `now` is the clock of `monotonic_now()`, by default read from it; `seed`
    /// decides the jitter, by default at random; `budget` is shared by calls.
    #[pyo3(signature = (now=None, seed=None, *, budget=None))]
    fn start(
        &self,
        now: Option<f64>,
        seed: Option<u64>,
        budget: Option<&Bound<'_, Budget>>,
    ) -> PyResult<Call> {
        let now = input::monotonic(now)?;
        let call = self.0.start(now, seed.unwrap_or_else(random_seed));
        Ok(Call::new(match budget {
            Some(budget) => call.with_budget(budget.get().budget.clone()),
            None => call,
        }))
    }

    /// A copy with some options changed.
    #[pyo3(signature = (**changes))]
    fn replace<'py>(
        slf: &Bound<'py, Self>,
        changes: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let options = slf.get().options(slf.py())?;
        if let Some(changes) = changes {
            options.update(changes.as_mapping())?;
        }
        slf.get_type().call((), Some(&options))
    }

    /// How many attempts one call may make, the first included.
    #[getter]
    fn max_attempts(&self) -> u32 {
        self.0.max_attempts()
    }

    /// Seconds that a call may take in all, waits included.
    #[getter]
    fn deadline(&self) -> Option<f64> {
        self.0.deadline().map(|deadline| deadline.as_secs_f64())
    }

    /// The first back-off delay, in seconds.
    #[getter]
    fn base_delay(&self) -> f64 {
        self.0.base_delay().as_secs_f64()
    }

    /// The longest back-off delay, in seconds.
    #[getter]
    fn max_delay(&self) -> f64 {
        self.0.max_delay().as_secs_f64()
    }

    /// The longest wait that a server may ask for, in seconds.
    #[getter]
    fn max_hint(&self) -> f64 {
        self.0.max_hint().as_secs_f64()
    }

    /// By how much each back-off delay exceeds the one before.
    #[getter]
    fn factor(&self) -> f64 {
        self.0.factor()
    }

    /// How back-off delays are spread.
    #[getter]
    fn jitter(&self) -> &'static str {
        self.0.jitter().name()
    }

    /// How often one call may be refused for quota.
    #[getter]
    fn max_quota_waits(&self) -> u32 {
        self.0.max_quota_waits()
    }

    /// Seconds that a call waits, in all, for a retry that its budget does not afford; None is the sum
    /// of the back-off delays.
    #[getter]
    fn patience(&self) -> Option<f64> {
        self.0.patience().map(|patience| patience.as_secs_f64())
    }

    /// Whether a request that may have been carried out is repeated.
    #[getter]
    fn retry_ambiguous(&self) -> bool {
        self.0.retry_ambiguous()
    }

    /// The verdicts that differ from the table of kinds.
    #[getter]
    fn retry_kinds(&self) -> BTreeMap<&'static str, bool> {
        let verdict =
            |row: &resayil_core::error::KindRow| Some((row.name, self.0.verdict(row.kind)?));
        Kind::table().iter().filter_map(verdict).collect()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let defaults = RetryPolicy(Policy::default()).options(py)?;
        let mut shown = Vec::new();
        for (name, value) in self.options(py)? {
            if !defaults.get_item(&name)?.is_some_and(|default| default.eq(&value).unwrap_or(false))
            {
                shown.push(format!("{name}={}", value.repr()?));
            }
        }
        Ok(format!("RetryPolicy({})", shown.join(", ")))
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        // Equal policies have equal texts of their data.
        format!("{:?}", self.0).hash(&mut hasher);
        hasher.finish()
    }

    fn __getnewargs_ex__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        Ok((PyTuple::empty(py), self.options(py)?))
    }
}

impl RetryPolicy {
    fn options<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let options = PyDict::new(py);
        options.set_item("max_attempts", self.max_attempts())?;
        options.set_item("deadline", self.deadline())?;
        options.set_item("base_delay", self.base_delay())?;
        options.set_item("max_delay", self.max_delay())?;
        options.set_item("max_hint", self.max_hint())?;
        options.set_item("factor", self.factor())?;
        options.set_item("jitter", self.jitter())?;
        options.set_item("max_quota_waits", self.max_quota_waits())?;
        options.set_item("patience", self.patience())?;
        options.set_item("retry_ambiguous", self.retry_ambiguous())?;
        let kinds = self.retry_kinds();
        options.set_item("retry_kinds", if kinds.is_empty() { None } else { Some(kinds) })?;
        Ok(options)
    }
}

/// A count. What no `u32` holds becomes one that is out of range of every option.
pub(crate) fn count(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// A seed that nobody can guess and that differs from call to call.
pub(crate) fn random_seed() -> u64 {
    RandomState::new().build_hasher().finish()
}
