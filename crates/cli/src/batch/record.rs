//! One result: a line of the output, in the format of OpenAI's Batch API.

use resayil::redaction::redact;
use resayil::{Error, Kind, Response};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::line::BadLine;

/// What an earlier run wrote of one request.
#[derive(Debug, PartialEq)]
pub(super) struct Earlier {
    /// A bad line of a pipe may have none.
    pub(super) custom_id: Option<String>,
    pub(super) id: Option<String>,
    pub(super) answered: bool,
}

#[derive(Deserialize)]
struct Line {
    id: Option<String>,
    custom_id: Option<String>,
    response: Option<Status>,
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Status {
    status_code: u16,
}

/// Reads a line that an earlier run wrote.
pub(super) fn read(line: &[u8]) -> Option<Earlier> {
    let line: Line = serde_json::from_slice(line).ok()?;
    let success = line.response.is_some_and(|status| (200..300).contains(&status.status_code));
    let answered = success && line.error.is_none();
    // Something has to tell whose it is.
    if line.custom_id.is_none() && (answered || line.id.is_none() || line.error.is_none()) {
        return None;
    }
    Some(Earlier { custom_id: line.custom_id, id: line.id, answered })
}

/// The line for an answer.
pub(super) fn answered(id: &str, custom_id: &str, response: &Response) -> String {
    line(
        id,
        Some(custom_id),
        Some((response.status(), response.request_id(), body(response.body(), false))),
        None,
    )
}

/// The line for a request that failed: the answer, if there was one, and the error record.
pub(super) fn failed(id: &str, custom_id: &str, error: &Error) -> String {
    let response =
        error.status().map(|status| (status, error.request_id(), body(error.body(), true)));
    line(id, Some(custom_id), response, Some(error.to_json()))
}

/// The line for a line of the input that cannot be sent.
pub(super) fn unusable(id: &str, bad: &BadLine) -> String {
    let error = Error::new(Kind::Configuration, &format!("line {} {}", bad.line, bad.problem));
    line(id, bad.custom_id.as_deref(), None, Some(error.with_code("invalid_line").to_json()))
}

fn line(
    id: &str,
    custom_id: Option<&str>,
    response: Option<(u16, Option<&str>, String)>,
    error: Option<String>,
) -> String {
    let null = || "null".to_owned();
    let response = response.map_or_else(null, |(status, request_id, body)| {
        let request_id = request_id.map_or_else(null, text);
        format!("{{\"status_code\": {status}, \"request_id\": {request_id}, \"body\": {body}}}")
    });
    format!(
        "{{\"id\": {}, \"custom_id\": {}, \"response\": {response}, \"error\": {}}}\n",
        text(id),
        custom_id.map_or_else(null, text),
        error.unwrap_or_else(null)
    )
}

fn text(text: &str) -> String {
    Value::from(text).to_string()
}

/// A body as one line of JSON: as it is, but for space between its parts; as text if it is no JSON.
fn body(bytes: &[u8], may_hold_secrets: bool) -> String {
    let lossy = String::from_utf8_lossy(bytes);
    // The place of a secret is taken by a word, within its quotes.
    let clean = if may_hold_secrets { redact(&lossy) } else { lossy.into_owned() };
    if serde_json::from_str::<IgnoredAny>(&clean).is_ok() { compact(&clean) } else { text(&clean) }
}

/// JSON without the space between its parts. Numbers and texts stay as they were written.
fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut quoted, mut escaped) = (false, false);
    for c in json.chars() {
        if quoted {
            quoted = c != '"' || escaped;
            escaped = c == '\\' && !escaped;
        } else if matches!(c, ' ' | '\t' | '\n' | '\r') {
            continue;
        } else {
            quoted = c == '"';
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn space_goes_and_all_else_stays() {
        let json = "{\n  \"a b\" : \"c \\\" d\\\\\" ,\r\n\t\"n\": 1.10, \"e\": [ ] }";
        assert_eq!(compact(json), "{\"a b\":\"c \\\" d\\\\\",\"n\":1.10,\"e\":[]}");
    }

    #[test]
    fn a_failure_is_one_line_of_json_that_reads_back() {
        let error = Error::new(Kind::Network, "line\nend");
        let line = failed("id", "a\"b\n", &error);
        assert_eq!(line.matches('\n').count(), 1);
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["custom_id"], "a\"b\n");
        assert_eq!(value["response"], Value::Null);
        assert_eq!(value["error"]["kind"], "network");
        let custom_id = Some("a\"b\n".to_owned());
        let earlier = Earlier { custom_id, id: Some("id".to_owned()), answered: false };
        assert_eq!(read(line.as_bytes()), Some(earlier));
    }

    #[test]
    fn what_is_no_json_is_kept_as_text() {
        assert_eq!(body(b"<html>", true), "\"<html>\"");
        assert_eq!(body(b"", true), "\"\"");
        let masked = body(br#"{"m": "key sk_llmr_0123456789abcdef"}"#, true);
        assert_eq!(masked, r#"{"m":"key [redacted]"}"#);
    }

    #[test]
    fn only_a_success_without_error_counts_as_answered() {
        for (line, answered) in [
            (r#"{"custom_id":"a","response":{"status_code":200},"error":null}"#, true),
            (r#"{"custom_id":"a","response":{"status_code":200}}"#, true),
            (r#"{"custom_id":"a","response":{"status_code":200},"error":{}}"#, false),
            (r#"{"custom_id":"a","response":{"status_code":422},"error":null}"#, false),
            (r#"{"custom_id":"a","response":null,"error":{}}"#, false),
        ] {
            assert_eq!(read(line.as_bytes()).unwrap().answered, answered, "{line}");
        }
        assert_eq!(read(b"{\"custom_id\": \"a\""), None);
        assert_eq!(read(b"{}"), None);
        assert_eq!(read(b"{\"id\": \"x\", \"custom_id\": null, \"error\": null}"), None);
    }

    #[test]
    fn a_bad_line_is_a_failure_and_reads_back_without_a_custom_id() {
        let bad = BadLine {
            line: 7,
            custom_id: None,
            problem: "is not UTF-8".to_owned(),
            text: Vec::new(),
        };
        let line = unusable("batch_req_1", &bad);
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["error"]["message"], "line 7 is not UTF-8");
        assert_eq!(value["error"]["code"], "invalid_line");
        let earlier = read(line.as_bytes()).unwrap();
        assert_eq!((earlier.custom_id, earlier.answered), (None, false));
    }
}
