//! Reading a line of a structured log: a JSON object with the status of an answer and its body.

use serde_json::{Map, Value};

use super::captured::Captured;
use super::case::take_headers;

const STATUSES: [&str; 6] =
    ["status", "status_code", "statusCode", "http_status", "httpStatus", "response_status"];
const BODIES: [&str; 8] = [
    "body",
    "response_body",
    "responseBody",
    "error_body",
    "raw_body",
    "response",
    "payload",
    "stream",
];
const HEADERS: [&str; 3] = ["headers", "response_headers", "responseHeaders"];

/// Reads the first such line; `None` if there is none.
pub(super) fn parse(text: &str) -> Option<Captured> {
    let whole = serde_json::from_str(text).ok();
    let lines = text.lines().filter_map(|line| serde_json::from_str(line.trim()).ok());
    whole.into_iter().chain(lines).find_map(|value| match value {
        Value::Object(members) => read(members),
        _ => None,
    })
}

fn read(mut members: Map<String, Value>) -> Option<Captured> {
    let status = STATUSES.iter().filter_map(|name| members.get(*name)).find_map(status)?;
    let headers = HEADERS.iter().find_map(|name| members.remove(*name));
    let body = BODIES.iter().find_map(|name| members.remove(*name).filter(|it| !it.is_null()));
    let body = match body {
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
        // An error that names its own status, as NVIDIA's do.
        None if has_error(&members) => Value::Object(members).to_string(),
        None => return None,
    };
    let headers = take_headers(headers).unwrap_or_default();
    Some(Captured { status: Some(status), headers, body: body.into_bytes() })
}

fn has_error(members: &Map<String, Value>) -> bool {
    ["error", "detail", "message", "title", "errors"].iter().any(|name| members.contains_key(*name))
}

fn status(value: &Value) -> Option<u16> {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    u16::try_from(number).ok().filter(|status| (100..600).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_and_the_body_are_found() {
        for (line, status, body) in [
            (r#"{"ts":1,"status":429,"body":"{\"error\":1}"}"#, 429, r#"{"error":1}"#),
            (r#"{"status_code":"503","response_body":{"error":1}}"#, 503, r#"{"error":1}"#),
            ("noise\n{\"statusCode\":500,\"body\":\"oops\"}\n", 500, "oops"),
            (r#"{"status":404,"title":"x"}"#, 404, r#"{"status":404,"title":"x"}"#),
        ] {
            let captured = parse(line).unwrap();
            assert_eq!(captured.status, Some(status), "{line}");
            assert_eq!(captured.body, body.as_bytes(), "{line}");
        }
        let line = r#"{"status":429,"headers":{"Retry-After":"5"},"body":""}"#;
        assert_eq!(parse(line).unwrap().headers, [("Retry-After".to_owned(), "5".to_owned())]);
        for other in [r#"{"status":"ok","body":""}"#, r#"{"error":{"code":429}}"#, "[429]", "429"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
