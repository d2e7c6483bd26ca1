//! Work that blocks in Rust, and that Ctrl-C still ends.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use client::CancelToken;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// How often a waiting call looks for signals.
pub(crate) const SIGNAL_POLL: Duration = Duration::from_millis(50);

/// Starts a thread of this module.
pub(crate) fn spawn(work: impl FnOnce() + Send + 'static) -> PyResult<()> {
    let started = thread::Builder::new().name("resayil".to_owned()).spawn(work);
    started.map(drop).map_err(|error| {
        PyRuntimeError::new_err(format!("the system starts no further thread: {error}"))
    })
}

/// Carries out `work` in a thread, detached from the interpreter. When a signal handler raises, the
/// token is cancelled and its exception goes to the caller at once.
pub(crate) fn run<T: Send + 'static>(
    py: Python<'_>,
    token: &CancelToken,
    work: impl FnOnce() -> T + Send + 'static,
) -> PyResult<T> {
    let (sender, receiver) = mpsc::sync_channel(1);
    spawn(move || {
        // Nobody listens any more after a signal.
        let _ = sender.send(work());
    })?;
    let (_, received) = receive(py, token, receiver)?;
    received.ok_or_else(|| PyRuntimeError::new_err("the call broke off by an internal error"))
}

/// Waits for the next message, detached from the interpreter; `None` when there will be none.
/// Gives the receiver back. On a signal as [`run`].
pub(crate) fn receive<T: Send>(
    py: Python<'_>,
    token: &CancelToken,
    mut receiver: Receiver<T>,
) -> PyResult<(Receiver<T>, Option<T>)> {
    loop {
        // A receiver may be moved to another thread, but not be shared, so it goes in and out.
        let (back, received) = py.detach(move || {
            let received = receiver.recv_timeout(SIGNAL_POLL);
            (receiver, received)
        });
        receiver = back;
        match received {
            Ok(message) => return Ok((receiver, Some(message))),
            Err(RecvTimeoutError::Disconnected) => return Ok((receiver, None)),
            Err(RecvTimeoutError::Timeout) => {
                if let Err(signal) = py.check_signals() {
                    token.cancel();
                    return Err(signal);
                }
            }
        }
    }
}
