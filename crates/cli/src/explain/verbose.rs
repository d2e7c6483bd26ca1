//! Reading what `curl -v` prints: the heads behind arrows, its own words behind stars, and the body as
//! it came.

use super::captured::Captured;
use super::http_dump::{parse_header, parse_status_line};

/// Takes the last answer apart; `None` if the text is no such thing.
pub(super) fn parse(text: &str) -> Option<Captured> {
    let mut captured = Captured::default();
    let mut body = String::new();
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        if let Some(head) = content.strip_prefix('<').filter(|head| is_head(head)) {
            let head = head.trim_start();
            if let Some(status) = parse_status_line(head) {
                // A proxy or a redirect answered before.
                captured = Captured { status: Some(status), ..Captured::default() };
                body.clear();
            } else if let Ok(header) = parse_header(head) {
                captured.headers.push(header);
            }
        } else if captured.status.is_some() && !is_of_curl(content) {
            body += without_curl_behind(line);
        }
    }
    captured.status?;
    captured.body = body.into_bytes();
    Some(captured)
}

/// An arrow alone, or before a line of a head: a web page has no space behind its bracket.
fn is_head(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(' ')
}

/// A line that curl writes beside the answer.
fn is_of_curl(line: &str) -> bool {
    const MARKS: [&str; 7] = ["* ", "> ", "} [", "{ [", "  % Total", "                  ", "100 "];
    MARKS.iter().any(|mark| line.starts_with(mark)) || matches!(line, ">" | "*")
}

/// A body without a line end has curl's next words right behind it.
fn without_curl_behind(line: &str) -> &str {
    line.find("* Connection #").map_or(line, |at| &line[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_and_bodies_are_told_from_curl_s_words() {
        let text = "* Connected to x\n> POST /v1 HTTP/1.1\n> Accept: */*\n>\n\
            < HTTP/1.1 100 Continue\n<\n* done\n< HTTP/1.1 429 Too Many Requests\r\n\
            < Retry-After: 5\r\n< \r\n{ [17 bytes data]\n{\"error\":\n \"slow\"}* Connection #0 to host x left intact\n";
        let captured = parse(text).unwrap();
        assert_eq!(captured.status, Some(429));
        assert_eq!(captured.headers, [("Retry-After".to_owned(), "5".to_owned())]);
        assert_eq!(captured.body, b"{\"error\":\n \"slow\"}");
        assert_eq!(parse("<html>\n< b\n"), None);
    }
}
