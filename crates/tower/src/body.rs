//! The body that the service above gets.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use resayil_retry::Timer;

use crate::BoxError;
use crate::watch::Watch;

/// The body of an answer: the one that came, untouched; or one of which some was read and put back; or one
/// that is watched to its end.
///
/// Its error is the one of the body that came, or a [`resayil_core::Error`] where a watched stream ends
/// before the answer does.
pub struct AnswerBody<
    B,
    #[cfg(feature = "tokio")] T: Timer = resayil_retry::TokioTimer,
    #[cfg(not(feature = "tokio"))] T: Timer,
> {
    /// What was read already.
    frames: VecDeque<Frame<Bytes>>,
    /// What comes behind them in place of the rest.
    failure: Option<BoxError>,
    /// `None` if its end was read.
    rest: Option<B>,
    watch: Option<Box<Watch<T>>>,
}

impl<B, T: Timer> AnswerBody<B, T> {
    pub(crate) fn untouched(body: B) -> Self {
        AnswerBody { frames: VecDeque::new(), failure: None, rest: Some(body), watch: None }
    }

    pub(crate) fn put_back(
        frames: VecDeque<Frame<Bytes>>,
        rest: Option<B>,
        failure: Option<BoxError>,
    ) -> Self {
        AnswerBody { frames, failure, rest, watch: None }
    }

    pub(crate) fn watched(
        frames: VecDeque<Frame<Bytes>>,
        rest: Option<B>,
        watch: Watch<T>,
    ) -> Self {
        AnswerBody { frames, failure: None, rest, watch: Some(Box::new(watch)) }
    }

    /// Lets go of what was not read; says whether there was any.
    pub(crate) fn cut(&mut self) -> bool {
        self.rest.take().is_some()
    }

    fn fail(&mut self, error: BoxError) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.rest = None;
        self.watch = None;
        Poll::Ready(Some(Err(error)))
    }
}

impl<B, T: Timer> Body for AnswerBody<B, T>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if let Some(frame) = this.frames.pop_front() {
            return Poll::Ready(Some(Ok(frame)));
        }
        if let Some(failure) = this.failure.take() {
            return this.fail(failure);
        }
        if let Some(failure) = this.watch.as_mut().and_then(|watch| watch.take_failure()) {
            return this.fail(failure.into());
        }
        let Some(rest) = &mut this.rest else { return Poll::Ready(None) };
        let polled = Pin::new(rest).poll_frame(context);
        let Some(watch) = &mut this.watch else {
            return match ready!(polled) {
                Some(Ok(frame)) => Poll::Ready(Some(Ok(frame))),
                Some(Err(error)) => this.fail(error.into()),
                None => {
                    this.rest = None;
                    Poll::Ready(None)
                }
            };
        };
        match polled {
            Poll::Pending => match watch.poll_end(context) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(error) => this.fail(error.into()),
            },
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    if let Some(good) = watch.feed(data) {
                        this.rest = None;
                        let good = data.slice(..good);
                        return match watch.take_failure().filter(|_| good.is_empty()) {
                            Some(failure) => this.fail(failure.into()),
                            None => Poll::Ready(Some(Ok(Frame::data(good)))),
                        };
                    }
                }
                if this.rest.as_ref().is_some_and(Body::is_end_stream) {
                    watch.end();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                let error = watch.broken(error.into());
                this.fail(error.into())
            }
            Poll::Ready(None) => {
                this.rest = None;
                watch.end();
                match watch.take_failure() {
                    Some(failure) => this.fail(failure.into()),
                    None => Poll::Ready(None),
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let rest_is_over = self.rest.as_ref().is_none_or(Body::is_end_stream);
        let may_fail = self.watch.as_ref().is_some_and(|watch| !watch.is_over());
        self.frames.is_empty() && self.failure.is_none() && rest_is_over && !may_fail
    }

    fn size_hint(&self) -> SizeHint {
        let kept: u64 =
            self.frames.iter().filter_map(Frame::data_ref).map(|data| data.len() as u64).sum();
        let rest = self.rest.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint);
        let mut hint = SizeHint::new();
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(kept));
        }
        hint.set_lower(rest.lower().saturating_add(kept));
        hint
    }
}

impl<B, T: Timer> fmt::Debug for AnswerBody<B, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerBody")
            .field("frames", &self.frames.len())
            .field("is_watched", &self.watch.is_some())
            .finish_non_exhaustive()
    }
}
