//! The model and the line together: who is admitted, and who is to be woken.

use std::task::Waker;
use std::time::Duration;

use super::line::{EnterOptions, Line, Place};
use super::operation::{QuotaDelay, QuotaGrant, QuotaRequest};
use super::store::Kept;
use super::{Cost, Quota, Settlement};
use crate::retry::{BudgetOperation, BudgetReply};

/// What [`Quota`] locks.
pub(super) struct State {
    pub(super) store: Kept,
    pub(super) line: Line,
    pub(super) admitted: u64,
    pub(super) refused: u64,
    /// The latest time that anybody named, on the clock of the store.
    latest: Duration,
}

/// Wakers to be called, or only to be dropped, when nothing is locked: both may run any code.
#[must_use]
#[derive(Default)]
pub(super) struct Wakers {
    wake: Vec<Waker>,
    replaced: Option<Waker>,
    unused: Option<Waker>,
}

impl Wakers {
    pub(super) fn wake(self) {
        self.wake.into_iter().for_each(Waker::wake);
    }
}

impl State {
    pub(super) fn new(store: Kept) -> Self {
        State { store, line: Line::default(), admitted: 0, refused: 0, latest: Duration::ZERO }
    }

    /// Admits somebody while nobody waits, if that may be.
    #[inline]
    pub(super) fn admit(
        &mut self,
        options: &EnterOptions,
        now: Duration,
    ) -> Option<(Place, QuotaGrant)> {
        let grant = self.store.try_send(options.cost(), now)?;
        self.admitted += 1;
        Some((self.line.pass_by(options), grant))
    }

    /// Admits the one who stands at this place, or says how long it has to wait.
    pub(super) fn poll(
        &mut self,
        place: Place,
        now: Duration,
        mut waker: Option<Waker>,
    ) -> (Result<QuotaGrant, QuotaDelay>, Wakers) {
        let now = self.see(now);
        // Those in front have the first claim on what is left, even while they sleep.
        let index = self.line.ahead(place);
        let mut wakers = Wakers::default();
        let mut result = self.store.reserve(self.line.request(index, now), now);
        let is_passed = match &result {
            Ok(_) => false,
            Err(delay) => self.line.set_aside(index, delay.aside, now),
        };
        match &mut result {
            Ok(_) => {
                self.admitted += 1;
                wakers.replaced = self.line.leave(place);
                self.line.served(place);
                wakers.add(self, now);
            }
            Err(delay) => {
                let leads = waker.is_some()
                    && self.line.first_with_waker(0).is_none_or(|(first, _)| first >= index);
                if self.store.is_shared() && leads {
                    *delay = looking(*delay);
                }
                if let Some(waiter) = self.line.get_mut(index) {
                    let wait = if waker.is_some() { delay.again } else { delay.least };
                    waiter.asks_at = now.saturating_add(wait);
                    wakers.replaced = std::mem::replace(&mut waiter.waker, waker.take());
                }
                if is_passed {
                    wakers.add(self, now);
                }
            }
        }
        wakers.unused = waker;
        (result, wakers)
    }

    /// The store admits more than it did.
    #[cfg(feature = "fleet")]
    pub(super) fn store_changed(&mut self, now: Duration) -> Wakers {
        let now = self.see(now);
        let mut wakers = Wakers::default();
        if !self.line.is_empty() {
            wakers.add(self, now);
        }
        wakers
    }

    /// Leaves the line.
    pub(super) fn leave(&mut self, place: Place) -> Wakers {
        let mut wakers = Wakers { replaced: self.line.leave(place), ..Wakers::default() };
        self.store.left(self.line.len(), self.latest);
        if self.line.first_with_waker(0).is_some() {
            wakers.add(self, self.latest);
        }
        wakers
    }

    /// Learns from the answer to an admitted request.
    pub(super) fn settle(
        &mut self,
        grant: QuotaGrant,
        settlement: &Settlement,
        now: Duration,
    ) -> Wakers {
        self.refused += u64::from(settlement.refused);
        let now = self.see(now);
        let mut wakers = Wakers::default();
        if self.store.settle(grant, settlement, !self.line.is_empty(), now) {
            wakers.add(self, now);
        }
        wakers
    }

    /// An admitted request took this in the end.
    pub(super) fn correct(&mut self, grant: QuotaGrant, used: Cost, now: Duration) -> Wakers {
        let now = self.see(now);
        let mut wakers = Wakers::default();
        if self.store.correct(grant, used, !self.line.is_empty(), now) {
            wakers.add(self, now);
        }
        wakers
    }

    /// There will be no answer to an admitted request.
    pub(super) fn abandon(&mut self, grant: QuotaGrant) -> Wakers {
        let now = self.latest.max(grant.at());
        let mut wakers = Wakers::default();
        if self.store.abandon(grant, !self.line.is_empty(), now) {
            wakers.add(self, now);
        }
        wakers
    }

    /// Asks the budget that is kept with the model.
    pub(super) fn ask_budget(
        &mut self,
        operation: BudgetOperation,
        now: Option<Duration>,
    ) -> BudgetReply {
        let now = now.map_or(self.latest, |now| self.see(now));
        self.store.ask_budget(operation, now)
    }

    /// Tells it this together with what is told next.
    pub(super) fn tell_budget_later(&mut self, operation: BudgetOperation) {
        self.store.tell_budget_later(operation, self.latest);
    }

    /// The time on the clock of the store.
    fn see(&mut self, now: Duration) -> Duration {
        let now = self.store.time(now);
        self.latest = self.latest.max(now);
        now
    }

    /// How long the one has to wait who has so many in front of it; `None` if it may go.
    fn delay(&mut self, index: usize, now: Duration) -> Option<QuotaDelay> {
        let request: QuotaRequest = self.line.request(index, now);
        self.store.ask(request, now)
    }
}

impl Wakers {
    /// Takes those who may go now and do not know it, and no more: whoever is awake asks, and when
    /// it is admitted comes by here again. The first of the others only if it would ask too late.
    fn add(&mut self, state: &mut State, now: Duration) {
        let mut index = 0;
        while let Some(waiter) = state.line.get_mut(index) {
            if waiter.asks_at <= now {
                return;
            }
            match state.delay(index, now) {
                None => self.take(&mut state.line, index, now),
                // It is not delayed by those behind it.
                Some(delay) if state.line.set_aside(index, delay.aside, now) => {}
                Some(_) => break,
            }
            index += 1;
        }
        let Some((index, _)) = state.line.first_with_waker(index) else { return };
        let asks_in = match state.delay(index, now) {
            Some(delay) if state.store.is_shared() => looking(delay).again,
            Some(delay) => delay.again,
            None => Duration::ZERO,
        };
        let latest = now.saturating_add(asks_in);
        if state.line.get_mut(index).is_some_and(|waiter| waiter.asks_at > latest) {
            self.take(&mut state.line, index, now);
        }
    }

    fn take(&mut self, line: &mut Line, index: usize, now: Duration) {
        let Some(waiter) = line.get_mut(index) else { return };
        if let Some(waker) = waiter.waker.take() {
            waiter.asks_at = now;
            self.wake.push(waker);
        }
    }
}

/// Nobody tells what other processes change, so the first in the line looks for it.
fn looking(delay: QuotaDelay) -> QuotaDelay {
    QuotaDelay { again: delay.again.min(Quota::SHARED_POLL), ..delay }
}
