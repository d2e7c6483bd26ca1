//! Reading a request: its head, its framing, its body.

use std::io::{self, Read};

/// Bytes asked for at once.
const PIECE: usize = 16 * 1024;

/// Longest line of a chunk's size or trailer, in bytes.
const MAX_CHUNK_LINE: usize = 4096;

/// The request line and headers.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    /// 0 or 1, of HTTP/1.x.
    pub(crate) minor: u8,
    headers: Vec<(String, String)>,
}

/// How long the body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
}

#[derive(Debug)]
pub(crate) enum HeadError {
    /// The connection failed or timed out, or ended within the head.
    Io,
    Malformed,
    TooLarge,
}

#[derive(Debug)]
pub(crate) enum BodyError {
    /// The connection failed, timed out or ended within the body.
    Io,
    Malformed,
    TooLarge,
}

impl From<io::Error> for BodyError {
    fn from(_: io::Error) -> Self {
        BodyError::Io
    }
}

impl Head {
    /// A header's value, the first if it is repeated. `name` in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// All headers, names in lower case.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    fn lists(&self, name: &str, word: &str) -> bool {
        self.headers()
            .filter(|(n, _)| *n == name)
            .flat_map(|(_, v)| v.split(','))
            .any(|item| item.trim().eq_ignore_ascii_case(word))
    }

    /// Whether the client wants the connection to stay open.
    pub(crate) fn keep_alive(&self) -> bool {
        if self.minor == 0 {
            self.lists("connection", "keep-alive")
        } else {
            !self.lists("connection", "close")
        }
    }

    /// Whether the client waits for a `100 Continue` before it sends the body.
    pub(crate) fn expects_continue(&self) -> bool {
        self.minor > 0 && self.lists("expect", "100-continue")
    }

    /// How long the body is; `None` when the headers contradict each other (RFC 9112, 6.3).
    pub(crate) fn framing(&self) -> Option<Framing> {
        let mut lengths = self.headers().filter(|(n, _)| *n == "content-length");
        let length = lengths.next().map(|(_, v)| v);
        if lengths.any(|(_, v)| Some(v) != length) {
            return None;
        }
        match (self.header("transfer-encoding"), length) {
            (None, None) => Some(Framing::Length(0)),
            (None, Some(text)) if text.bytes().all(|b| b.is_ascii_digit()) => {
                text.parse().ok().map(Framing::Length)
            }
            (Some(coding), None) if coding.trim().eq_ignore_ascii_case("chunked") => {
                Some(Framing::Chunked)
            }
            _ => None,
        }
    }
}

/// What has been read from a connection and not been used yet.
#[derive(Debug)]
pub(crate) struct Inbox<R> {
    from: R,
    buffer: Vec<u8>,
    /// Where the unused part of the buffer begins.
    start: usize,
}

impl<R: Read> Inbox<R> {
    pub(crate) fn new(from: R) -> Self {
        Self { from, buffer: Vec::new(), start: 0 }
    }

    fn unused(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Reads once. 0 at the end.
    fn fill(&mut self) -> io::Result<usize> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let old = self.buffer.len();
        self.buffer.resize(old + PIECE, 0);
        let read = loop {
            match self.from.read(&mut self.buffer[old..]) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(old + *read.as_ref().unwrap_or(&0));
        read
    }

    /// Reads the next head. `None` when the client has closed the connection between requests.
    pub(crate) fn read_head(
        &mut self,
        max_bytes: usize,
        max_headers: usize,
    ) -> Result<Option<Head>, HeadError> {
        let mut searched = 0;
        let end = loop {
            if let Some(end) = find_blank_line(self.unused(), searched) {
                break end;
            }
            if self.unused().len() > max_bytes {
                return Err(HeadError::TooLarge);
            }
            searched = self.unused().len().saturating_sub(3);
            match self.fill() {
                Ok(0) if self.unused().iter().all(u8::is_ascii_whitespace) => return Ok(None),
                Ok(0) | Err(_) => return Err(HeadError::Io),
                Ok(_) => {}
            }
        };
        if end > max_bytes {
            return Err(HeadError::TooLarge);
        }
        let head = parse_head(&self.unused()[..end], max_headers)?;
        self.start += end;
        Ok(Some(head))
    }

    /// Reads a body of at most `max` bytes.
    pub(crate) fn read_body(&mut self, framing: Framing, max: usize) -> Result<Vec<u8>, BodyError> {
        match framing {
            Framing::Length(length) => {
                let length = usize::try_from(length).map_err(|_| BodyError::TooLarge)?;
                if length > max {
                    return Err(BodyError::TooLarge);
                }
                self.take(length)
            }
            Framing::Chunked => self.read_chunks(max),
        }
    }

    fn read_chunks(&mut self, max: usize) -> Result<Vec<u8>, BodyError> {
        let mut body = Vec::new();
        loop {
            let line = self.take_line()?;
            let size = match httparse::parse_chunk_size(&line) {
                Ok(httparse::Status::Complete((_, size))) => size,
                _ => return Err(BodyError::Malformed),
            };
            if size == 0 {
                break;
            }
            if size > (max - body.len()) as u64 {
                return Err(BodyError::TooLarge);
            }
            let size = usize::try_from(size).map_err(|_| BodyError::TooLarge)?;
            body.extend(self.take(size)?);
            if self.take_line()?.as_slice() != b"\r\n" {
                return Err(BodyError::Malformed);
            }
        }
        // Trailers, of which nothing is needed; as many bytes of them as of the body may come.
        let mut trailers = 0;
        loop {
            let line = self.take_line()?;
            trailers += line.len();
            if line == b"\r\n" {
                return Ok(body);
            }
            if trailers > max {
                return Err(BodyError::TooLarge);
            }
        }
    }

    fn take(&mut self, length: usize) -> Result<Vec<u8>, BodyError> {
        while self.unused().len() < length {
            if self.fill()? == 0 {
                return Err(BodyError::Io);
            }
        }
        let taken = self.unused()[..length].to_vec();
        self.start += length;
        Ok(taken)
    }

    /// The next line with its end, which is CR LF.
    fn take_line(&mut self) -> Result<Vec<u8>, BodyError> {
        loop {
            if let Some(at) = self.unused().iter().position(|b| *b == b'\n') {
                if at == 0 || self.unused()[at - 1] != b'\r' {
                    return Err(BodyError::Malformed);
                }
                return self.take(at + 1);
            }
            if self.unused().len() > MAX_CHUNK_LINE {
                return Err(BodyError::Malformed);
            }
            if self.fill()? == 0 {
                return Err(BodyError::Io);
            }
        }
    }

    /// Throws away what is there and what comes, until `fill` fails or ends, or `more` says no.
    pub(crate) fn discard(&mut self, mut more: impl FnMut(io::Result<usize>) -> bool) {
        loop {
            self.start = self.buffer.len();
            let read = self.fill();
            if !more(read) {
                return;
            }
        }
    }
}

/// The end of the first blank line at or after `from`.
fn find_blank_line(buffer: &[u8], from: usize) -> Option<usize> {
    // A leading blank line is to be skipped, as RFC 9112, 2.2 asks.
    let start = buffer.iter().position(|b| !b.is_ascii_whitespace())?;
    let from = from.max(start);
    (from..buffer.len()).find_map(|at| match &buffer[at..] {
        [b'\n', b'\n', ..] => Some(at + 2),
        [b'\n', b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

fn parse_head(bytes: &[u8], max_headers: usize) -> Result<Head, HeadError> {
    let mut headers = vec![httparse::EMPTY_HEADER; max_headers];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => return Err(HeadError::TooLarge),
        Ok(httparse::Status::Partial) | Err(_) => return Err(HeadError::Malformed),
    }
    let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version)
    else {
        return Err(HeadError::Malformed);
    };
    Ok(Head {
        method: method.to_owned(),
        path: path_of(target),
        minor,
        headers: request
            .headers
            .iter()
            .map(|h| {
                let value = String::from_utf8_lossy(h.value).into_owned();
                (h.name.to_ascii_lowercase(), value)
            })
            .collect(),
    })
}

/// The path of a request target, also of one in absolute form.
fn path_of(target: &str) -> String {
    let local = match target.split_once("://") {
        Some((_, rest)) if !target.starts_with('/') => rest.find('/').map_or("/", |at| &rest[at..]),
        _ => target,
    };
    let end = local.find(['?', '#']).unwrap_or(local.len());
    local[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives out a few bytes at a time.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn requests_are_read_however_they_are_cut() {
        let wire =
            b"\r\nPOST /v1/x?key=secret HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
            3;ext=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n\
            GET http://host:1/models HTTP/1.0\nContent-Length: 2\n\nhi";
        for step in [1, 2, 3, 7, 1000] {
            let mut inbox = Inbox::new(Drip(wire, step));
            let head = inbox.read_head(1000, 10).unwrap().unwrap();
            assert_eq!((head.method.as_str(), head.path.as_str()), ("POST", "/v1/x"));
            assert!(head.keep_alive());
            let framing = head.framing().unwrap();
            assert_eq!(framing, Framing::Chunked);
            assert_eq!(inbox.read_body(framing, 13).unwrap(), b"abc0123456789");
            let head = inbox.read_head(1000, 10).unwrap().unwrap();
            assert_eq!((head.method.as_str(), head.path.as_str()), ("GET", "/models"));
            assert!(!head.keep_alive());
            assert_eq!(inbox.read_body(head.framing().unwrap(), 2).unwrap(), b"hi");
            assert!(inbox.read_head(1000, 10).unwrap().is_none());
        }
    }

    #[test]
    fn limits_and_contradictions_are_refused() {
        let head = |wire: &[u8]| Inbox::new(wire).read_head(100, 2);
        assert!(matches!(head(&[b'a'; 200]), Err(HeadError::TooLarge)));
        assert!(matches!(
            head(b"GET / HTTP/1.1\r\na: 1\r\nb: 2\r\nc: 3\r\n\r\n"),
            Err(HeadError::TooLarge)
        ));
        assert!(matches!(head(b"GET / HTTP/1.1\r\na"), Err(HeadError::Io)));
        assert!(matches!(head(b"nonsense\r\n\r\n"), Err(HeadError::Malformed)));
        for headers in [
            "content-length: 1\r\ncontent-length: 2",
            "content-length: 1\r\ntransfer-encoding: chunked",
            "content-length: -1",
            "content-length: 99999999999999999999999",
            "transfer-encoding: gzip",
        ] {
            let wire = format!("POST / HTTP/1.1\r\n{headers}\r\n\r\n");
            let head = head(wire.as_bytes()).unwrap().unwrap();
            assert_eq!(head.framing(), None, "{headers}");
        }
        let body = |wire: &[u8]| Inbox::new(wire).read_body(Framing::Chunked, 4);
        assert!(matches!(body(b"5\r\nabcde\r\n"), Err(BodyError::TooLarge)));
        assert!(matches!(body(b"ffffffffffffffffff\r\n"), Err(BodyError::Malformed)));
        assert!(matches!(body(b"x\r\n"), Err(BodyError::Malformed)));
        assert!(matches!(body(b"1\r\nabc"), Err(BodyError::Io | BodyError::Malformed)));
    }
}
