//! The course of one call over all its attempts, without input or output.

mod ending;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use super::attempt::{Held, is_success};
use super::idempotency::IdempotencyKey;
use super::{
    Attempt, FallbackCall, OperationOptions, PendingResponse, Reached, Service, WaitReason,
};
use crate::error::Error;
use crate::kind::Kind;
use crate::observe::{CallAction, CallEvent};
use crate::quota::{Cost, Place, Settlement};
use crate::retry::{Call, RetryReason, StopReason};
use crate::timestamp::Timestamp;

/// One operation of an API client, such as a chat completion, from its first wait to its answer or its
/// error, over any number of attempts and targets. It does all but send: it waits for a place and for
/// the quota, numbers the attempts, keeps the idempotency key, settles the quota by each answer,
/// classifies, decides, waits, changes to the fallback's targets, marks the error, counts, and tells
/// its observer.
///
/// It has no clock, no socket and no thread. Whoever drives it asks [`poll`](Self::poll) what to do, and
/// tells what came of it. `now` is always the time since the same fixed point of a monotonic clock,
/// that which the quota was made with; `wall` is the wall clock, against which dates are read.
///
/// A [`Step::Send`](crate::call::Step::Send) gives an [`Attempt`], which the driver has to hand back; an
/// attempt that is lost ends the operation with an error that says so.
///
/// ```
/// use std::sync::Arc;
/// use std::task::Waker;
/// use std::time::Duration;
/// use resayil_core::{Operation, Policy, Provider, Timestamp};
/// use resayil_core::call::{OperationOptions, Reached, Service, Step};
///
/// // An HTTP client, a clock and a way to sleep: here all imagined.
/// let mut answers = [(503, "busy"), (200, r#"{"choices":[{"message":{"content":"Hello"}}]}"#)].into_iter();
/// let mut now = Duration::ZERO;
/// let wall = Timestamp::from_unix_seconds(1_780_000_000);
///
/// let service = Arc::new(Service::new().with_provider(Provider::OpenAi));
/// let options = OperationOptions::new(Policy::default(), service);
/// let mut operation = options.start(now, 1)?;
/// loop {
///     match operation.poll(now, Waker::noop()) {
///         Step::Wait { until, .. } => now = until.unwrap(),
///         Step::Send(attempt) => {
///             let Some((status, body)) = answers.next() else { break };
///             let headers = [("content-type", "application/json")];
///             let response = operation.on_headers(attempt, status, &headers, now, wall);
///             if let Some(good) = operation.on_body(response, &headers, body.as_bytes(), now, wall) {
///                 operation.on_success(good, now);
///             }
///         }
///         Step::Done => break,
///         Step::Failed(error) => return Err(error),
///         _ => {}
///     }
/// }
/// assert_eq!(operation.attempts(), 2);
/// # Ok::<(), resayil_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Operation {
    options: OperationOptions,
    call: Call,
    targets: Option<FallbackCall>,
    idempotency_key: Option<IdempotencyKey>,
    deadline: Option<Duration>,
    stage: Stage,
    /// How many requests were sent, here and by what is below.
    sent: u32,
    sent_below: u32,
    /// Waiting in the line, or admitted, for the next request.
    held: Held,
    /// Where it stood in the line before, which is where it stands again.
    place: Option<Place>,
    /// No request before this, because the server or the policy said so.
    not_before: Duration,
    not_before_reason: WaitReason,
    waiting: Option<waiting::Waiting>,
    paused: Option<waiting::Pause>,
    /// How long the operation has waited for its budget.
    was_paused: Duration,
    /// A kept connection was closed once in this operation: the next one has to be new.
    met_stale_connection: bool,
    /// When the last answer came, and what the wall clock showed.
    answered_at: Option<(Duration, Timestamp)>,
    /// The failure that the next attempt is to mend.
    last: Option<Error>,
}

#[derive(Debug)]
enum Stage {
    /// Before an attempt.
    Waiting,
    /// An attempt is under way.
    Sent,
    Done,
    /// Failed; the error is there until it is given.
    Failed(Option<Error>),
}

impl Operation {
    pub(super) fn new(options: OperationOptions, now: Duration, seed: u64) -> Result<Self, Error> {
        let idempotency_key =
            options.idempotency_key.clone().map(IdempotencyKey::new).transpose()?;
        let mut call = options.policy.start(now, seed);
        if let Some(budget) = options.service.budget() {
            call = call.with_budget(budget.clone());
        }
        let operation = Operation {
            deadline: options.policy.deadline().map(|deadline| now.saturating_add(deadline)),
            targets: options.fallback.as_ref().map(|fallback| fallback.start()),
            idempotency_key,
            call,
            options,
            stage: Stage::Waiting,
            sent: 0,
            sent_below: 0,
            held: Held::default(),
            place: None,
            not_before: Duration::ZERO,
            not_before_reason: WaitReason::Backoff,
            waiting: None,
            paused: None,
            was_paused: Duration::ZERO,
            met_stale_connection: false,
            answered_at: None,
            last: None,
        };
        operation.notify(&CallEvent::new(CallAction::Start, 0));
        Ok(operation)
    }

    /// The head of the answer to this attempt came. A success settles the quota at once.
    pub fn on_headers<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        &mut self,
        attempt: Attempt,
        status: u16,
        headers: &[(N, V)],
        now: Duration,
        wall: Timestamp,
    ) -> PendingResponse {
        self.answered_at = Some((now, wall));
        let mut held = attempt.held;
        if is_success(status) {
            if let Some(ticket) = &mut held.ticket {
                ticket.settle_head(&Settlement::from_answer(status, headers, None, wall), now);
            }
        }
        PendingResponse { status, held, usage: None }
    }

    /// The body of the answer came, or as much of it as is wanted of an error. A success comes back:
    /// make the result of it, then tell [`on_success`](Self::on_success), or
    /// [`on_error`](Self::on_error) if it is of no use. Of an error the operation takes care itself.
    ///
    /// A redirect is an error here that is not retried: whoever follows redirects tells the last
    /// answer.
    pub fn on_body<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        &mut self,
        response: PendingResponse,
        headers: &[(N, V)],
        body: &[u8],
        now: Duration,
        wall: Timestamp,
    ) -> Option<PendingResponse> {
        match self.read(response.status, headers, body, wall) {
            None => {
                let mut response = response;
                if response.counts_tokens() {
                    response.add_usage(Cost::from_usage(body));
                }
                Some(response)
            }
            Some(error) => {
                let PendingResponse { status, mut held, .. } = response;
                if let Some(ticket) = held.ticket.take() {
                    let settlement = Settlement::from_answer(status, headers, Some(&error), wall);
                    ticket.settle(&settlement, now);
                }
                self.fail(held, error, now);
                None
            }
        }
    }

    /// The error that an answer stands for; `None` for a success.
    fn read<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        &self,
        status: u16,
        headers: &[(N, V)],
        body: &[u8],
        wall: Timestamp,
    ) -> Option<Error> {
        let classifier = &self.service().classifier;
        if is_success(status) {
            return classifier.classify(status, headers, body, wall).err();
        }
        let local = |problem| {
            Error::new(Kind::Protocol, problem)
                .with_retryable(false)
                .with_status(status)
                .with_headers(headers)
        };
        match status {
            100..200 | 304 => Some(local("an answer that only another request asks for")),
            // The body is a page of whatever stands in front. Key and prompt do not go where it points.
            300..400 => Some(local("a redirect, which is not followed; check the base URL")),
            _ => {
                let error = classifier.classify(status, headers, body, wall).err();
                Some(error.unwrap_or_else(|| local("the status is unknown")))
            }
        }
    }

    /// The whole answer is there and good: the operation is done.
    pub fn on_success(&mut self, response: PendingResponse, now: Duration) {
        self.answered(response.held, response.usage, now);
    }

    /// The answer broke off, or is of no use: an error that was made of what came of it, such as the
    /// one that ends a stream.
    pub fn on_error(&mut self, response: PendingResponse, error: Error, now: Duration) {
        self.fail(response.held, error, now);
    }

    /// No answer came to this attempt, which got so far; or one that something below has read, and made
    /// the error of.
    pub fn on_failure(&mut self, attempt: Attempt, error: Error, reached: Reached, now: Duration) {
        let mut held = attempt.held;
        // Without an answer nobody knows whether the server has carried it out.
        let unknown = reached != Reached::Nothing && error.status().is_none();
        let error = if unknown { error.with_ambiguous(true) } else { error };
        if let Some(ticket) = held.ticket.take() {
            let mut settlement = Settlement::from_error(&error, self.service().provider);
            if reached == Reached::Nothing {
                settlement.consumed = Some(false);
            }
            ticket.settle(&settlement, now);
        }
        // RFC 9112 section 9.3.1: a kept connection may be closed at any time. Both sides know the
        // request by its idempotency key if it came through after all.
        let repeats = reached == Reached::StaleConnection
            && error.kind() != Kind::Cancelled
            && self.call.policy().retry_ambiguous();
        if repeats && !std::mem::replace(&mut self.met_stale_connection, true) {
            self.held.permit = held.permit;
            self.stage = Stage::Waiting;
            self.not_before = now;
            self.notify(&self.event(CallAction::Retry(RetryReason::StaleConnection)));
            return;
        }
        self.fail(held, error, now);
    }

    /// The operation fails with this error, whatever the policy: the request cannot be sent again, or
    /// what came is nothing that the policy is to judge.
    pub fn give_up(&mut self, response: PendingResponse, error: Error, now: Duration) {
        let error = self.masked(error);
        self.release(response.held, Some(&error), now);
        self.end(error, StopReason::NotRetryable, now);
    }

    /// The caller does not want the answer any more. Ends a wait at once; while an attempt is under
    /// way, that is to be ended and told with an error of [`Kind::Cancelled`].
    pub fn cancel(&mut self, now: Duration) {
        if matches!(self.stage, Stage::Waiting) {
            self.give_up_waiting(Error::cancelled(), StopReason::Cancelled, now);
        }
    }

    /// The error for a wait that took too long: of [`Kind::Timeout`], or [`Kind::Deadline`] if that is
    /// over. `ambiguous` says whether the server may have carried the request out.
    pub fn timeout_error(&self, ambiguous: bool, now: Duration) -> Error {
        let error = if self.deadline.is_some_and(|deadline| deadline <= now) {
            Error::deadline()
        } else {
            Error::new(Kind::Timeout, "no answer came in time")
        };
        error.with_ambiguous(ambiguous)
    }

    /// When the operation has to be over, on its clock.
    pub fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// Whether it has succeeded or failed.
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Done | Stage::Failed(_))
    }

    /// How many requests were sent so far.
    pub fn attempts(&self) -> u32 {
        self.sent
    }

    /// The index of the fallback's target that the operation is at; `None` for the request's own.
    pub fn target(&self) -> Option<usize> {
        self.targets.as_ref().and_then(FallbackCall::current)
    }

    /// What calls at the target share that the operation is at.
    pub fn service(&self) -> &Arc<Service> {
        match self.target() {
            Some(target) => self.options.fallback_services.get(target),
            None => None,
        }
        .unwrap_or(&self.options.service)
    }

    /// The `Idempotency-Key` of the request that is sent or waits to be; `None` if none was given.
    pub fn idempotency_key(&self) -> Option<&str> {
        self.idempotency_key.as_ref().map(IdempotencyKey::as_str)
    }

    /// The name of the model that the request is for, if it is known.
    pub fn model(&self) -> Option<&str> {
        let of_target = self.target().and_then(|target| {
            self.options.fallback.as_ref().and_then(|it| it.targets().get(target)?.model())
        });
        of_target.or(self.options.model.as_deref())
    }

    fn event(&self, action: CallAction) -> CallEvent<'static> {
        CallEvent::new(action, self.sent)
    }

    /// Counts an event, and tells the observer what it wants to know.
    fn notify(&self, event: &CallEvent<'_>) {
        if let Some(counters) = &self.options.counters {
            counters.record(event);
        }
        if let Some(observer) = &self.options.observer {
            if event.level() >= observer.level() {
                observer.on_event(event);
            }
        }
    }
}

impl Drop for Operation {
    /// An operation that is given up before its end is cancelled.
    fn drop(&mut self) {
        if matches!(self.stage, Stage::Waiting | Stage::Sent) {
            let error = Error::cancelled();
            let event = self.event(CallAction::Stop(StopReason::Cancelled));
            self.notify(&event.with_error(&error));
        }
    }
}

#[cfg(test)]
mod tests;
