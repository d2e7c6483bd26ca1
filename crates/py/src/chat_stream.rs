//! A streamed answer of the client.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::client::{CallOptions, CancelToken, ChatRequest, Client};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyRuntimeError, PyStopIteration};
use pyo3::prelude::*;
use resayil_core::Error;

use crate::call_options::Options;
use crate::wake::Callback;
use crate::{client_options, exceptions, interrupt};

/// No more events than this are read ahead of the caller.
const READ_AHEAD: usize = 16;

/// How the answer began.
#[derive(Clone)]
struct Head {
    attempts: u32,
    request_id: Option<String>,
    fallback: Option<usize>,
}

/// What the thread that reads hands to the one that takes.
#[derive(Default)]
struct State {
    head: Option<Head>,
    events: VecDeque<String>,
    failure: Option<Error>,
    /// Nothing follows.
    ended: bool,
    /// Nobody takes any more.
    closed: bool,
    waker: Option<Callback>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and tells the taker. Says whether anybody takes.
    fn update(&self, change: impl FnOnce(&mut State)) -> bool {
        let (waker, open) = {
            let mut state = self.lock();
            change(&mut state);
            (state.waker.take(), !state.closed)
        };
        self.changed.notify_all();
        if let Some(waker) = waker {
            waker.call();
        }
        open
    }

    /// Adds an event when there is room. Says whether anybody takes.
    fn push(&self, event: String) -> bool {
        let mut state = self.lock();
        while state.events.len() >= READ_AHEAD && !state.closed {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        self.update(|state| state.events.push_back(event))
    }

    /// Waits until there is something to take.
    fn wait(&self, until: impl Fn(&State) -> bool, limit: Option<Duration>) {
        let mut state = self.lock();
        while !until(&state) && !state.closed {
            state = match limit {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(limit) => {
                    let waited = self.changed.wait_timeout(state, limit);
                    drop(waited.unwrap_or_else(PoisonError::into_inner));
                    return;
                }
            };
        }
    }

    fn close(&self) {
        self.update(|state| {
            state.closed = true;
            state.events.clear();
        });
    }
}

/// A stream whose answer has not begun yet.
pub(crate) struct Opening {
    shared: Arc<Shared>,
    token: CancelToken,
    /// Whether somebody has it now.
    begun: bool,
}

impl Drop for Opening {
    fn drop(&mut self) {
        if !self.begun {
            self.token.cancel();
            self.shared.close();
        }
    }
}

impl Opening {
    /// Starts the thread that reads the answer.
    pub(crate) fn start(client: Client, request: ChatRequest, options: Options) -> PyResult<Self> {
        let Options { call: options, token, observer, .. } = options;
        let shared = Arc::<Shared>::default();
        let writer = Arc::clone(&shared);
        interrupt::spawn(move || {
            client_options::observed(observer, || read(&client, &request, &options, &writer));
            // Before the end is told: who sees it may count what is in use.
            drop((client, options));
            writer.update(|state| state.ended = true);
        })?;
        Ok(Opening { shared, token, begun: false })
    }

    /// Waits for the beginning, in a thread that is not attached.
    pub(crate) fn receive(&self) {
        self.shared.wait(|state| state.head.is_some() || state.ended, None);
    }

    /// Waits for the beginning; a signal ends it.
    pub(crate) fn wait(self, py: Python<'_>) -> PyResult<ChatStream> {
        loop {
            py.detach(|| {
                let begun = |state: &State| state.head.is_some() || state.ended;
                self.shared.wait(begun, Some(interrupt::SIGNAL_POLL));
            });
            let state = self.shared.lock();
            if state.head.is_some() || state.ended {
                break;
            }
            drop(state);
            py.check_signals()?;
        }
        self.finish(py)
    }

    /// The stream that has begun, or why there is none.
    pub(crate) fn finish(mut self, py: Python<'_>) -> PyResult<ChatStream> {
        let (head, failure) = {
            let mut state = self.shared.lock();
            let head = state.head.clone();
            let failure = if head.is_none() { state.failure.take() } else { None };
            (head, failure)
        };
        match (head, failure) {
            (Some(head), _) => {
                self.begun = true;
                let (shared, token) = (Arc::clone(&self.shared), self.token.clone());
                Ok(ChatStream { shared, token, head })
            }
            (None, Some(error)) => Err(exceptions::raise(py, error)),
            (None, None) => Err(PyRuntimeError::new_err("the call broke off by an internal error")),
        }
    }
}

fn read(client: &Client, request: &ChatRequest, options: &CallOptions, shared: &Shared) {
    let fail = |error| {
        shared.update(|state| state.failure = Some(error));
    };
    let mut stream = match client.chat_stream_with(request, options) {
        Ok(stream) => stream,
        Err(error) => return fail(error),
    };
    let head = Head {
        attempts: stream.attempts(),
        request_id: stream.request_id().map(str::to_owned),
        fallback: stream.fallback(),
    };
    if !shared.update(|state| state.head = Some(head)) {
        return;
    }
    while let Some(event) = stream.next_event() {
        match event {
            Ok(event) => {
                if !shared.push(event.data().to_owned()) {
                    return;
                }
            }
            Err(error) => return fail(error),
        }
    }
}

/// The events of a streamed answer, as JSON. A thread of its own reads them.
#[pyclass(frozen, module = "resayil._native")]
pub(crate) struct ChatStream {
    shared: Arc<Shared>,
    token: CancelToken,
    head: Head,
}

/// What there is to take.
enum Next {
    Event(String),
    Failed(Error),
    End,
    Nothing,
}

impl ChatStream {
    fn next(&self) -> Next {
        let mut state = self.shared.lock();
        if state.closed {
            return Next::End;
        }
        if let Some(event) = state.events.pop_front() {
            drop(state);
            self.shared.changed.notify_all();
            return Next::Event(event);
        }
        match (state.failure.take(), state.ended) {
            (Some(error), _) => Next::Failed(error),
            (None, true) => Next::End,
            (None, false) => Next::Nothing,
        }
    }
}

#[pymethods]
impl ChatStream {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<String>> {
        loop {
            match self.next() {
                Next::Event(event) => return Ok(Some(event)),
                Next::End => return Ok(None),
                Next::Failed(error) => {
                    self.close();
                    return Err(exceptions::raise(py, error));
                }
                Next::Nothing => {}
            }
            py.detach(|| {
                let some = |state: &State| {
                    !state.events.is_empty() || state.failure.is_some() || state.ended
                };
                self.shared.wait(some, Some(interrupt::SIGNAL_POLL));
            });
            if let Err(signal) = py.check_signals() {
                self.close();
                return Err(signal);
            }
        }
    }

    /// The next event; None if there is none yet: then the waker is called once, when it is worth asking
    /// again. Raises StopIteration at the end.
    fn poll(&self, py: Python<'_>, waker: Py<PyAny>) -> PyResult<Py<PyAny>> {
        let waker = Callback::new(waker, py)?;
        // Left before looking, so that nothing comes unseen in between.
        let before = self.shared.lock().waker.replace(waker);
        drop(before);
        match self.next() {
            Next::Event(event) => event.into_py_any(py),
            Next::Nothing => Ok(py.None()),
            Next::End => Err(PyStopIteration::new_err(())),
            Next::Failed(error) => {
                self.close();
                Err(exceptions::raise(py, error))
            }
        }
    }

    /// Closes the connection. What follows is the end of the iteration.
    fn close(&self) {
        self.shared.close();
        self.token.cancel();
    }

    /// How many requests were sent before the answer began.
    #[getter]
    fn attempts(&self) -> u32 {
        self.head.attempts
    }

    /// The provider's id of the request.
    #[getter]
    fn request_id(&self) -> Option<&str> {
        self.head.request_id.as_deref()
    }

    /// The index of the fallback's target that answers; None for the one that was asked first.
    #[getter]
    fn fallback(&self) -> Option<usize> {
        self.head.fallback
    }
}

impl Drop for ChatStream {
    fn drop(&mut self) {
        self.token.cancel();
        // The thread that reads may wait for room. Nobody else is left to be woken.
        let mut state = self.shared.lock();
        state.closed = true;
        state.waker = None;
        drop(state);
        self.shared.changed.notify_all();
    }
}
