//! Where the body of an answer ends: RFC 9112 section 6.3.

use super::chunked::Chunked;
use super::failure::Failure;
use super::head::Head;

/// How the length of a body is known.
#[derive(Debug)]
pub(super) enum Framing {
    /// So many bytes are left.
    Length(u64),
    Chunked(Box<Chunked>),
    /// To the end of the connection.
    ToTheEnd,
}

/// The framing, and whether the connection can serve another request after it.
pub(super) struct Framed {
    pub(super) framing: Framing,
    pub(super) keep: bool,
    /// Codings of the transfer other than chunked.
    pub(super) codings: Vec<String>,
}

/// Reads how the body is framed.
///
/// # Errors
///
/// A framing that contradicts itself, so that nobody can tell where the body ends.
pub(super) fn of(head: &Head) -> Result<Framed, Failure> {
    let mut keep = !head.is_odd && persists(head);
    if matches!(head.status, 204 | 304) {
        return Ok(Framed { framing: Framing::Length(0), keep, codings: Vec::new() });
    }
    let length = content_length(head)?;
    let mut codings = list(head, "transfer-encoding");
    codings.retain(|coding| coding != "identity");
    if codings.is_empty() {
        let framing = length.map_or(Framing::ToTheEnd, Framing::Length);
        keep &= length.is_some();
        return Ok(Framed { framing, keep, codings });
    }
    // The length is void beside it, and who sends both may have been led to (section 6.1). HTTP/1.0
    // knows no codings of the transfer.
    keep &= !has(head, "content-length") && head.minor > 0;
    let chunked = codings.last().is_some_and(|last| last == "chunked");
    if chunked {
        codings.pop();
    }
    if codings.iter().any(|coding| coding == "chunked") {
        return Err(Failure::Protocol("chunked is not its last transfer coding"));
    }
    let framing = if chunked { Framing::Chunked(Box::default()) } else { Framing::ToTheEnd };
    Ok(Framed { framing, keep: keep && chunked, codings })
}

/// Whether the server keeps the connection: RFC 9112 section 9.3.
fn persists(head: &Head) -> bool {
    let options = list(head, "connection");
    let has = |option: &str| options.iter().any(|it| it == option);
    !has("close") && (head.minor > 0 || has("keep-alive"))
}

fn content_length(head: &Head) -> Result<Option<u64>, Failure> {
    // Beside a transfer coding it is void, whatever it is.
    if has(head, "transfer-encoding") {
        return Ok(None);
    }
    let mut length = None;
    for value in list(head, "content-length") {
        let good = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = match value.parse() {
            Ok(number) if good => number,
            // More than anybody reads.
            Err(_) if good => u64::MAX,
            _ => return Err(Failure::Protocol("its Content-Length is no number")),
        };
        if length.is_some_and(|length| length != number) {
            return Err(Failure::Protocol("it has two lengths"));
        }
        length = Some(number);
    }
    Ok(length)
}

fn has(head: &Head, name: &str) -> bool {
    head.headers.iter().any(|(known, _)| known == name)
}

/// The members of a header that is a list, in lower case.
pub(super) fn list(head: &Head, name: &str) -> Vec<String> {
    let values = head.headers.iter().filter(|(known, _)| known == name);
    let members = values.flat_map(|(_, value)| value.split(|&byte| byte == b','));
    members
        .map(|member| String::from_utf8_lossy(member.trim_ascii()).to_ascii_lowercase())
        .filter(|member| !member.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::head::parse;

    fn framed(head: &str) -> Result<(String, bool), Failure> {
        let head = parse(format!("{head}\r\n\r\n").as_bytes(), 100).unwrap();
        let framed = of(&head)?;
        let framing = match framed.framing {
            Framing::Length(length) => length.to_string(),
            Framing::Chunked(_) => "chunked".to_owned(),
            Framing::ToTheEnd => "end".to_owned(),
        };
        Ok((framing + &framed.codings.join("+"), framed.keep))
    }

    #[test]
    fn the_end_is_known_or_the_connection_is_not_kept() {
        for (head, framing, keep) in [
            ("HTTP/1.1 200 X\r\nContent-Length: 5", "5", true),
            ("HTTP/1.1 200 X\r\nContent-Length: 5\r\nContent-Length: 5, 5", "5", true),
            ("HTTP/1.1 200 X\r\nContent-Length: 5\r\nConnection: Close", "5", false),
            ("HTTP/1.0 200 X\r\nContent-Length: 5", "5", false),
            ("HTTP/1.0 200 X\r\nContent-Length: 5\r\nConnection: keep-alive", "5", true),
            (
                "HTTP/1.1 200 X\r\nContent-Length: 99999999999999999999999",
                "18446744073709551615",
                true,
            ),
            ("HTTP/1.1 200 X\r\nTransfer-Encoding: Chunked", "chunked", true),
            ("HTTP/1.1 200 X\r\nTransfer-Encoding: gzip, chunked", "chunkedgzip", true),
            ("HTTP/1.1 200 X\r\nTransfer-Encoding: identity\r\nContent-Length: 1", "end", false),
            ("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\nContent-Length: 3", "chunked", false),
            ("HTTP/1.0 200 X\r\nTransfer-Encoding: chunked", "chunked", false),
            ("HTTP/1.1 200 X", "end", false),
            ("HTTP/1.1 204 X", "0", true),
            ("HTTP/1.1 304 X\r\nContent-Length: 7", "0", true),
            ("HTTP/1.1 200 X\r\nContent-Length: 5\r\nodd line", "5", false),
        ] {
            assert_eq!(framed(head).unwrap(), (framing.to_owned(), keep), "{head}");
        }
    }

    #[test]
    fn a_framing_that_contradicts_itself_is_none() {
        for header in [
            "Content-Length: 5\r\nContent-Length: 6",
            "Content-Length: -5",
            "Content-Length: +5",
            "Content-Length: 0x5",
            "Content-Length: 5 5",
            "Transfer-Encoding: chunked, gzip",
            "Transfer-Encoding: chunked, chunked",
        ] {
            let result = framed(&format!("HTTP/1.1 200 X\r\n{header}"));
            assert!(matches!(result, Err(Failure::Protocol(_))), "{header}");
        }
    }
}
