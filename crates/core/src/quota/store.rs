//! Where the model of a quota is kept: by this process, or by several together.

use std::time::Duration;

pub use super::model::QuotaModel;
pub use super::operation::{QuotaDelay, QuotaGrant, QuotaOperation, QuotaReply, QuotaRequest};
use super::{Cost, Quota, QuotaState, Settlement};
use crate::retry::{BudgetOperation, BudgetReply};

/// A [`QuotaModel`] that several processes, or several [`Quota`]s, change together.
///
/// The one of this crate's client keeps it in a file, under a lock. Whoever writes another one keeps
/// to this: the operations of one call are carried out in their order and as one step, on what the last
/// one left; nobody else changes it meanwhile; and they are carried out once, whatever happens: where the
/// shared model is out of reach, on a copy of its last known state (see [`QuotaModel::part`] and
/// [`QuotaModel::rejoin`]). It runs while the quota is locked, so it must not wait long, nor use the quota.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use std::time::Duration;
/// use resayil_core::{Quota, Timestamp};
/// use resayil_core::quota::{Admission, QuotaOptions};
/// use resayil_core::quota::store::{QuotaModel, QuotaOperation, QuotaReply, QuotaStore};
///
/// #[derive(Clone)]
/// struct Both(Arc<Mutex<QuotaModel>>);
///
/// impl QuotaStore for Both {
///     fn exchange(&mut self, operations: &[QuotaOperation], now: Duration) -> QuotaReply {
///         self.0.lock().unwrap().apply(operations, now).0
///     }
/// }
///
/// let options = QuotaOptions::default().with_limit(1);
/// let model = QuotaModel::new(options, Timestamp::from_unix_seconds(50), Duration::ZERO);
/// let both = Both(Arc::new(Mutex::new(model)));
/// let (one, other) = (Quota::shared(both.clone()), Quota::shared(both));
/// assert_eq!(one.enter().poll(Duration::ZERO), Admission::Ready);
/// assert_eq!(other.enter().poll(Duration::ZERO), Admission::Wait(Duration::from_secs(10)));
/// ```
pub trait QuotaStore: Send {
    /// The time on the clock that all who share the model agree on, when the clock of this process
    /// shows `now`. By default they are the same clock.
    fn time(&self, now: Duration) -> Duration {
        now
    }

    /// Carries operations out at the time `now` of the common clock, and answers the last of them.
    fn exchange(&mut self, operations: &[QuotaOperation], now: Duration) -> QuotaReply;

    /// Somebody left the line of this process without having been admitted, and so many wait on. By default
    /// that is nothing to a store.
    fn left(&mut self, waiting: usize, now: Duration) {
        let _ = (waiting, now);
    }
}

/// Whose the model is.
#[allow(clippy::large_enum_variant)] // There is one of it for each quota.
pub(super) enum Kept {
    Own(QuotaModel),
    Shared(Shared),
}

/// A store, and what it was not told yet.
pub(super) struct Shared {
    store: Box<dyn QuotaStore>,
    untold: Vec<QuotaOperation>,
    /// When the first of these was to be told.
    since: Duration,
}

/// How long an answer may be kept that nobody waits for.
const LATE: Duration = Duration::from_secs(1);
/// And how many of them.
const MOST_UNTOLD: usize = 64;

impl Shared {
    pub(super) fn new(store: Box<dyn QuotaStore>) -> Self {
        Shared { store, untold: Vec::new(), since: Duration::ZERO }
    }

    /// Tells this, and what was not told yet.
    fn exchange(&mut self, operation: QuotaOperation, now: Duration) -> QuotaReply {
        if self.untold.is_empty() {
            return self.store.exchange(&[operation], now);
        }
        self.untold.push(operation);
        let reply = self.store.exchange(&self.untold, now);
        self.untold.clear();
        reply
    }

    /// Tells this together with the next, or if it was long ago with the first that is not told.
    fn tell_later(&mut self, operation: QuotaOperation, now: Duration) {
        if self.untold.is_empty() {
            self.since = now;
        }
        if self.untold.len() + 1 >= MOST_UNTOLD || now.saturating_sub(self.since) >= LATE {
            self.exchange(operation, now);
        } else {
            self.untold.push(operation);
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(last) = self.untold.pop() {
            self.exchange(last, self.since);
        }
    }
}

/// The answer of a store that answers something else than what it was asked.
const AGAIN: QuotaDelay = QuotaDelay::between(Quota::SHARED_POLL, Quota::SHARED_POLL);

impl Kept {
    /// The time on the clock that goes with the model.
    pub(super) fn time(&self, now: Duration) -> Duration {
        match self {
            Kept::Own(_) => now,
            Kept::Shared(shared) => shared.store.time(now),
        }
    }

    /// Somebody left the line, and so many wait on.
    pub(super) fn left(&mut self, waiting: usize, now: Duration) {
        if let Kept::Shared(shared) = self {
            shared.store.left(waiting, now);
        }
    }

    /// Whether others change the model unseen.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Kept::Shared(_))
    }

    /// Admits the only one who asks, if that may be, at this time of this process.
    #[inline]
    pub(super) fn try_send(&mut self, cost: Cost, now: Duration) -> Option<QuotaGrant> {
        match self {
            Kept::Own(model) => model.try_send(cost, now),
            Kept::Shared(_) => self.try_send_shared(cost, now),
        }
    }

    #[cold]
    fn try_send_shared(&mut self, cost: Cost, now: Duration) -> Option<QuotaGrant> {
        let now = self.time(now);
        self.reserve(QuotaRequest::alone(cost), now).ok()
    }

    /// Admits a request, if that may be, at this time of the store's clock; as all that follow.
    pub(super) fn reserve(
        &mut self,
        request: QuotaRequest,
        now: Duration,
    ) -> Result<QuotaGrant, QuotaDelay> {
        match self {
            Kept::Own(model) => model.reserve(&request, now),
            Kept::Shared(shared) => match shared.exchange(QuotaOperation::Reserve(request), now) {
                QuotaReply::Granted(grant) => Ok(grant),
                QuotaReply::Wait(delay) => Err(delay),
                _ => Err(AGAIN),
            },
        }
    }

    /// How long this request would have to wait.
    pub(super) fn ask(&mut self, request: QuotaRequest, now: Duration) -> Option<QuotaDelay> {
        match self {
            Kept::Own(model) => model.ask(&request, now),
            Kept::Shared(shared) => match shared.exchange(QuotaOperation::Ask(request), now) {
                QuotaReply::Wait(delay) => Some(delay),
                QuotaReply::Done => None,
                _ => Some(AGAIN),
            },
        }
    }

    /// Tells an answer; `is_awaited` says that somebody waits here. Says whether it was told at once.
    pub(super) fn settle(
        &mut self,
        grant: QuotaGrant,
        settlement: &Settlement,
        is_awaited: bool,
        now: Duration,
    ) -> bool {
        match self {
            Kept::Own(model) => model.settle(&grant, settlement, now),
            Kept::Shared(shared) => {
                let operation = QuotaOperation::Settle(grant, *settlement);
                let is_plain = !settlement.refused && settlement.consumed != Some(false);
                if is_plain && !is_awaited && !grant.is_watched() {
                    shared.tell_later(operation, now);
                    return false;
                }
                shared.exchange(operation, now);
            }
        }
        true
    }

    /// Tells what an answer used. Says whether it was told at once.
    pub(super) fn correct(
        &mut self,
        grant: QuotaGrant,
        used: Cost,
        is_awaited: bool,
        now: Duration,
    ) -> bool {
        match self {
            Kept::Own(model) => model.correct(&grant, &used, now),
            Kept::Shared(shared) => {
                let operation = QuotaOperation::Correct(grant, used);
                if !is_awaited && !grant.is_watched() {
                    shared.tell_later(operation, now);
                    return false;
                }
                shared.exchange(operation, now);
            }
        }
        true
    }

    pub(super) fn abandon(&mut self, grant: QuotaGrant, is_awaited: bool, now: Duration) -> bool {
        match self {
            Kept::Own(model) => model.abandon(&grant),
            Kept::Shared(shared) => {
                if !is_awaited && !grant.is_watched() {
                    shared.tell_later(QuotaOperation::Abandon(grant), now);
                    return false;
                }
                shared.exchange(QuotaOperation::Abandon(grant), now);
            }
        }
        true
    }

    /// Asks the budget that is kept with the model.
    pub(super) fn ask_budget(&mut self, operation: BudgetOperation, now: Duration) -> BudgetReply {
        match self {
            Kept::Own(model) => model.budget.apply(&operation, now).0,
            Kept::Shared(shared) => match shared.exchange(QuotaOperation::Budget(operation), now) {
                QuotaReply::Budget(reply) => reply,
                _ => BudgetReply::default(),
            },
        }
    }

    /// Tells it this together with what is told next.
    pub(super) fn tell_budget_later(&mut self, operation: BudgetOperation, now: Duration) {
        match self {
            Kept::Own(model) => {
                model.budget.apply(&operation, now);
            }
            Kept::Shared(shared) => shared.tell_later(QuotaOperation::Budget(operation), now),
        }
    }

    pub(super) fn read(&mut self, now: Duration) -> QuotaState {
        match self {
            Kept::Own(model) => model.read(now),
            Kept::Shared(shared) => match shared.exchange(QuotaOperation::Read, now) {
                QuotaReply::Read(state) => state,
                _ => QuotaState::default(),
            },
        }
    }
}
