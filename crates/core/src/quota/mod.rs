//! Quota: what the server still admits, and who may use it next.

mod ages;
mod at_once;
pub(crate) mod bytes;
mod clock;
mod cost;
mod estimate;
mod feel;
#[cfg(feature = "fleet")]
pub mod fleet;
mod flight;
mod line;
mod members;
mod meter;
mod model;
mod operation;
mod options;
mod pool;
mod priority;
mod settlement;
mod state;
pub mod store;
mod ticket;
mod told_ends;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::retry::{BudgetOperation, BudgetReply};
use crate::timestamp::Timestamp;

pub use cost::Cost;
pub use line::{EnterOptions, Place};
pub use options::QuotaOptions;
pub use priority::Priority;
pub use settlement::Settlement;
pub use ticket::Ticket;

use state::{State, Wakers};
use store::{Kept, QuotaModel, QuotaStore, Shared};

/// The quota of one API key, shared by all senders in this process. A clone is the same quota.
///
/// It models what the server still admits, and learns that from what it sees:
///
/// - **Windows of the server's clock** (LLM Resayil): so many requests a minute of *its* clock, which is
///   estimated from `Date` headers and the waits of refusals, so the local wall clock may be wrong and
///   may be set at any time. A limit that is known, from the options or from headers, is used to the
///   last request at once. The first refusal holds everybody back until the window ends, and teaches
///   the limit if it was unknown; until then senders go out a few at a time, and more as none is
///   refused.
/// - **Others who use the same key**: a refusal although fewer than the limit were admitted here. What
///   this process got in the last window it takes for its share; beyond it there is at most one request
///   of which it is not known whether it was refused. Where every answer tells what remains, processes
///   share it to the last request without refusals.
/// - **Sliding windows and token buckets**: recognised by refusals whose wait does not end with a window,
///   and modelled by what was sent in the last minute, or by the generic cell rate algorithm.
/// - **Unknown kinds of limit** ([`QuotaOptions::window`] is `None`): no more is admitted than headers
///   say remains, in requests and in tokens, and a refusal holds everybody back for the wait it names.
///   Where nothing is told, two are sent at once at first, and more as none is refused. If one is, a
///   single sender tries after 1, 2, 4 s and so on, and at the ends of usual windows. What is admitted then
///   shows a window, a rolling window or a bucket, which is kept to from then on, and tried upward now and
///   then.
/// - **Limits of concurrency**: recognised by what a refusal says, or where requests are refused when
///   more are under way than ever before and at no other time. As many are sent at once as were good.
///
/// - **Tokens**: each limit of tokens that is given or told takes the [cost](EnterOptions::with_cost) of a
///   request when it is admitted, and is corrected by the [usage](Settlement::usage) that the answer tells.
///   A request has to fit into all limits, of requests and of tokens; one that is larger than a whole limit
///   is never admitted: see [`Ticket::exceeds`].
///
/// Senders are admitted in the order in which they came; see [`EnterOptions`] for priorities and for
/// tenants that share a key. Leaving the line frees the place at once.
///
/// It has no clock of its own and does not sleep: `now` is the time since any fixed point of a
/// monotonic clock, the same for all calls. Processes that share a key find their shares as said
/// above, or share all that is known: see [`Quota::shared`].
///
/// ```
/// use std::time::Duration;
/// use resayil_core::{Quota, Timestamp};
/// use resayil_core::quota::{Admission, QuotaOptions};
///
/// let start = Timestamp::from_unix_seconds(50); // Ten seconds before the minute ends.
/// let quota = Quota::new(QuotaOptions::default().with_limit(1), start, Duration::ZERO);
/// let mut first = quota.enter();
/// let mut second = quota.enter();
/// assert_eq!(first.poll(Duration::ZERO), Admission::Ready);
/// assert_eq!(second.poll(Duration::ZERO), Admission::Wait(Duration::from_secs(10)));
/// ```
#[derive(Clone)]
pub struct Quota(Arc<Mutex<State>>);

/// Whether a sender may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Admission {
    /// Send now.
    Ready,
    /// Not yet, and as far as is known not earlier than after this time: ask again then. Where
    /// answers that are under way are all that is missing, it is short.
    ///
    /// An answer, or somebody who leaves the line, may bring the turn forward. Those who are to
    /// learn of that leave a waker: see [`Ticket::poll_with`].
    Wait(Duration),
}

/// What a quota knows, to be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QuotaState {
    /// Requests a window admits, if it is known.
    pub limit: Option<u32>,
    /// How many more this window admits, if the limit is known.
    pub remaining: Option<u32>,
    /// The time until the window ends, or until a refusal is over.
    pub reset_after: Option<Duration>,
    /// How many senders wait.
    pub waiting: usize,
    /// How many requests were admitted since the beginning, by this quota and not by those it shares
    /// a model with.
    pub admitted: u64,
    /// How many of them the server refused.
    pub refused: u64,
}

impl Quota {
    /// A quota that nobody has used yet. `wall` is the wall clock at `now`; it is the first guess
    /// at the server's clock.
    pub fn new(options: QuotaOptions, wall: Timestamp, now: Duration) -> Self {
        Self::over(Kept::Own(QuotaModel::new(options, wall, now)))
    }

    /// A quota that counts in a model that others share. The line, and so the order of those who
    /// wait, is this quota's own: between those who share the model, whoever asks first is admitted.
    pub fn shared(store: impl QuotaStore + 'static) -> Self {
        Self::over(Kept::Shared(Shared::new(Box::new(store))))
    }

    /// How often the first of those who left a waker asks anew where the model is
    /// [shared](Self::shared): nobody wakes it when another process frees a place.
    pub const SHARED_POLL: Duration = Duration::from_millis(250);

    fn over(store: Kept) -> Self {
        Quota(Arc::new(Mutex::new(State::new(store))))
    }

    /// Takes a place at the end of the line. Dropping the ticket leaves the line.
    pub fn enter(&self) -> Ticket {
        self.enter_with(&EnterOptions::default())
    }

    /// Takes a place in the line by priority, tenant, or where one stood before.
    pub fn enter_with(&self, options: &EnterOptions) -> Ticket {
        let mut state = self.lock();
        let place = state.line.place(options);
        state.line.join(place, options.cost());
        drop(state);
        Ticket::waiting(self.clone(), place)
    }

    /// Takes a place at the end of the line and asks at once whether to send: cheaper than
    /// [`enter`](Self::enter) and [`Ticket::poll`] where nobody waits.
    pub fn acquire(&self, now: Duration) -> (Ticket, Admission) {
        self.acquire_with(&EnterOptions::default(), now)
    }

    /// The same by priority, tenant, cost, or where one stood before.
    #[inline]
    pub fn acquire_with(&self, options: &EnterOptions, now: Duration) -> (Ticket, Admission) {
        let mut state = self.lock();
        if state.line.is_empty() {
            if let Some((place, grant)) = state.admit(options, now) {
                let quota = self.clone();
                drop(state);
                return (Ticket::admitted(quota, place, grant), Admission::Ready);
            }
        }
        drop(state);
        self.acquire_in_turn(options, now)
    }

    #[cold]
    fn acquire_in_turn(&self, options: &EnterOptions, now: Duration) -> (Ticket, Admission) {
        let mut ticket = self.enter_with(options);
        let admission = ticket.poll(now);
        (ticket, admission)
    }

    /// What the quota knows at `now`.
    pub fn state(&self, now: Duration) -> QuotaState {
        let mut state = self.lock();
        let now = state.store.time(now);
        QuotaState {
            waiting: state.line.len(),
            admitted: state.admitted,
            refused: state.refused,
            ..state.store.read(now)
        }
    }

    /// Whether the model is kept by a store, where others change it: see [`shared`](Self::shared).
    pub fn is_shared(&self) -> bool {
        self.lock().store.is_shared()
    }

    /// Asks the budget that is kept with the model, at this time or at the last that was named.
    pub(crate) fn ask_budget(
        &self,
        operation: BudgetOperation,
        now: Option<Duration>,
    ) -> BudgetReply {
        self.lock().ask_budget(operation, now)
    }

    /// Tells the budget this together with what is told next.
    pub(crate) fn tell_budget_later(&self, operation: BudgetOperation) {
        self.lock().tell_budget_later(operation);
    }

    /// The store admits more than it did: wakes those who may go now.
    #[cfg(feature = "fleet")]
    fn store_changed(&self, now: Duration) {
        self.change(|state| state.store_changed(now));
    }

    /// Changes the state, and then wakes whom that concerns.
    fn change(&self, change: impl FnOnce(&mut State) -> Wakers) {
        let wakers = change(&mut self.lock());
        wakers.wake();
    }

    #[inline(always)]
    fn lock(&self) -> MutexGuard<'_, State> {
        match self.0.try_lock() {
            Ok(state) => state,
            Err(_) => self.lock_in_turn(),
        }
    }

    /// Another thread is at it, which takes some tens of nanoseconds. It costs less to let it make
    /// several calls in a row than to take the state from core to core for each, or to be put to
    /// sleep.
    #[cold]
    fn lock_in_turn(&self) -> MutexGuard<'_, State> {
        for spins in [64, 128, 256] {
            for _ in 0..spins {
                std::hint::spin_loop();
            }
            if let Ok(state) = self.0.try_lock() {
                return state;
            }
        }
        // No code panics while it holds the lock; if it did, the state is still whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Quota {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Quota").field("waiting", &self.lock().line.len()).finish_non_exhaustive()
    }
}

/// Nanoseconds; those of 500 years stand for anything beyond.
#[inline]
fn nanos(time: Duration) -> u64 {
    let whole = time.as_secs().saturating_mul(1_000_000_000);
    whole.saturating_add(u64::from(time.subsec_nanos()))
}

#[cfg(test)]
mod tests;
