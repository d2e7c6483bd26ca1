//! Reading what `curl -i` prints: a status line, headers, an empty line, the body.

use resayil::answer::HeaderBlock;

/// An answer, in parts.
pub(super) struct Dump<'a> {
    pub(super) status: Option<u16>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: &'a [u8],
}

/// Splits an answer; input without a status line is all body.
pub(super) fn parse(input: &[u8]) -> Dump<'_> {
    let block = HeaderBlock::parse(input);
    match block.status().filter(|_| input.starts_with(b"HTTP/")) {
        None => Dump { status: None, headers: Vec::new(), body: input },
        status => {
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            let headers = block.headers().map(|(name, value)| (text(name), text(value)));
            Dump { status, headers: headers.collect(), body: block.rest() }
        }
    }
}

/// The status in `HTTP/1.1 429 Too Many Requests`.
pub(super) fn parse_status_line(line: &str) -> Option<u16> {
    line.strip_prefix("HTTP/")?.split(' ').nth(1)?.parse().ok()
}

pub(super) fn parse_header(line: &str) -> Result<(String, String), String> {
    let (name, value) = line.split_once(':').ok_or("a header is written as `Name: value`")?;
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err("a header's name has no spaces".to_owned());
    }
    Ok((name.to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_head_counts() {
        let dump =
            parse(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/2 429\r\nRetry-After: 5\r\nX: a:b\r\n\r\n{}");
        assert_eq!(dump.status, Some(429));
        assert_eq!(dump.headers, [("Retry-After".into(), "5".into()), ("X".into(), "a:b".into())]);
        assert_eq!(dump.body, b"{}");
    }

    #[test]
    fn what_has_no_head_is_body() {
        assert_eq!(parse(b"{\"error\":1}").body, b"{\"error\":1}");
        assert_eq!(parse(b"HTTP/1.1 abc").body, b"HTTP/1.1 abc");
        assert_eq!(parse(b"HTTP/1.1 500").status, Some(500));
    }
}
