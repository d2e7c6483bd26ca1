//! Cancelling calls from another thread.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;

/// What a thread waits for, and can be woken from.
pub(crate) trait Interrupt: Send + Sync {
    /// Ends the wait.
    fn interrupt(&self);
}

/// Ends calls from another thread. A clone is the same token.
///
/// A call that carries a cancelled token fails with [`Kind::Cancelled`](crate::Kind::Cancelled).
/// Cancelling wakes every wait at once, be it for the quota, for a back-off or for the network; while
/// a connection is being made it takes 20 ms. A request that was sent may be carried out by the server
/// all the same: then the error [is ambiguous](crate::Error::is_ambiguous).
///
/// ```
/// use resayil::CancelToken;
///
/// let token = CancelToken::new();
/// let other = token.clone();
/// std::thread::spawn(move || other.cancel()).join().unwrap();
/// assert!(token.is_cancelled());
/// ```
#[derive(Clone, Default)]
pub struct CancelToken(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    cancelled: bool,
    waits_cancelled: bool,
    next: u64,
    /// The sockets that calls wait for at this moment.
    sockets: Vec<(u64, Weak<dyn Interrupt>)>,
    /// What wakes calls that wait for their turn at this moment.
    wakers: Vec<(u64, Waker)>,
}

impl State {
    fn forbids_sending(&self) -> bool {
        self.cancelled || self.waits_cancelled
    }

    fn next(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl CancelToken {
    /// A token that nobody has cancelled.
    pub fn new() -> Self {
        CancelToken::default()
    }

    /// Cancels the calls that carry this token, now and in the future. Repeating it does nothing.
    pub fn cancel(&self) {
        let (sockets, wakers) = {
            let mut state = self.lock();
            state.cancelled = true;
            (std::mem::take(&mut state.sockets), std::mem::take(&mut state.wakers))
        };
        wakers.into_iter().for_each(|(_, waker)| waker.wake());
        for (_, socket) in sockets {
            if let Some(socket) = socket.upgrade() {
                socket.interrupt();
            }
        }
    }

    /// Cancels the calls that carry this token as soon as no request of theirs is under way: waits
    /// for the quota or a back-off end at once, but an answer that is coming is taken in. So nothing
    /// is lost that may have been billed.
    pub fn cancel_waits(&self) {
        let wakers = {
            let mut state = self.lock();
            state.waits_cancelled = true;
            std::mem::take(&mut state.wakers)
        };
        wakers.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// Whether no request is to be sent any more: one of the two was called.
    pub fn forbids_sending(&self) -> bool {
        self.lock().forbids_sending()
    }

    /// Whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.lock().cancelled
    }

    /// Shuts this socket down when somebody cancels, until the guard is dropped. `None` if it was
    /// cancelled before.
    pub(crate) fn watch(&self, socket: Weak<dyn Interrupt>) -> Option<Watch<'_>> {
        let mut state = self.lock();
        if state.cancelled {
            return None;
        }
        let id = state.next();
        state.sockets.push((id, socket));
        Some(Watch { token: self, id })
    }

    /// Calls this waker when somebody cancels, until the guard is dropped; at once if it was
    /// cancelled before.
    pub(crate) fn wake_by(&self, waker: &Waker) -> Watch<'_> {
        let mut state = self.lock();
        let id = state.next();
        if state.forbids_sending() {
            drop(state);
            waker.wake_by_ref();
        } else {
            state.wakers.push((id, waker.clone()));
        }
        Watch { token: self, id }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken").field("cancelled", &self.is_cancelled()).finish()
    }
}

/// A socket that is shut down, or a waiter that is woken, on cancellation, as long as this lives.
pub(crate) struct Watch<'a> {
    token: &'a CancelToken,
    id: u64,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let mut state = self.token.lock();
        state.sockets.retain(|(id, _)| *id != self.id);
        state.wakers.retain(|(id, _)| *id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicU32);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn who_waits_is_woken_once_and_who_comes_late_at_once() {
        for cancel in [CancelToken::cancel, CancelToken::cancel_waits] {
            let token = CancelToken::new();
            let counts = [(); 3].map(|()| Arc::new(Count::default()));
            let wakers = counts.each_ref().map(|count| Waker::from(Arc::clone(count)));
            drop(token.wake_by(&wakers[0]));
            let _waits = token.wake_by(&wakers[1]);
            cancel(&token);
            cancel(&token);
            let _late = token.wake_by(&wakers[2]);
            assert_eq!(counts.map(|count| count.0.load(Ordering::Relaxed)), [0, 1, 1]);
            assert!(token.forbids_sending());
        }
    }

    struct Socket(Mutex<u32>);

    impl Interrupt for Socket {
        fn interrupt(&self) {
            *self.0.lock().unwrap() += 1;
        }
    }

    #[test]
    fn only_watched_sockets_are_shut_down() {
        let token = CancelToken::new();
        let handles = [0, 1].map(|_| Arc::new(Socket(Mutex::new(0))));
        let weak = |index: usize| {
            let handle: Arc<dyn Interrupt> = handles[index].clone();
            Arc::downgrade(&handle)
        };
        drop(token.watch(weak(0)).unwrap());
        let watched = token.watch(weak(1)).unwrap();
        token.cancel();
        drop(watched);
        assert!(token.watch(weak(0)).is_none());
        assert_eq!([*handles[0].0.lock().unwrap(), *handles[1].0.lock().unwrap()], [0, 1]);
    }
}
