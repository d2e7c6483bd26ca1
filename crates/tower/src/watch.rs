//! Watching an answer that was handed on, to its end.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use resayil_core::call::{PendingResponse, Step};
use resayil_core::stream::StreamEnd;
use resayil_core::{Error, Kind, Operation, StreamDecoder};
use resayil_retry::{Alarm, IntoError, Timer};

use crate::BoxError;

/// The call of an answer that was handed on: it holds its place among the requests in flight until the
/// answer has ended.
pub(crate) struct Watch<T: Timer> {
    operation: Operation,
    /// `None` once the end is told.
    pending: Option<PendingResponse>,
    /// Of a stream.
    decoder: Option<StreamDecoder>,
    timer: T,
    ends_at: Option<Duration>,
    /// Only where there is an end to wait for.
    alarm: Option<Pin<Box<Alarm<T>>>>,
    failure: Option<Error>,
}

impl<T: Timer> Watch<T> {
    pub(crate) fn new(
        operation: Operation,
        pending: PendingResponse,
        decoder: Option<StreamDecoder>,
        timer: T,
        ends_at: Option<Duration>,
    ) -> Self {
        let alarm = ends_at.map(|_| Box::pin(Alarm::default()));
        let pending = Some(pending);
        let mut watch = Watch { operation, pending, decoder, timer, ends_at, alarm, failure: None };
        watch.look();
        watch
    }

    /// Takes in a piece of the body. If the answer turns out to have failed: how much of the piece comes
    /// before the event that tells. Whoever reads that event may take it for a good end.
    pub(crate) fn feed(&mut self, data: &[u8]) -> Option<usize> {
        let end = follow(self.decoder.as_mut()?, data);
        self.look();
        end.filter(|_| self.has_failed())
    }

    /// Whether there is an error to be given in place of the rest.
    pub(crate) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Whoever reads a stream may stop at its last event, so that is its end.
    fn look(&mut self) {
        if self.decoder.as_ref().is_some_and(StreamDecoder::is_finished) {
            self.end();
        }
    }

    /// The body is over.
    pub(crate) fn end(&mut self) {
        if self.pending.is_none() {
            return;
        }
        let end = match &mut self.decoder {
            Some(decoder) => decoder.finish(self.timer.wall(), |_| {}),
            None => StreamEnd::Complete,
        };
        match end {
            StreamEnd::Complete => {
                if let Some(pending) = self.pending.take() {
                    self.operation.on_success(pending, self.timer.now());
                }
            }
            StreamEnd::Error(error) | StreamEnd::Truncated(error) => {
                let error = error.with_ambiguous(true);
                self.failure = Some(self.fail(error));
            }
        }
    }

    /// The body broke off.
    pub(crate) fn broken(&mut self, error: BoxError) -> Error {
        let mut error = error.into_error(self.timer.wall());
        if error.kind() == Kind::Unknown {
            let problem = "the connection broke before the answer was complete";
            error = Error::new(Kind::Network, problem).with_source(error);
        }
        self.fail(error.with_ambiguous(true))
    }

    /// The error that ends the body, when the time of the call is over.
    pub(crate) fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<Error> {
        let (Some(alarm), true) = (&mut self.alarm, self.pending.is_some()) else {
            return Poll::Pending;
        };
        match alarm.as_mut().poll(&self.timer, self.ends_at, context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                let error = self.operation.timeout_error(true, self.timer.now());
                Poll::Ready(self.fail(error))
            }
        }
    }

    /// What is to be given in place of the rest.
    pub(crate) fn take_failure(&mut self) -> Option<Error> {
        self.failure.take()
    }

    /// Whether the end was told and there is nothing to give.
    pub(crate) fn is_over(&self) -> bool {
        self.pending.is_none() && self.failure.is_none()
    }

    /// The error of the call. What was handed on cannot be taken back, so it is not tried again.
    fn fail(&mut self, error: Error) -> Error {
        let error = match &self.decoder {
            Some(decoder) => error.with_partial_text(decoder.partial_text()),
            None => error,
        };
        let error = error.with_delivered(true);
        let Some(pending) = self.pending.take() else { return error };
        let now = self.timer.now();
        self.operation.give_up(pending, error.clone(), now);
        match self.operation.poll(now, std::task::Waker::noop()) {
            Step::Failed(error) => error,
            _ => error,
        }
    }
}

/// Takes a piece of a stream in, up to the event that ends it: the place in the piece where that event
/// begins, if it came.
pub(crate) fn follow(decoder: &mut StreamDecoder, data: &[u8]) -> Option<usize> {
    let (mut at, mut event) = (0, 0);
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        at += line.len();
        decoder.feed(line, |_| event = at);
        if decoder.is_finished() {
            return Some(event);
        }
    }
    None
}
