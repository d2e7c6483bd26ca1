//! A streamed answer that a thread of its own reads ahead of who takes it, such as a task.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use ::client::{CallOptions, CancelToken, ChatRequest, ChatStream, Client};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use resayil_core::Error;

use crate::call_options::Options;
use crate::wake::Callback;
use crate::{exceptions, interrupt, observer};

/// No more events than this are read ahead of the caller.
const READ_AHEAD: usize = 16;

/// How the answer began.
#[derive(Clone)]
pub(crate) struct Head {
    pub(crate) attempts: u32,
    pub(crate) request_id: Option<String>,
    pub(crate) fallback: Option<usize>,
}

impl Head {
    pub(crate) fn of(stream: &ChatStream) -> Self {
        Head {
            attempts: stream.attempts(),
            request_id: stream.request_id().map(str::to_owned),
            fallback: stream.fallback(),
        }
    }
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

    /// Waits until the answer begins, or nothing comes.
    fn wait_for_head(&self) {
        let mut state = self.lock();
        while state.head.is_none() && !state.ended && !state.closed {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
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
            observer::observed(observer, None, || read(&client, &request, &options, &writer));
            // Before the end is told: who sees it may count what is in use.
            drop((client, options));
            writer.update(|state| state.ended = true);
        })?;
        Ok(Opening { shared, token, begun: false })
    }

    /// Waits for the beginning, in a thread that is not attached.
    pub(crate) fn receive(&self) {
        self.shared.wait_for_head();
    }

    /// The stream that has begun, or why there is none.
    pub(crate) fn finish(mut self, py: Python<'_>) -> PyResult<ReadAhead> {
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
                Ok(ReadAhead { shared, token, head })
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
    let head = Head::of(&stream);
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

/// A stream that a thread reads.
pub(crate) struct ReadAhead {
    shared: Arc<Shared>,
    token: CancelToken,
    head: Head,
}

/// What there is to take.
pub(crate) enum Next {
    Event(String),
    Failed(Error),
    End,
    Nothing,
}

impl ReadAhead {
    pub(crate) fn head(&self) -> &Head {
        &self.head
    }

    /// What there is to take now. If there is nothing yet, the waker is called once when there is.
    pub(crate) fn next(&self, waker: Callback) -> Next {
        // Left before looking, so that nothing comes unseen in between.
        let before = self.shared.lock().waker.replace(waker);
        drop(before);
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

    pub(crate) fn close(&self) {
        self.shared.close();
        self.token.cancel();
    }
}

impl Drop for ReadAhead {
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
