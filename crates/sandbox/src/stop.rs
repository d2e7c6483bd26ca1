//! The signal that ends every wait of the server at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Locks even when another thread panicked while it held the lock: every critical section of this
/// crate leaves its data whole, and a test server must still be able to stop.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Set once; whoever sleeps on it wakes.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    set: AtomicBool,
    gate: Mutex<()>,
    bell: Condvar,
}

impl Stop {
    /// Sets the signal. True for the first caller.
    pub(crate) fn set(&self) -> bool {
        let _gate = lock(&self.gate);
        let first = !self.set.swap(true, Ordering::SeqCst);
        self.bell.notify_all();
        first
    }

    pub(crate) fn is_set(&self) -> bool {
        self.set.load(Ordering::SeqCst)
    }

    /// Sleeps for `time`, or less when the server stops.
    pub(crate) fn sleep(&self, time: Duration) {
        if time.is_zero() {
            return;
        }
        let end = Instant::now() + time;
        let mut gate = lock(&self.gate);
        while !self.is_set() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            gate = self.bell.wait_timeout(gate, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
