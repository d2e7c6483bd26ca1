//! A thread that waits to be woken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// The current thread, that it may sleep until somebody calls the waker.
pub(crate) struct Parker {
    waker: Waker,
    signal: Arc<Signal>,
}

struct Signal {
    thread: Thread,
    /// Woken since it slept last. The thread may be unparked for other reasons, too.
    woken: AtomicBool,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

impl Parker {
    pub(crate) fn new() -> Self {
        let thread = std::thread::current();
        let signal = Arc::new(Signal { thread, woken: AtomicBool::new(false) });
        Parker { waker: Waker::from(signal.clone()), signal }
    }

    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }

    /// Sleeps for this long, or until the waker is called; not at all if that was since last time.
    pub(crate) fn park(&self, wait: Duration) {
        let start = Instant::now();
        while !self.signal.woken.swap(false, Ordering::Acquire) {
            let left = wait.saturating_sub(start.elapsed());
            if left.is_zero() {
                return;
            }
            std::thread::park_timeout(left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sleeps_until_it_is_woken_or_the_time_is_over() {
        let parker = Parker::new();
        let start = Instant::now();
        // Somebody else's unpark is none of ours.
        std::thread::current().unpark();
        parker.park(Duration::from_millis(20));
        assert!(start.elapsed() >= Duration::from_millis(20));
        let waker = parker.waker().clone();
        let other = std::thread::spawn(move || waker.wake());
        parker.park(Duration::MAX);
        other.join().unwrap();
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}
