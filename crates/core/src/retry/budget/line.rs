//! The calls whose retry is not afforded, in the order in which they came.

use std::collections::VecDeque;
use std::task::Waker;
use std::time::Duration;

use super::Budget;

/// Those who wait, the longest first, and those who were released and have not asked yet.
#[derive(Default)]
pub(super) struct Line {
    next: u64,
    waiting: VecDeque<(u64, Option<Waker>)>,
    released: Vec<u64>,
    /// How many the last success released.
    burst: usize,
    /// When somebody was sent to try last.
    probed: Duration,
}

impl Line {
    pub(super) fn join(&mut self) -> u64 {
        self.next += 1;
        self.waiting.push_back((self.next, None));
        self.next
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.released.is_empty()
    }

    /// A success shows life: the first may go, twice as many as last time. Gives whom to wake.
    pub(super) fn release(&mut self) -> Vec<Waker> {
        if self.waiting.is_empty() {
            return Vec::new();
        }
        self.burst = (self.burst * 2).clamp(1, self.waiting.len());
        let released = self.waiting.drain(..self.burst);
        let mut wakers = Vec::new();
        for (id, waker) in released {
            self.released.push(id);
            wakers.extend(waker);
        }
        wakers.extend(self.first_waker());
        wakers
    }

    /// Of who is the first now, and has to watch the silence from now on.
    fn first_waker(&mut self) -> Option<Waker> {
        self.waiting.front_mut().and_then(|(_, waker)| waker.take())
    }

    /// A failure: the next success begins with one again.
    pub(super) fn close(&mut self) {
        self.burst = 0;
    }

    /// Leaves; gives the waker of who is the first now, if that is another than before.
    fn leave(&mut self, id: u64) -> Option<Waker> {
        self.released.retain(|known| *known != id);
        let was_first = self.waiting.front().is_some_and(|(first, _)| *first == id);
        self.waiting.retain(|(known, _)| *known != id);
        if was_first { self.first_waker() } else { None }
    }
}

/// A place in the line. Dropping it leaves.
pub(crate) struct BudgetWait {
    budget: Budget,
    id: u64,
    probe_after: Duration,
}

/// Whether it is this call's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Send: somebody was answered.
    Released,
    /// Send, to see whether the service is back. It is not held against the call if it is not.
    Probe,
    /// Not before this time, unless it is woken.
    Wait(Duration),
}

/// Who leaves nothing to be woken by looks again after this time.
const LOOK: Duration = Duration::from_secs(1);

impl BudgetWait {
    pub(super) fn new(budget: Budget, id: u64, probe_after: Duration) -> Self {
        BudgetWait { budget, id, probe_after }
    }

    /// Asks whether it is this call's turn; if not, `waker` is called when it is worth asking again.
    pub(crate) fn poll(&mut self, now: Duration, waker: &Waker) -> Turn {
        let mut guard = self.budget.lock();
        let state = &mut *guard;
        let Some(at) = state.line.waiting.iter().position(|(id, _)| *id == self.id) else {
            state.line.released.retain(|id| *id != self.id);
            return Turn::Released;
        };
        let silent_since = state.record.last_failure.max(state.line.probed);
        let probe_at = silent_since.saturating_add(self.probe_after);
        if at == 0 && probe_at <= now {
            state.line.probed = now;
            state.line.waiting.pop_front();
            let next = state.line.first_waker();
            drop(guard);
            if let Some(next) = next {
                next.wake();
            }
            return Turn::Probe;
        }
        let known = &mut state.line.waiting[at].1;
        let replaced = if known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            None
        } else {
            known.replace(waker.clone())
        };
        let until = if at == 0 { probe_at } else { Duration::MAX };
        drop(guard);
        drop(replaced);
        if waker.will_wake(Waker::noop()) {
            return Turn::Wait(until.min(now.saturating_add(LOOK)));
        }
        Turn::Wait(until)
    }
}

impl std::fmt::Debug for BudgetWait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BudgetWait").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Drop for BudgetWait {
    fn drop(&mut self) {
        let waker = self.budget.lock().line.leave(self.id);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
