//! The model and the line together: who is admitted, and who is to be woken.

use std::task::Waker;
use std::time::Duration;

use super::line::{Line, Place, Waiter};
use super::model::QuotaModel;
use super::store::{Delay, Grant, Kept, Stand};
use super::{Quota, Settlement};

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
    pub(super) fn admit(&mut self, now: Duration) -> Option<(Place, Grant)> {
        let now = self.store.time(now);
        let mut grant = None;
        self.store.update(now, |model| {
            model.roll(now);
            if model.delay(Stand { ahead: 0, waiting: 1 }, now).is_none() {
                grant = Some(model.send(now));
            }
            grant.is_some()
        });
        let grant = grant?;
        self.admitted += 1;
        Some((self.line.pass_by(), grant))
    }

    /// Admits the one who stands at this place, or says how long it has to wait.
    pub(super) fn poll(
        &mut self,
        place: Place,
        now: Duration,
        mut waker: Option<Waker>,
    ) -> (Result<Grant, Delay>, Wakers) {
        let now = self.see(now);
        let State { store, line, .. } = self;
        let shared = store.is_shared();
        // Those in front have the first claim on what is left, even while they sleep.
        let stand = Stand { ahead: line.ahead(place), waiting: line.len() };
        let leads = waker.is_some()
            && line.first_with_waker(0).is_none_or(|(index, _)| index >= stand.ahead);
        let (mut result, mut wakers) = (Err(AGAIN), Wakers::default());
        store.update(now, |model| {
            model.roll(now);
            match model.delay(stand, now) {
                None => {
                    result = Ok(model.send(now));
                    wakers.replaced = line.leave(place);
                    line.served(place);
                    wakers.add(line, model, shared, now);
                    true
                }
                Some(delay) => {
                    let delay = if shared && leads { looking(delay) } else { delay };
                    if let Some(waiter) = line.get_mut(stand.ahead) {
                        let wait = if waker.is_some() { delay.again } else { delay.least };
                        waiter.asks_at = now.saturating_add(wait);
                        wakers.replaced = std::mem::replace(&mut waiter.waker, waker.take());
                    }
                    result = Err(delay);
                    false
                }
            }
        });
        self.admitted += u64::from(result.is_ok());
        wakers.unused = waker;
        (result, wakers)
    }

    /// Leaves the line.
    pub(super) fn leave(&mut self, place: Place) -> Wakers {
        let mut wakers = Wakers { replaced: self.line.leave(place), ..Wakers::default() };
        if self.line.first_with_waker(0).is_some() {
            let State { store, line, latest: now, .. } = self;
            let (shared, now) = (store.is_shared(), *now);
            store.update(now, |model| {
                wakers.add(line, model, shared, now);
                false
            });
        }
        wakers
    }

    /// Learns from the answer to an admitted request.
    pub(super) fn settle(
        &mut self,
        grant: &Grant,
        settlement: &Settlement,
        now: Duration,
    ) -> Wakers {
        self.refused += u64::from(settlement.refused);
        let now = self.see(now);
        self.change(now, |model| model.settle(grant, settlement, now))
    }

    /// There will be no answer to an admitted request.
    pub(super) fn abandon(&mut self, grant: &Grant) -> Wakers {
        let now = self.latest.max(grant.at());
        self.change(now, |model| model.abandon(grant))
    }

    fn change(&mut self, now: Duration, change: impl Fn(&mut QuotaModel)) -> Wakers {
        let State { store, line, .. } = self;
        let (shared, mut wakers) = (store.is_shared(), Wakers::default());
        store.update(now, |model| {
            change(model);
            wakers.add(line, model, shared, now);
            true
        });
        wakers
    }

    /// The time on the clock of the store.
    fn see(&mut self, now: Duration) -> Duration {
        let now = self.store.time(now);
        self.latest = self.latest.max(now);
        now
    }
}

impl Wakers {
    /// Takes those who may go now and do not know it, and no more: whoever is awake asks, and when
    /// it is admitted comes by here again. The first of the others only if it would ask too late.
    fn add(&mut self, line: &mut Line, model: &mut QuotaModel, shared: bool, now: Duration) {
        if line.is_empty() {
            return;
        }
        model.roll(now);
        let waiting = line.len();
        let mut index = 0;
        while let Some(waiter) = line.get_mut(index) {
            if waiter.asks_at <= now {
                return;
            }
            if model.delay(Stand { ahead: index, waiting }, now).is_some() {
                break;
            }
            self.take(waiter, now);
            index += 1;
        }
        let Some((ahead, waiter)) = line.first_with_waker(index) else { return };
        let in_time = model.delay(Stand { ahead, waiting }, now).is_some_and(|delay| {
            let delay = if shared { looking(delay) } else { delay };
            waiter.asks_at <= now.saturating_add(delay.again)
        });
        if !in_time {
            self.take(waiter, now);
        }
    }

    fn take(&mut self, waiter: &mut Waiter, now: Duration) {
        if let Some(waker) = waiter.waker.take() {
            waiter.asks_at = now;
            self.wake.push(waker);
        }
    }
}

/// Nobody tells what other processes change, so the first in the line looks for it.
fn looking(delay: Delay) -> Delay {
    Delay { again: delay.again.min(Quota::SHARED_POLL), ..delay }
}

/// The answer of a store that does not call back.
const AGAIN: Delay = Delay { least: Quota::SHARED_POLL, again: Quota::SHARED_POLL };
