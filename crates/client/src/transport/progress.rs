//! How far one attempt has come, and how long it may take.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::cancel::CancelToken;
use crate::clock::monotonic_now;

/// One attempt, as its connection sees it.
#[derive(Debug)]
pub(crate) struct Progress {
    cancel: Option<CancelToken>,
    /// Microseconds on the monotonic clock after which nothing is read or written.
    ends_at: AtomicU64,
    sent: AtomicBool,
    received: AtomicBool,
    reused: AtomicBool,
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

    /// Moves the time after which nothing is read or written.
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

    /// A request is about to be sent, on a connection that served one before or a new one.
    pub(super) fn on_begin(&self, reused: bool) {
        self.reused.store(reused, Ordering::Relaxed);
        self.received.store(false, Ordering::Relaxed);
        self.sent.store(false, Ordering::Relaxed);
    }

    /// The last bytes of the request are about to be sent: from now on the service may have it. What a
    /// proxy alone got does not count, nor does a request that broke off.
    pub(super) fn on_sent(&self) {
        self.sent.store(true, Ordering::Relaxed);
    }

    /// Bytes of the answer came.
    pub(super) fn on_received(&self) {
        self.received.store(true, Ordering::Relaxed);
    }
}
