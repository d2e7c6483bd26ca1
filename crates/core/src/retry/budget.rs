//! The retry budget: how much of a client's traffic may be retries, and who waits meanwhile.

mod line;
mod model;
mod numbers;
mod operation;
mod record;

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::OptionError;
use crate::kind::Kind;
use crate::quota::Quota;

pub(crate) use line::{BudgetWait, Turn};
pub(crate) use model::BudgetModel;
pub use operation::{BudgetOperation, BudgetReply};
pub(super) use record::Own;

use line::Waiters;
use operation::Request;

/// The options of a [`Budget`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct BudgetOptions {
    /// How many retries each successful call earns. Default 1; from 0 to 10.
    pub ratio: f64,
    /// How many retries are there at the beginning, and at the most. Default 10; from 0 to 10,000.
    /// With 0 nothing is ever retried.
    pub reserve: f64,
}

impl Default for BudgetOptions {
    fn default() -> Self {
        BudgetOptions { ratio: 1.0, reserve: 10.0 }
    }
}

impl BudgetOptions {
    /// The same options with another number of retries that each success earns.
    #[must_use]
    pub fn with_ratio(mut self, ratio: f64) -> Self {
        self.ratio = ratio;
        self
    }

    /// The same options with another reserve.
    #[must_use]
    pub fn with_reserve(mut self, reserve: f64) -> Self {
        self.reserve = reserve;
        self
    }

    /// Whether all options are within their ranges.
    ///
    /// # Errors
    ///
    /// The first option that is not.
    pub fn check(&self) -> Result<(), OptionError> {
        let BudgetOptions { ratio, reserve } = *self;
        OptionError::check("ratio", &ratio, RATIOS.contains(&ratio), "0 to 10 retries")?;
        OptionError::check("reserve", &reserve, RESERVES.contains(&reserve), "0 to 10000 retries")
    }
}

const RATIOS: RangeInclusive<f64> = 0.0..=10.0;
const RESERVES: RangeInclusive<f64> = 0.0..=10_000.0;

/// A stock of retries that all calls of a client share, so that an outage is not answered with a
/// storm. A clone is the same budget.
///
/// Two things have to allow a retry:
///
/// - **The stock.** A success adds a retry, up to the reserve; a retry takes one, and two after a
///   time-out, because that request may have been billed. A minute gives one back. So random failures
///   are retried as long as no more than every other attempt fails.
/// - **The record** of the last 20 attempts, kept for up to an hour. Random failures are told from an
///   outage by their likelihood: if so many failures in a row as there were since the last success would
///   come by chance less than once in fifty times, given how often attempts failed before, then a retry
///   is waste. Being overloaded, time-outs and refused connections count twice. A call does not hold its own
///   failures against itself.
///
/// What the budget does not afford is not lost: an [`Operation`](crate::Operation) waits without
/// sending, up to the policy's [`patience`](crate::Policy::patience). The first success of any call
/// that shares the budget releases the one that waits longest, each further success twice as many. In a
/// silence of [`PROBE_AFTER`](Self::PROBE_AFTER) one of those who wait tries. A service that was never
/// reached at all is not waited for.
///
/// Waiting for a quota window costs nothing. Calls that share a budget have to measure time by the
/// same clock. Processes can share one, too: see [`Budget::shared`].
///
/// ```
/// use std::time::Duration;
/// use resayil_core::retry::{Budget, BudgetOptions};
/// use resayil_core::{Decision, Error, Kind, Policy};
///
/// let budget = Budget::new(BudgetOptions::default());
/// let mut call = Policy::default().start(Duration::ZERO, 1).with_budget(budget.clone());
/// let decision = call.on_error(&Error::new(Kind::Server, "out of order"), Duration::ZERO);
/// assert!(matches!(decision, Decision::Retry { .. }));
/// assert!(budget.remaining() < BudgetOptions::default().reserve);
/// ```
#[derive(Clone)]
pub struct Budget(Arc<Shared>);

struct Shared {
    earned: u32,
    capacity: u32,
    /// Nothing failed lately, and nobody waits: a success changes nothing.
    untroubled: AtomicBool,
    state: Mutex<State>,
}

struct State {
    kept: Kept,
    waiters: Waiters,
    /// When the last of those who do the waiting themselves tries whether the service is back.
    probed_at: Duration,
}

/// Whose the model is.
enum Kept {
    Own(BudgetModel),
    /// That of all who share the store of this quota. `is_calm` says that when it was last seen nothing
    /// had failed and nobody waited.
    With {
        quota: Quota,
        is_calm: bool,
    },
}

/// The stock is counted in thousandths of a retry.
const RETRY: u32 = 1000;

fn cost(kind: Kind) -> u32 {
    if kind == Kind::Timeout { 2 * RETRY } else { RETRY }
}

impl Default for Budget {
    fn default() -> Self {
        Budget::new(BudgetOptions::default())
    }
}

impl Budget {
    /// Where nothing was heard for so long, one of the calls that wait tries whether the service is
    /// back.
    pub const PROBE_AFTER: Duration = Duration::from_secs(5);

    /// A full budget. An option out of its range is moved to the nearest end of it; see
    /// [`BudgetOptions::check`].
    pub fn new(options: BudgetOptions) -> Self {
        Self::over(Kept::Own(BudgetModel::default()), options)
    }

    /// A budget that is kept where the model of this quota is kept: all who share the quota's store share
    /// stock and record with each other, too, so that a thousand processes of one call each are no more of
    /// a storm than one process of a thousand calls. What is spent counts for all of them; how much a full
    /// stock is may differ. Who waits is released in the order of all processes, and looks for that every
    /// [`Quota::SHARED_POLL`].
    pub fn shared(options: BudgetOptions, quota: &Quota) -> Self {
        Self::over(Kept::With { quota: quota.clone(), is_calm: false }, options)
    }

    fn over(kept: Kept, options: BudgetOptions) -> Self {
        let thousandths = |retries: f64, range: RangeInclusive<f64>| {
            (retries.clamp(*range.start(), *range.end()) * RETRY as f64) as u32
        };
        let capacity = thousandths(options.reserve, RESERVES);
        let earned = thousandths(options.ratio, RATIOS);
        let state = State { kept, waiters: Waiters::default(), probed_at: Duration::ZERO };
        let untroubled = AtomicBool::new(false);
        Budget(Arc::new(Shared { earned, capacity, untroubled, state: Mutex::new(state) }))
    }

    /// The options that this budget was made with, moved into their ranges.
    pub fn options(&self) -> BudgetOptions {
        let retries = |thousandths: u32| f64::from(thousandths) / f64::from(RETRY);
        BudgetOptions { ratio: retries(self.0.earned), reserve: retries(self.0.capacity) }
    }

    /// How many retries are left in the stock.
    pub fn remaining(&self) -> f64 {
        let left = match &mut self.lock().kept {
            Kept::Own(model) => model.remaining(self.0.capacity),
            kept => self.0.capacity.saturating_sub(kept.ask(Request::Read, None).spent),
        };
        f64::from(left) / f64::from(RETRY)
    }

    /// Which share of the last 20 attempts succeeded, from 0 to 1; 1 before the first.
    pub fn health(&self) -> f64 {
        match &mut self.lock().kept {
            Kept::Own(model) => model.health(),
            kept => kept.ask(Request::Read, None).health,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call succeeded: those who wait may be released.
    pub(super) fn deposit(&self) {
        if self.0.untroubled.load(Ordering::Relaxed) {
            return; // As nearly always: no need to fight for the lock.
        }
        let mut guard = self.lock();
        let State { kept, waiters, probed_at } = &mut *guard;
        *probed_at = Duration::ZERO;
        let earned = self.0.earned;
        let wakers = match kept {
            Kept::Own(model) => {
                model.succeeded(earned);
                let is_untroubled = model.is_untroubled() && waiters.is_empty();
                self.0.untroubled.store(is_untroubled, Ordering::Relaxed);
                waiters.release(|number| model.is_released(number))
            }
            Kept::With { quota, is_calm: true } => {
                quota.tell_budget_later(BudgetOperation(Request::Succeeded { earned }));
                return;
            }
            kept => {
                let released = kept.ask(Request::Succeeded { earned }, None).released;
                waiters.release(|number| number <= released)
            }
        };
        drop(guard);
        wakers.into_iter().for_each(std::task::Waker::wake);
    }

    /// An attempt failed in a way that speaks of the service's health.
    pub(super) fn failed(&self, kind: Kind, ambiguous: bool, own: &mut Own, now: Duration) {
        let weight = record::weight(kind, ambiguous);
        let mut state = self.lock();
        match &mut state.kept {
            Kept::Own(model) => {
                self.0.untroubled.store(false, Ordering::Relaxed);
                model.failed(weight, own, now);
            }
            kept => *own = kept.ask(Request::Failed { weight, own: *own }, Some(now)).own,
        }
    }

    pub(super) fn affords(&self, kind: Kind, own: &Own, now: Duration) -> bool {
        let (cost, capacity) = (cost(kind), self.0.capacity);
        match &mut self.lock().kept {
            Kept::Own(model) => model.affords(cost, capacity, own),
            kept => kept.ask(Request::Afford { cost, capacity, own: *own }, Some(now)).is_afforded,
        }
    }

    /// Takes the price of a retry after this kind of error, if it is there.
    pub(super) fn withdraw(&self, kind: Kind, own: &Own, now: Duration) -> bool {
        let (cost, capacity) = (cost(kind), self.0.capacity);
        match &mut self.lock().kept {
            Kept::Own(model) => model.withdraw(cost, capacity, own, now),
            kept => {
                kept.ask(Request::Withdraw { cost, capacity, own: *own }, Some(now)).is_afforded
            }
        }
    }

    /// Whether waiting may help: with no reserve at all there is never a retry.
    pub(crate) fn is_worth_a_wait(&self) -> bool {
        self.0.capacity >= RETRY
    }

    /// Whether any attempt ever succeeded.
    pub(crate) fn has_seen_success(&self) -> bool {
        match &mut self.lock().kept {
            Kept::Own(model) => model.has_succeeded(),
            kept => kept.ask(Request::Read, None).has_succeeded,
        }
    }

    /// How long somebody has to wait who tries then whether the service is back, after the last one who does; at
    /// least so long, and `None` if that is not less than this. And if processes share the budget: it is not known
    /// here who tries in others.
    pub(super) fn turn_to_probe(
        &self,
        probe_after: Duration,
        least: Duration,
        most: Duration,
        now: Duration,
    ) -> Option<Duration> {
        let mut state = self.lock();
        if matches!(state.kept, Kept::With { .. }) {
            return None;
        }
        let at = state.probed_at.max(now).saturating_add(probe_after);
        let delay = at.saturating_sub(now).max(least);
        if delay > most {
            return None;
        }
        state.probed_at = now.saturating_add(delay);
        // A success shows that the service is back.
        self.0.untroubled.store(false, Ordering::Relaxed);
        Some(delay)
    }

    /// Takes a place among those whose retry is not afforded, of which the first tries after such a silence.
    pub(crate) fn wait(&self, probe_after: Duration, now: Duration) -> BudgetWait {
        let mut state = self.lock();
        let number = match &mut state.kept {
            Kept::Own(model) => {
                // Under the lock, so that no success that saw the line empty says otherwise.
                self.0.untroubled.store(false, Ordering::Relaxed);
                model.join()
            }
            kept => kept.ask(Request::Join, Some(now)).number,
        };
        state.waiters.join(number);
        drop(state);
        BudgetWait::new(self.clone(), number, probe_after)
    }
}

impl Kept {
    /// Asks the store, at this time of the quota's clock or at the last that is known.
    fn ask(&mut self, request: Request, now: Option<Duration>) -> BudgetReply {
        match self {
            // It is asked itself.
            Kept::Own(model) => model.apply(&BudgetOperation(request), now.unwrap_or_default()).0,
            Kept::With { quota, is_calm } => {
                let reply = quota.ask_budget(BudgetOperation(request), now);
                *is_calm = reply.is_calm;
                reply
            }
        }
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("remaining", &self.remaining())
            .field("health", &self.health())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
