//! Answers that come on connections of other libraries, read by the rules of this client and written down
//! anew, so that every library reads the same.

mod write;

use resayil_core::Error;

use super::failure::Failure;
use super::framing::{self, Framed, Framing};
use super::head::{self, Head, HeadReading};
use super::limits::Limits;
use crate::driver::describe;
use write::{Ends, reason, write_head};

/// What comes on one connection, as any library of HTTP/1.1 can read it.
///
/// It is told what is sent, and takes what comes: the heads of answers without what is odd about them,
/// bodies with a framing that is in order. What this client would not read is an error of the same words.
/// It has no input and no output of its own. Other protocols pass as they are.
pub struct Wire {
    host: String,
    limits: Limits,
    state: State,
    /// Of the head that is read.
    input: Vec<u8>,
    reading: HeadReading,
    request: Request,
    /// Of the answer that is read, once it is there.
    head: Option<Head>,
    failure: Option<Error>,
    is_spoiled: bool,
}

/// What the connection is at.
enum State {
    /// Nothing was asked, or the answer is over.
    Idle,
    Head,
    Body(Framing),
    /// What comes is no answer of HTTP/1, until one is asked for.
    Opaque,
    /// It is HTTP/2, to the end.
    Other,
}

/// What has to be known of a request to read its answer.
#[derive(Clone, Copy, Default)]
struct Request {
    is_head: bool,
    is_connect: bool,
    may_switch: bool,
}

impl Wire {
    /// For a connection to this host, by which errors call it. Of the head of an answer no more than
    /// `max_head_bytes` bytes and `max_headers` lines are read.
    #[must_use]
    pub fn new(host: &str, max_head_bytes: usize, max_headers: usize) -> Self {
        let limits = Limits { max_head_bytes, max_headers, ..Limits::default() };
        Wire {
            host: host.to_owned(),
            limits,
            state: State::Idle,
            input: Vec::new(),
            reading: HeadReading::new(max_head_bytes),
            request: Request::default(),
            head: None,
            failure: None,
            is_spoiled: false,
        }
    }

    /// These bytes are sent. The first of a request tell what its answer will be like.
    pub fn sent(&mut self, bytes: &[u8]) {
        if !matches!(self.state, State::Idle | State::Opaque) || bytes.is_empty() {
            return;
        }
        let Some(request) = Request::read(bytes) else {
            // RFC 9113 section 3.4.
            let is_other = bytes.starts_with(b"PRI * HTTP/2");
            self.state = if is_other { State::Other } else { State::Opaque };
            return;
        };
        self.request = request;
        self.state = State::Head;
        self.input.clear();
        self.reading = HeadReading::new(self.limits.max_head_bytes);
        self.head = None;
    }

    /// Takes what came, and gives what to read in its place: perhaps nothing yet.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        if self.failure.is_none() {
            let result = self.take(bytes, &mut out);
            self.keep(result);
        }
        out
    }

    /// The other side has ended the connection. Gives what is still to be read before that.
    pub fn end(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        let result = match &self.state {
            State::Body(Framing::Chunked(chunked)) if chunked.is_past_data() => {
                out.extend_from_slice(LAST_CHUNK);
                self.state = State::Idle;
                Ok(())
            }
            State::Body(Framing::Length(_) | Framing::Chunked(_)) => Err(Failure::closed()),
            // That nothing came at all everybody understands.
            State::Head if !self.input.is_empty() => Err(Failure::closed()),
            _ => Ok(()),
        };
        if self.failure.is_none() {
            self.keep(result);
        }
        out
    }

    /// Why no more can be read.
    #[must_use]
    pub fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }

    /// Whether the answer is whole although the connection broke before its end.
    #[must_use]
    pub fn is_past_data(&self) -> bool {
        matches!(&self.state, State::Body(Framing::Chunked(chunked)) if chunked.is_past_data())
    }

    /// Whether something came that nobody asked for, so that no other request may be sent here.
    #[must_use]
    pub fn is_spoiled(&self) -> bool {
        self.is_spoiled
    }

    fn keep(&mut self, result: Result<(), Failure>) {
        if let Err(failure) = result {
            let error = failure.into_error(true, &self.host);
            self.failure = Some(match &self.head {
                Some(head) => describe(error, head.status, &head.headers),
                None => error,
            });
        }
    }

    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
        match &mut self.state {
            State::Opaque | State::Other => out.extend_from_slice(bytes),
            State::Idle => self.is_spoiled |= !bytes.is_empty(),
            State::Body(framing) => {
                let (used, is_over) = pass(framing, bytes, out)?;
                if is_over {
                    self.state = State::Idle;
                    self.is_spoiled |= used < bytes.len();
                }
            }
            State::Head => {
                let looked_at = self.input.len();
                self.input.extend_from_slice(bytes);
                return self.heads(looked_at, out);
            }
        }
        Ok(())
    }

    /// Reads heads until there is the one of the answer.
    fn heads(&mut self, mut looked_at: usize, out: &mut Vec<u8>) -> Result<(), Failure> {
        loop {
            let may_end = self.input[looked_at..].contains(&b'\n');
            let Some(length) = may_end.then(|| head::length(&self.input)).flatten() else {
                if let Some(problem) = head::is_no_beginning(&self.input) {
                    return Err(problem.into());
                }
                return self.reading.check(self.input.len());
            };
            self.reading.take(length)?;
            let written = head::parse_as_written(&self.input[..length], self.limits.max_headers)?;
            let reason = reason(&self.input[..length]);
            let rest = self.input.split_off(length);
            self.input = rest;
            looked_at = 0;
            match written.status {
                101 if self.request.may_switch => {
                    write_head(out, &written, &reason, Ends::AsWritten);
                    return self.pass_on(State::Opaque, out);
                }
                101 => return Err(Failure::Switched),
                100..=199 => {}
                _ => return self.answer(&written, &reason, out),
            }
        }
    }

    /// The head of the answer is there.
    fn answer(&mut self, written: &Head, reason: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
        let headers =
            written.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
        let head = Head { headers: headers.collect(), ..*written };
        let is_tunnel = self.request.is_connect && (200..300).contains(&head.status);
        let status = head.status;
        let framed = framing::of(&head);
        self.head = Some(head);
        if is_tunnel {
            write_head(out, written, reason, Ends::Nothing);
            return self.pass_on(State::Opaque, out);
        }
        if self.request.is_head {
            write_head(out, written, reason, Ends::AsWritten);
            return self.pass_on(State::Idle, out);
        }
        match framed {
            Ok(Framed { framing, keep, codings }) => {
                write_head(out, written, reason, Ends::Body(&framing, keep, &codings));
                let is_empty = matches!(framing, Framing::Length(0));
                self.pass_on(if is_empty { State::Idle } else { State::Body(framing) }, out)
            }
            // Whatever is wrong with its body, the status is known.
            Err(_) if status >= 400 => {
                write_head(out, written, reason, Ends::Body(&Framing::Length(0), false, &[]));
                self.state = State::Idle;
                self.is_spoiled = true;
                Ok(())
            }
            Err(failure) => {
                write_head(out, written, reason, Ends::Body(&Framing::ToTheEnd, false, &[]));
                Err(failure)
            }
        }
    }

    /// What came behind the head is of the next state.
    fn pass_on(&mut self, state: State, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.state = state;
        let rest = std::mem::take(&mut self.input);
        self.take(&rest, out)
    }
}

/// What ends a body of chunks.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Takes a piece of a body: how much of it is used, and whether the body is over.
fn pass(framing: &mut Framing, bytes: &[u8], out: &mut Vec<u8>) -> Result<(usize, bool), Failure> {
    match framing {
        Framing::ToTheEnd => {
            out.extend_from_slice(bytes);
            Ok((bytes.len(), false))
        }
        Framing::Length(left) => {
            let count = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
            out.extend_from_slice(&bytes[..count]);
            *left -= count as u64;
            Ok((count, *left == 0))
        }
        Framing::Chunked(chunked) => {
            let mut data = vec![0; bytes.len()];
            let step = chunked.read(bytes, &mut data)?;
            if step.filled > 0 {
                out.extend_from_slice(format!("{:x}\r\n", step.filled).as_bytes());
                out.extend_from_slice(&data[..step.filled]);
                out.extend_from_slice(b"\r\n");
            }
            if chunked.is_done() {
                out.extend_from_slice(LAST_CHUNK);
            }
            Ok((step.used, chunked.is_done()))
        }
    }
}

impl Request {
    /// What begins with these bytes; `None` if it is no request of HTTP/1.
    fn read(bytes: &[u8]) -> Option<Request> {
        let method = bytes.iter().position(|&byte| byte == b' ').map(|end| &bytes[..end])?;
        let is_method = !method.is_empty()
            && method.len() <= MAX_METHOD
            && method.iter().all(|&byte| byte.is_ascii_graphic());
        if !is_method || bytes.starts_with(b"PRI ") {
            return None;
        }
        let asks = |line: &[u8]| line.len() > 8 && line[..8].eq_ignore_ascii_case(b"upgrade:");
        Some(Request {
            is_head: method == b"HEAD",
            is_connect: method == b"CONNECT",
            may_switch: bytes
                .split(|&byte| byte == b'\n')
                .take_while(|line| line.len() > 1)
                .any(asks),
        })
    }
}

/// The longest method, in bytes; the longest that is registered has 17.
const MAX_METHOD: usize = 32;

#[cfg(test)]
mod tests;
