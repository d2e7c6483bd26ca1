//! Places for requests in flight, given out in order.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use super::ConcurrencyLimit;
use super::limit::Current;
use super::line::Line;
use crate::error::Error;
use crate::error::OptionError;

/// Admits requests as long as fewer than its limit are in flight, first come, first served. A clone is
/// the same limiter.
///
/// It waits for nothing itself: who has to wait is woken by a [`Waker`] when its turn has come, and
/// nobody else is. So async programs await it, and blocking ones park their thread.
///
/// ```
/// use resayil_core::concurrency::{ConcurrencyLimit, ConcurrencyLimiter};
/// use std::task::{Poll, Waker};
///
/// let limiter = ConcurrencyLimiter::new(ConcurrencyLimit::fixed(1))?;
/// let mut first = limiter.enter();
/// let mut second = limiter.enter();
/// assert_eq!(first.poll(Waker::noop()), Poll::Ready(()));
/// assert_eq!(second.poll(Waker::noop()), Poll::Pending);
/// first.settle(None); // the whole answer came
/// assert_eq!(second.poll(Waker::noop()), Poll::Ready(()));
/// assert_eq!(limiter.state().in_flight, 1);
/// # Ok::<(), resayil_core::error::OptionError>(())
/// ```
///
/// In async code: `std::future::poll_fn(|context| permit.poll(context.waker())).await`.
#[derive(Clone)]
pub struct ConcurrencyLimiter(Arc<Shared>);

struct Shared {
    options: ConcurrencyLimit,
    state: Mutex<State>,
}

struct State {
    current: Current,
    /// Those that were given a place, though they may not know yet.
    in_flight: u32,
    line: Line,
}

impl State {
    /// Gives free places to the first in the line; who is to be told.
    fn admit(&mut self) -> Vec<Waker> {
        let mut wakers = Vec::new();
        while self.in_flight < self.current.get() && self.line.len() > 0 {
            self.in_flight += 1;
            wakers.extend(self.line.take_first());
        }
        wakers
    }
}

/// A [`ConcurrencyLimiter`] as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConcurrencyState {
    /// How many requests may be in flight now.
    pub limit: u32,
    /// How many are. More than the limit only after it has shrunk.
    pub in_flight: u32,
    /// How many wait for a place.
    pub waiting: u32,
}

impl ConcurrencyLimiter {
    /// A limiter with all places free.
    ///
    /// # Errors
    ///
    /// The limit is out of its range: option `max_concurrency`.
    pub fn new(limit: ConcurrencyLimit) -> Result<Self, OptionError> {
        let good = (1..=100_000).contains(&limit.max());
        OptionError::check("max_concurrency", &limit.max(), good, "1 to 100000 requests")?;
        let state = State { current: Current::new(limit), in_flight: 0, line: Line::default() };
        Ok(ConcurrencyLimiter(Arc::new(Shared { options: limit, state: Mutex::new(state) })))
    }

    /// What it was made with.
    pub fn limit(&self) -> ConcurrencyLimit {
        self.0.options
    }

    /// Takes a place at the end of the line.
    pub fn enter(&self) -> ConcurrencyPermit {
        let number = self.change(|state| state.line.join());
        ConcurrencyPermit { limiter: self.clone(), number, round: None }
    }

    /// How it stands.
    pub fn state(&self) -> ConcurrencyState {
        let state = self.lock();
        ConcurrencyState {
            limit: state.current.get(),
            in_flight: state.in_flight,
            waiting: u32::try_from(state.line.len()).unwrap_or(u32::MAX),
        }
    }

    /// Changes the state, and wakes those that get a place by it.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let (result, wakers) = {
            let mut state = self.lock();
            (change(&mut state), state.admit())
        };
        // Not while the state is locked: a waker may come back at once.
        wakers.into_iter().for_each(Waker::wake);
        result
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held but a waker's clone, before which nothing is half done.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ConcurrencyLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ConcurrencyLimiter");
        shown.field("limit", &self.0.options).field("state", &self.state()).finish()
    }
}

/// A place in the line, and then among those in flight. Dropping it frees either, and teaches an
/// adaptive limit nothing: so do a cancelled wait and a panic.
#[derive(Debug)]
#[must_use = "dropping it gives the place up"]
pub struct ConcurrencyPermit {
    limiter: ConcurrencyLimiter,
    number: u64,
    /// When the exchange began; `None` as long as that is not known here.
    round: Option<u64>,
}

impl ConcurrencyPermit {
    /// Whether to send. If not yet, this waker is woken when it is time; it replaces the one before.
    ///
    /// The place is held until the permit is [settled](Self::settle) or dropped: hold it for the whole
    /// exchange, of a stream to its end, but not while waiting between attempts.
    pub fn poll(&mut self, waker: &Waker) -> Poll<()> {
        if self.round.is_none() {
            let mut state = self.limiter.lock();
            // What is replaced is dropped when the state is free again: it may be the last of a task.
            let replaced = state.line.wait(self.number, waker);
            let round = state.current.round();
            drop(state);
            if replaced.is_some() {
                return Poll::Pending;
            }
            self.round = Some(round);
        }
        Poll::Ready(())
    }

    /// Frees the place, and tells how the exchange ended, from which an adaptive limit learns.
    pub fn settle(self, error: Option<&Error>) {
        let Some(round) = self.round else { return };
        let mut state = self.limiter.lock();
        let in_flight = state.in_flight;
        state.current.learn(round, in_flight, error);
    }
}

impl Drop for ConcurrencyPermit {
    fn drop(&mut self) {
        let left = self.limiter.change(|state| {
            let left = state.line.leave(self.number);
            if left.is_none() {
                state.in_flight = state.in_flight.saturating_sub(1);
            }
            left
        });
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Wake;

    use super::*;
    use crate::kind::Kind;
    use crate::rng::Rng;

    #[derive(Default)]
    struct Count(AtomicU32);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn limiter(limit: ConcurrencyLimit) -> ConcurrencyLimiter {
        ConcurrencyLimiter::new(limit).unwrap()
    }

    fn is_ready(permit: &mut ConcurrencyPermit) -> bool {
        permit.poll(Waker::noop()).is_ready()
    }

    #[test]
    fn only_the_next_one_is_woken() {
        let limiter = limiter(ConcurrencyLimit::fixed(2));
        let mut holders = [limiter.enter(), limiter.enter()];
        assert!(holders.iter_mut().all(is_ready));
        let counts = [(); 3].map(|()| Arc::new(Count::default()));
        let mut waiters = [(); 3].map(|()| limiter.enter());
        for (waiter, count) in waiters.iter_mut().zip(&counts) {
            assert!(waiter.poll(&Waker::from(Arc::clone(count))).is_pending());
        }
        let woken = || counts.each_ref().map(|count| count.0.load(Ordering::Relaxed));
        let [first, second] = holders;
        drop(first);
        assert_eq!(woken(), [1, 0, 0]);
        // The place is taken already: who comes now waits behind.
        let mut late = limiter.enter();
        assert!(!is_ready(&mut late));
        second.settle(None);
        assert_eq!(woken(), [1, 1, 0]);
        let state = limiter.state();
        assert_eq!((state.limit, state.in_flight, state.waiting), (2, 2, 2));
        assert_eq!(waiters.each_mut().map(is_ready), [true, true, false]);
    }

    #[test]
    fn who_leaves_frees_the_place() {
        let limiter = limiter(ConcurrencyLimit::fixed(1));
        let holder = limiter.enter();
        let (leaver, told, mut last) = (limiter.enter(), limiter.enter(), limiter.enter());
        drop(leaver);
        drop(holder);
        // Whoever was given the place and has not looked leaves it as well.
        assert!(!is_ready(&mut last));
        drop(told);
        assert!(is_ready(&mut last));
        drop(last);
        let state = limiter.state();
        assert_eq!((state.in_flight, state.waiting), (0, 0));
    }

    #[test]
    fn an_adaptive_limit_that_shrinks_admits_nobody_until_enough_are_gone() {
        let limiter = limiter(ConcurrencyLimit::adaptive(2));
        let mut holders = [limiter.enter(), limiter.enter()];
        assert!(holders.iter_mut().all(is_ready));
        let mut waiter = limiter.enter();
        let [first, second] = holders;
        first.settle(Some(&Error::new(Kind::Overloaded, "")));
        assert_eq!(limiter.state().limit, 1);
        assert!(!is_ready(&mut waiter));
        second.settle(None);
        assert!(is_ready(&mut waiter));
    }

    #[test]
    fn a_panic_gives_the_place_back() {
        let limiter = limiter(ConcurrencyLimit::fixed(1));
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut permit = limiter.enter();
            assert!(is_ready(&mut permit));
            std::panic::resume_unwind(Box::new(()));
        }));
        assert!(caught.is_err());
        assert_eq!(limiter.state().in_flight, 0);
    }

    #[test]
    fn random_schedules_keep_the_order_and_the_limit() {
        for seed in 0..200 {
            let mut rng = Rng::new(seed);
            let mut draw = |below: usize| (rng.unit() * below as f64) as usize;
            let limit = 1 + draw(4) as u32;
            let limiter = limiter(ConcurrencyLimit::fixed(limit));
            let (mut waiting, mut holding) = (Vec::new(), Vec::new());
            for _ in 0..300 {
                match draw(4) {
                    0 | 1 => waiting.push(limiter.enter()),
                    2 if !waiting.is_empty() => {
                        drop(waiting.remove(draw(waiting.len())));
                    }
                    _ if !holding.is_empty() => {
                        drop(holding.remove(draw(holding.len())));
                    }
                    _ => {}
                }
                let ready: Vec<bool> = waiting.iter_mut().map(is_ready).collect();
                let count = ready.iter().filter(|ready| **ready).count();
                assert!(ready[..count].iter().all(|ready| *ready), "{seed}: out of order");
                holding.extend(waiting.drain(..count));
                let state = limiter.state();
                assert_eq!(state.in_flight as usize, holding.len(), "{seed}");
                assert_eq!(state.waiting as usize, waiting.len(), "{seed}");
                assert!(waiting.is_empty() || state.in_flight == limit, "{seed}: a place is lost");
                assert!(state.in_flight <= limit, "{seed}");
            }
        }
    }

    #[test]
    fn limits_out_of_range_are_refused() {
        for limit in [0, 100_001] {
            for limit in [ConcurrencyLimit::fixed(limit), ConcurrencyLimit::adaptive(limit)] {
                let error = ConcurrencyLimiter::new(limit).unwrap_err();
                assert_eq!(error.option(), "max_concurrency");
            }
        }
        assert_eq!(limiter(ConcurrencyLimit::fixed(100_000)).state().limit, 100_000);
    }
}
