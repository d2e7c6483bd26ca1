//! A sender's place in the line, and its admission.

use std::task::Waker;
use std::time::Duration;

use super::line::Place;
use super::operation::QuotaGrant;
use super::{Admission, Quota, Settlement};
use crate::error::LimitScope;
use crate::timestamp::Timestamp;

/// A sender's place in the line, then its admission, to be settled when the answer is there.
///
/// ```
/// use std::time::Duration;
/// use resayil_core::quota::{Admission, QuotaOptions, Settlement};
/// use resayil_core::{Quota, Timestamp};
///
/// let now = Duration::ZERO;
/// let options = QuotaOptions::default().with_limit(20);
/// let quota = Quota::new(options, Timestamp::from_unix_seconds(50), now);
/// let mut ticket = quota.enter();
/// match ticket.poll(now) {
///     Admission::Ready => ticket.settle(&Settlement::unknown(), now), // after the answer
///     Admission::Wait(delay) => println!("look again in {delay:?}"),
/// }
/// ```
#[must_use]
pub struct Ticket {
    quota: Quota,
    place: Place,
    stage: Stage,
}

enum Stage {
    Waiting {
        poll_at: Option<Duration>,
        exceeds: Option<(LimitScope, u64)>,
        reset: Duration,
        reset_at: Option<Timestamp>,
    },
    Admitted(QuotaGrant),
    /// All is told but what was used in the end.
    Answering(QuotaGrant),
    Settled,
}

impl Ticket {
    pub(super) fn waiting(quota: Quota, place: Place) -> Self {
        Ticket {
            quota,
            place,
            stage: Stage::Waiting {
                poll_at: None,
                exceeds: None,
                reset: Duration::ZERO,
                reset_at: None,
            },
        }
    }

    pub(super) fn admitted(quota: Quota, place: Place, grant: QuotaGrant) -> Self {
        Ticket { quota, place, stage: Stage::Admitted(grant) }
    }

    /// Asks whether to send now. Once it said [`Admission::Ready`] it goes on to say so.
    pub fn poll(&mut self, now: Duration) -> Admission {
        self.ask(now, None)
    }

    /// Asks whether to send now, and if not leaves `waker`, to be called once when it is worth
    /// asking again before [`poll_at`](Self::poll_at): because an answer arrived, or because
    /// somebody in front left the line or was admitted. It takes the place of the one that was left
    /// before, and is dropped with the ticket.
    ///
    /// No more are woken than may be admitted, and one that has to know that its turn comes earlier
    /// than it was told. The waker is called by the thread that settles, drops or polls another
    /// ticket of the quota. So any runtime can wait for a ticket, with a timer of its own:
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::task::{Context, Poll, Wake, Waker};
    /// use std::thread::Thread;
    /// use std::time::{Duration, Instant};
    /// use resayil_core::{Quota, Timestamp};
    /// use resayil_core::quota::{Admission, QuotaOptions, Settlement, Ticket};
    ///
    /// /// A runtime that has one thread, one task and one timer.
    /// struct Unpark(Thread);
    ///
    /// impl Wake for Unpark {
    ///     fn wake(self: Arc<Self>) {
    ///         self.0.unpark();
    ///     }
    /// }
    ///
    /// fn block_on<T>(mut task: impl FnMut(&mut Context<'_>, &mut Option<Instant>) -> Poll<T>) -> T {
    ///     let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    ///     loop {
    ///         let mut timer = None;
    ///         if let Poll::Ready(value) = task(&mut Context::from_waker(&waker), &mut timer) {
    ///             return value;
    ///         }
    ///         match timer {
    ///             Some(at) => std::thread::park_timeout(at.saturating_duration_since(Instant::now())),
    ///             None => std::thread::park(),
    ///         }
    ///     }
    /// }
    ///
    /// let start = Instant::now();
    /// let options = QuotaOptions::default().with_limit(1);
    /// let quota = Quota::new(options, Timestamp::from_unix_seconds(50), Duration::ZERO);
    /// let (first, _) = quota.acquire(start.elapsed());
    /// let mut second = quota.enter();
    /// // The first request turns out not to be counted, long before the minute ends.
    /// let answer = std::thread::spawn(move || {
    ///     std::thread::sleep(Duration::from_millis(20));
    ///     let mut settlement = Settlement::unknown();
    ///     settlement.consumed = Some(false);
    ///     first.settle(&settlement, start.elapsed());
    /// });
    /// block_on(|context, timer| match second.poll_with(start.elapsed(), context.waker()) {
    ///     Admission::Ready => Poll::Ready(()),
    ///     Admission::Wait(_) => {
    ///         *timer = second.poll_at().map(|at| start + at);
    ///         Poll::Pending
    ///     }
    /// });
    /// assert!(start.elapsed() < Duration::from_secs(9));
    /// # answer.join().unwrap();
    /// ```
    pub fn poll_with(&mut self, now: Duration, waker: &Waker) -> Admission {
        self.ask(now, Some(waker))
    }

    /// When to ask again if the waker was not called, on the clock of `now`: `None` if it was not
    /// asked yet, or said [`Admission::Ready`].
    ///
    /// This may be later than what [`Admission::Wait`] says, which is what to hold against a
    /// deadline: where answers under way are all that is missing, they wake.
    pub fn poll_at(&self) -> Option<Duration> {
        match self.stage {
            Stage::Waiting { poll_at, .. } => poll_at,
            _ => None,
        }
    }

    fn ask(&mut self, now: Duration, waker: Option<&Waker>) -> Admission {
        if !matches!(self.stage, Stage::Waiting { .. }) {
            return Admission::Ready;
        }
        // Wakers run code of their own when they are cloned, called and dropped: not under the lock.
        let waker = waker.cloned();
        let (result, wakers) = self.quota.lock().poll(self.place, now, waker);
        wakers.wake();
        match result {
            Ok(grant) => {
                self.stage = Stage::Admitted(grant);
                Admission::Ready
            }
            Err(delay) => {
                let poll_at = Some(now.saturating_add(delay.again));
                self.stage = Stage::Waiting {
                    poll_at,
                    exceeds: delay.exceeds(),
                    reset: delay.reset(),
                    reset_at: delay.reset_at,
                };
                Admission::Wait(delay.least)
            }
        }
    }

    /// The place, to stand there once more if the request was refused and has to be sent again: see
    /// [`EnterOptions::with_place`](super::EnterOptions::with_place).
    pub fn place(&self) -> Place {
        self.place
    }

    /// What the limit counts that the request is larger than, and how much there is of it: then it is never
    /// admitted, and was told to wait for [`Duration::MAX`]. `None` before it asked, and else.
    pub fn exceeds(&self) -> Option<(LimitScope, u64)> {
        match self.stage {
            Stage::Waiting { exceeds, .. } => exceeds,
            _ => None,
        }
    }

    /// The time until the limit that holds the request back begins anew, whoever is in front of it, as it
    /// was told when it last asked; zero if that is not known.
    pub fn reset_after(&self) -> Duration {
        match self.stage {
            Stage::Waiting { reset, .. } => reset,
            _ => Duration::ZERO,
        }
    }

    /// When that is by the server's clock, if it is known.
    pub(crate) fn reset_at(&self) -> Option<Timestamp> {
        match self.stage {
            Stage::Waiting { reset_at, .. } => reset_at,
            _ => None,
        }
    }

    /// Whether tokens are limited, so that the answer's usage is worth to be read and told.
    pub fn counts_tokens(&self) -> bool {
        matches!(self.stage, Stage::Admitted(grant) | Stage::Answering(grant) if grant.counts_tokens())
    }

    /// Tells what the head of an answer says of the quota, before its body is there. What was used in the end
    /// can be told by [`settle`](Self::settle) then, of which nothing else counts any more.
    pub fn settle_head(&mut self, settlement: &Settlement, now: Duration) {
        if let Stage::Admitted(grant) = self.stage {
            self.stage = Stage::Answering(grant);
            self.quota.change(|state| state.settle(grant, &settlement.bounded(), now));
        }
    }

    /// Tells what the answer says of the quota. `now` is when it arrived.
    pub fn settle(mut self, settlement: &Settlement, now: Duration) {
        match std::mem::replace(&mut self.stage, Stage::Settled) {
            Stage::Admitted(grant) => {
                self.quota.change(|state| state.settle(grant, &settlement.bounded(), now));
            }
            Stage::Answering(grant) => {
                if let Some(used) = settlement.usage.filter(|_| grant.counts_tokens()) {
                    self.quota.change(|state| state.correct(grant, used, now));
                }
            }
            stage => self.stage = stage,
        }
    }
}

impl Drop for Ticket {
    /// Leaves the line. An admitted request that is never settled counts as consumed.
    fn drop(&mut self) {
        match self.stage {
            Stage::Waiting { .. } => self.quota.change(|state| state.leave(self.place)),
            Stage::Admitted(grant) => self.quota.change(|state| state.abandon(grant)),
            Stage::Answering(_) | Stage::Settled => {}
        }
    }
}
