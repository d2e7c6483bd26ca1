//! Calling a program back when it is worth asking again.

use std::ffi::c_void;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

use crate::user::User;

/// Is called once when it is worth asking again before the time that was named: because an answer to
/// another request arrived, or somebody in front left the line. Any thread may call it: the one that
/// tells an answer, or that polls or frees another handle of the same quota or limiter. It may come
/// for nothing; asking again is always right.
///
/// It has to be short, such as a write to a pipe or an eventfd. It may not free a handle, and may not
/// wait for a lock that is held while its own handle is polled or freed. `user` is the pointer that was
/// passed in beside it, and has to be valid until the handle's next poll or its end returns: after that
/// it is not called any more, nor still at work.
pub type resayil_waker_callback = Option<unsafe extern "C" fn(user: *mut c_void)>;

/// The callback of one handle, armed by each poll and disarmed with the handle.
#[derive(Default)]
pub(crate) struct CallbackWaker(Arc<Shared>);

#[derive(Default)]
struct Shared {
    slot: Mutex<Slot>,
    ended: Condvar,
}

#[derive(Default)]
enum Slot {
    #[default]
    Idle,
    Armed(unsafe extern "C" fn(user: *mut c_void), User),
    /// In the thread of this mark.
    Running(usize),
}

/// A number that no other thread has as long as this one lives. Unlike the standard library's it leaves
/// nothing on the heap of a thread that the library has not made.
fn this_thread() -> usize {
    thread_local!(static MARK: u8 = const { 0 });
    MARK.with(|mark| std::ptr::from_ref(mark).addr())
}

impl CallbackWaker {
    /// A waker that calls this callback once, in place of the one before.
    pub(crate) fn arm(&self, callback: resayil_waker_callback, user: *mut c_void) -> Waker {
        let mut slot = self.0.quiet();
        let Some(callback) = callback else {
            *slot = Slot::Idle;
            return Waker::noop().clone();
        };
        *slot = Slot::Armed(callback, User(user));
        Waker::from(Arc::clone(&self.0))
    }

    /// Nothing is called any more when this returns.
    pub(crate) fn disarm(&self) {
        *self.0.quiet() = Slot::Idle;
    }
}

impl Drop for CallbackWaker {
    fn drop(&mut self) {
        self.disarm();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        // Nothing panics while it is held.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The slot when no other thread is inside the callback. The callback's own thread does not wait
    /// for itself.
    fn quiet(&self) -> MutexGuard<'_, Slot> {
        let here = this_thread();
        let elsewhere = |slot: &mut Slot| matches!(slot, Slot::Running(id) if *id != here);
        self.ended.wait_while(self.lock(), elsewhere).unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        let mut slot = self.lock();
        if !matches!(*slot, Slot::Armed(..)) {
            return;
        }
        let running = Slot::Running(this_thread());
        let Slot::Armed(callback, user) = std::mem::replace(&mut *slot, running) else { return };
        drop(slot);
        // SAFETY: the header asks for a function of this type that does not unwind, and for a pointer
        // that is valid until the handle is polled or freed, which waits for this.
        unsafe { callback(user.pointer()) };
        let mut slot = self.lock();
        // The callback may have polled, against the rules, and armed it anew.
        if matches!(*slot, Slot::Running(_)) {
            *slot = Slot::Idle;
        }
        drop(slot);
        self.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;
    use std::time::Duration;

    unsafe extern "C" fn count(user: *mut c_void) {
        // SAFETY: the tests pass a counter that lives.
        unsafe { &*user.cast::<AtomicU32>() }.fetch_add(1, Ordering::SeqCst);
    }

    unsafe extern "C" fn count_late(user: *mut c_void) {
        // SAFETY: as above.
        let calls = unsafe { &*user.cast::<AtomicU32>() };
        calls.fetch_add(1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(50));
        calls.fetch_add(1, Ordering::SeqCst);
    }

    fn pointer(calls: &AtomicU32) -> *mut c_void {
        std::ptr::from_ref(calls).cast_mut().cast()
    }

    #[test]
    fn a_callback_is_called_once_for_each_poll_and_not_after_the_end() {
        let calls = AtomicU32::new(0);
        let waker = CallbackWaker::default();
        let first = waker.arm(Some(count), pointer(&calls));
        first.wake_by_ref();
        first.wake_by_ref();
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        let second = waker.arm(Some(count), pointer(&calls));
        second.wake_by_ref();
        assert_eq!(calls.load(Ordering::SeqCst), 2);
        let third = waker.arm(Some(count), pointer(&calls));
        let _ = waker.arm(None, std::ptr::null_mut());
        third.wake_by_ref();
        let fourth = waker.arm(Some(count), pointer(&calls));
        drop(waker);
        fourth.wake();
        assert_eq!(calls.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn the_end_waits_for_a_callback_that_runs() {
        let calls = AtomicU32::new(0);
        let handle = CallbackWaker::default();
        let waker = handle.arm(Some(count_late), pointer(&calls));
        let waking = thread::spawn(move || waker.wake());
        while calls.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        drop(handle);
        assert_eq!(calls.load(Ordering::SeqCst), 2);
        waking.join().unwrap();
    }
}
