//! One call and its attempts.

use std::time::Duration;

use super::backoff::{delay, hint_jitter};
use super::budget::Own;
use super::{Budget, BudgetWait, Decision, Policy, RetryReason, StopReason};
use crate::error::Error;
use crate::kind::Kind;
use crate::rng::Rng;

/// With so much patience a call is one of a batch.
const BATCH_PATIENCE: Duration = Duration::from_secs(3600);
/// The same as [`Budget::PROBE_AFTER`] for calls of a batch.
const BATCH_PROBE_AFTER: Duration = Duration::from_secs(4);

/// One call: it is told each failure, and answers what to do.
///
/// It has no clock and does not sleep; `now` is the time since the same fixed point that was meant
/// in [`Policy::start`].
///
/// ```
/// use std::time::Duration;
/// use resayil_core::{Decision, Error, Kind, Policy};
///
/// let mut call = Policy::default().start(Duration::ZERO, 1);
/// let error = Error::new(Kind::Server, "unexpected error").with_status(500);
/// let decision = call.on_error(&error, Duration::from_millis(200));
/// assert!(decision.is_retry());
/// let error = Error::new(Kind::Authentication, "bad key").with_status(401);
/// assert_eq!(call.on_error(&error, Duration::from_secs(2)).reason(), "not_retryable");
/// ```
#[derive(Clone, Debug)]
pub struct Call {
    policy: Policy,
    started: Duration,
    charged: u32,
    quota_waits: u32,
    previous_delay: Duration,
    rng: Rng,
    budget: Option<Budget>,
    own: Own,
    /// Whether the attempt that is under way only tries whether the service is back.
    is_probe: bool,
    /// How long the call may still wait for its budget, if its program does the waiting.
    patience: Duration,
    /// What was decided last: the wait, or why there is no further attempt.
    decided: Option<Result<Duration, StopReason>>,
}

impl Call {
    pub(super) fn new(policy: Policy, now: Duration, seed: u64) -> Self {
        Call {
            patience: policy.budget_patience(),
            policy,
            started: now,
            charged: 0,
            quota_waits: 0,
            previous_delay: Duration::ZERO,
            rng: Rng::new(seed),
            budget: None,
            own: Own::default(),
            is_probe: false,
            decided: None,
        }
    }

    /// The same call, drawing its retries from a shared budget.
    #[must_use]
    pub fn with_budget(mut self, budget: Budget) -> Self {
        self.set_budget(Some(budget));
        self
    }

    /// After a stop by the budget: takes a place among those who wait for it, and the time before which
    /// not to send all the same. `Err` says why waiting is of no use.
    pub(crate) fn wait_for_budget(
        &mut self,
        error: &Error,
        now: Duration,
    ) -> Result<(BudgetWait, Duration), StopReason> {
        let (budget, delay) = self.worth_a_wait(error, now)?;
        self.previous_delay = delay;
        Ok((budget.wait(self.probe_after(), now), now.saturating_add(delay)))
    }

    /// The budget, if it is of use to wait for it after this error, and the back-off.
    fn worth_a_wait(
        &mut self,
        error: &Error,
        now: Duration,
    ) -> Result<(Budget, Duration), StopReason> {
        let budget = self.budget.as_ref().filter(|budget| budget.is_worth_a_wait());
        let Some(budget) = budget.cloned().filter(|_| !self.policy.budget_patience().is_zero())
        else {
            return Err(StopReason::Budget);
        };
        // A service that was never reached is no outage to be waited for: the address may be wrong.
        let unreached = error.kind() == Kind::Network && !error.is_ambiguous();
        if unreached && !budget.has_seen_success() {
            return Err(StopReason::Budget);
        }
        let hint = error.retry_after().filter(|hint| !hint.is_zero());
        let (delay, _) = self.wait(error, hint, now)?;
        Ok((budget, delay))
    }

    fn probe_after(&self) -> Duration {
        // Who waits however long it takes wants to know soon when it is over.
        let is_batch = self.policy.budget_patience() >= BATCH_PATIENCE;
        if is_batch { BATCH_PROBE_AFTER } else { Budget::PROBE_AFTER }
    }

    /// After a stop by the budget, for who does the waiting: a time at which nobody else of those tries whether
    /// the service is back.
    fn turn_to_probe(&mut self, error: &Error, now: Duration) -> Result<Duration, StopReason> {
        let (budget, backoff) = self.worth_a_wait(error, now)?;
        let left = self.remaining(now).map_or(self.patience, |left| left.min(self.patience));
        let turn = budget.turn_to_probe(self.probe_after(), backoff, left, now);
        let delay = turn.ok_or(StopReason::Budget)?;
        self.patience = self.patience.saturating_sub(delay);
        (self.previous_delay, self.is_probe) = (backoff, true);
        Ok(delay)
    }

    /// The attempt that comes next only tries whether the service is back: it is free of charge.
    pub(crate) fn probe(&mut self) {
        self.is_probe = true;
    }

    /// From now on the retries are drawn from this budget.
    pub(crate) fn set_budget(&mut self, budget: Option<Budget>) {
        self.budget = budget;
        self.own = Own::default();
    }

    /// The policy of this call.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// How many failed attempts were told so far, refusals for quota included.
    pub fn failures(&self) -> u32 {
        self.charged + self.quota_waits
    }

    /// How much time is left until the deadline; `None` when there is no deadline.
    pub fn remaining(&self, now: Duration) -> Option<Duration> {
        let elapsed = now.saturating_sub(self.started);
        self.policy.deadline().map(|deadline| deadline.saturating_sub(elapsed))
    }

    /// Tells that the call succeeded, which fills the budget.
    pub fn on_success(&mut self) {
        if let Some(budget) = &self.budget {
            budget.deposit();
        }
    }

    /// The error as the caller is given it after a [`Decision::Stop`] for this reason: with
    /// [the reason](Error::stop_reason), and marked as [exhausted](Error::is_exhausted) if this call has used up what it may, so that an outer layer
    /// does not begin anew.
    pub fn mark(&self, error: Error, reason: StopReason) -> Error {
        let exhausted = match reason {
            StopReason::MaxAttempts => self.policy.max_attempts() > 1,
            StopReason::MaxQuotaWaits => self.policy.max_quota_waits() > 0,
            StopReason::Budget | StopReason::Deadline => true,
            _ => error.is_exhausted(),
        };
        let error = error.with_exhausted(exhausted);
        match error.stop_reason() {
            // What ended the retries below says more.
            Some(_) if reason == StopReason::Exhausted => error,
            _ => error.with_stop_reason(reason),
        }
    }

    /// Tells a failed attempt, and answers what to do next.
    ///
    /// In this order decide: a server's instruction, whether the error can be retried at all, the
    /// number of attempts, the budget, the deadline and the server's hint, the back-off.
    ///
    /// What the budget does not afford is to be asked for again later ([`RetryReason::Budget`]): one after the
    /// other of the calls that share the budget is told a time at which it may try whether the service is back, in
    /// all up to the policy's [`patience`](Policy::patience). Such a try spends neither attempts nor budget.
    /// It stops at once where that is of no use: the budget has no reserve, the service was never reached, or
    /// processes [share](Budget::shared) the budget.
    pub fn on_error(&mut self, error: &Error, now: Duration) -> Decision {
        match self.decide(error, false, now) {
            Decision::Stop { reason: StopReason::Budget } => match self.turn_to_probe(error, now) {
                Ok(delay) => Decision::Retry { delay, reason: RetryReason::Budget },
                Err(reason) => Decision::Stop { reason },
            },
            decision => decision,
        }
    }

    /// The same. `by_quota` says that the error is a refusal, and that a quota knows when the request may
    /// be sent again, which the decision leaves to it.
    pub(crate) fn decide(&mut self, error: &Error, by_quota: bool, now: Duration) -> Decision {
        let decided = self.judge(error, by_quota, now);
        self.decided = Some(decided.map(|(delay, _)| delay));
        match decided {
            Ok((delay, reason)) => Decision::Retry { delay, reason },
            Err(reason) => Decision::Stop { reason },
        }
    }

    /// Begins the attempts anew, at another target: see [`Fallback`](crate::call::Fallback). The deadline and
    /// the budget stay; for another service give [its own budget](Self::with_budget).
    pub fn restart(&mut self) {
        self.charged = 0;
        self.quota_waits = 0;
        self.previous_delay = Duration::ZERO;
        self.decided = None;
    }

    /// What was decided last: the wait, or why there is no further attempt.
    pub(crate) fn decided(&self) -> Option<Result<Duration, StopReason>> {
        self.decided
    }

    fn judge(
        &mut self,
        error: &Error,
        by_quota: bool,
        now: Duration,
    ) -> Result<(Duration, RetryReason), StopReason> {
        let hint = error.retry_after().filter(|hint| !hint.is_zero());
        let refused = by_quota || error.kind() == Kind::RateLimit && hint.is_some();
        if refused {
            self.quota_waits += 1;
        } else if !std::mem::take(&mut self.is_probe) {
            self.charged += 1;
        }

        self.check_retryable(error)?;
        // A refusal costs the service nothing, so it is free of charge.
        // And one that answers is not to be spared.
        let budget = self.budget.clone().filter(|_| !refused && !error.is_rejected());
        if let Some(budget) = budget.as_ref().filter(|_| error.kind() != Kind::RateLimit) {
            budget.failed(error.kind(), error.is_ambiguous(), &mut self.own, now);
        }
        if self.quota_waits > self.policy.max_quota_waits() {
            return Err(StopReason::MaxQuotaWaits);
        }
        if !refused && self.charged >= self.policy.max_attempts() {
            return Err(StopReason::MaxAttempts);
        }
        if budget.as_ref().is_some_and(|budget| !budget.affords(error.kind(), &self.own, now)) {
            return Err(StopReason::Budget);
        }
        let (delay, reason) = match hint {
            None if by_quota => (Duration::ZERO, RetryReason::QuotaWindow),
            hint => self.wait(error, hint, now)?,
        };
        if budget.is_some_and(|budget| !budget.withdraw(error.kind(), &self.own, now)) {
            return Err(StopReason::Budget);
        }
        self.previous_delay = delay;
        Ok((delay, reason))
    }

    fn check_retryable(&self, error: &Error) -> Result<(), StopReason> {
        if error.is_exhausted() {
            return Err(StopReason::Exhausted);
        }
        if error.should_retry() == Some(false) {
            return Err(StopReason::ServerInstruction);
        }
        let verdict = self.policy.verdict(error.kind()).unwrap_or(error.is_retryable());
        if !verdict && error.should_retry() != Some(true) && !error.is_rejected() {
            return Err(match error.kind() {
                Kind::Cancelled => StopReason::Cancelled,
                _ => StopReason::NotRetryable,
            });
        }
        if !error.is_safe_to_replay() {
            return Err(StopReason::Delivered);
        }
        if error.is_ambiguous() && !self.policy.retry_ambiguous() {
            return Err(StopReason::Ambiguous);
        }
        Ok(())
    }

    fn wait(
        &mut self,
        error: &Error,
        hint: Option<Duration>,
        now: Duration,
    ) -> Result<(Duration, RetryReason), StopReason> {
        let remaining = self.remaining(now);
        let fits = |delay: Duration| remaining.is_none_or(|remaining| delay < remaining);
        let Some(hint) = hint else {
            let delay = delay(&self.policy, self.charged, self.previous_delay, &mut self.rng);
            return if fits(delay) {
                Ok((delay, RetryReason::Backoff))
            } else {
                Err(StopReason::Deadline)
            };
        };
        if !fits(hint) {
            return Err(StopReason::Deadline);
        }
        if hint > self.policy.max_hint() {
            return Err(StopReason::MaxHint);
        }
        // Upward only, and a wait that fits never misses the deadline for its jitter.
        let jittered = hint + hint_jitter(&self.policy, hint, &mut self.rng);
        let delay = if fits(jittered) { jittered } else { hint };
        let quota = error.kind() == Kind::RateLimit;
        Ok((delay, if quota { RetryReason::QuotaWindow } else { RetryReason::ServerHint }))
    }
}

#[cfg(test)]
mod tests;
