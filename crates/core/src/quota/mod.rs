//! Quota: what the server still admits, and who may use it next.

mod bucket;
mod bytes;
mod clock;
mod flight;
mod line;
mod model;
mod pool;
mod recent;
mod settlement;
mod store;
mod ticket;
mod told;
mod window;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::timestamp::Timestamp;

pub use line::{EnterOptions, Place, Priority};
pub use model::QuotaModel;
pub use settlement::Settlement;
pub use store::SharedQuota;
pub use ticket::Ticket;

use line::Line;
use store::{Grant, Kept, Stand, Store};

/// The options of a [`Quota`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QuotaOptions {
    /// Requests a window admits. Default: unknown, and learned from headers and refusals. 1 or
    /// more; 0 is taken as 1.
    pub limit: Option<u32>,
    /// The length of the window, which is aligned to the server's clock. Default 60 s; `None` for
    /// a service without such windows: then only refusals and headers hold senders back.
    pub window: Option<Duration>,
}

impl Default for QuotaOptions {
    fn default() -> Self {
        QuotaOptions { limit: None, window: Some(Duration::from_secs(60)) }
    }
}

impl QuotaOptions {
    /// The same options with the number of requests that a window admits.
    #[must_use]
    pub fn with_limit(mut self, limit: impl Into<Option<u32>>) -> Self {
        self.limit = limit.into();
        self
    }

    /// The same options with another window.
    #[must_use]
    pub fn with_window(mut self, window: impl Into<Option<Duration>>) -> Self {
        self.window = window.into();
        self
    }
}

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
/// use resayil_core::{Admission, Quota, QuotaOptions, Timestamp};
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

struct State {
    store: Kept,
    line: Line,
    counters: Counters,
}

#[derive(Clone, Copy, Default)]
struct Counters {
    admitted: u64,
    refused: u64,
}

/// Whether a sender may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Admission {
    /// Send now.
    Ready,
    /// Ask again after this time. Asking earlier helps only if in the meantime an answer arrived or
    /// somebody in front left the line.
    Wait(Duration),
}

/// What a quota knows, to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    pub fn shared(store: impl SharedQuota + 'static) -> Self {
        Self::over(Kept::Shared(Box::new(store)))
    }

    fn over(store: Kept) -> Self {
        Quota(Arc::new(Mutex::new(State {
            store,
            line: Line::default(),
            counters: Counters::default(),
        })))
    }

    /// Takes a place at the end of the line. Dropping the ticket leaves the line.
    pub fn enter(&self) -> Ticket {
        self.enter_with(&EnterOptions::default())
    }

    /// Takes a place in the line by priority, tenant, or where one stood before.
    pub fn enter_with(&self, options: &EnterOptions) -> Ticket {
        let mut state = self.lock();
        let place = state.line.place(options);
        state.line.join(place);
        drop(state);
        Ticket::waiting(self.clone(), place)
    }

    /// Takes a place at the end of the line and asks at once whether to send: cheaper than
    /// [`enter`](Self::enter) and [`Ticket::poll`] where nobody waits.
    pub fn acquire(&self, now: Duration) -> (Ticket, Admission) {
        let mut state = self.lock();
        let place = state.line.place(&EnterOptions::default());
        if state.line.is_empty() {
            match state.store.admit(Stand { ahead: 0, waiting: 1 }, now) {
                Ok(grant) => {
                    state.counters.admitted += 1;
                    state.line.served(place);
                    drop(state);
                    return (Ticket::admitted(self.clone(), place, grant), Admission::Ready);
                }
                Err(wait) => {
                    state.line.join(place);
                    drop(state);
                    return (Ticket::waiting(self.clone(), place), Admission::Wait(wait));
                }
            }
        }
        state.line.join(place);
        drop(state);
        let mut ticket = Ticket::waiting(self.clone(), place);
        let admission = ticket.poll(now);
        (ticket, admission)
    }

    /// What the quota knows at `now`.
    pub fn state(&self, now: Duration) -> QuotaState {
        let mut state = self.lock();
        let reading = state.store.read(now);
        QuotaState {
            limit: reading.limit,
            remaining: reading.remaining,
            reset_after: reading.reset_after,
            waiting: state.line.len(),
            admitted: state.counters.admitted,
            refused: state.counters.refused,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock; if it did, the state is still whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Quota {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Quota").field("waiting", &self.lock().line.len()).finish_non_exhaustive()
    }
}

impl State {
    fn poll(&mut self, place: Place, now: Duration) -> Result<Grant, Duration> {
        // Those in front have the first claim on what is left, even while they sleep.
        let stand = Stand { ahead: self.line.ahead(place), waiting: self.line.len() };
        let grant = self.store.admit(stand, now)?;
        self.line.leave(place);
        self.line.served(place);
        self.counters.admitted += 1;
        Ok(grant)
    }

    fn leave(&mut self, place: Place) {
        self.line.leave(place);
    }

    fn settle(&mut self, grant: &Grant, settlement: &Settlement, now: Duration) {
        self.counters.refused += u64::from(settlement.refused);
        self.store.settle(grant, settlement, now);
    }

    fn abandon(&mut self, grant: &Grant) {
        self.store.abandon(grant);
    }
}

#[cfg(test)]
mod tests;
