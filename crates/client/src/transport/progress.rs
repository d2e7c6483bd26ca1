//! How far one attempt has come, and how long it may take; known to the connection that serves it.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::cancel::CancelToken;
use crate::clock::monotonic_now;

/// One attempt, as its connection sees it.
///
/// ureq blocks the thread that calls it, so the attempt of a thread is found through a
/// thread-local variable; see [`Progress::enter`].
#[derive(Debug)]
pub(crate) struct Progress {
    cancel: Option<CancelToken>,
    /// Microseconds on the monotonic clock after which no read or write may wait.
    ends_at: AtomicU64,
    sent: AtomicBool,
    received: AtomicBool,
    reused: AtomicBool,
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Progress>>> = const { RefCell::new(None) };
}

impl Progress {
    pub(crate) fn new(cancel: Option<CancelToken>, ends_at: Duration) -> Arc<Self> {
        let progress = Progress {
            cancel,
            ends_at: AtomicU64::new(0),
            sent: AtomicBool::new(false),
            received: AtomicBool::new(false),
            reused: AtomicBool::new(false),
        };
        progress.set_end(ends_at);
        Arc::new(progress)
    }

    /// Moves the time after which no read or write may wait.
    pub(crate) fn set_end(&self, ends_at: Duration) {
        let micros = u64::try_from(ends_at.as_micros()).unwrap_or(u64::MAX);
        self.ends_at.store(micros, Ordering::Relaxed);
    }

    /// How long a read or write may still wait.
    pub(crate) fn left(&self) -> Duration {
        Duration::from_micros(self.ends_at.load(Ordering::Relaxed)).saturating_sub(monotonic_now())
    }

    pub(crate) fn cancel_token(&self) -> Option<&CancelToken> {
        self.cancel.as_ref()
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.as_ref().is_some_and(CancelToken::is_cancelled)
    }

    /// Whether the server may have got the request.
    pub(crate) fn is_sent(&self) -> bool {
        self.sent.load(Ordering::Relaxed)
    }

    /// Whether the server had closed the connection before it saw the request, as far as one can
    /// tell: it served a request before, and nothing came back.
    pub(crate) fn may_be_stale(&self) -> bool {
        self.reused.load(Ordering::Relaxed) && !self.received.load(Ordering::Relaxed)
    }

    /// A connection was made, or taken from the pool; nothing was sent on it for this attempt.
    pub(crate) fn on_connected(&self) {
        self.sent.store(false, Ordering::Relaxed);
    }

    /// Bytes of the request are about to be sent.
    pub(crate) fn on_send(&self, reused: bool) {
        if !self.sent.swap(true, Ordering::Relaxed) {
            self.reused.store(reused, Ordering::Relaxed);
        }
    }

    /// Bytes of the answer came.
    pub(crate) fn on_received(&self) {
        self.received.store(true, Ordering::Relaxed);
    }

    /// Makes this the attempt of this thread, until the guard is dropped.
    pub(crate) fn enter(self: &Arc<Self>) -> Entered {
        Entered(CURRENT.replace(Some(Arc::clone(self))))
    }

    /// The attempt of this thread.
    pub(crate) fn current() -> Option<Arc<Self>> {
        CURRENT.with_borrow(Clone::clone)
    }
}

/// Puts the attempt of before back when it is dropped.
pub(crate) struct Entered(Option<Arc<Progress>>);

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}
