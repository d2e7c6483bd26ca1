//! Reading the head of an answer, as RFC 9112 has it, and as servers write it.
//!
//! A line that is no header is left out, so that one odd byte does not lose the status. What would
//! make the framing unsure is told apart later, see `framing.rs`.

use super::Headers;
use super::failure::Failure;

/// A parsed head.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// Of HTTP/1.
    pub(super) minor: u8,
    pub(super) headers: Headers,
    /// Whether a line was left out, so that something of the framing may be missing.
    pub(super) is_odd: bool,
}

/// Why bytes are no head.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// This is no HTTP/1.
    NotHttp(&'static str),
    TooManyHeaders,
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::NotHttp(problem) => Failure::Protocol(problem),
            Problem::TooManyHeaders => Failure::TooLarge("max_headers"),
        }
    }
}

/// How much of an answer's head was read, those before the last one included.
pub(super) struct HeadReading {
    read: usize,
    max: usize,
}

impl HeadReading {
    pub(super) fn new(max_head_bytes: usize) -> Self {
        HeadReading { read: 0, max: max_head_bytes }
    }

    /// Whether so much more may be looked at.
    pub(super) fn check(&self, more: usize) -> Result<(), Failure> {
        if self.read + more > self.max { Err(Failure::TooLarge("max_head_bytes")) } else { Ok(()) }
    }

    /// A head of this length is read.
    pub(super) fn take(&mut self, length: usize) -> Result<(), Failure> {
        self.check(length)?;
        self.read += length;
        Ok(())
    }
}

/// How many of the bytes are the head, if its end is there.
pub(super) fn length(bytes: &[u8]) -> Option<usize> {
    let begin = blank_lines(bytes);
    let mut rest = begin;
    loop {
        let end = rest + bytes[rest..].iter().position(|&byte| byte == b'\n')? + 1;
        let line = &bytes[rest..end];
        if rest > begin && (line == b"\n" || line == b"\r\n") {
            return Some(end);
        }
        rest = end;
    }
}

/// Empty lines before the first: some servers end the last answer with one too many.
fn blank_lines(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count()
}

/// What is wrong with the beginning of a head, of which more may come.
pub(super) fn is_no_beginning(bytes: &[u8]) -> Option<Problem> {
    const START: &[u8] = b"HTTP/1.";
    let bytes = &bytes[blank_lines(bytes)..];
    let known = bytes.len().min(START.len());
    if bytes[..known].eq_ignore_ascii_case(&START[..known]) {
        return None;
    }
    Some(Problem::NotHttp(match bytes {
        [0x15 | 0x16, 3, ..] => "the server speaks TLS here, so the base URL begins with https",
        _ if bytes.starts_with(b"HTTP/") => "it is of a version other than HTTP/1",
        _ => "it does not begin with HTTP/1",
    }))
}

/// Parses a whole head; the names of its headers are in lower case.
pub(super) fn parse(bytes: &[u8], max_headers: usize) -> Result<Head, Problem> {
    let mut head = parse_as_written(bytes, max_headers)?;
    for (name, _) in &mut head.headers {
        name.make_ascii_lowercase();
    }
    Ok(head)
}

/// The same, with the names as they came.
pub(super) fn parse_as_written(bytes: &[u8], max_headers: usize) -> Result<Head, Problem> {
    if let Some(problem) = is_no_beginning(bytes) {
        return Err(problem);
    }
    let mut lines = bytes[blank_lines(bytes)..].split(|&byte| byte == b'\n').map(without_cr);
    let (status, minor) = status_line(lines.next().unwrap_or_default())
        .ok_or(Problem::NotHttp("its first line has no status"))?;
    let mut head = Head { status, minor, headers: Vec::new(), is_odd: false };
    for line in lines {
        if line.is_empty() {
            continue;
        }
        if let [b' ' | b'\t', ..] = line {
            // A folded line goes on with the last value.
            match head.headers.last_mut() {
                Some((_, value)) => {
                    value.push(b' ');
                    value.extend_from_slice(line.trim_ascii());
                }
                None => head.is_odd = true,
            }
            continue;
        }
        match header(line) {
            Some(_) if head.headers.len() >= max_headers => return Err(Problem::TooManyHeaders),
            Some(header) => head.headers.push(header),
            None => head.is_odd = true,
        }
    }
    Ok(head)
}

fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Status and minor version.
fn status_line(line: &[u8]) -> Option<(u16, u8)> {
    let [b'H' | b'h', _, _, _, b'/', b'1', b'.', minor @ b'0'..=b'9', b' ' | b'\t', rest @ ..] =
        line
    else {
        return None;
    };
    let rest = rest.trim_ascii_start();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let ends = rest.get(digits).is_none_or(|byte| matches!(byte, b' ' | b'\t'));
    if digits != 3 || !ends {
        return None;
    }
    let status = std::str::from_utf8(&rest[..3]).ok()?.parse().ok()?;
    (status >= 100).then_some((status, minor - b'0'))
}

/// A header line: its name, its value without the space around it.
fn header(line: &[u8]) -> Option<(String, Vec<u8>)> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    // Space before the colon is forbidden, and would be part of the name.
    let name = line[..colon].trim_ascii_end();
    if name.is_empty() || !name.iter().all(|&byte| is_token(byte)) {
        return None;
    }
    let name = std::str::from_utf8(name).ok()?.to_owned();
    let value = line[colon + 1..].trim_ascii();
    // RFC 9110 section 5.5: neither may stay.
    let value = value.iter().map(|&byte| if matches!(byte, 0 | b'\r') { b' ' } else { byte });
    Some((name, value.collect()))
}

/// RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Head {
        assert_eq!(length(text.as_bytes()), Some(text.len()), "{text:?}");
        parse(text.as_bytes(), 100).unwrap()
    }

    #[test]
    fn heads_are_read_as_they_are_written() {
        let head = read("HTTP/1.1 429 Too Many\r\nRetry-After:  7 \r\nX-A: 1\r\n 2\r\n\r\n");
        assert_eq!((head.status, head.minor, head.is_odd), (429, 1, false));
        let expected = [("retry-after", "7"), ("x-a", "1 2")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
        assert_eq!(head.headers, expected);
        for (text, status) in [
            ("HTTP/1.0 503\n\n", 503),
            ("\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 200),
            ("HTTP/1.1  404  Not Found\r\n\r\n", 404),
            ("http/1.1 999 \u{0}\r\n\r\n", 999),
            ("HTTP/1.9 600 X\r\nA:b\n\r\n", 600),
        ] {
            assert_eq!(read(text).status, status, "{text:?}");
        }
    }

    #[test]
    fn an_odd_line_does_not_lose_the_status() {
        for odd in ["no colon", "sp ace: x", "\u{1}: x", ": x", "é: x"] {
            let head = read(&format!("HTTP/1.1 503 X\r\nA: 1\r\n{odd}\r\nRetry-After: 7\r\n\r\n"));
            assert_eq!((head.status, head.headers.len(), head.is_odd), (503, 2, true), "{odd}");
        }
        let head = read("HTTP/1.1 503 X\r\nA: a\u{0}b\rc\r\n\r\n");
        assert_eq!((head.headers[0].1.as_slice(), head.is_odd), (&b"a b c"[..], false));
    }

    #[test]
    fn what_is_no_http_is_seen_at_once() {
        for text in ["220 smtp", "HTTP/2 200", "ICY 200 OK", "\u{15}\u{3}\u{1}", "<html>", "HTTQ"] {
            assert!(
                matches!(is_no_beginning(text.as_bytes()), Some(Problem::NotHttp(_))),
                "{text}"
            );
        }
        for text in ["", "H", "HTTP/1", "HTTP/1.1 2", "\r\nHT"] {
            assert_eq!(is_no_beginning(text.as_bytes()), None, "{text}");
        }
        for line in ["HTTP/1.1", "HTTP/1.1 abc", "HTTP/1.1 20", "HTTP/1.1 2000", "HTTP/1.1 099 X"] {
            let result = parse(format!("{line}\r\n\r\n").as_bytes(), 100);
            assert!(matches!(result, Err(Problem::NotHttp(_))), "{line}");
        }
        assert_eq!(parse(b"HTTP/1.1 200 X\r\na:1\r\nb:2\r\n\r\n", 1), Err(Problem::TooManyHeaders));
        assert_eq!(length(b"HTTP/1.1 200 OK\r\nA: 1\r\n"), None);
    }
}
