//! One request on one connection, up to the head of its answer.

use std::ops::Range;
use std::time::Duration;

use super::channel::Channel;
use super::failure::{Failure, Step};
use super::head::{self, Head, HeadReading};
use super::limits::Limits;
use super::patience::Patience;
use super::progress::Progress;
use super::proxy::Proxy;
use crate::clock::monotonic_now;

/// How much is read at once.
const READ_AT_ONCE: usize = 16 * 1024;
/// How long the word to send the body is waited for (RFC 9110 section 10.1.1: not indefinitely).
const CONTINUE_WAIT: Duration = Duration::from_secs(1);
/// How long a server that answered well already may be silent to the rest of the request.
const UPLOAD_GRACE: Duration = Duration::from_secs(5);
/// How long the answer of a server that broke the request off is waited for.
const LAST_WORD: Duration = Duration::from_secs(1);

/// A connection to the service, and what came on it that nobody has read yet.
pub(super) struct Connection {
    channel: Box<dyn Channel>,
    /// Room for what comes. It is kept, for to make it anew takes longer than most reads.
    room: Vec<u8>,
    /// What came and is not used up.
    input: Range<usize>,
    /// Since the request was sent.
    received: u64,
    /// Whether an answer came on this connection before.
    used: bool,
    /// The proxy that is asked for the whole address, if there is one.
    pub(super) proxy: Option<Proxy>,
}

/// What to send.
pub(super) struct Request<'a> {
    pub(super) head: &'a [u8],
    pub(super) body: &'a [u8],
    /// Whether the head asks for a word before the body is sent.
    pub(super) expects: bool,
}

/// An answer's head.
pub(super) struct Answer {
    pub(super) head: Head,
    /// Whether the request was sent to its end.
    pub(super) is_request_whole: bool,
}

impl Connection {
    pub(super) fn new(channel: Box<dyn Channel>, proxy: Option<Proxy>) -> Self {
        Connection { channel, room: Vec::new(), input: 0..0, received: 0, used: false, proxy }
    }

    /// Whether it is open, and nothing came that nobody asked for.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.input().is_empty() && self.channel.is_quiet()
    }

    /// What came and is not used up.
    pub(super) fn input(&self) -> &[u8] {
        &self.room[self.input.clone()]
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.input.start += count;
        if self.input.start >= self.input.end {
            self.input = 0..0;
        }
    }

    /// So many bytes came since the request was sent.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Waits for more input; 0 at the end.
    pub(super) fn fill(&mut self, patience: Patience<'_>) -> Result<usize, Failure> {
        if self.input.start > 0 {
            self.room.copy_within(self.input.clone(), 0);
            self.input = 0..self.input.len();
        }
        let filled = self.input.end;
        if self.room.len() < filled + READ_AT_ONCE {
            self.room.resize(filled + READ_AT_ONCE, 0);
        }
        let room = &mut self.room[filled..filled + READ_AT_ONCE];
        let count = self.channel.read(room, patience)?;
        self.input.end += count;
        self.received += count as u64;
        Ok(count)
    }

    /// Reads into a buffer of the caller's, past the input, which is empty.
    pub(super) fn read_past(
        &mut self,
        buffer: &mut [u8],
        patience: Patience<'_>,
    ) -> Result<usize, Failure> {
        let count = self.channel.read(buffer, patience)?;
        self.received += count as u64;
        Ok(count)
    }

    /// Sends a request and reads the head of its answer. An answer that comes before the request is
    /// whole is the answer, whatever becomes of the rest.
    ///
    /// # Errors
    ///
    /// There is no answer, or none that can be read.
    pub(super) fn exchange(
        &mut self,
        request: &Request<'_>,
        limits: &Limits,
        progress: &Progress,
    ) -> Result<Answer, Failure> {
        self.received = 0;
        let mut reading = HeadReading::new(limits.max_head_bytes);
        let patience = Patience::of(progress);
        progress.on_begin(self.used);
        let sent = self.send(request, limits, progress, &mut reading);
        let (early, failure) = match sent {
            Ok(early) => (early, None),
            // It may have said why before it left.
            Err(failure @ Failure::Network(_)) => (None, Some(failure)),
            Err(failure) => return Err(failure),
        };
        let is_request_whole = early.is_none() && failure.is_none();
        let head = match (early, failure) {
            (Some(head), _) => head,
            (None, Some(failure)) => {
                let patience = patience.at_most(LAST_WORD, Step::Attempt);
                self.final_head(limits, progress, patience, patience, &mut reading)
                    .map_err(|_| failure)?
            }
            (None, None) => {
                let first = match limits.first_byte_timeout {
                    Some(timeout) => patience.at_most(timeout, Step::FirstByte),
                    None => patience,
                };
                self.final_head(limits, progress, first, patience, &mut reading)?
            }
        };
        self.used = true;
        Ok(Answer { head, is_request_whole })
    }

    /// Sends the request; gives the head of an answer that makes the rest of it needless.
    fn send(
        &mut self,
        request: &Request<'_>,
        limits: &Limits,
        progress: &Progress,
        reading: &mut HeadReading,
    ) -> Result<Option<Head>, Failure> {
        let patience = Patience::of(progress);
        let first = Patience::of(progress);
        // What fits into one piece goes out as one.
        let together = !request.expects && request.body.len() <= READ_AT_ONCE;
        if together {
            progress.on_sent();
            let whole = [request.head, request.body].concat();
            let mut rest = whole.as_slice();
            while !rest.is_empty() {
                let written = self.channel.write(rest, patience)?;
                rest = &rest[written.count..];
                if written.has_input && written.count == 0 {
                    return self.final_head(limits, progress, first, patience, reading).map(Some);
                }
            }
            return Ok(None);
        }
        super::channel::write_all(&mut *self.channel, request.head, patience)?;
        if request.expects {
            let waiting = patience.at_most(CONTINUE_WAIT, Step::FirstByte);
            match self.next_head(limits, progress, waiting, patience, reading) {
                Ok(head) if head.status >= 200 => return Ok(Some(head)),
                Ok(_) | Err(Failure::Timeout(Step::FirstByte)) => {}
                Err(failure) => return Err(failure),
            }
        }
        let mut rest = request.body;
        let mut answered: Option<(Head, Duration)> = None;
        while !rest.is_empty() {
            let patience = match &answered {
                Some((_, until)) => patience.until(*until, Step::FirstByte),
                None => patience,
            };
            if rest.len() <= READ_AT_ONCE {
                progress.on_sent();
            }
            // The last piece is known as such, so that it is known whether all may have arrived.
            let piece =
                if rest.len() > READ_AT_ONCE { rest.len() - READ_AT_ONCE } else { rest.len() };
            let written = match (self.channel.write(&rest[..piece], patience), answered.take()) {
                (Ok(written), before) => {
                    answered = before;
                    written
                }
                // It has what it wants.
                (Err(Failure::Timeout(Step::FirstByte) | Failure::Network(_)), Some((head, _))) => {
                    return Ok(Some(head));
                }
                (Err(failure), _) => return Err(failure),
            };
            rest = &rest[written.count..];
            if !written.has_input {
                continue;
            }
            if let Some((head, _)) = answered {
                // It goes on with its answer, and does not read on.
                return Ok(Some(head));
            }
            let head = self.next_head(limits, progress, patience, patience, reading)?;
            match head.status {
                100..=199 => {}
                200..=299 => answered = Some((head, monotonic_now() + UPLOAD_GRACE)),
                _ => return Ok(Some(head)),
            }
        }
        Ok(answered.map(|(head, _)| head))
    }

    /// Reads the head of the answer, past those that only say that it is to come.
    fn final_head(
        &mut self,
        limits: &Limits,
        progress: &Progress,
        first: Patience<'_>,
        patience: Patience<'_>,
        reading: &mut HeadReading,
    ) -> Result<Head, Failure> {
        loop {
            let head = self.next_head(limits, progress, first, patience, reading)?;
            match head.status {
                101 => return Err(Failure::Switched),
                100..=199 => {}
                _ => return Ok(head),
            }
        }
    }

    /// Reads the next head; `first` is for its first byte.
    fn next_head(
        &mut self,
        limits: &Limits,
        progress: &Progress,
        first: Patience<'_>,
        patience: Patience<'_>,
        reading: &mut HeadReading,
    ) -> Result<Head, Failure> {
        let mut looked_at = 0;
        loop {
            patience.left()?;
            let input = self.input();
            if !input.is_empty() {
                progress.on_received();
            }
            // A head of one byte at a time is looked through only where a line ends.
            let may_end = input[looked_at..].contains(&b'\n');
            looked_at = input.len();
            if let Some(length) = may_end.then(|| head::length(input)).flatten() {
                reading.take(length)?;
                let head = head::parse(&input[..length], limits.max_headers)?;
                self.consume(length);
                return Ok(head);
            }
            if let Some(problem) = head::is_no_beginning(input) {
                return Err(problem.into());
            }
            reading.check(input.len())?;
            let patience = if input.is_empty() { first } else { patience };
            if self.fill(patience)? == 0 {
                return Err(Failure::closed());
            }
        }
    }
}
