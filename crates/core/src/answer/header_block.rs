//! The headers of an answer as they went over the wire.

use std::borrow::Cow;

/// The head of an answer, read from text as libcurl, a server's log or a file has it: status line and
/// headers, with line ends of either form.
///
/// Any bytes can be read; a line that is no header is passed over. Where several heads follow each
/// other, as after `100 Continue`, a redirect or a proxy's answer, the last one counts. Trailers
/// behind the empty line are not headers of the answer (RFC 9110, section 6.5.1) and are left in
/// [`rest`](Self::rest).
///
/// ```
/// let block = resayil_core::answer::HeaderBlock::parse(b"HTTP/2 429\r\nRetry-After: 5\r\n\r\n{}");
/// assert_eq!(block.status(), Some(429));
/// let headers: Vec<_> = block.headers().collect();
/// assert_eq!(headers, [(b"Retry-After".as_slice(), b"5".as_slice())]);
/// assert_eq!(block.rest(), b"{}");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderBlock<'a> {
    status: Option<u16>,
    headers: Vec<(&'a [u8], Cow<'a, [u8]>)>,
    rest: &'a [u8],
}

impl<'a> HeaderBlock<'a> {
    /// Reads the block.
    #[must_use]
    pub fn parse(mut text: &'a [u8]) -> Self {
        let mut block = HeaderBlock::default();
        // Whether the line before was a header, which a line that begins with a space goes on with.
        let mut in_header = false;
        let mut ended = false;
        while !text.is_empty() {
            let (line, rest) = split_line(text);
            if let Some(status) = status_line(line) {
                block = HeaderBlock { status: Some(status), ..HeaderBlock::default() };
                (in_header, ended) = (false, false);
            } else if ended {
                break;
            } else if line.is_empty() {
                ended = true;
            } else {
                in_header = block.add(line, in_header);
            }
            text = rest;
        }
        block.rest = text;
        block
    }

    /// The HTTP status: that of the status line, of the pseudo-header `:status` of HTTP/2, or of the
    /// header `Status` of CGI (RFC 3875, section 6.3.3); `None` if there is none of these.
    pub fn status(&self) -> Option<u16> {
        self.status.or_else(|| {
            let of_cgi = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(b"status"));
            of_cgi.and_then(|(_, value)| number(value.split(|byte| *byte == b' ').next()?))
        })
    }

    /// The headers in their order: names as they were written, values without the space around them.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = (&'a [u8], &[u8])> {
        self.headers.iter().map(|(name, value)| (*name, value.as_ref()))
    }

    /// What comes behind the empty line that ends the block: in a file, the body.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Reads a line that is not empty; says whether it was a header, or went on with one.
    fn add(&mut self, line: &'a [u8], in_header: bool) -> bool {
        if matches!(line, [b' ' | b'\t', ..]) {
            // RFC 9112, section 5.2: the line break and the space around it stand for one space.
            let more = line.trim_ascii();
            if let Some((_, value)) =
                self.headers.last_mut().filter(|_| in_header && !more.is_empty())
            {
                let value = value.to_mut();
                if !value.is_empty() {
                    value.push(b' ');
                }
                value.extend_from_slice(more);
            }
            return in_header;
        }
        // The name of a pseudo-header begins with a colon.
        let Some(colon) = line.iter().skip(1).position(|byte| *byte == b':') else { return false };
        let (name, value) = (&line[..=colon], line[colon + 2..].trim_ascii());
        // RFC 9112, section 5.1: a space before the colon is removed from an answer.
        let name = name.trim_ascii_end();
        if let Some(pseudo) = name.strip_prefix(b":") {
            if pseudo == b"status" {
                self.status = number(value);
            }
            return false;
        }
        let good = !name.is_empty() && name.iter().all(|byte| is_token(*byte));
        if good {
            self.headers.push((name, Cow::Borrowed(value)));
        }
        good
    }
}

/// The first line without its end, and what comes behind it.
fn split_line(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| *byte == b'\n');
    let (line, rest) = match end {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, &[][..]),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}

/// The status in `HTTP/1.1 429 Too Many Requests`.
fn status_line(line: &[u8]) -> Option<u16> {
    number(line.strip_prefix(b"HTTP/")?.split(|byte| *byte == b' ').nth(1)?)
}

/// Whether a header's name may have this byte (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A status code: three digits, the first of which is not 0.
fn number(text: &[u8]) -> Option<u16> {
    let [b'1'..=b'9', b'0'..=b'9', b'0'..=b'9'] = text else { return None };
    Some(text.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<u16>, Vec<(String, String)>, String) {
        let block = HeaderBlock::parse(text.as_bytes());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers = block.headers().map(|(name, value)| (text(name), text(value))).collect();
        (block.status(), headers, text(block.rest()))
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn both_line_ends_are_read() {
        for text in
            ["HTTP/1.1 429 X\r\nA: 1\r\nb:\t2 \r\n\r\nbody", "HTTP/2 429\nA:1\nb : 2\n\nbody"]
        {
            let expected = (Some(429), pairs(&[("A", "1"), ("b", "2")]), "body".to_owned());
            assert_eq!(read(text), expected, "{text:?}");
        }
        assert_eq!(read("A: 1"), (None, pairs(&[("A", "1")]), String::new()));
        assert_eq!(read("A: 1\r"), (None, pairs(&[("A", "1")]), String::new()));
        assert_eq!(read(""), (None, vec![], String::new()));
    }

    #[test]
    fn the_last_head_counts() {
        let proxied = "HTTP/1.1 200 Connected\r\nVia: p\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n\
                       HTTP/1.1 503 Busy\r\nRetry-After: 9\r\n\r\nHTTP is a protocol";
        let expected = (Some(503), pairs(&[("Retry-After", "9")]), "HTTP is a protocol".to_owned());
        assert_eq!(read(proxied), expected);
        // Without the empty line between them, too.
        let joined = "HTTP/1.1 301 Moved\nLocation: /\nHTTP/1.1 200 OK\nA: 1\n";
        assert_eq!(read(joined), (Some(200), pairs(&[("A", "1")]), String::new()));
    }

    #[test]
    fn trailers_are_no_headers() {
        let (_, headers, rest) = read("HTTP/1.1 200 OK\r\nA: 1\r\n\r\nRetry-After: 99\r\n");
        assert_eq!((headers, rest.as_str()), (pairs(&[("A", "1")]), "Retry-After: 99\r\n"));
    }

    #[test]
    fn folded_lines_are_joined() {
        let text = "A: one\r\n\t two \r\n \r\n  three\r\nB:\r\n x\r\nbad\r\n lost\r\n\r\n";
        assert_eq!(read(text).1, pairs(&[("A", "one two three"), ("B", "x")]));
        assert_eq!(read(" lost\r\nA: 1\r\n").1, pairs(&[("A", "1")]));
    }

    #[test]
    fn lines_that_are_no_headers_are_passed_over() {
        assert_eq!(
            read("no colon\n: x\n:\na b: c\n{\"d\": 1}\nA: b:c\n").1,
            pairs(&[("A", "b:c")])
        );
        let bad = HeaderBlock::parse(b"HTTP/1.1 abc\xff\r\nA: \xff\r\n");
        assert_eq!((bad.status(), bad.headers().len()), (None, 1));
    }

    #[test]
    fn a_status_stands_in_three_places() {
        assert_eq!(read(":status: 429\nretry-after: 5\n").0, Some(429));
        assert_eq!(read(":status: 429\nretry-after: 5\n").1, pairs(&[("retry-after", "5")]));
        assert_eq!(read("Status: 503 Busy\n").0, Some(503));
        assert_eq!(read("HTTP/1.1 200 OK\nStatus: 503 Busy\n").0, Some(200));
        for bad in ["HTTP/1.1 42", "HTTP/1.1 4290", "HTTP/1.1", "HTTP/1.1 042 X", "Status: tea"] {
            assert_eq!(read(bad).0, None, "{bad}");
        }
    }
}
