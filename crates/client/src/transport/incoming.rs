//! An answer whose head is read, and the way to its body.

use std::io;
use std::sync::Arc;

use super::coding::Coding;
use super::exchange::{Answer, Connection};
use super::failure::Failure;
use super::framing::{self, Framed, Framing};
use super::limits::Limits;
use super::patience::Patience;
use super::pool::Pool;
use super::progress::Progress;
use super::{Headers, coding};

/// The head of an answer, and the way to its body.
pub(crate) struct Incoming {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    /// The length that the head declares, unless the body is compressed.
    pub(crate) declared: Option<u64>,
    body: Body,
}

enum Body {
    Readable(Box<Coding>),
    /// What cannot be read of it, to be told once; then there is nothing.
    Failed(Option<Failure>),
}

impl Incoming {
    /// Looks at the head for how the body is to be read.
    pub(super) fn new(
        answer: Answer,
        connection: Connection,
        pool: &Arc<Pool>,
        progress: &Arc<Progress>,
        limits: &Limits,
    ) -> Self {
        let Answer { head, is_request_whole } = answer;
        let status = head.status;
        // Whatever is wrong with the body, the status is known.
        let framed = framing::of(&head).and_then(|framed| {
            let mut codings = framing::list(&head, "content-encoding");
            codings.extend(framed.codings.iter().cloned());
            Ok((coding::of(&codings)?, framed))
        });
        let mut headers = head.headers;
        let mut declared = None;
        let body = match framed {
            Err(failure) => Body::Failed(Some(failure)),
            Ok((coding, Framed { framing, keep, .. })) => {
                if coding.is_some() {
                    // Neither is true of what is read.
                    headers.retain(|(name, _)| {
                        !matches!(name.as_str(), "content-encoding" | "content-length")
                    });
                } else if let Framing::Length(length) = framing {
                    declared = Some(length);
                }
                let raw = Raw {
                    connection: Some(connection),
                    framing,
                    pool: Arc::clone(pool),
                    keep: keep && is_request_whole,
                    progress: Arc::clone(progress),
                    max_wire_bytes: limits.max_wire_bytes,
                    failure: None,
                };
                Body::Readable(Box::new(Coding::new(coding, raw)))
            }
        };
        Incoming { status, headers, declared, body }
    }

    /// Reads some of the body, unpacked, into a buffer that is not empty; 0 at its end.
    ///
    /// # Errors
    ///
    /// The body cannot be read, is larger on the wire than allowed, or breaks off; the time is over;
    /// or the call was cancelled.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        match &mut self.body {
            Body::Readable(body) => body.read(buffer),
            Body::Failed(failure) => failure.take().map_or(Ok(0), Err),
        }
    }
}

/// The body as it comes, without its framing.
pub(super) struct Raw {
    /// Until the body is over.
    connection: Option<Connection>,
    framing: Framing,
    pool: Arc<Pool>,
    /// Whether the connection can serve another request.
    keep: bool,
    progress: Arc<Progress>,
    max_wire_bytes: u64,
    /// Why the reader was told that there is an error.
    failure: Option<Failure>,
}

impl Raw {
    /// Reads some of the body; 0 at its end.
    pub(super) fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let progress = Arc::clone(&self.progress);
        let patience = Patience::of(&progress);
        let Some(connection) = &mut self.connection else { return Ok(0) };
        loop {
            patience.left()?;
            let input = connection.input();
            let filled = match &mut self.framing {
                Framing::Length(0) => return Ok(self.end()),
                Framing::Length(left) => {
                    let most = usize::try_from(*left).unwrap_or(usize::MAX).min(buffer.len());
                    let count = if input.is_empty() && most >= 4 * 1024 {
                        let count = connection.read_past(&mut buffer[..most], patience)?;
                        if count == 0 {
                            return Err(Failure::closed());
                        }
                        count
                    } else {
                        let count = most.min(input.len());
                        buffer[..count].copy_from_slice(&input[..count]);
                        connection.consume(count);
                        count
                    };
                    *left -= count as u64;
                    count
                }
                Framing::Chunked(chunked) => {
                    let step = chunked.read(input, buffer)?;
                    connection.consume(step.used);
                    if step.filled == 0 && chunked.is_done() {
                        return Ok(self.end());
                    }
                    step.filled
                }
                Framing::ToTheEnd => {
                    let count = buffer.len().min(input.len());
                    buffer[..count].copy_from_slice(&input[..count]);
                    connection.consume(count);
                    count
                }
            };
            if connection.received() > self.max_wire_bytes {
                return Err(Failure::TooLarge("max_wire_bytes"));
            }
            if filled > 0 {
                return Ok(filled);
            }
            if !connection.input().is_empty() {
                continue;
            }
            let came = connection.fill(patience);
            match (&self.framing, came) {
                (_, Ok(1..)) => {}
                (Framing::ToTheEnd, Ok(0)) => return Ok(self.end()),
                // All of the data is there, and nothing that counts can follow.
                (Framing::Chunked(chunked), Ok(0) | Err(Failure::Network(_)))
                    if chunked.is_past_data() =>
                {
                    self.keep = false;
                    return Ok(self.end());
                }
                (_, Ok(0)) => return Err(Failure::closed()),
                (_, Err(failure)) => return Err(failure),
            }
        }
    }

    /// The body is over: the connection may serve another request.
    fn end(&mut self) -> usize {
        if let Some(connection) = self.connection.take() {
            // What is there already belongs to no answer.
            if self.keep && connection.input().is_empty() {
                self.pool.put(connection);
            }
        }
        0
    }

    /// The connection serves no other request.
    pub(super) fn forget(&mut self) {
        self.keep = false;
    }

    /// Why [`io::Read`] failed.
    pub(super) fn take_failure(&mut self) -> Option<Failure> {
        self.failure.take()
    }
}

impl io::Read for Raw {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_some(buffer).map_err(|failure| {
            self.failure = Some(failure);
            io::ErrorKind::Other.into()
        })
    }
}
