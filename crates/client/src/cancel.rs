//! Cancelling calls from another thread.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::time::Duration;

use crate::clock::monotonic_now;

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
pub struct CancelToken(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    question: Option<Question>,
}

/// A function that is asked again and again whether to cancel.
struct Question {
    function: Box<dyn Fn() -> bool + Send + Sync>,
    interval: Duration,
    /// When it was asked last, in microseconds on the monotonic clock.
    asked_at: AtomicU64,
}

impl Question {
    fn is_due(&self) -> bool {
        let now = micros(monotonic_now());
        let due =
            now.saturating_sub(self.asked_at.load(Ordering::Relaxed)) >= micros(self.interval);
        if due {
            self.asked_at.store(now, Ordering::Relaxed);
        }
        due
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

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

    /// A token that is cancelled as soon as this function says yes. It is asked in the thread of the
    /// call, each `interval` (1 ms or more) while that waits: for programs that learn of a wish to stop
    /// by a flag, such as that of a signal's handler, and not in another thread. A call that is over
    /// sooner asks nothing. A look-up of a name and a wait for the network see it, too.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicBool, Ordering};
    /// use std::time::Duration;
    ///
    /// use resayil::CancelToken;
    ///
    /// static STOP: AtomicBool = AtomicBool::new(false);
    ///
    /// let token =
    ///     CancelToken::from_fn(Duration::from_millis(50), || STOP.load(Ordering::Relaxed));
    /// assert!(!token.is_cancelled());
    /// ```
    pub fn from_fn(
        interval: Duration,
        is_cancelled: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        let question = Question {
            function: Box::new(is_cancelled),
            interval: interval.max(Duration::from_millis(1)),
            asked_at: AtomicU64::new(micros(monotonic_now())),
        };
        CancelToken(Arc::new(Inner { state: Mutex::default(), question: Some(question) }))
    }

    /// Asks the function, if there is one and it is time.
    fn ask(&self) {
        if self.0.question.as_ref().is_some_and(Question::is_due) {
            self.ask_now();
        }
    }

    /// Asks the function, if there is one: a signal came.
    pub(crate) fn ask_now(&self) {
        if self.0.question.as_ref().is_some_and(|question| (question.function)()) {
            self.cancel();
        }
    }

    /// No wait may be longer without a look at the token.
    pub(crate) fn longest_wait(&self) -> Duration {
        self.0.question.as_ref().map_or(Duration::MAX, |question| question.interval)
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
        self.ask();
        self.lock().forbids_sending()
    }

    /// Whether [`cancel`](Self::cancel) was called, or the function has said yes.
    pub fn is_cancelled(&self) -> bool {
        self.ask();
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
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
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

    #[test]
    fn a_function_is_asked_from_time_to_time_and_cancels_for_good() {
        let wishes = Arc::new(AtomicU32::new(0));
        let (asked, wanted) = (Arc::clone(&wishes), Arc::new(AtomicU32::new(0)));
        let wish = Arc::clone(&wanted);
        let token = CancelToken::from_fn(Duration::from_secs(3600), move || {
            asked.fetch_add(1, Ordering::Relaxed);
            wish.load(Ordering::Relaxed) > 0
        });
        assert_eq!(token.longest_wait(), Duration::from_secs(3600));
        assert!(!token.is_cancelled() && !token.forbids_sending());
        assert_eq!(wishes.load(Ordering::Relaxed), 0, "it is not time yet");
        token.ask_now();
        wanted.store(1, Ordering::Relaxed);
        assert!(!token.is_cancelled());
        token.ask_now();
        wanted.store(0, Ordering::Relaxed);
        assert!(token.is_cancelled() && token.forbids_sending());
        assert_eq!(wishes.load(Ordering::Relaxed), 2);

        let soon = CancelToken::from_fn(Duration::ZERO, || true);
        assert_eq!(soon.longest_wait(), Duration::from_millis(1));
        std::thread::sleep(Duration::from_millis(3));
        assert!(soon.clone().is_cancelled());
        assert_eq!(CancelToken::new().longest_wait(), Duration::MAX);
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
