//! The course of one call, for the drivers in Python.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::PyBytes;
use resayil_core::call::{Attempt, OperationOptions, PendingResponse, Reached, Service, Step};
use resayil_core::observe::Observer;
use resayil_core::quota::Cost;
use resayil_core::redaction::OwnKey;
use resayil_core::{Error, Kind};

use crate::budget::Budget;
use crate::counters::Counters;
use crate::error::NativeError;
use crate::event_queue::{EventQueue, Told};
use crate::headers::Headers;
use crate::policy::{RetryPolicy, random_seed};
use crate::quota::Quota;
use crate::wake::Callback;
use crate::{enter, input};

/// One call over all its attempts: it says when to send and how long to wait, and is told what came of
/// each attempt. One that is not told raises RuntimeError at once. `now` is the clock of
/// `monotonic_now()` in all methods.
#[pyclass(frozen, module = "resayil._native")]
pub(crate) struct Operation {
    state: Mutex<State>,
    /// What happened and was not told yet.
    told: Arc<EventQueue>,
    observer: Option<Py<PyAny>>,
    /// What was decided on failed attempts, a line each.
    history: Mutex<Vec<String>>,
    /// The program's keys, which are in no error of this call.
    keys: Vec<OwnKey>,
}

struct State {
    operation: resayil_core::Operation,
    under_way: UnderWay,
    /// When the attempt that was begun last has to be over.
    ends_at: Option<Duration>,
}

enum UnderWay {
    Nothing,
    Attempt(Attempt),
    Response(PendingResponse),
}

#[pymethods]
impl Operation {
    #[new]
    #[pyo3(signature = (
        policy, budget=None, quota=None, counters=None, observer=None, begun=false, now=None, *,
        provider=None, attempt_timeout=None, metered=true, body=None, priority=None, tenant=None, keys=Vec::new()
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are the keyword arguments")]
    fn new(
        policy: &Bound<'_, RetryPolicy>,
        budget: Option<&Bound<'_, Budget>>,
        quota: Option<&Bound<'_, Quota>>,
        counters: Option<&Bound<'_, Counters>>,
        observer: Option<Py<PyAny>>,
        begun: bool,
        now: Option<f64>,
        provider: Option<Cow<'_, str>>,
        attempt_timeout: Option<f64>,
        metered: bool,
        body: Option<&[u8]>,
        priority: Option<&Bound<'_, PyAny>>,
        tenant: Option<&Bound<'_, PyAny>>,
        keys: Vec<String>,
    ) -> PyResult<Self> {
        let now = input::monotonic(now)?;
        let keys: Vec<OwnKey> = keys.iter().map(|key| OwnKey::new(key)).collect();
        let attempt_timeout =
            attempt_timeout.map(|it| input::duration("attempt_timeout", it)).transpose()?;
        let service = Service::new()
            .with_provider(input::provider(provider.as_deref())?)
            .with_budget(budget.map(|budget| budget.get().budget.clone()))
            .with_quota(quota.map(|quota| quota.get().handle()), now);
        let service = keys.iter().cloned().fold(service, Service::with_own_key);
        let mut enter = enter::options(None, priority, tenant)?;
        if let Some(body) = body.filter(|_| metered && quota.is_some()) {
            enter = enter.with_cost(Cost::estimate(body));
        }
        let is_observed = observer.is_some();
        let told = Arc::new(EventQueue::new(is_observed));
        let listener = Some(Arc::clone(&told) as Arc<dyn Observer>);
        let options = OperationOptions::new(policy.get().0.clone(), Arc::new(service))
            .with_counters(counters.map(|counters| counters.get().handle()))
            .with_observer(listener)
            .with_attempt_timeout(attempt_timeout)
            .with_enter_options(enter)
            .with_metered(metered);
        // There is no key whose form could be bad.
        let operation = options.start(now, random_seed()).map_err(input::value_error)?;
        let mut state = State { operation, under_way: UnderWay::Nothing, ends_at: None };
        if begun && state.poll(now, Waker::noop())?.is_some() {
            return Err(misuse("the first attempt of this operation has to wait"));
        }
        Ok(Operation { state: Mutex::new(state), told, observer, history: Mutex::default(), keys })
    }

    /// The bytes without the program's keys; None if they hold none.
    fn without_keys<'py>(&self, py: Python<'py>, bytes: &[u8]) -> Option<Bound<'py, PyBytes>> {
        match OwnKey::mask_all(&self.keys, bytes) {
            Cow::Owned(masked) => Some(PyBytes::new(py, &masked)),
            Cow::Borrowed(_) => None,
        }
    }

    /// What to do now: None to send, a number of seconds to wait, or the error to fail with. `waker` is
    /// called once, from any thread, when it is worth asking before that.
    #[pyo3(signature = (now=None, waker=None))]
    fn poll<'py>(
        &self,
        py: Python<'py>,
        now: Option<f64>,
        waker: Option<Py<PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let now = input::monotonic(now)?;
        let waker = to_waker(py, waker)?;
        let step =
            self.change(py, |state| state.poll(now, waker.as_ref().unwrap_or(Waker::noop())))?;
        to_step(py, step, now)
    }

    /// The attempt failed: `on_error` and `poll` at once. Without an error it was not about a call of an
    /// API, and with `give_up` it is not to be repeated. With `stale` it met a kept connection that the
    /// server had closed before a byte of the answer came.
    #[pyo3(signature = (error, give_up=false, now=None, waker=None, stale=false, /))]
    fn fail<'py>(
        &self,
        py: Python<'py>,
        error: Option<&NativeError>,
        give_up: bool,
        now: Option<f64>,
        waker: Option<Py<PyAny>>,
        stale: bool,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let now = input::monotonic(now)?;
        let waker = to_waker(py, waker)?;
        let step = self.change(py, |state| {
            match error {
                Some(error) if !give_up => state.on_error(error.0.clone(), stale, now)?,
                error => self.end(state, error.map(|error| error.0.clone()), now)?,
            }
            state.poll(now, waker.as_ref().unwrap_or(Waker::noop()))
        })?;
        to_step(py, step, now)
    }

    /// The head of the answer came.
    #[pyo3(signature = (status, headers, *, now=None, wall=None))]
    fn on_headers(
        &self,
        py: Python<'_>,
        status: &Bound<'_, PyAny>,
        headers: &Bound<'_, PyAny>,
        now: Option<f64>,
        wall: Option<f64>,
    ) -> PyResult<()> {
        let (status, headers) = (input::status(status)?, Headers::read(headers)?);
        let (now, wall) = (input::monotonic(now)?, input::wall(wall)?);
        self.change(py, |state| {
            let attempt = state.attempt()?;
            let operation = &mut state.operation;
            let response = operation.on_headers(attempt, status, &headers.pairs(), now, wall);
            state.under_way = UnderWay::Response(response);
            Ok(())
        })
    }

    /// The whole answer came: says whether it is a success, of which `on_success` is to be told, or
    /// `on_error` if it is of no use.
    #[pyo3(signature = (status, headers, body, *, now=None, wall=None))]
    fn on_answer(
        &self,
        py: Python<'_>,
        status: &Bound<'_, PyAny>,
        headers: &Bound<'_, PyAny>,
        body: &Bound<'_, PyAny>,
        now: Option<f64>,
        wall: Option<f64>,
    ) -> PyResult<bool> {
        let (status, headers) = (input::status(status)?, Headers::read(headers)?);
        let body = input::bytes(body, "body")?;
        let (now, wall) = (input::monotonic(now)?, input::wall(wall)?);
        self.change(py, |state| {
            let pairs = headers.pairs();
            let response = match std::mem::replace(&mut state.under_way, UnderWay::Nothing) {
                UnderWay::Attempt(attempt) => {
                    state.operation.on_headers(attempt, status, &pairs, now, wall)
                }
                UnderWay::Response(response) => response,
                UnderWay::Nothing => return Err(no_attempt()),
            };
            let good = state.operation.on_body(response, &pairs, body.as_ref(), now, wall);
            let is_good = good.is_some();
            if let Some(response) = good {
                state.under_way = UnderWay::Response(response);
            }
            Ok(is_good)
        })
    }

    /// The answer is there and good: the operation is over.
    #[pyo3(signature = (*, now=None))]
    fn on_success(&self, py: Python<'_>, now: Option<f64>) -> PyResult<()> {
        let now = input::monotonic(now)?;
        self.change(py, |state| {
            let response = state.response()?;
            state.operation.on_success(response, now);
            Ok(())
        })
    }

    /// The attempt failed, or its answer is of no use.
    #[pyo3(signature = (error, *, now=None))]
    fn on_error(&self, py: Python<'_>, error: &NativeError, now: Option<f64>) -> PyResult<()> {
        let now = input::monotonic(now)?;
        self.change(py, |state| state.on_error(error.0.clone(), false, now))
    }

    /// The call fails with this error whatever the policy; without one it is not about an API.
    #[pyo3(signature = (error=None, *, now=None))]
    fn give_up(
        &self,
        py: Python<'_>,
        error: Option<&NativeError>,
        now: Option<f64>,
    ) -> PyResult<()> {
        let now = input::monotonic(now)?;
        self.change(py, |state| self.end(state, error.map(|error| error.0.clone()), now))
    }

    /// The error for an attempt that took too long: a time-out, or the deadline if that is over.
    #[pyo3(signature = (*, ambiguous, now=None))]
    fn timeout_error(
        &self,
        py: Python<'_>,
        ambiguous: bool,
        now: Option<f64>,
    ) -> PyResult<NativeError> {
        let now = input::monotonic(now)?;
        Ok(NativeError(self.lock(py).operation.timeout_error(ambiguous, now)))
    }

    /// When the attempt that was begun last has to be over, on the clock of `now`: the end of its own
    /// time or the deadline; None if there is neither.
    #[getter]
    fn ends_at(&self, py: Python<'_>) -> Option<f64> {
        self.lock(py).ends_at.map(|at| at.as_secs_f64())
    }

    /// When the operation has to be over; None if nobody said so.
    #[getter]
    fn deadline(&self, py: Python<'_>) -> Option<f64> {
        self.lock(py).operation.deadline().map(|at| at.as_secs_f64())
    }

    /// Whether it has succeeded or failed.
    #[getter]
    fn is_over(&self, py: Python<'_>) -> bool {
        self.lock(py).operation.is_over()
    }

    /// What was decided on failed attempts, a line each.
    #[getter]
    fn history(&self) -> Vec<String> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many attempts were made.
    #[getter]
    fn attempts(&self, py: Python<'_>) -> u32 {
        self.lock(py).operation.attempts()
    }
}

impl Operation {
    /// Wakers of others are called while it is locked, and they let other threads run; so whoever
    /// waits for the lock must not keep the interpreter meanwhile.
    fn lock(&self, py: Python<'_>) -> MutexGuard<'_, State> {
        self.state.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and then tells what happened.
    fn change<T>(
        &self,
        py: Python<'_>,
        change: impl FnOnce(&mut State) -> PyResult<T>,
    ) -> PyResult<T> {
        let result = change(&mut self.lock(py));
        let told = std::mem::take(&mut *self.told.lock());
        for Told { event, line } in told {
            if let Some(line) = line {
                self.history.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
            let (Some(event), Some(observer)) = (event, &self.observer) else { continue };
            if let Err(error) = observer.call1(py, event) {
                error.write_unraisable(py, Some(observer.bind(py)));
            }
        }
        result
    }

    /// The call fails with this error; without one it goes through as if nobody had looked.
    fn end(&self, state: &mut State, error: Option<Error>, now: Duration) -> PyResult<()> {
        let response = state.response()?;
        let is_known = error.is_some();
        let error = error.unwrap_or_else(|| Error::new(Kind::Unknown, ""));
        state.operation.give_up(response, error, now);
        if !is_known {
            self.told.lock().clear();
        }
        Ok(())
    }
}

impl State {
    /// What to do now; none to send.
    fn poll(&mut self, now: Duration, waker: &Waker) -> PyResult<Option<Step>> {
        if !matches!(self.under_way, UnderWay::Nothing) {
            return Err(misuse("the operation was not told what came of the last attempt"));
        }
        Ok(match self.operation.poll(now, waker) {
            Step::Send(attempt) => {
                self.ends_at = attempt.ends_at();
                self.under_way = UnderWay::Attempt(attempt);
                None
            }
            step => Some(step),
        })
    }

    fn on_error(&mut self, error: Error, stale: bool, now: Duration) -> PyResult<()> {
        match std::mem::replace(&mut self.under_way, UnderWay::Nothing) {
            UnderWay::Attempt(attempt) => {
                let sent = error.is_ambiguous() || error.status().is_some();
                let reached = match sent {
                    true if stale => Reached::StaleConnection,
                    true => Reached::Server,
                    false => Reached::Nothing,
                };
                self.operation.on_failure(attempt, error, reached, now);
            }
            UnderWay::Response(response) => self.operation.on_error(response, error, now),
            UnderWay::Nothing => return Err(no_attempt()),
        }
        Ok(())
    }

    fn attempt(&mut self) -> PyResult<Attempt> {
        match std::mem::replace(&mut self.under_way, UnderWay::Nothing) {
            UnderWay::Attempt(attempt) => Ok(attempt),
            other => {
                self.under_way = other;
                Err(no_attempt())
            }
        }
    }

    fn response(&mut self) -> PyResult<PendingResponse> {
        match std::mem::replace(&mut self.under_way, UnderWay::Nothing) {
            UnderWay::Attempt(attempt) => Ok(attempt.into_response()),
            UnderWay::Response(response) => Ok(response),
            UnderWay::Nothing => Err(no_attempt()),
        }
    }
}

fn to_waker(py: Python<'_>, waker: Option<Py<PyAny>>) -> PyResult<Option<Waker>> {
    let waker = waker.map(|waker| Callback::new(waker, py)).transpose()?;
    Ok(waker.map(|waker| Waker::from(Arc::new(waker))))
}

/// A step as `poll` gives it.
fn to_step<'py>(
    py: Python<'py>,
    step: Option<Step>,
    now: Duration,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    Ok(match step {
        None => None,
        Some(Step::Wait { until, .. }) => {
            let wait = until.map_or(f64::INFINITY, |at| at.saturating_sub(now).as_secs_f64());
            Some(wait.into_pyobject(py)?.into_any())
        }
        Some(Step::Failed(error)) => Some(Bound::new(py, NativeError(error))?.into_any()),
        Some(_) => return Err(misuse("the operation is over")),
    })
}

fn no_attempt() -> PyErr {
    misuse("no attempt is under way that this could be told of")
}

fn misuse(problem: &'static str) -> PyErr {
    PyRuntimeError::new_err(problem)
}
