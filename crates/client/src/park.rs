//! A thread that waits to be woken.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

/// A place where a thread sleeps until somebody calls the waker.
pub(crate) struct Parker {
    waker: Waker,
    signal: Arc<Signal>,
}

#[derive(Default)]
struct Signal {
    /// Woken since the thread slept last.
    woken: Mutex<bool>,
    wake: Condvar,
}

impl Signal {
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        *self.lock() = true;
        self.wake.notify_one();
    }
}

impl Parker {
    pub(crate) fn new() -> Self {
        let signal = Arc::<Signal>::default();
        Parker { waker: Waker::from(signal.clone()), signal }
    }

    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }

    /// Sleeps for this long, or until the waker is called; not at all if that was since last time.
    pub(crate) fn park(&self, wait: Duration) {
        self.park_unless(wait, Duration::MAX, || false);
    }

    /// The same, or until this says that there is no reason to sleep; it is asked at least each `slice`.
    pub(crate) fn park_unless(&self, wait: Duration, slice: Duration, no_more: impl Fn() -> bool) {
        let start = Instant::now();
        let mut woken = self.signal.lock();
        while !std::mem::take(&mut *woken) {
            let left = wait.saturating_sub(start.elapsed());
            if left.is_zero() {
                return;
            }
            let result = self.signal.wake.wait_timeout(woken, left.min(slice));
            drop(result.unwrap_or_else(PoisonError::into_inner).0);
            // Whatever it does, the waker may be called meanwhile.
            if no_more() {
                return;
            }
            woken = self.signal.lock();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sleeps_in_slices_until_there_is_no_reason_to() {
        let (parker, asked) = (Parker::new(), std::cell::Cell::new(0));
        let until_the_third = || {
            asked.set(asked.get() + 1);
            asked.get() == 3
        };
        parker.park_unless(Duration::MAX, Duration::from_millis(2), until_the_third);
        assert_eq!(asked.get(), 3);
    }

    #[test]
    fn it_sleeps_until_it_is_woken_or_the_time_is_over() {
        let parker = Parker::new();
        let start = Instant::now();
        parker.park(Duration::from_millis(20));
        assert!(start.elapsed() >= Duration::from_millis(20));
        let waker = parker.waker().clone();
        let other = std::thread::spawn(move || waker.wake());
        parker.park(Duration::MAX);
        other.join().unwrap();
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}
