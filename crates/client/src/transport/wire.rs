//! Answers that come on connections of other libraries, read by the rules of this client and written down
//! anew, so that every library reads the same.

use resayil_core::Error;

use super::failure::Failure;
use super::framing::{self, Framed, Framing};
use super::head::{self, Head, HeadReading};
use super::limits::Limits;
use crate::driver::describe;

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

/// The words behind the status.
fn reason(head: &[u8]) -> Vec<u8> {
    let line = head.trim_ascii_start().split(|&byte| byte == b'\n').next().unwrap_or_default();
    let mut words = line.trim_ascii_end().splitn(2, |&byte| byte == b' ').skip(1);
    let rest = words.next().unwrap_or_default().trim_ascii_start();
    rest.get(3..).unwrap_or_default().trim_ascii().to_vec()
}

/// What a head says of the end of its answer.
enum Ends<'a> {
    /// As it came.
    AsWritten,
    /// There is no body.
    Nothing,
    /// A body of this framing, whether the connection is kept after it, and further codings.
    Body(&'a Framing, bool, &'a [String]),
}

fn write_head(out: &mut Vec<u8>, head: &Head, reason: &[u8], ends: Ends<'_>) {
    let minor = head.minor.min(1);
    out.extend_from_slice(format!("HTTP/1.{minor} {:03} ", head.status).as_bytes());
    out.extend(reason.iter().map(printable));
    out.extend_from_slice(b"\r\n");
    let mut line = |name: &str, value: &[u8]| {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend(value.iter().map(printable));
        out.extend_from_slice(b"\r\n");
    };
    for (name, value) in &head.headers {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        let is_replaced = match ends {
            Ends::AsWritten => false,
            Ends::Nothing => is("content-length") || is("transfer-encoding"),
            Ends::Body(_, keep, _) => {
                is("content-length") || is("transfer-encoding") || !keep && is("connection")
            }
        };
        if !is_replaced {
            line(name, value);
        }
    }
    if let Ends::Body(framing, keep, codings) = ends {
        match framing {
            Framing::Length(length) if !matches!(head.status, 204 | 304) => {
                line("Content-Length", length.to_string().as_bytes());
            }
            Framing::Chunked(_) => line("Transfer-Encoding", b"chunked"),
            _ => {}
        }
        for coding in codings {
            // It has to be undone as one of the content.
            line("Content-Encoding", coding.as_bytes());
        }
        if !keep {
            line("Connection", b"close");
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// A byte as every library takes it.
fn printable(byte: &u8) -> u8 {
    if byte.is_ascii_control() && *byte != b'\t' { b' ' } else { *byte }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: &[u8] = b"GET /v1 HTTP/1.1\r\nHost: x\r\n\r\n";

    /// What is read in pieces of every size: all have to come to the same.
    fn read(request: &[u8], answer: &[u8], ends: bool) -> (String, Option<String>) {
        let mut results = (1..=answer.len().max(1)).map(|size| {
            let mut wire = Wire::new("host", 1000, 5);
            wire.sent(request);
            let mut out = Vec::new();
            for piece in answer.chunks(size) {
                out.extend(wire.feed(piece));
            }
            if ends {
                out.extend(wire.end());
            }
            let text = String::from_utf8(out).unwrap();
            // Chunks are as large as the pieces.
            let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
            let is_chunked = head.contains("Transfer-Encoding: chunked");
            let body = if is_chunked { joined(body) } else { body.to_owned() };
            (format!("{head}|{body}"), wire.failure().map(ToString::to_string))
        });
        let first = results.next().unwrap();
        for other in results {
            assert_eq!(first, other);
        }
        first
    }

    fn joined(mut chunks: &str) -> String {
        let mut body = String::new();
        while let Some((size, rest)) = chunks.split_once("\r\n") {
            let size = usize::from_str_radix(size, 16).unwrap();
            if size == 0 {
                assert_eq!(rest, "\r\n");
                return body + "$";
            }
            body += &rest[..size];
            chunks = &rest[size + 2..];
        }
        body
    }

    #[test]
    fn what_is_odd_is_put_in_order() {
        for (answer, expected) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 OK\r\nContent-Length: 2|hi"),
            (
                "\r\nHTTP/1.1  200\nA: \u{1}b\nno colon\nX : y\nContent-Length: 2, 2\n\nhi!",
                "200 \r\nA:  b\r\nX: y\r\nContent-Length: 2\r\nConnection: close|hi",
            ),
            (
                "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3 ;x\r\nabc\r\n0\r\nT: 1\r\n",
                "200 OK\r\nTransfer-Encoding: chunked|abc$",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                "200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip|$",
            ),
            ("HTTP/1.1 200 OK\r\n\r\nto the end", "200 OK\r\nConnection: close|to the end"),
            ("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", "204 No|"),
            (
                "HTTP/1.1 503 X\r\nContent-Length: -1\r\nRetry-After: 7\r\n\r\nlost",
                "503 X\r\nRetry-After: 7\r\nContent-Length: 0\r\nConnection: close|",
            ),
        ] {
            let (text, failure) = read(GET, answer.as_bytes(), true);
            assert_eq!((text, failure), (format!("HTTP/1.1 {expected}"), None), "{answer}");
        }
        let (text, _) =
            read(b"HEAD / HTTP/1.1\r\n\r\n", b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n", true);
        assert_eq!(text, "HTTP/1.0 200 OK\r\nContent-Length: 9|");
    }

    #[test]
    fn what_nobody_can_read_is_the_error_of_this_client() {
        for (answer, words) in [
            ("220 mail", "does not begin with HTTP/1"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "two lengths"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello", "no number"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", "broke"),
            ("HTTP/1.1 200 OK\r\nCont", "broke"),
            ("HTTP/1.1 101 Switch\r\n\r\n", "another protocol"),
            (&format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(6)), "max_headers"),
            (&format!("HTTP/1.1 200 OK\r\nA: {}", "b".repeat(2000)), "max_head_bytes"),
            (&"HTTP/1.1 100 Continue\r\n\r\n".repeat(50), "max_head_bytes"),
        ] {
            let (_, failure) = read(GET, answer.as_bytes(), true);
            assert!(failure.as_ref().is_some_and(|it| it.contains(words)), "{answer}: {failure:?}");
        }
    }

    #[test]
    fn other_protocols_pass_as_they_are() {
        let mut wire = Wire::new("host", 1000, 5);
        wire.sent(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        wire.sent(GET);
        assert_eq!(wire.feed(b"\x00\x00\x00"), b"\x00\x00\x00");
        // Behind the word to a proxy of SOCKS, HTTP.
        let mut wire = Wire::new("host", 1000, 5);
        wire.sent(b"\x05\x01\x00");
        assert_eq!(wire.feed(b"\x05\x00"), b"\x05\x00");
        wire.sent(GET);
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(wire.feed(whole), whole);
        assert!(!wire.is_spoiled());
        assert_eq!(wire.feed(b"more"), b"");
        assert!(wire.is_spoiled());
        for (request, answer) in [
            ("CONNECT a:1 HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n\u{16}\u{3}"),
            ("GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n", "HTTP/1.1 101 Go\r\nUpgrade: x\r\n\r\nraw"),
        ] {
            let mut wire = Wire::new("host", 1000, 5);
            wire.sent(request.as_bytes());
            assert_eq!(wire.feed(answer.as_bytes()), answer.as_bytes());
            assert_eq!(wire.feed(b"anything"), b"anything");
        }
    }

    #[test]
    fn a_connection_serves_one_answer_after_another() {
        let mut wire = Wire::new("host", 1000, 5);
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
        for _ in 0..3 {
            wire.sent(GET);
            wire.sent(b"a body");
            assert_eq!(wire.feed(whole), whole);
        }
        assert!(!wire.is_spoiled() && wire.failure().is_none());
    }
}
