//! The calls whose retry is not afforded, in the order in which they came.

use std::collections::VecDeque;
use std::task::Waker;
use std::time::Duration;

use super::model::ModelTurn;
use super::operation::Request;
use super::{Budget, Kept, State};
use crate::quota::Quota;

/// Those of this process who wait, by their numbers, the longest first.
#[derive(Default)]
pub(super) struct Waiters(VecDeque<(u64, Option<Waker>)>);

impl Waiters {
    pub(super) fn join(&mut self, number: u64) {
        self.0.push_back((number, None));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of the first who may go leave. Gives whom to wake.
    pub(super) fn release(&mut self, may_go: impl Fn(u64) -> bool) -> Vec<Waker> {
        let count = self.0.iter().take_while(|(number, _)| may_go(*number)).count();
        if count == 0 {
            return Vec::new();
        }
        let mut wakers: Vec<Waker> = self.0.drain(..count).filter_map(|(_, waker)| waker).collect();
        wakers.extend(self.first_waker());
        wakers
    }

    /// Of who is the first now, and has to watch the silence from now on.
    fn first_waker(&mut self) -> Option<Waker> {
        self.0.front_mut().and_then(|(_, waker)| waker.take())
    }

    /// Leaves, if it was not released; gives the waker of who is the first now, if that is another than
    /// before.
    fn leave(&mut self, number: u64) -> Option<Option<Waker>> {
        let at = self.position(number)?;
        self.0.remove(at);
        Some(if at == 0 { self.first_waker() } else { None })
    }

    fn position(&self, number: u64) -> Option<usize> {
        self.0.iter().position(|(known, _)| *known == number)
    }
}

/// A place in the line. Dropping it leaves.
pub(crate) struct BudgetWait {
    budget: Budget,
    number: u64,
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
    pub(super) fn new(budget: Budget, number: u64, probe_after: Duration) -> Self {
        BudgetWait { budget, number, probe_after }
    }

    /// Asks whether it is this call's turn; if not, `waker` is called when it is worth asking again.
    pub(crate) fn poll(&mut self, now: Duration, waker: &Waker) -> Turn {
        let (number, probe_after) = (self.number, self.probe_after);
        let mut guard = self.budget.lock();
        let State { kept, waiters, .. } = &mut *guard;
        let Some(at) = waiters.position(number) else { return Turn::Released };
        let is_watching = at == 0 && matches!(kept, Kept::With { .. });
        let (turn, released, look) = match kept {
            // Whoever is before it wakes it.
            _ if at > 0 => (ModelTurn::Wait(Duration::MAX), 0, LOOK),
            Kept::Own(model) => (model.turn(number, probe_after, now), 0, LOOK),
            // Nobody tells what other processes do.
            kept => {
                let reply = kept.ask(Request::Turn { number, probe_after }, Some(now));
                let turn = reply.turn.unwrap_or(ModelTurn::Wait(LOOK));
                (turn, reply.released, Quota::SHARED_POLL)
            }
        };
        let left = match turn {
            ModelTurn::Wait(left) => left,
            ModelTurn::Released | ModelTurn::Probe => {
                let mut wakers: Vec<Waker> = waiters.leave(number).flatten().into_iter().collect();
                wakers.extend(waiters.release(|number| number <= released));
                drop(guard);
                wakers.into_iter().for_each(Waker::wake);
                return if turn == ModelTurn::Probe { Turn::Probe } else { Turn::Released };
            }
        };
        let known = &mut waiters.0[at].1;
        let replaced = if known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            None
        } else {
            known.replace(waker.clone())
        };
        drop(guard);
        drop(replaced);
        let until = now.saturating_add(left);
        if is_watching || waker.will_wake(Waker::noop()) {
            return Turn::Wait(until.min(now.saturating_add(look)));
        }
        Turn::Wait(until)
    }
}

impl std::fmt::Debug for BudgetWait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BudgetWait").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Drop for BudgetWait {
    fn drop(&mut self) {
        let number = self.number;
        let mut guard = self.budget.lock();
        let State { kept, waiters, .. } = &mut *guard;
        let Some(waker) = waiters.leave(number) else { return };
        match kept {
            Kept::Own(model) => model.leave(number),
            kept => {
                kept.ask(Request::Leave(number), None);
            }
        }
        drop(guard);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
