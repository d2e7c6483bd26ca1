//! The quota's side: a store that answers at once, from what the link brought.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::shared::Fleet;
use crate::quota::operation::{QuotaOperation, QuotaReply};
use crate::quota::store::QuotaStore;
use crate::retry::BudgetModel;

pub(super) struct FleetStore {
    fleet: Arc<Mutex<Fleet>>,
    /// The key in the store has none: each process has a budget of its own.
    budget: BudgetModel,
}

impl FleetStore {
    pub(super) fn new(fleet: Arc<Mutex<Fleet>>) -> Self {
        FleetStore { fleet, budget: BudgetModel::default() }
    }
}

/// No code panics while it holds the lock; if it did, the state is still whole.
pub(super) fn lock(fleet: &Mutex<Fleet>) -> MutexGuard<'_, Fleet> {
    fleet.lock().unwrap_or_else(PoisonError::into_inner)
}

impl QuotaStore for FleetStore {
    fn exchange(&mut self, operations: &[QuotaOperation], now: Duration) -> QuotaReply {
        let mut fleet = lock(&self.fleet);
        let mut reply = QuotaReply::Done;
        for operation in operations {
            reply = match operation {
                QuotaOperation::Reserve(request) => match fleet.reserve(request, now) {
                    Ok(grant) => QuotaReply::Granted(grant),
                    Err(delay) => QuotaReply::Wait(delay),
                },
                QuotaOperation::Ask(request) => match fleet.ask(request, now) {
                    Some(delay) => QuotaReply::Wait(delay),
                    None => QuotaReply::Done,
                },
                QuotaOperation::Settle(grant, settlement) => {
                    fleet.settle(grant, settlement, now);
                    QuotaReply::Done
                }
                QuotaOperation::Correct(grant, used) => {
                    fleet.correct(grant, used, now);
                    QuotaReply::Done
                }
                QuotaOperation::Abandon(grant) => {
                    fleet.abandon(grant);
                    QuotaReply::Done
                }
                QuotaOperation::Read => QuotaReply::Read(fleet.read(now)),
                QuotaOperation::Budget(operation) => {
                    QuotaReply::Budget(self.budget.apply(operation, now).0)
                }
            };
        }
        reply
    }

    fn left(&mut self, waiting: usize, now: Duration) {
        lock(&self.fleet).left(waiting, now);
    }
}

impl Drop for FleetStore {
    /// The quota is gone: the link has to tell what is untold, and ends.
    fn drop(&mut self) {
        let mut fleet = lock(&self.fleet);
        fleet.close();
        let waker = fleet.waker.take();
        drop(fleet);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
