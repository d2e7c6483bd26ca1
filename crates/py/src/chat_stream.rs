//! A streamed answer of the client.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ::client::{CallOptions, CancelToken, ChatRequest, Client};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use resayil_core::Error;

use crate::{exceptions, interrupt};

/// No more events than this are read ahead of the caller.
const READ_AHEAD: usize = 16;

enum Message {
    /// The answer begins: the requests sent so far, the request's id, the fallback's target.
    Opened(u32, Option<String>, Option<usize>),
    /// An event, as JSON.
    Event(String),
    Failed(Error),
}

enum State {
    Open(Receiver<Message>),
    /// A thread waits for the next event.
    Busy,
    Closed,
}

/// The events of a streamed answer, as JSON. A thread of its own reads them.
#[pyclass(frozen, module = "resayil._native")]
pub(crate) struct ChatStream {
    state: Mutex<State>,
    token: CancelToken,
    attempts: u32,
    request_id: Option<String>,
    fallback: Option<usize>,
}

impl ChatStream {
    pub(crate) fn open(
        py: Python<'_>,
        client: Client,
        request: ChatRequest,
        options: CallOptions,
        token: CancelToken,
    ) -> PyResult<Self> {
        let (sender, receiver) = mpsc::sync_channel(READ_AHEAD);
        interrupt::spawn(move || {
            // A send fails when the caller has closed the stream: then all is done.
            let mut stream = match client.chat_stream_with(&request, &options) {
                Ok(stream) => stream,
                Err(error) => return drop(sender.send(Message::Failed(error))),
            };
            let request_id = stream.request_id().map(str::to_owned);
            let opened = Message::Opened(stream.attempts(), request_id, stream.fallback());
            if sender.send(opened).is_err() {
                return;
            }
            while let Some(event) = stream.next_event() {
                let message = match event {
                    Ok(event) => Message::Event(event.data().to_owned()),
                    Err(error) => Message::Failed(error),
                };
                if sender.send(message).is_err() {
                    return;
                }
            }
        })?;
        match interrupt::receive(py, &token, receiver)? {
            (receiver, Some(Message::Opened(attempts, request_id, fallback))) => {
                let state = Mutex::new(State::Open(receiver));
                Ok(ChatStream { state, token, attempts, request_id, fallback })
            }
            (_, Some(Message::Failed(error))) => Err(exceptions::raise(py, error)),
            _ => Err(PyRuntimeError::new_err("the call broke off by an internal error")),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the receiver back, unless the stream was closed meanwhile.
    fn put_back(&self, receiver: Receiver<Message>) {
        let mut state = self.lock();
        if matches!(*state, State::Busy) {
            *state = State::Open(receiver);
        }
    }
}

#[pymethods]
impl ChatStream {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let receiver = {
            let mut state = self.lock();
            match std::mem::replace(&mut *state, State::Busy) {
                State::Open(receiver) => receiver,
                State::Busy => {
                    return Err(PyRuntimeError::new_err("another thread reads this stream"));
                }
                State::Closed => {
                    *state = State::Closed;
                    return Ok(None);
                }
            }
        };
        match interrupt::receive(py, &self.token, receiver) {
            Ok((receiver, Some(Message::Event(data)))) => {
                self.put_back(receiver);
                Ok(Some(data))
            }
            Ok((_, Some(Message::Failed(error)))) => {
                self.close();
                Err(exceptions::raise(py, error))
            }
            Ok(_) => {
                self.close();
                Ok(None)
            }
            Err(signal) => {
                self.close();
                Err(signal)
            }
        }
    }

    /// Closes the connection. What follows is the end of the iteration.
    fn close(&self) {
        *self.lock() = State::Closed;
        self.token.cancel();
    }

    /// How many requests were sent before the answer began.
    #[getter]
    fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The provider's id of the request.
    #[getter]
    fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// The index of the fallback's target that answers; None for the one that was asked first.
    #[getter]
    fn fallback(&self) -> Option<usize> {
        self.fallback
    }
}

impl Drop for ChatStream {
    fn drop(&mut self) {
        self.token.cancel();
    }
}
