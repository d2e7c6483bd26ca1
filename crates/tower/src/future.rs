//! One call: what the core's operation says, over a service.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::CONTENT_LENGTH;
use http::response::Parts;
use resayil_core::call::{Attempt, Reached, Step};
use resayil_core::error::MAX_BODY_BYTES;
use resayil_core::{Error, Kind, Operation, StreamDecoder};
use resayil_retry::{Alarm, IntoError, Timer, reached};
use tower_service::Service;

use crate::headers::{Form, pairs};
use crate::layer::Shared;
use crate::reading::{Aim, End, Reading};
use crate::tell::{judged, refused, told};
use crate::watch::Watch;
use crate::{AnswerBody, BoxError, HttpResponse, Prepare, Replay, Sending};

type BodyOf<S, Req, T> = <<S as Service<Req>>::Response as HttpResponse<T>>::Body;
type OutputOf<S, Req, T> = <<S as Service<Req>>::Response as HttpResponse<T>>::Output;

pin_project_lite::pin_project! {
    /// One call of a [`Retry`](crate::Retry). Dropping it gives up its place in the quota's line and among
    /// the requests in flight at once, wherever it is.
    #[must_use = "a future does nothing until it is awaited"]
    pub struct ResponseFuture<S, Req, T, P>
    where
        S: Service<Req>,
        S::Response: HttpResponse<T>,
        T: Timer,
    {
        inner: S,
        shared: Arc<Shared<T, P>>,
        // `None` once it was sent that cannot be sent again.
        request: Option<Req>,
        // `None` once the answer's body has it.
        operation: Option<Operation>,
        stage: Stage<BodyOf<S, Req, T>>,
        // The last answer, to be handed on if nothing comes after it.
        last: Option<(Parts, AnswerBody<BodyOf<S, Req, T>, T>)>,
        // Of the attempt under way.
        ends_at: Option<Duration>,
        #[pin]
        sending: Option<S::Future>,
        #[pin]
        alarm: Alarm<T>,
    }
}

enum Stage<B> {
    /// Before a request.
    Ask,
    /// The service below is asked for a place.
    Ready(Attempt),
    /// A request is under way.
    Sending(Attempt),
    /// The head of the answer is there.
    Reading(Box<Reading<B>>),
    /// The call could not begin, or is over.
    Failed(Option<Error>),
}

impl<S, Req, T, P> ResponseFuture<S, Req, T, P>
where
    S: Service<Req, Response: HttpResponse<T>>,
    T: Timer,
{
    pub(crate) fn new(
        inner: S,
        shared: Arc<Shared<T, P>>,
        request: Req,
        operation: Result<Operation, Error>,
    ) -> Self {
        let (operation, stage) = match operation {
            Ok(operation) => (Some(operation), Stage::Ask),
            Err(error) => (None, Stage::Failed(Some(error))),
        };
        ResponseFuture {
            inner,
            shared,
            request: Some(request),
            operation,
            stage,
            last: None,
            ends_at: None,
            sending: None,
            alarm: Alarm::default(),
        }
    }
}

impl<S, Req, T, P> Future for ResponseFuture<S, Req, T, P>
where
    S: Service<Req, Response: HttpResponse<T>, Error: Into<BoxError>>,
    Req: Replay,
    T: Timer,
    P: Prepare<Req>,
{
    type Output = Result<OutputOf<S, Req, T>, BoxError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let stage = std::mem::replace(self.as_mut().project().stage, Stage::Failed(None));
            let polled = match stage {
                Stage::Ask => self.as_mut().ask(context),
                Stage::Ready(attempt) => self.as_mut().ready(attempt, context),
                Stage::Sending(attempt) => self.as_mut().sending(attempt, context),
                Stage::Reading(reading) => self.as_mut().reading(reading, context),
                Stage::Failed(error) => {
                    let over = || Error::new(Kind::Configuration, "the call is over already");
                    Poll::Ready(Some(Err(error.unwrap_or_else(over).into())))
                }
            };
            match polled {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(result)) => return Poll::Ready(result),
                Poll::Ready(None) => {}
            }
        }
    }
}

/// What came of a step: the end of the call, or `None` to go on with the next.
type Polled<S, Req, T> = Poll<Option<Result<OutputOf<S, Req, T>, BoxError>>>;

impl<S, Req, T, P> ResponseFuture<S, Req, T, P>
where
    S: Service<Req, Response: HttpResponse<T>, Error: Into<BoxError>>,
    Req: Replay,
    T: Timer,
    P: Prepare<Req>,
{
    /// Asks what to do, and waits.
    fn ask(self: Pin<&mut Self>, context: &mut Context<'_>) -> Polled<S, Req, T> {
        let this = self.project();
        let timer = &this.shared.timer;
        let Some(operation) = this.operation else { return Poll::Ready(None) };
        match operation.poll(timer.now(), context.waker()) {
            Step::Send(attempt) => {
                *this.last = None;
                *this.ends_at = attempt.ends_at();
                *this.stage = Stage::Ready(attempt);
                Poll::Ready(None)
            }
            Step::Wait { until, .. } => {
                *this.stage = Stage::Ask;
                if let Some((parts, body)) = this.last {
                    // Its connection is not kept for the whole wait.
                    if body.cut() {
                        parts.headers.remove(CONTENT_LENGTH);
                    }
                }
                this.alarm.poll(timer, until, context).map(|()| None)
            }
            Step::Failed(error) => Poll::Ready(Some(match this.last.take() {
                Some((mut parts, body))
                    if !this.shared.error_for_status
                        && error.status() == Some(parts.status.as_u16()) =>
                {
                    parts.extensions.insert(error);
                    Ok(S::Response::from_parts(parts, body))
                }
                _ => Err(error.into()),
            })),
            _ => Poll::Ready(None),
        }
    }

    /// Asks the service below for a place, and sends.
    fn ready(
        mut self: Pin<&mut Self>,
        attempt: Attempt,
        context: &mut Context<'_>,
    ) -> Polled<S, Req, T> {
        let mut this = self.as_mut().project();
        match this.inner.poll_ready(context) {
            Poll::Pending => {
                let timer = &this.shared.timer;
                if this.alarm.poll(timer, *this.ends_at, context).is_ready() {
                    self.timed_out(attempt, Reached::Nothing);
                    return Poll::Ready(None);
                }
                *this.stage = Stage::Ready(attempt);
                return Poll::Pending;
            }
            Poll::Ready(Err(error)) => {
                self.failed(attempt, error.into());
                return Poll::Ready(None);
            }
            Poll::Ready(Ok(())) => {}
        }
        let copy = this.request.as_ref().and_then(Replay::replay);
        let Some(request) = copy.or_else(|| this.request.take()) else {
            return Poll::Ready(None);
        };
        let targets = this.shared.fallback.as_ref().map(|(fallback, _)| fallback.targets());
        let target = attempt.target();
        let sending = Sending {
            number: attempt.number(),
            target: target.and_then(|target| Some((target, targets?.get(target)?))),
            idempotency_key: this.operation.as_ref().and_then(|it| it.idempotency_key()),
        };
        match this.shared.prepare.prepare(request, &sending) {
            Ok(request) => {
                this.sending.set(Some(this.inner.call(request)));
                *this.stage = Stage::Sending(attempt);
            }
            Err(error) => {
                *this.stage = Stage::Ask;
                if let Some(operation) = this.operation {
                    let now = this.shared.timer.now();
                    operation.on_failure(attempt, error, Reached::Nothing, now);
                }
            }
        }
        Poll::Ready(None)
    }

    /// Waits for the head of the answer.
    fn sending(
        mut self: Pin<&mut Self>,
        attempt: Attempt,
        context: &mut Context<'_>,
    ) -> Polled<S, Req, T> {
        let mut this = self.as_mut().project();
        let Some(sending) = this.sending.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        match sending.poll(context) {
            Poll::Pending => {
                let timer = &this.shared.timer;
                if this.alarm.poll(timer, *this.ends_at, context).is_ready() {
                    this.sending.set(None);
                    self.timed_out(attempt, Reached::Server);
                    return Poll::Ready(None);
                }
                *this.stage = Stage::Sending(attempt);
                Poll::Pending
            }
            Poll::Ready(Ok(response)) => {
                this.sending.set(None);
                Poll::Ready(self.opened(attempt, response).map(Ok))
            }
            Poll::Ready(Err(error)) => {
                this.sending.set(None);
                self.failed(attempt, error.into());
                Poll::Ready(None)
            }
        }
    }

    /// The head of an answer came: hands it on, or goes on to read.
    fn opened(
        self: Pin<&mut Self>,
        attempt: Attempt,
        response: S::Response,
    ) -> Option<OutputOf<S, Req, T>> {
        let this = self.project();
        let shared = &**this.shared;
        let (now, wall) = (shared.timer.now(), shared.timer.wall());
        let operation = this.operation.as_mut()?;
        let status = response.status().as_u16();
        let pending = pairs(response.headers(), |headers| {
            operation.on_headers(attempt, status, headers, now, wall)
        });
        let form = Form::of(response.headers());
        let (aim, until) = if !pending.is_success() {
            let until = now.saturating_add(shared.error_body_timeout);
            let until = this.ends_at.map_or(until, |ends_at| until.min(ends_at));
            (Aim::Error(MAX_BODY_BYTES), Some(until))
        } else if form == Form::Stream && shared.watch_streams {
            let provider = operation.service().provider();
            let decoder = pairs(response.headers(), |headers| {
                StreamDecoder::new().provider(provider).headers(headers)
            });
            (Aim::Stream(Box::new(decoder)), *this.ends_at)
        } else if form == Form::Json && shared.check_answers {
            (Aim::Check(shared.max_answer_bytes), *this.ends_at)
        } else if operation.service().concurrency_limiter().is_none() {
            operation.on_success(pending, now);
            return Some(response.untouched());
        } else {
            let operation = this.operation.take()?;
            let (parts, body) = response.into_parts();
            let watch = Watch::new(operation, pending, None, shared.timer.clone(), *this.ends_at);
            let body = AnswerBody::watched(Default::default(), Some(body), watch);
            return Some(S::Response::from_parts(parts, body));
        };
        let reading = Reading::new(response.into_parts(), pending, aim, until);
        *this.stage = Stage::Reading(Box::new(reading));
        None
    }

    /// Reads the beginning of a body.
    fn reading(
        self: Pin<&mut Self>,
        mut reading: Box<Reading<BodyOf<S, Req, T>>>,
        context: &mut Context<'_>,
    ) -> Polled<S, Req, T> {
        let this = self.project();
        let timer = &this.shared.timer;
        let end = match reading.poll(context) {
            Poll::Ready(end) => Some(end),
            Poll::Pending => match this.alarm.poll(timer, reading.until, context) {
                Poll::Ready(()) => None,
                Poll::Pending => {
                    *this.stage = Stage::Reading(reading);
                    return Poll::Pending;
                }
            },
        };
        *this.stage = Stage::Ask;
        let Some(operation) = this.operation.as_mut() else { return Poll::Ready(None) };
        let (now, wall) = (timer.now(), timer.wall());
        let is_last = this.request.is_none();
        let most = match reading.aim {
            Aim::Error(most) => most,
            _ => usize::MAX,
        };
        let is_checked = matches!((&reading.aim, &end), (Aim::Check(_), Some(End::Whole)));
        let whole = if matches!(reading.aim, Aim::Error(_)) || is_checked {
            reading.bytes(most)
        } else {
            bytes::Bytes::new()
        };
        let (parts, pending, aim, read) = reading.into_read();
        match (aim, end) {
            // What came of it is enough, whatever broke the rest: the status is known.
            (Aim::Error(_), end) => {
                let failure = match end {
                    Some(End::Broken(error)) => Some(error),
                    _ => None,
                };
                refused(operation, pending, &parts, &whole, is_last, now, wall);
                *this.last = Some((parts, AnswerBody::put_back(read.frames, read.rest, failure)));
                Poll::Ready(None)
            }
            (Aim::Check(_), Some(End::Whole)) => {
                let status = parts.status.as_u16();
                let good = pairs(&parts.headers, |headers| {
                    if is_last {
                        return judged(operation, pending, status, headers, &whole, now, wall);
                    }
                    operation.on_body(pending, headers, &whole, now, wall)
                });
                let Some(pending) = good else { return Poll::Ready(None) };
                operation.on_success(pending, now);
                let body = AnswerBody::put_back(read.frames, None, None);
                Poll::Ready(Some(Ok(S::Response::from_parts(parts, body))))
            }
            (_, Some(End::Broken(error))) => {
                let mut error = error.into_error(wall);
                if error.kind() == Kind::Unknown {
                    let problem = "the connection broke before the answer was complete";
                    error = Error::new(Kind::Network, problem).with_source(error);
                }
                let error = error.with_ambiguous(true).with_status(parts.status.as_u16());
                told(operation, pending, error, is_last, now);
                Poll::Ready(None)
            }
            (_, None) => {
                let error = operation.timeout_error(true, now);
                told(operation, pending, error, is_last, now);
                Poll::Ready(None)
            }
            (Aim::Stream(mut decoder), Some(end)) if !decoder.has_delivered() => {
                let over = matches!(end, End::Whole) || decoder.is_finished();
                let error = match over.then(|| decoder.finish(wall, |_| {})) {
                    None => None,
                    Some(end) => end.into_result().err(),
                };
                if let Some(error) = error {
                    told(operation, pending, error.with_ambiguous(true), is_last, now);
                    return Poll::Ready(None);
                }
                let body = if over {
                    operation.on_success(pending, now);
                    AnswerBody::put_back(read.frames, read.rest, None)
                } else {
                    // Too much is held back: it is shown, and not sent again.
                    let Some(operation) = this.operation.take() else { return Poll::Ready(None) };
                    let (timer, ends_at) = (timer.clone(), *this.ends_at);
                    let watch = Watch::new(operation, pending, Some(*decoder), timer, ends_at);
                    AnswerBody::watched(read.frames, read.rest, watch)
                };
                Poll::Ready(Some(Ok(S::Response::from_parts(parts, body))))
            }
            (aim, Some(end)) => {
                let Some(operation) = this.operation.take() else { return Poll::Ready(None) };
                let decoder = match aim {
                    Aim::Stream(decoder) => Some(*decoder),
                    _ => None,
                };
                let (timer, ends_at) = (timer.clone(), *this.ends_at);
                let mut watch = Watch::new(operation, pending, decoder, timer, ends_at);
                if matches!(end, End::Whole) {
                    watch.end();
                }
                let read = if watch.has_failed() { read.without_end() } else { read };
                let body = AnswerBody::watched(read.frames, read.rest, watch);
                Poll::Ready(Some(Ok(S::Response::from_parts(parts, body))))
            }
        }
    }

    /// No answer came in time.
    fn timed_out(self: Pin<&mut Self>, attempt: Attempt, reached: Reached) {
        let this = self.project();
        *this.stage = Stage::Ask;
        let Some(operation) = this.operation else { return };
        let now = this.shared.timer.now();
        let error = operation.timeout_error(reached != Reached::Nothing, now);
        if this.request.is_none() {
            operation.give_up(attempt.into_response(), error, now);
        } else {
            operation.on_failure(attempt, error, reached, now);
        }
    }

    /// The service below failed.
    fn failed(self: Pin<&mut Self>, attempt: Attempt, error: BoxError) {
        let this = self.project();
        *this.stage = Stage::Ask;
        let Some(operation) = this.operation else { return };
        let now = this.shared.timer.now();
        let error = error.into_error(this.shared.timer.wall());
        if this.request.is_none() {
            operation.give_up(attempt.into_response(), error, now);
        } else {
            let reached = reached(&error);
            operation.on_failure(attempt, error, reached, now);
        }
    }
}
