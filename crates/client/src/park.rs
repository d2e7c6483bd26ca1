//! Parking a thread until it is woken.

use std::sync::Arc;
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use crate::cancel::CancelToken;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// What wakes this thread.
pub(crate) fn waker() -> Waker {
    Arc::new(Unpark(thread::current())).into()
}

/// Waits until the waker is used, somebody cancels, or the time is over; perhaps less.
pub(crate) fn park(waker: &Waker, token: Option<&CancelToken>, at_most: Option<Duration>) {
    // Whoever cancelled before is seen here, and whoever does it later wakes.
    let _watch = token.map(|token| token.watch_waits(waker.clone()));
    if token.is_some_and(CancelToken::forbids_sending) {
        return;
    }
    match at_most {
        Some(time) => thread::park_timeout(time),
        None => thread::park(),
    }
}
