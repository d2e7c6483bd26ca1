//! What comes after a request: the decision, and the end of the operation.

use std::sync::Arc;
use std::time::Duration;

use super::{Operation, Stage};
use crate::call::WaitReason;
use crate::call::attempt::Held;
use crate::error::Error;
use crate::kind::Kind;
use crate::observe::CallAction;
use crate::quota::{Cost, Settlement};
use crate::retry::{Decision, RetryReason, StopReason};

impl Operation {
    pub(super) fn answered(&mut self, mut held: Held, usage: Option<Cost>, now: Duration) {
        if let Some(ticket) = held.ticket.take() {
            ticket.settle(&Settlement { usage, ..Settlement::consumed() }, now);
        }
        self.release(held, None, now);
        self.end_wait(now);
        self.call.on_success();
        self.stage = Stage::Done;
        self.notify(&self.event(CallAction::Answer));
    }

    /// Gives up what an exchange held that has ended.
    pub(super) fn release(&mut self, held: Held, error: Option<&Error>, now: Duration) {
        if let Some(ticket) = held.ticket {
            let provider = self.service().provider;
            let settlement = match error {
                Some(error) => Settlement::from_error(error, provider),
                None => Settlement::consumed(),
            };
            ticket.settle(&settlement, now);
        }
        if let Some(permit) = held.permit {
            permit.settle(error);
        }
    }

    /// The error without the program's key, which servers echo: from here on it is told and kept.
    pub(super) fn masked(&self, error: Error) -> Error {
        self.service().own_keys.iter().fold(error, |error, key| error.masked(key))
    }

    /// Decides on a failed attempt.
    pub(super) fn fail(&mut self, held: Held, error: Error, now: Duration) {
        let error = self.masked(error);
        self.release(held, Some(&error), now);
        // What is below may have sent several requests in this one's place.
        self.sent_below = self.sent_below.saturating_add(error.attempts().saturating_sub(1));
        self.stage = Stage::Waiting;
        if error.is_rejected() {
            // The request was carried out: a server that knows its key would answer the same.
            self.renew_key();
        }
        // The quota knows when to send again, and lets the others in order.
        let service = self.service();
        let by_quota =
            error.kind() == Kind::RateLimit && self.options.metered && service.quota.is_some();
        let decision = self.call.decide(&error, by_quota, now);
        if self.fell_back(&error, now) {
            self.last = Some(error);
            return;
        }
        match decision {
            Decision::Retry { delay, reason } => {
                self.not_before = now.saturating_add(if by_quota {
                    error.retry_after().unwrap_or_default()
                } else {
                    delay
                });
                self.not_before_reason = match reason {
                    RetryReason::QuotaWindow => WaitReason::Quota,
                    _ => WaitReason::Backoff,
                };
                // Of a wait in the line no more is known than what the server asked for.
                let told = if by_quota { error.retry_after() } else { Some(delay) };
                let event = self.event(CallAction::Retry(reason)).with_delay(told);
                self.notify(&event.with_error(&error));
                if !by_quota {
                    self.wait(self.not_before_reason, Some(delay), now);
                }
                self.last = Some(error);
            }
            Decision::Stop { reason: StopReason::Budget } => self.pause(error, now),
            Decision::Stop { reason } => self.end(error, reason, now),
        }
    }

    /// Goes on at another target, if one takes the request over after this error.
    fn fell_back(&mut self, error: &Error, now: Duration) -> bool {
        let before = self.service().clone();
        let next = self.targets.as_mut().and_then(|targets| targets.next(&self.call, error, now));
        if next.is_none() {
            return false;
        }
        let event = self.event(CallAction::Retry(RetryReason::Fallback));
        self.notify(&event.with_error(error));
        // It is another request, even where the first may have been carried out.
        self.renew_key();
        self.call.restart();
        self.place = None;
        self.not_before = now;
        let service = self.service().clone();
        if !Arc::ptr_eq(&before, &service) {
            self.call.set_budget(service.budget().cloned());
            self.met_stale_connection = false;
        }
        true
    }

    fn renew_key(&mut self) {
        if let Some(key) = &mut self.idempotency_key {
            key.renew();
        }
    }

    /// Ends the operation with this error, for this reason.
    pub(super) fn end(&mut self, error: Error, reason: StopReason, now: Duration) {
        self.end_wait(now);
        let provider = error.provider().or(self.service().provider);
        let error = self.call.mark(error, reason);
        let mut error =
            error.with_attempts(self.sent.saturating_add(self.sent_below)).with_provider(provider);
        if let Some(model) = self.model() {
            error = error.with_model(model);
        }
        if let (StopReason::MaxHint, None, Some(wait)) =
            (reason, error.retry_at(), error.retry_after())
        {
            // A program that comes back later wants to know when, and not how long it was.
            if let Some((at, wall)) = self.answered_at {
                let later = now.saturating_sub(at).saturating_add(wait);
                error = error.with_retry_at(wall + later);
            }
        }
        self.notify(&self.event(CallAction::Stop(reason)).with_error(&error));
        self.stage = Stage::Failed(Some(error));
    }
}
