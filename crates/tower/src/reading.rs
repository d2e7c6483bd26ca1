//! The beginning of a body, read before anything is handed on.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::response::Parts;
use http_body::{Body, Frame};
use resayil_core::StreamDecoder;
use resayil_core::call::PendingResponse;

use crate::BoxError;
use crate::watch::follow;

/// No more of a stream is held back before anything is delivered.
const MAX_KEPT_BYTES: usize = 1024 * 1024;

/// An answer of which some is read before it is decided what becomes of it.
pub(crate) struct Reading<B> {
    pub(crate) parts: Parts,
    pub(crate) pending: PendingResponse,
    pub(crate) aim: Aim,
    /// When it is over at the latest.
    pub(crate) until: Option<Duration>,
    /// `None` once its end was read.
    body: Option<B>,
    frames: VecDeque<Frame<Bytes>>,
    bytes: usize,
    /// Where in the last frame the event begins that ends a stream.
    end: Option<usize>,
}

/// What a body is read for.
pub(crate) enum Aim {
    /// To classify an error, by no more than so many bytes.
    Error(usize),
    /// To check a whole answer that has no more than so many bytes.
    Check(usize),
    /// To see a stream deliver something.
    Stream(Box<StreamDecoder>),
}

/// Why the reading ended.
pub(crate) enum End {
    /// The body is over.
    Whole,
    /// There is enough, or too much.
    Enough,
    Broken(BoxError),
}

/// What was read, and what was not.
pub(crate) struct Read<B> {
    pub(crate) frames: VecDeque<Frame<Bytes>>,
    pub(crate) rest: Option<B>,
    end: Option<usize>,
}

impl<B> Read<B> {
    /// Only what came before the event that ends a stream.
    pub(crate) fn without_end(mut self) -> Self {
        if let (Some(end), Some(frame)) = (self.end, self.frames.pop_back()) {
            if let Ok(data) = frame.into_data() {
                self.frames.push_back(Frame::data(data.slice(..end)));
            }
            self.rest = None;
        }
        self
    }
}

impl<B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin> Reading<B> {
    pub(crate) fn new(
        (parts, body): (Parts, B),
        pending: PendingResponse,
        aim: Aim,
        until: Option<Duration>,
    ) -> Self {
        let (frames, bytes) = (VecDeque::new(), 0);
        Reading { parts, pending, aim, until, body: Some(body), frames, bytes, end: None }
    }

    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<End> {
        loop {
            let Some(body) = &mut self.body else { return Poll::Ready(End::Whole) };
            match Pin::new(body).poll_frame(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => {
                    self.body = None;
                    return Poll::Ready(End::Whole);
                }
                Poll::Ready(Some(Err(error))) => {
                    self.body = None;
                    return Poll::Ready(End::Broken(error.into()));
                }
                Poll::Ready(Some(Ok(frame))) => {
                    if self.take(frame) {
                        return Poll::Ready(End::Enough);
                    }
                }
            }
        }
    }

    /// Keeps a frame; says whether there is enough.
    fn take(&mut self, frame: Frame<Bytes>) -> bool {
        let data = frame.data_ref().map(|data| &data[..]).unwrap_or_default();
        self.bytes = self.bytes.saturating_add(data.len());
        let enough = match &mut self.aim {
            Aim::Error(most) => self.bytes >= *most,
            Aim::Check(most) => self.bytes > *most,
            Aim::Stream(decoder) => {
                self.end = follow(decoder, data);
                decoder.has_delivered() || decoder.is_finished() || self.bytes > MAX_KEPT_BYTES
            }
        };
        self.frames.push_back(frame);
        enough
    }

    /// What was read, in one piece of no more than so many bytes.
    pub(crate) fn bytes(&self, most: usize) -> Bytes {
        let mut pieces = self.frames.iter().filter_map(Frame::data_ref);
        match (pieces.next(), pieces.next()) {
            (None, _) => Bytes::new(),
            (Some(only), None) => only.slice(..only.len().min(most)),
            (Some(first), Some(second)) => {
                let mut all = Vec::with_capacity(self.bytes.min(most));
                for piece in [first, second].into_iter().chain(pieces) {
                    let room = most.saturating_sub(all.len());
                    all.extend_from_slice(&piece[..piece.len().min(room)]);
                }
                all.into()
            }
        }
    }

    /// Takes it apart.
    pub(crate) fn into_read(self) -> (Parts, PendingResponse, Aim, Read<B>) {
        let read = Read { frames: self.frames, rest: self.body, end: self.end };
        (self.parts, self.pending, self.aim, read)
    }
}
