//! The quota of one key.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use client::{HostQuota, HostQuotaOptions};
use pyo3::exceptions::{PyRuntimeError, PyRuntimeWarning, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use resayil_core::Error;
use resayil_core::quota::{Admission, QuotaOptions, Settlement};

use crate::fleet::Fleet;
use crate::headers::Headers;
use crate::wake::Callback;
use crate::{enter, exceptions, input};

/// The quota of one API key, shared by all senders in this process: so many requests in a window
/// that is aligned to the server's clock.
///
/// `limit` is how many requests a window admits, from 1; None learns it from answers. `window` is
/// its length in seconds; None is for services without such windows. `now` is the clock of
/// `monotonic_now()` and `wall` that of `time.time()`; both are read if they are not given.
#[pyclass(frozen, subclass, module = "resayil._native")]
pub(crate) struct Quota {
    quota: resayil_core::Quota,
    options: QuotaOptions,
}

impl Quota {
    /// The same quota, for the client.
    pub(crate) fn handle(&self) -> resayil_core::Quota {
        self.quota.clone()
    }

    /// A quota that was made elsewhere.
    pub(crate) fn of(quota: resayil_core::Quota, options: QuotaOptions) -> Self {
        Quota { quota, options }
    }

    /// Limit and window, for a quota that is shared by a file.
    pub(crate) fn options(&self) -> QuotaOptions {
        self.options
    }
}

#[pymethods]
impl Quota {
    #[new]
    #[pyo3(signature = (
        limit=None, window=60.0, *, now=None, wall=None, fleet=None, group=None, share=false,
        folder=None, token_limit=None
    ))]
    #[allow(clippy::too_many_arguments)] // They are keyword arguments.
    fn new(
        py: Python<'_>,
        limit: Option<u32>,
        window: Option<f64>,
        now: Option<f64>,
        wall: Option<f64>,
        fleet: Option<&Bound<'_, PyAny>>,
        group: Option<&str>,
        share: bool,
        folder: Option<PathBuf>,
        token_limit: Option<u64>,
    ) -> PyResult<Self> {
        let window = window.map(|seconds| input::duration("window", seconds)).transpose()?;
        let options = QuotaOptions::default().with_limit(limit).with_window(window);
        let options = options.with_token_limit(token_limit);
        options.check().map_err(input::value_error)?;
        let group = || {
            let named = group.filter(|group| !group.is_empty());
            named.ok_or_else(|| {
                PyTypeError::new_err("a shared quota needs a group: the name of what shares it")
            })
        };
        if share && fleet.is_some() {
            return Err(PyTypeError::new_err("share and fleet exclude each other"));
        }
        if share {
            let shared = HostQuotaOptions::default().with_quota(options).with_folder(folder);
            let group = group()?;
            let opened = py.detach(|| HostQuota::open(HostQuota::GROUP, group, &shared));
            let opened = opened.map_err(|error| exceptions::raise(py, error))?;
            if let Some(problem) = opened.take_warning() {
                let text = format!("the quota is not shared: {problem}");
                let category = py.get_type::<PyRuntimeWarning>();
                py.import("warnings")?.call_method1("warn", (text, category, 3))?;
            }
            return Ok(Quota { quota: opened.quota().clone(), options });
        }
        if let Some(fleet) = fleet {
            let opened = Fleet::read(fleet)?.open(py, HostQuota::GROUP, group()?, options)?;
            return Ok(Quota { quota: opened.quota().clone(), options });
        }
        let (wall, now) = (input::wall(wall)?, input::monotonic(now)?);
        Ok(Quota { quota: resayil_core::Quota::new(options, wall, now), options })
    }

    /// Takes a place in the line, for a request of so many tokens, by priority and tenant.
    #[pyo3(signature = (*, cost=None, priority=None, tenant=None))]
    fn enter(
        &self,
        cost: Option<&Bound<'_, PyAny>>,
        priority: Option<&Bound<'_, PyAny>>,
        tenant: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Ticket> {
        let options = enter::options(cost, priority, tenant)?;
        Ok(Ticket(Mutex::new(Some(self.quota.enter_with(&options)))))
    }

    /// What the quota knows.
    #[pyo3(signature = (now=None))]
    fn state(&self, now: Option<f64>) -> PyResult<QuotaState> {
        Ok(QuotaState(self.quota.state(input::monotonic(now)?)))
    }

    /// The limit that was given.
    #[getter]
    fn limit(&self) -> Option<u32> {
        self.options.limit
    }

    /// The length of the window in seconds.
    #[getter]
    fn window(&self) -> Option<f64> {
        self.options.window.map(|window| window.as_secs_f64())
    }
}

/// A sender's place in the line, then its admission, to be settled when the answer is there.
#[pyclass(frozen, module = "resayil")]
pub(crate) struct Ticket(Mutex<Option<resayil_core::quota::Ticket>>);

impl Ticket {
    /// Wakers of others are called while it is locked, and they let other threads run; so whoever
    /// waits for the lock must not keep the interpreter meanwhile.
    fn lock(&self, py: Python<'_>) -> MutexGuard<'_, Option<resayil_core::quota::Ticket>> {
        self.0.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
    }
}

fn settled() -> PyErr {
    PyRuntimeError::new_err("the ticket was settled or cancelled before")
}

#[pymethods]
impl Ticket {
    /// Asks whether to send now: None if so, else the seconds after which to ask again.
    ///
    /// `waker` is called once, without arguments and from any thread, when it is worth asking before
    /// `poll_at`; it takes the place of the one before.
    #[pyo3(signature = (now=None, waker=None))]
    fn poll(
        &self,
        py: Python<'_>,
        now: Option<f64>,
        waker: Option<Py<PyAny>>,
    ) -> PyResult<Option<f64>> {
        let now = input::monotonic(now)?;
        let waker = waker.map(|waker| Callback::new(waker, py)).transpose()?;
        let waker = waker.map(|waker| Waker::from(Arc::new(waker)));
        let mut ticket = self.lock(py);
        let ticket = ticket.as_mut().ok_or_else(settled)?;
        let admission = match &waker {
            Some(waker) => ticket.poll_with(now, waker),
            None => ticket.poll(now),
        };
        match admission {
            Admission::Ready => Ok(None),
            Admission::Wait(wait) => Ok(Some(wait.as_secs_f64())),
        }
    }

    /// When to ask again if the waker was not called, on the clock of `now`; None if it was not
    /// asked yet, or is admitted. It may be later than `poll` says: answers that are under way wake.
    #[getter]
    fn poll_at(&self, py: Python<'_>) -> PyResult<Option<f64>> {
        let ticket = self.lock(py);
        let at = ticket.as_ref().ok_or_else(settled)?.poll_at();
        Ok(at.map(|at| at.as_secs_f64()))
    }

    /// Tells the answer: its status and headers, and the error that it stands for, if it is one.
    #[pyo3(signature = (status, headers, error=None, *, now=None, wall=None))]
    fn settle(
        &self,
        py: Python<'_>,
        status: &Bound<'_, PyAny>,
        headers: &Bound<'_, PyAny>,
        error: Option<&Bound<'_, PyAny>>,
        now: Option<f64>,
        wall: Option<f64>,
    ) -> PyResult<()> {
        let (status, headers) = (input::status(status)?, Headers::read(headers)?);
        let error: Option<Error> = error.map(exceptions::error_of).transpose()?;
        let wall = input::wall(wall)?;
        let settlement = Settlement::from_answer(status, &headers.pairs(), error.as_ref(), wall);
        let now = input::monotonic(now)?;
        let ticket = self.lock(py).take().ok_or_else(settled)?;
        ticket.settle(&settlement, now);
        Ok(())
    }

    /// Whether it was settled or cancelled.
    #[getter]
    fn is_settled(&self, py: Python<'_>) -> bool {
        self.lock(py).is_none()
    }

    /// Gives the ticket to `with`: at the end of the block it is settled by what was raised, unless the
    /// block has done so.
    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (_type, exception, _traceback))]
    fn __exit__(
        slf: &Bound<'_, Self>,
        _type: &Bound<'_, PyAny>,
        exception: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let module = slf.py().import("resayil._quota")?;
        module.call_method1("settle", (slf, exception)).map(drop)
    }

    /// Leaves the line; an admitted request that has no answer counts as consumed. May be called
    /// at any time.
    fn cancel(&self, py: Python<'_>) {
        let ticket = self.lock(py).take();
        drop(ticket);
    }
}

/// What a quota knows, to be shown.
#[pyclass(frozen, eq, module = "resayil")]
#[derive(PartialEq)]
pub(crate) struct QuotaState(pub(crate) resayil_core::quota::QuotaState);

#[pymethods]
impl QuotaState {
    /// Requests that a window admits, if it is known.
    #[getter]
    fn limit(&self) -> Option<u32> {
        self.0.limit
    }

    /// How many more this window admits, if the limit is known.
    #[getter]
    fn remaining(&self) -> Option<u32> {
        self.0.remaining
    }

    /// Seconds until the window ends, or until a refusal is over.
    #[getter]
    fn reset_after(&self) -> Option<f64> {
        self.0.reset_after.map(|wait| wait.as_secs_f64())
    }

    /// How many senders wait.
    #[getter]
    fn waiting(&self) -> usize {
        self.0.waiting
    }

    /// How many requests were admitted since the beginning.
    #[getter]
    fn admitted(&self) -> u64 {
        self.0.admitted
    }

    /// How many of them the server refused.
    #[getter]
    fn refused(&self) -> u64 {
        self.0.refused
    }

    fn __repr__(&self) -> String {
        let number = |number: Option<u32>| number.map_or("None".into(), |n| n.to_string());
        format!(
            "QuotaState(limit={}, remaining={}, waiting={}, admitted={}, refused={})",
            number(self.0.limit),
            number(self.0.remaining),
            self.0.waiting,
            self.0.admitted,
            self.0.refused
        )
    }
}
