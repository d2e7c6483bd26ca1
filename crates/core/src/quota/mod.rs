//! Quota: what the server still admits, and who may use it next.

mod clock;
mod window;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::rate_limit::RateLimit;
use crate::timestamp::Timestamp;

use clock::ServerClock;
use window::Window;

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
/// It models the window of LLM Resayil: so many requests a minute of the *server's* clock. Senders
/// are admitted in the order in which they came. The first refusal holds everybody back until the
/// window ends, and teaches the limit if it was unknown.
///
/// It has no clock of its own and does not sleep: `now` is the time since any fixed point of a
/// monotonic clock, the same for all calls. The server's clock is estimated from its `Date`
/// headers, so the local wall clock may be wrong and may be set at any time.
///
/// Today it knows windows that are aligned to the clock, in this process. Sliding windows, token
/// counts and quotas that processes share are not modelled yet.
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
    window: Option<Window>,
    clock: ServerClock,
    /// Nobody is admitted before this, because the server refused a request.
    latched_until: Duration,
    /// Places in the line, in order.
    line: VecDeque<u64>,
    next_place: u64,
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
    /// Ask again after this time. Nothing is gained by asking earlier.
    Wait(Duration),
}

/// What the answer to an admitted request says of the quota.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Settlement {
    /// Whether the server refused the request because the quota is used up.
    pub refused: bool,
    /// Whether the request was counted against the quota; unknown without an answer.
    pub consumed: Option<bool>,
    /// The answer's `Date`.
    pub date: Option<Timestamp>,
    /// The wait that the server asks for.
    pub retry_after: Option<Duration>,
    /// The rate limit that the answer's headers report.
    pub rate_limit: Option<RateLimit>,
}

impl Settlement {
    /// Nothing is known: no answer came.
    pub fn unknown() -> Self {
        Settlement::default()
    }

    /// Reads an answer: its status, headers, and the error that it stands for, if it is one.
    ///
    /// LLM Resayil counts neither refused requests nor those that fail with 401, 402, 404 or 422.
    pub fn from_answer<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        status: u16,
        headers: &[(N, V)],
        error: Option<&crate::Error>,
        now: Timestamp,
    ) -> Self {
        let facts = crate::headers::HeaderFacts::read(headers, now);
        let refused = error.is_some_and(|error| error.kind() == crate::Kind::RateLimit);
        Settlement {
            refused,
            consumed: Some(!refused && !matches!(status, 401 | 402 | 404 | 413 | 422 | 429)),
            date: facts.date(now),
            retry_after: error.and_then(|error| error.retry_after()),
            rate_limit: facts.rate_limit,
        }
    }
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
    /// How many requests were admitted since the beginning.
    pub admitted: u64,
    /// How many of them the server refused.
    pub refused: u64,
}

impl Quota {
    /// A quota that nobody has used yet. `wall` is the wall clock at `now`; it is the first guess
    /// at the server's clock.
    pub fn new(options: QuotaOptions, wall: Timestamp, now: Duration) -> Self {
        let window = options.window.filter(|window| !window.is_zero());
        Quota(Arc::new(Mutex::new(State {
            window: window.map(|length| Window::new(length, options.limit)),
            clock: ServerClock::new(wall, now),
            latched_until: Duration::ZERO,
            line: VecDeque::new(),
            next_place: 0,
            counters: Counters::default(),
        })))
    }

    /// Takes a place at the end of the line. Dropping the ticket leaves the line.
    pub fn enter(&self) -> Ticket {
        let mut state = self.lock();
        let place = state.next_place;
        state.next_place += 1;
        state.line.push_back(place);
        Ticket { quota: self.clone(), stage: Stage::Waiting(place) }
    }

    /// What the quota knows at `now`.
    pub fn state(&self, now: Duration) -> QuotaState {
        let mut state = self.lock();
        let latched = state.latched_until.checked_sub(now).filter(|left| !left.is_zero());
        let State { window, clock, .. } = &mut *state;
        let window_end = window.as_mut().map(|window| {
            window.roll(clock, now);
            window.until_next(clock, now)
        });
        QuotaState {
            limit: state.window.as_ref().and_then(Window::limit),
            remaining: if latched.is_some() {
                Some(0)
            } else {
                state.window.as_ref().and_then(Window::remaining)
            },
            reset_after: latched.or(window_end),
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
    fn poll(&mut self, place: u64, now: Duration) -> Admission {
        if let Some(left) = self.latched_until.checked_sub(now).filter(|left| !left.is_zero()) {
            return Admission::Wait(left);
        }
        // Those in front have the first claim on what is left, even while they sleep.
        let ahead = self.line.partition_point(|known| *known < place);
        let Some(window) = &mut self.window else { return Admission::Ready };
        window.roll(&self.clock, now);
        match window.wait_for(ahead, &self.clock, now) {
            Some(wait) => Admission::Wait(wait),
            None => Admission::Ready,
        }
    }

    fn leave(&mut self, place: u64) {
        if let Ok(index) = self.line.binary_search(&place) {
            self.line.remove(index);
        }
    }

    fn settle(&mut self, admitted_at: Duration, settlement: &Settlement, now: Duration) {
        if let Some(date) = settlement.date {
            self.clock.observe(date, admitted_at, now);
        }
        let Some(window) = &mut self.window else {
            if settlement.refused {
                self.counters.refused += 1;
                self.latched_until =
                    self.latched_until.max(now + settlement.retry_after.unwrap_or_default());
            }
            return;
        };
        window.roll(&self.clock, now);
        if let Some(limit) = settlement.rate_limit.and_then(|limit| limit.limit()) {
            window.set_limit(u32::try_from(limit).unwrap_or(u32::MAX));
        }
        if settlement.refused {
            self.counters.refused += 1;
            if let Some(wait) = settlement.retry_after {
                window.observe_end(now + wait, &mut self.clock);
                window.roll(&self.clock, now);
            }
            window.resolve(admitted_at);
            // A refusal from an earlier window says nothing about this one.
            if window.contains(admitted_at, &self.clock) {
                window.refused();
                let end = now + window.until_next(&self.clock, now);
                self.latched_until = self.latched_until.max(end);
            }
        } else if settlement.consumed == Some(false) {
            window.resolve(admitted_at);
            if window.contains(admitted_at, &self.clock) {
                window.give_back();
            }
        } else if let Some(date) = settlement.date {
            window.answered(admitted_at, date);
        }
    }
}

/// A sender's place in the line, then its admission, to be settled when the answer is there.
#[must_use]
pub struct Ticket {
    quota: Quota,
    stage: Stage,
}

enum Stage {
    Waiting(u64),
    Admitted(Duration),
    Settled,
}

impl Ticket {
    /// Asks whether to send now. Once it said [`Admission::Ready`] it goes on to say so.
    pub fn poll(&mut self, now: Duration) -> Admission {
        let Stage::Waiting(place) = self.stage else { return Admission::Ready };
        let mut state = self.quota.lock();
        let admission = state.poll(place, now);
        if admission == Admission::Ready {
            state.leave(place);
            state.counters.admitted += 1;
            if let Some(window) = &mut state.window {
                window.admit(now);
            }
            drop(state);
            self.stage = Stage::Admitted(now);
        }
        admission
    }

    /// Tells what the answer says of the quota. `now` is when it arrived.
    pub fn settle(mut self, settlement: &Settlement, now: Duration) {
        if let Stage::Admitted(at) = self.stage {
            self.quota.lock().settle(at, settlement, now);
        }
        self.leave();
    }

    fn leave(&mut self) {
        if let Stage::Waiting(place) = std::mem::replace(&mut self.stage, Stage::Settled) {
            self.quota.lock().leave(place);
        }
    }
}

impl Drop for Ticket {
    /// Leaves the line. An admitted request that is never settled counts as consumed.
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests;
