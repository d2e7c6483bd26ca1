//! What comes before a request: the back-off, a place, the quota's admission.

use std::task::Waker;
use std::time::Duration;

use super::{Operation, Stage};
use crate::call::attempt::{Attempt, Held};
use crate::call::{Step, WaitReason};
use crate::error::{Error, HintSource, LimitScope};
use crate::kind::Kind;
use crate::observe::CallAction;
use crate::quota::{Admission, Ticket};
use crate::retry::{BudgetWait, RetryReason, StopReason, Turn};
use crate::timestamp::Timestamp;

/// A wait that has begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    reason: WaitReason,
    since: Duration,
}

/// A wait for the budget.
#[derive(Debug)]
pub(super) struct Pause {
    wait: BudgetWait,
    since: Duration,
}

/// What holds the next request back.
enum Obstacle {
    /// The request is larger than this limit, of so much.
    Never(LimitScope, u64),
    /// Its limit begins anew only after this time, which is longer than the policy accepts.
    Far(Duration, Option<Timestamp>),
    /// Known to last so long, and worth another look at that time.
    For { wait: Duration, until: Option<Duration>, reason: WaitReason },
    /// Somebody else's request, for as long as it takes.
    Place,
}

impl Operation {
    /// What to do now. Where the step is a wait, `waker` is called when it is worth asking again
    /// before its end; it takes the place of the one before.
    pub fn poll(&mut self, now: Duration, waker: &Waker) -> Step {
        match &mut self.stage {
            Stage::Waiting => {}
            Stage::Sent => {
                let problem =
                    "an attempt was begun, and the operation was not told what came of it";
                self.end(Error::new(Kind::Configuration, problem), StopReason::NotRetryable, now);
                return self.poll(now, waker);
            }
            Stage::Done => return Step::Done,
            Stage::Failed(error) => {
                return Step::Failed(error.take().unwrap_or_else(Error::cancelled));
            }
        }
        if self.patience_is_over(now) {
            return self.poll(now, waker);
        }
        let obstacle = self.paused(now, waker).or_else(|| self.obstacle(now, waker));
        let left = self.deadline.map(|deadline| deadline.saturating_sub(now));
        let wait = match &obstacle {
            Some(Obstacle::For { wait, .. } | Obstacle::Far(wait, _)) => *wait,
            _ => Duration::ZERO,
        };
        if left.is_some_and(|left| left <= wait) {
            let mut error = Error::deadline();
            if !wait.is_zero() {
                error = error.with_retry_after(wait, HintSource::Quota);
            }
            self.give_up_waiting(error, StopReason::Deadline, now);
            return self.poll(now, waker);
        }
        match obstacle {
            None => Step::Send(self.send(now)),
            Some(Obstacle::Never(scope, limit)) => {
                let error = Error::exceeds_limit(scope, limit);
                self.give_up_waiting(error, StopReason::ExceedsLimit, now);
                self.poll(now, waker)
            }
            Some(Obstacle::Far(reset, at)) => {
                self.give_up_waiting(Error::used_up(reset, at), StopReason::MaxHint, now);
                self.poll(now, waker)
            }
            Some(Obstacle::Place) => {
                self.wait(WaitReason::Concurrency, None, now);
                Step::Wait { until: self.deadline, reason: WaitReason::Concurrency }
            }
            Some(Obstacle::For { wait, until, reason }) => {
                self.wait(reason, Some(wait), now);
                // Others may send meanwhile.
                self.held.permit = None;
                let until = until.unwrap_or(now.saturating_add(wait));
                let until = self.deadline.map_or(until, |deadline| until.min(deadline));
                Step::Wait { until: Some(until), reason }
            }
        }
    }

    /// Waits for the budget, which does not afford the next attempt.
    pub(super) fn pause(&mut self, error: Error, now: Duration) {
        match self.call.wait_for_budget(&error, now) {
            Ok((wait, not_before)) if !self.patience().is_zero() => {
                self.paused = Some(Pause { wait, since: now });
                self.not_before = not_before;
                self.not_before_reason = WaitReason::Backoff;
                self.last = Some(error);
            }
            Ok(_) => self.end(error, StopReason::Budget, now),
            Err(reason) => self.end(error, reason, now),
        }
    }

    /// How long it may still wait for the budget. Most calls never ask.
    fn patience(&self) -> Duration {
        self.options.policy.budget_patience().saturating_sub(self.was_paused)
    }

    /// Ends the operation if it has waited for the budget as long as it may.
    fn patience_is_over(&mut self, now: Duration) -> bool {
        let Some(pause) = &self.paused else { return false };
        if now.saturating_sub(pause.since) < self.patience() {
            return false;
        }
        self.paused = None;
        let error = self.last.take().unwrap_or_else(Error::cancelled);
        self.end(error, StopReason::Budget, now);
        true
    }

    /// What holds back an operation that waits for its budget.
    fn paused(&mut self, now: Duration, waker: &Waker) -> Option<Obstacle> {
        let patience = self.paused.as_ref().map(|_| self.patience())?;
        let Pause { wait, since } = self.paused.as_mut()?;
        let turn = wait.poll(now, waker);
        let since = *since;
        if let Turn::Wait(until) = turn {
            let until = until.min(since.saturating_add(patience));
            let (wait, reason) = (Duration::ZERO, WaitReason::Budget);
            return Some(Obstacle::For { wait, until: Some(until), reason });
        }
        self.paused = None;
        self.was_paused = self.was_paused.saturating_add(now.saturating_sub(since));
        if turn == Turn::Probe {
            self.call.probe();
        }
        let event = self.event(CallAction::Retry(RetryReason::Budget));
        self.notify(&event.with_error(self.last.as_ref()));
        None
    }

    fn obstacle(&mut self, now: Duration, waker: &Waker) -> Option<Obstacle> {
        let early = self.not_before.checked_sub(now).filter(|wait| !wait.is_zero());
        let reason = self.not_before_reason;
        let held_back =
            early.map(|wait| Obstacle::For { wait, until: Some(self.not_before), reason });
        if held_back.is_some() && reason != WaitReason::Quota {
            return held_back;
        }
        // In the line already while the server's own wait lasts: nobody takes the place.
        let service = self.service().clone();
        if let Some(quota) = service.quota.as_ref().filter(|_| self.options.metered) {
            let enter = self.options.enter.with_place(self.place);
            self.held.ticket.get_or_insert_with(|| quota.enter_with(&enter));
        }
        if held_back.is_some() {
            return held_back;
        }
        // What the quota admits is to be sent at once, so a place comes first.
        if let Some(limiter) = &service.limiter {
            let permit = self.held.permit.get_or_insert_with(|| limiter.enter());
            if permit.poll(waker).is_pending() {
                return Some(Obstacle::Place);
            }
        }
        let ticket = self.held.ticket.as_mut()?;
        match ticket.poll_with(now, waker) {
            Admission::Ready => None,
            Admission::Wait(wait) => {
                if let Some((scope, limit)) = ticket.exceeds() {
                    return Some(Obstacle::Never(scope, limit));
                }
                let reset = ticket.reset_after();
                if reset > self.call.policy().max_hint() {
                    return Some(Obstacle::Far(reset, ticket.reset_at()));
                }
                let until = ticket.poll_at();
                Some(Obstacle::For { wait, until, reason: WaitReason::Quota })
            }
        }
    }

    /// Begins a wait, unless it is the one that lasts already.
    pub(super) fn wait(&mut self, reason: WaitReason, wait: Option<Duration>, now: Duration) {
        if self.waiting.is_some_and(|waiting| waiting.reason == reason) {
            return;
        }
        self.end_wait(now);
        self.waiting = Some(Waiting { reason, since: now });
        // Where no quota keeps a line, the event of the retry has told the wait.
        if reason != WaitReason::Quota || self.held.ticket.is_some() {
            self.notify(&self.event(CallAction::Wait(reason)).with_delay(wait));
        }
    }

    /// Ends the wait that lasts, if one does.
    pub(super) fn end_wait(&mut self, now: Duration) {
        if let Some(Waiting { reason, since }) = self.waiting.take() {
            let waited = now.saturating_sub(since);
            self.notify(&self.event(CallAction::Waited(reason)).with_delay(waited));
        }
    }

    fn send(&mut self, now: Duration) -> Attempt {
        self.end_wait(now);
        self.stage = Stage::Sent;
        self.sent = self.sent.saturating_add(1);
        self.place = self.held.ticket.as_ref().map(Ticket::place);
        self.notify(&self.event(CallAction::Attempt));
        let end = self.options.attempt_timeout.map(|timeout| now.saturating_add(timeout));
        let ends_at = match (end, self.deadline) {
            (Some(end), Some(deadline)) => Some(end.min(deadline)),
            (end, deadline) => end.or(deadline),
        };
        Attempt {
            number: self.sent,
            target: self.target(),
            ends_at,
            needs_fresh_connection: self.met_stale_connection,
            held: std::mem::take(&mut self.held),
        }
    }

    /// Ends the operation while it waits.
    pub(super) fn give_up_waiting(&mut self, error: Error, reason: StopReason, now: Duration) {
        self.held = Held::default();
        self.paused = None;
        let error = match self.last.take() {
            Some(last) => error.with_ambiguous(last.is_ambiguous()).with_source(last),
            None => error,
        };
        self.end(error, reason, now);
    }
}
