//! Drives the core's operation: sends what it says, over the network and in this thread.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use resayil_core::call::{Attempt, OperationOptions, PendingResponse, Reached, Step};
use resayil_core::observe::{CallEvent, LogLevel, Observer};
use resayil_core::quota::Cost;
use resayil_core::{Error, Kind, Operation};

use crate::cancel::CancelToken;
use crate::clock::{monotonic_now, wall_now};
use crate::endpoint::Endpoint;
use crate::extras::{ExtraHeaders, Extras};
use crate::fallback::with_model;
use crate::options::{CallOptions, no_randomness};
use crate::park::Parker;
use crate::predicate::ResultPredicate;
use crate::response::{Response, request_id};
use crate::shared::Shared;
use crate::trace::CallSpan;
use crate::transport::{
    Failure, Headers, Incoming, MAX_ERROR_BYTES, Outgoing, Progress, above_zero, read_beginning,
    read_body,
};

/// The path of chat completions below the base URL.
pub(crate) const CHAT: &str = "chat/completions";
/// The path of embeddings below the base URL.
pub(crate) const EMBEDDINGS: &str = "embeddings";

/// What to send, and where.
pub(crate) struct Request {
    pub(crate) url: String,
    /// `None` is a GET.
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) stream: bool,
    /// Whether the request counts against the quota.
    pub(crate) metered: bool,
    /// For embeddings, whose answers have no tokens: how many tokens the inputs have beside their texts.
    pub(crate) embedded_tokens: Option<u64>,
    /// Whether a fallback may take the request over: it is a chat.
    pub(crate) may_fall_back: bool,
}

impl Request {
    /// What it will cost.
    fn estimate(&self, body: &[u8]) -> Cost {
        let cost = Cost::estimate(body);
        let Some(tokens) = self.embedded_tokens else { return cost };
        let input = cost.input_tokens().map(|input| input.saturating_add(tokens));
        cost.with_input_tokens(input).with_output_tokens(0)
    }
}

/// An answer that claims success, not read yet.
pub(crate) struct Opened {
    pub(crate) incoming: Incoming,
    pub(crate) progress: Arc<Progress>,
    pub(crate) pending: PendingResponse,
}

/// One call.
pub(crate) struct Driver {
    shared: Arc<Shared>,
    request: Request,
    /// What is sent in place of the request, at a target of the fallback.
    moved: Option<Moved>,
    operation: Operation,
    cancel: Option<CancelToken>,
    retry_if_result: Option<ResultPredicate>,
    attempt_timeout: Duration,
    /// What the call adds, and the headers that come of that and of the client's, for the origin of
    /// the first target.
    extras: Extras,
    headers: ExtraHeaders,
    span: CallSpan,
}

struct Moved {
    target: usize,
    url: String,
    /// `None` for the request's own.
    body: Option<Vec<u8>>,
}

/// Tells the events of a call within its span.
struct SpanObserver {
    shared: Arc<Shared>,
    span: CallSpan,
}

impl Observer for SpanObserver {
    fn on_event(&self, event: &CallEvent<'_>) {
        self.span.within(|| self.shared.settings.notify(event));
    }

    fn level(&self) -> LogLevel {
        self.shared.settings.observer_level
    }
}

impl Driver {
    /// # Errors
    ///
    /// [`Kind::Configuration`] for a bad option.
    pub(crate) fn new(
        shared: &Arc<Shared>,
        options: &CallOptions,
        request: Request,
        model: Option<&str>,
    ) -> Result<Self, Error> {
        let settings = &shared.settings;
        let mut policy = options.policy.as_ref().unwrap_or(&settings.policy).clone();
        if let Some(deadline) = options.deadline {
            policy = policy.with_deadline(deadline);
        }
        let attempt_timeout = options.attempt_timeout.unwrap_or(settings.attempt_timeout);
        above_zero("attempt_timeout", attempt_timeout)?;
        let headers = settings.extras.with(&options.extras).headers()?;
        let (bits, seed) = random()?;
        let key = match &options.idempotency_key {
            Some(key) => key.clone(),
            None => format!("resayil-{bits:032x}"),
        };
        let span = CallSpan::new(&shared.endpoint, model);
        let service = Arc::clone(&shared.endpoint.account.service);
        let observer = SpanObserver { shared: Arc::clone(shared), span: span.clone() };
        let fallbacks = shared.fallbacks.as_ref().filter(|_| request.may_fall_back);
        let mut services = fallbacks.iter().flat_map(|it| it.services.iter());
        let has_quota = service.quota().is_some() || services.any(|it| it.quota().is_some());
        let cost = options.cost.unwrap_or_else(|| match &request.body {
            Some(body) if request.metered && has_quota => request.estimate(body),
            _ => Cost::default(),
        });
        let enter = options.enter.with_cost(cost);
        let mut plan = OperationOptions::new(policy, service)
            .with_metered(request.metered)
            .with_enter_options(enter)
            .with_idempotency_key(key)
            .with_model(model.map(str::to_owned))
            .with_attempt_timeout(attempt_timeout)
            .with_counters(Arc::clone(&settings.counters))
            .with_observer(Arc::new(observer) as Arc<dyn Observer>);
        if let Some(fallbacks) = fallbacks {
            plan = plan.with_fallback(fallbacks.routes.clone(), Arc::clone(&fallbacks.services));
        }
        Ok(Driver {
            shared: Arc::clone(shared),
            request,
            moved: None,
            operation: plan.start(monotonic_now(), seed)?,
            cancel: options.cancel.clone(),
            retry_if_result: options
                .retry_if_result
                .clone()
                .or_else(|| settings.retry_if_result.clone()),
            attempt_timeout,
            extras: options.extras.clone(),
            headers,
            span,
        })
    }

    /// Carries the call out; `read` makes the result of the body, or says what is wrong with it.
    pub(crate) fn run<T>(
        mut self,
        read: impl Fn(Response) -> Result<T, Error>,
    ) -> Result<T, Error> {
        loop {
            let opened = self.open()?;
            let Some((pending, answer)) = self.read_whole(opened) else { continue };
            match self.take(answer, &read) {
                Ok(result) => {
                    self.succeeded(pending);
                    return Ok(result);
                }
                Err(error) => self.failed(pending, error),
            }
        }
    }

    /// Makes the result of an answer, unless the caller rejects it.
    fn take<T>(
        &self,
        answer: Response,
        read: impl Fn(Response) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match &self.retry_if_result {
            // What only asks, for models or credits, is no result.
            Some(predicate) if self.request.body.is_some() => {
                let result = read(answer.clone())?;
                predicate.check(&answer).map(|()| result)
            }
            _ => read(answer),
        }
    }

    /// Sends until an answer claims success.
    ///
    /// # Errors
    ///
    /// The error to give to the caller.
    pub(crate) fn open(&mut self) -> Result<Opened, Error> {
        loop {
            let attempt = self.next_attempt()?;
            self.move_to(attempt.target())?;
            if let Some(opened) = self.send(attempt) {
                return Ok(opened);
            }
        }
    }

    /// Waits until there is a request to send.
    fn next_attempt(&mut self) -> Result<Attempt, Error> {
        let mut parker = None;
        let cancel = self.cancel.clone();
        let mut watch = None;
        loop {
            if self.cancel.as_ref().is_some_and(CancelToken::forbids_sending) {
                self.operation.cancel(monotonic_now());
            }
            let waker = parker.as_ref().map_or(Waker::noop(), Parker::waker);
            match self.operation.poll(monotonic_now(), waker) {
                Step::Send(attempt) => {
                    self.endpoint().account.tell_quota_warning(&self.shared.settings);
                    return Ok(attempt);
                }
                Step::Wait { until, .. } => match &parker {
                    // Most calls never wait, and so need nothing to be woken by.
                    None => {
                        let parker = parker.insert(Parker::new());
                        watch = cancel.as_ref().map(|token| token.wake_by(parker.waker()));
                    }
                    Some(parker) => {
                        let wait = until.map(|at| at.saturating_sub(monotonic_now()));
                        let wait = wait.unwrap_or(Duration::MAX);
                        match &self.cancel {
                            None => parker.park(wait),
                            Some(token) => parker.park_unless(wait, token.longest_wait(), || {
                                token.forbids_sending()
                            }),
                        }
                    }
                },
                Step::Failed(error) => {
                    drop(watch);
                    self.endpoint().account.tell_quota_warning(&self.shared.settings);
                    self.span.end(self.operation.attempts(), Some(&error));
                    return Err(error);
                }
                _ => return Err(Error::new(Kind::Configuration, "the call is over already")),
            }
        }
    }

    /// Makes the request for this target, if it is another one than before.
    fn move_to(&mut self, target: Option<usize>) -> Result<(), Error> {
        let Some(target) = target.filter(|it| self.moved.as_ref().map(|it| it.target) != Some(*it))
        else {
            return Ok(());
        };
        let endpoint = self.shared.endpoint(Some(target));
        let fallbacks = self.shared.fallbacks.as_ref();
        let model = fallbacks.and_then(|it| it.given.targets().get(target)?.model());
        let body = match (model, &self.request.body) {
            (Some(model), Some(body)) => Some(with_model(body, model)?),
            _ => None,
        };
        self.span.moved(endpoint);
        let url = endpoint.url.join(CHAT)?;
        let url = if self.shared.is_at_home(endpoint) {
            self.shared.settings.extras.with(&self.extras).url(url)
        } else {
            url
        };
        self.moved = Some(Moved { target, url, body });
        Ok(())
    }

    /// One request, up to the head of its answer. An answer that claims success is given back to be
    /// read; of all else the operation is told.
    fn send(&mut self, attempt: Attempt) -> Option<Opened> {
        let ends_at = attempt.ends_at().unwrap_or(Duration::MAX);
        let progress = Progress::new(self.cancel.clone(), ends_at);
        let moved = self.moved.as_ref();
        let outgoing = Outgoing {
            url: moved.map_or(&self.request.url, |moved| &moved.url),
            body: moved.and_then(|it| it.body.as_deref()).or(self.request.body.as_deref()),
            idempotency_key: self.operation.idempotency_key().unwrap_or_default(),
            stream: self.request.stream,
            fresh_connection: attempt.needs_fresh_connection(),
            headers: if self.shared.is_at_home(self.endpoint()) { &self.headers } else { &[] },
        };
        self.span.attempt(if outgoing.body.is_some() { "POST" } else { "GET" });
        let mut incoming = match self.endpoint().transport.send(&outgoing, &progress) {
            Ok(incoming) => incoming,
            Err(failure) => {
                let reached = reached(&failure, &progress);
                let error = self.translate(failure, &progress);
                self.operation.on_failure(attempt, error, reached, monotonic_now());
                return None;
            }
        };
        let (status, headers) = (incoming.status, std::mem::take(&mut incoming.headers));
        let pending =
            self.operation.on_headers(attempt, status, &headers, monotonic_now(), wall_now());
        if pending.is_success() {
            incoming.headers = headers;
            return Some(Opened { incoming, progress, pending });
        }
        let body = read_beginning(&mut incoming, MAX_ERROR_BYTES);
        if progress.is_cancelled() {
            self.failed(pending, Error::cancelled().with_ambiguous(true));
        } else {
            // What came of a broken body is enough: the status is known.
            let now = monotonic_now();
            let _ = self.operation.on_body(pending, &headers, &body.bytes, now, wall_now());
        }
        None
    }

    /// The whole body of an answer that claims success, if it is one.
    pub(crate) fn read_whole(&mut self, opened: Opened) -> Option<(PendingResponse, Response)> {
        let Opened { mut incoming, progress, pending } = opened;
        let cap = self.endpoint().transport.limits().max_response_bytes;
        let body = read_body(&mut incoming, cap);
        let (status, headers) = (incoming.status, incoming.headers);
        let failure = match body.failure {
            Some(failure) => Some(describe(self.translate(failure, &progress), status, &headers)),
            None if progress.is_cancelled() => Some(Error::cancelled().with_ambiguous(true)),
            None => None,
        };
        if let Some(error) = failure {
            self.failed(pending, error);
            return None;
        }
        let now = monotonic_now();
        let pending = self.operation.on_body(pending, &headers, &body.bytes, now, wall_now())?;
        let answer = Response {
            status,
            headers,
            body: body.bytes,
            attempts: self.operation.attempts(),
            fallback: self.operation.target(),
        };
        Some((pending, answer))
    }

    /// The whole answer is there and good.
    pub(crate) fn succeeded(&mut self, pending: PendingResponse) {
        self.operation.on_success(pending, monotonic_now());
        self.span.end(self.operation.attempts(), None);
    }

    /// The answer broke off, or is of no use.
    pub(crate) fn failed(&mut self, pending: PendingResponse, error: Error) {
        self.operation.on_error(pending, error, monotonic_now());
    }

    /// The error that stands for a failure at this moment.
    pub(crate) fn translate(&self, failure: Failure, progress: &Progress) -> Error {
        let sent = progress.is_sent();
        if progress.is_cancelled() {
            return Error::cancelled().with_ambiguous(sent);
        }
        if failure.is_timeout() {
            let error = self.operation.timeout_error(sent, monotonic_now());
            if error.kind() == Kind::Deadline {
                return error;
            }
        }
        failure.into_error(sent, &self.endpoint().url.parts().authority)
    }

    /// The time on the monotonic clock when a wait that begins now and may take so long has to end.
    pub(crate) fn limit(&self, wait: Duration) -> Duration {
        let end = monotonic_now().saturating_add(wait);
        self.operation.deadline().map_or(end, |deadline| end.min(deadline))
    }

    /// The index of the fallback's target that the call is at; `None` for the request's own.
    pub(crate) fn fallback(&self) -> Option<usize> {
        self.operation.target()
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
        self.operation.attempts()
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Where the call is.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        self.shared.endpoint(self.operation.target())
    }
}

/// How far a request got that had no answer.
fn reached(failure: &Failure, progress: &Progress) -> Reached {
    if !progress.is_sent() {
        Reached::Nothing
    } else if failure.is_disconnect() && progress.may_be_stale() && !progress.is_cancelled() {
        Reached::StaleConnection
    } else {
        Reached::Server
    }
}

/// Adds what the head of the answer tells.
pub(crate) fn describe(error: Error, status: u16, headers: &Headers) -> Error {
    let error = error.with_status(status);
    match request_id(headers) {
        Some(id) => error.with_request_id(id),
        None => error,
    }
}

/// 128 random bits for an idempotency key, and a number that decides the jitter of the call. Taken from the
/// system each time, so that a forked process does not repeat them.
fn random() -> Result<(u128, u64), Error> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).map_err(|error| no_randomness().with_source(error))?;
    let (key, seed) = bytes.split_at(16);
    let number = |bytes: &[u8]| bytes.iter().fold(0, |it, byte| it << 8 | u128::from(*byte));
    Ok((number(key), number(seed) as u64))
}
