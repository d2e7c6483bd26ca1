//! The attempts of one call: wait for the quota, send, read, decide, wait, and again.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use resayil_core::{
    Admission, Call, CallAction, CallEvent, ConcurrencyPermit, Decision, Error, HintSource, Kind,
    RetryReason, Settlement, StopReason, Ticket,
};

use crate::cancel::CancelToken;
use crate::client::{Client, Inner};
use crate::clock::{monotonic_now, wall_now};
use crate::extras::ExtraHeaders;
use crate::fallback::Route;
use crate::idempotency::IdempotencyKey;
use crate::options::{CallOptions, random_seed};
use crate::park::Parker;
use crate::predicate::ResultPredicate;
use crate::response::{Response, request_id};
use crate::trace::CallSpan;
use crate::transport::{
    Failure, Headers, Incoming, MAX_ERROR_BYTES, Outgoing, Progress, read_beginning, read_body,
};

/// What to send, and where.
pub(crate) struct Target<'a> {
    pub(crate) url: &'a str,
    /// `None` is a GET.
    pub(crate) body: Option<&'a [u8]>,
    pub(crate) stream: bool,
    /// Whether the request counts against the quota.
    pub(crate) metered: bool,
    /// Whether a fallback may take the request over: it is a chat.
    pub(crate) may_fall_back: bool,
}

/// An answer that claims success, not read yet.
pub(crate) struct Opened {
    pub(crate) incoming: Incoming,
    pub(crate) progress: Arc<Progress>,
}

/// One call.
pub(crate) struct Attempts {
    /// Of the target that the call is at.
    client: Client,
    route: Route,
    call: Call,
    cancel: Option<CancelToken>,
    retry_if_result: Option<ResultPredicate>,
    idempotency_key: IdempotencyKey,
    /// That the caller's request names.
    first_model: Option<String>,
    model: Option<String>,
    deadline: Option<Duration>,
    attempt_timeout: Duration,
    /// For the origin of the first target.
    headers: ExtraHeaders,
    sent: u32,
    /// No request before this, because the server said so.
    not_before: Duration,
    /// The kept connection was closed once in this call: the next one has to be new.
    met_stale: bool,
    /// The failure that the next attempt is to mend.
    last: Option<Error>,
    /// The place among the requests in flight, from before one is sent until its answer has ended.
    permit: Option<ConcurrencyPermit>,
    span: CallSpan,
}

impl Attempts {
    /// # Errors
    ///
    /// [`Kind::Configuration`] for a bad option.
    pub(crate) fn new(
        client: &Client,
        options: &CallOptions,
        model: Option<&str>,
    ) -> Result<Self, Error> {
        let idempotency_key = IdempotencyKey::new(options.idempotency_key.as_deref())?;
        let mut policy = options.policy.as_ref().unwrap_or(client.policy()).clone();
        if let Some(deadline) = options.deadline {
            policy = policy.with_deadline(deadline);
        }
        let attempt_timeout = options.attempt_timeout.unwrap_or(client.inner().attempt_timeout);
        if attempt_timeout.is_zero() {
            let problem = "attempt_timeout has to be more than 0";
            return Err(Error::new(Kind::Configuration, problem));
        }
        let headers = client.inner().extras.with(&options.extras).headers()?;
        let now = monotonic_now();
        let deadline = policy.deadline().map(|deadline| now.saturating_add(deadline));
        let call = policy.start(now, random_seed()?).with_budget(client.budget().clone());
        client.inner().counters.call_started();
        Ok(Attempts {
            client: client.clone(),
            route: Route::new(client, &options.extras),
            call,
            cancel: options.cancel.clone(),
            retry_if_result: options
                .retry_if_result
                .clone()
                .or(client.inner().retry_if_result.clone()),
            idempotency_key,
            first_model: model.map(str::to_owned),
            model: model.map(str::to_owned),
            deadline,
            attempt_timeout,
            headers,
            sent: 0,
            not_before: Duration::ZERO,
            met_stale: false,
            last: None,
            permit: None,
            span: CallSpan::new(client, model),
        })
    }

    /// Carries the call out; `read` makes the result of the body, or says what is wrong with it.
    pub(crate) fn run<T>(
        mut self,
        target: &Target<'_>,
        read: impl Fn(Response) -> Result<T, Error>,
    ) -> Result<T, Error> {
        loop {
            let mut opened = self.open(target)?;
            let answer = self.read_whole(&mut opened);
            match answer.and_then(|answer| self.take(answer, target, &read)) {
                Ok(result) => {
                    self.succeeded();
                    return Ok(result);
                }
                Err(error) => self.failed(error, target)?,
            }
        }
    }

    /// Makes the result of an answer, unless the caller rejects it.
    fn take<T>(
        &self,
        answer: Response,
        target: &Target<'_>,
        read: impl Fn(Response) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match &self.retry_if_result {
            // What only asks, for models or credits, is no result.
            Some(predicate) if target.body.is_some() => {
                let result = read(answer.clone())?;
                predicate.check(&answer).map(|()| result)
            }
            _ => read(answer),
        }
    }

    /// Sends until an answer claims success, or no further attempt is to be made.
    pub(crate) fn open(&mut self, target: &Target<'_>) -> Result<Opened, Error> {
        loop {
            let ticket = self.wait_for_quota(target)?;
            match self.attempt(target, ticket) {
                Ok(opened) => return Ok(opened),
                Err(Attempted::Stale) => {
                    self.tell(CallAction::Retry, "stale_connection", None, None)
                }
                Err(Attempted::Failed(error)) => self.failed(error, target)?,
            }
        }
    }

    /// Tells that the whole answer is there and good.
    pub(crate) fn succeeded(&mut self) {
        self.leave(None);
        self.call.on_success();
        self.span.end(self.sent, None);
        self.inner().counters.answered();
    }

    /// Decides on a failed attempt: waits and returns if there is to be another one.
    ///
    /// # Errors
    ///
    /// The error to give to the caller.
    pub(crate) fn failed(&mut self, error: Error, target: &Target<'_>) -> Result<(), Error> {
        let now = monotonic_now();
        self.leave(Some(&error));
        if error.is_rejected() {
            // The request was carried out: a server that knows its key would answer the same.
            self.idempotency_key.renew()?;
        }
        let decision = self.call.on_error(&error, now);
        if self.fell_back(&error, target, now)? {
            self.last = Some(error);
            return Ok(());
        }
        match decision {
            Decision::Retry { delay, reason } => {
                self.inner().counters.retried(error.kind(), reason);
                // The quota knows when to send again, and lets the others in order.
                let by_quota =
                    error.kind() == Kind::RateLimit && target.metered && self.inner().has_window;
                if by_quota {
                    self.not_before = now + error.retry_after().unwrap_or_default();
                    self.tell(
                        CallAction::Retry,
                        RetryReason::QuotaWindow.name(),
                        None,
                        Some(&error),
                    );
                    self.last = Some(error);
                    return Ok(());
                }
                self.tell(CallAction::Retry, reason.name(), Some(delay), Some(&error));
                self.sleep(delay);
                let waited = monotonic_now().saturating_sub(now);
                self.inner().counters.waited_for_backoff(waited);
                // If it was cancelled meanwhile, that is seen before the next attempt.
                self.last = Some(error);
                Ok(())
            }
            Decision::Stop { reason } => {
                self.tell(CallAction::Stop, reason.name(), None, Some(&error));
                let error = self.call.mark(error, reason);
                Err(self.end(error, reason))
            }
        }
    }

    /// Goes on at another target, if one takes the request over after this error.
    fn fell_back(
        &mut self,
        error: &Error,
        target: &Target<'_>,
        now: Duration,
    ) -> Result<bool, Error> {
        let Some(body) = target.body.filter(|_| target.may_fall_back) else { return Ok(false) };
        let Some(next) = self.route.next(&self.call, error, now, body)? else { return Ok(false) };
        self.inner().counters.retried(error.kind(), RetryReason::Fallback);
        self.tell(CallAction::Retry, RetryReason::Fallback.name(), None, Some(error));
        // It is another request, even where the first may have been carried out.
        self.idempotency_key.renew()?;
        self.call.restart();
        if !next.client.is_same(&self.client) {
            self.call = self.call.clone().with_budget(next.client.budget().clone());
            self.not_before = Duration::ZERO;
            self.met_stale = false;
            self.span.moved(&next.client);
            self.client = next.client;
        }
        self.model = next.model.or_else(|| self.first_model.clone());
        Ok(true)
    }

    /// The index of the fallback's target that the call is at; `None` for the request's own.
    pub(crate) fn fallback(&self) -> Option<usize> {
        self.route.index()
    }

    /// The span of the call, for `tracing`.
    pub(crate) fn span(&self) -> &CallSpan {
        &self.span
    }

    /// How long one attempt may take.
    pub(crate) fn attempt_timeout(&self) -> Duration {
        self.attempt_timeout
    }

    /// How many requests were sent.
    pub(crate) fn sent(&self) -> u32 {
        self.sent
    }

    pub(crate) fn inner(&self) -> &Inner {
        self.client.inner()
    }

    /// The error that stands for a failure at this moment.
    pub(crate) fn translate(&self, failure: Failure, progress: &Progress) -> Error {
        let sent = progress.is_sent();
        if progress.is_cancelled() {
            return cancelled_error(sent);
        }
        let is_over = || self.deadline.is_some_and(|deadline| deadline <= monotonic_now());
        if failure.is_timeout() && is_over() {
            return deadline_error().with_ambiguous(sent);
        }
        failure.into_error(sent)
    }

    /// The time on the monotonic clock when a wait that begins now and may take so long has to end.
    pub(crate) fn limit(&self, wait: Duration) -> Duration {
        let end = monotonic_now().saturating_add(wait);
        self.deadline.map_or(end, |deadline| end.min(deadline))
    }

    /// The last touch to an error for the caller.
    fn end(&self, error: Error, reason: StopReason) -> Error {
        self.inner().counters.failed(error.kind(), reason);
        self.span.end(self.sent, Some(&error));
        let provider = error.provider().or(self.inner().provider);
        let error = error.with_attempts(self.sent).with_provider(provider);
        match &self.model {
            Some(model) => error.with_model(model),
            None => error,
        }
    }

    /// Waits until the quota admits a request.
    fn wait_for_quota(&mut self, target: &Target<'_>) -> Result<Option<Ticket>, Error> {
        let quota = self.inner().quota.as_ref().filter(|_| target.metered);
        let mut ticket = quota.map(|quota| quota.enter());
        let start = monotonic_now();
        let mut told = false;
        let parker = Parker::new();
        let cancel = self.cancel.clone();
        let _watch = cancel.as_ref().map(|token| token.wake_by(parker.waker()));
        let result = loop {
            if self.cancel.as_ref().is_some_and(CancelToken::forbids_sending) {
                self.tell(CallAction::Stop, StopReason::Cancelled.name(), None, None);
                break Err(cancelled_error(false));
            }
            let now = monotonic_now();
            // In the line already while the server's own wait lasts: nobody takes the place.
            let (wait, ask_at) = match (now < self.not_before, &mut ticket) {
                (true, _) => (self.not_before - now, Some(self.not_before)),
                // What the quota admits is to be sent at once, so a place comes first.
                (false, _) if !self.enter(parker.waker()) => {
                    let left = self.deadline.map(|deadline| deadline.saturating_sub(now));
                    if left.is_none_or(|left| !left.is_zero()) {
                        parker.park(left.unwrap_or(Duration::MAX));
                        continue;
                    }
                    (Duration::ZERO, None)
                }
                (false, None) => (Duration::ZERO, None),
                (false, Some(ticket)) => match ticket.poll_with(now, parker.waker()) {
                    Admission::Ready => (Duration::ZERO, None),
                    Admission::Wait(wait) => (wait, ticket.poll_at()),
                },
            };
            let left = self.deadline.map(|deadline| deadline.saturating_sub(now));
            if left.is_some_and(|left| left <= wait) {
                self.tell(CallAction::Stop, StopReason::Deadline.name(), None, None);
                let error = deadline_error().with_exhausted(true);
                break Err(if wait.is_zero() {
                    error
                } else {
                    error.with_retry_after(wait, HintSource::Quota)
                });
            }
            if wait.is_zero() {
                break Ok(ticket);
            }
            if !std::mem::replace(&mut told, true) {
                self.tell(CallAction::QuotaWait, "quota", Some(wait), None);
            }
            // Others may send meanwhile.
            self.permit = None;
            let asks_at = self.limit(ask_at.map_or(wait, |at| at.saturating_sub(now)));
            parker.park(asks_at.saturating_sub(monotonic_now()));
        };
        self.client.tell_quota_warning();
        if told {
            self.inner().counters.waited_for_quota(monotonic_now().saturating_sub(start));
        }
        result.map_err(|error| {
            self.permit = None;
            let reason = match error.kind() {
                Kind::Cancelled => StopReason::Cancelled,
                _ => StopReason::Deadline,
            };
            let error = match self.last.take() {
                Some(last) => error.with_ambiguous(last.is_ambiguous()).with_source(last),
                None => error,
            };
            self.end(error, reason)
        })
    }

    /// Whether the call has a place among the requests in flight, or there is no limit. If not, it waits
    /// in the line, and this waker is woken.
    fn enter(&mut self, waker: &Waker) -> bool {
        let Some(limiter) = &self.client.inner().limiter else { return true };
        self.permit.get_or_insert_with(|| limiter.enter()).poll(waker).is_ready()
    }

    /// Gives the place up when an exchange has ended.
    fn leave(&mut self, error: Option<&Error>) {
        if let Some(permit) = self.permit.take() {
            permit.settle(error);
        }
    }

    /// One request and its answer.
    fn attempt(
        &mut self,
        target: &Target<'_>,
        ticket: Option<Ticket>,
    ) -> Result<Opened, Attempted> {
        let progress = Progress::new(self.cancel.clone(), self.limit(self.attempt_timeout));
        let outgoing = Outgoing {
            url: self.route.url(target.url),
            body: self.route.body(target.body),
            idempotency_key: self.idempotency_key.as_str(),
            stream: target.stream,
            fresh_connection: self.met_stale,
            headers: if self.route.is_at_home(&self.client) { &self.headers } else { &[] },
        };
        self.sent += 1;
        self.span.attempt(if target.body.is_some() { "POST" } else { "GET" });
        self.inner().counters.attempt_started();
        let settle = |settlement: &Settlement| {
            if let Some(ticket) = ticket {
                ticket.settle(settlement, monotonic_now());
            }
        };
        let mut incoming = match self.inner().transport.send(&outgoing, &progress) {
            Ok(incoming) => incoming,
            Err(failure) => {
                let mut settlement = Settlement::unknown();
                if !progress.is_sent() {
                    settlement.consumed = Some(false);
                }
                settle(&settlement);
                // RFC 9112 section 9.3.1: a kept connection may be closed at any time. Both sides
                // know the request by its idempotency key if it came through after all.
                let stale = failure.is_disconnect()
                    && progress.may_be_stale()
                    && !progress.is_cancelled()
                    && self.call.policy().retry_ambiguous();
                if stale && !std::mem::replace(&mut self.met_stale, true) {
                    self.inner().counters.stale_connection();
                    return Err(Attempted::Stale);
                }
                return Err(Attempted::Failed(self.translate(failure, &progress)));
            }
        };
        let status = incoming.status;
        if (200..300).contains(&status) {
            settle(&Settlement::from_answer(status, &incoming.headers, None, wall_now()));
            return Ok(Opened { incoming, progress });
        }
        let error = self.read_error(&mut incoming, &progress);
        let settlement =
            Settlement::from_answer(status, &incoming.headers, Some(&error), wall_now());
        if settlement.refused {
            self.inner().counters.refused();
        }
        settle(&settlement);
        Err(Attempted::Failed(error))
    }

    /// The error of an answer that claims none of the successes.
    fn read_error(&self, incoming: &mut Incoming, progress: &Arc<Progress>) -> Error {
        let status = incoming.status;
        if (300..400).contains(&status) {
            // The body is the front's page. Key and prompt do not go where it points.
            return describe(
                Error::new(Kind::Protocol, "a redirect, which is not followed; check the base URL")
                    .with_retryable(false),
                status,
                &incoming.headers,
            );
        }
        let body = read_beginning(incoming, MAX_ERROR_BYTES);
        if progress.is_cancelled() {
            return cancelled_error(true);
        }
        // What came of a broken body is enough: the status is known.
        let result =
            self.inner().classifier.classify(status, &incoming.headers, &body.bytes, wall_now());
        result.err().unwrap_or_else(|| {
            let error = Error::new(Kind::Protocol, "the status is unknown").with_retryable(false);
            describe(error, status, &incoming.headers)
        })
    }

    /// The whole body of an answer that claims success.
    pub(crate) fn read_whole(&self, opened: &mut Opened) -> Result<Response, Error> {
        let Opened { incoming, progress } = opened;
        let body = read_body(incoming, self.inner().transport.limits().max_response_bytes);
        let (status, headers) = (incoming.status, &incoming.headers);
        if let Some(failure) = body.failure {
            return Err(describe(self.translate(failure, progress), status, headers));
        }
        if progress.is_cancelled() {
            return Err(cancelled_error(true));
        }
        self.inner().classifier.classify(status, headers, &body.bytes, wall_now())?;
        let headers = std::mem::take(&mut incoming.headers);
        Ok(Response {
            status,
            headers,
            body: body.bytes,
            attempts: self.sent,
            fallback: self.fallback(),
        })
    }

    /// Waits, or until the call is cancelled.
    fn sleep(&self, wait: Duration) {
        match &self.cancel {
            Some(token) => token.sleep(wait),
            None => std::thread::sleep(wait),
        }
    }

    fn tell(
        &self,
        action: CallAction,
        reason: &'static str,
        delay: Option<Duration>,
        error: Option<&Error>,
    ) {
        let event = CallEvent::new(action, reason, self.sent).with_delay(delay).with_error(error);
        self.span.within(|| self.client.tell(&event));
    }
}

/// Why an attempt gave no answer.
enum Attempted {
    /// The kept connection was closed: try once more, free of charge.
    Stale,
    Failed(Error),
}

/// Adds what the head of the answer tells.
pub(crate) fn describe(error: Error, status: u16, headers: &Headers) -> Error {
    let error = error.with_status(status);
    match request_id(headers) {
        Some(id) => error.with_request_id(id),
        None => error,
    }
}

fn cancelled_error(ambiguous: bool) -> Error {
    Error::new(Kind::Cancelled, "the call was cancelled").with_ambiguous(ambiguous)
}

fn deadline_error() -> Error {
    Error::new(Kind::Deadline, "the deadline of the call leaves no time for the answer")
}
