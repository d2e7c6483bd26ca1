//! One line of the input: a request in the format of OpenAI's Batch API, or what is wrong with it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// The longest line, in bytes. LLM Resayil takes bodies of up to 8 MB.
pub(super) const MAX_LINE_BYTES: u64 = 64 * 1024 * 1024;
/// The longest `custom_id`, in bytes.
const MAX_ID_BYTES: usize = 512;

/// What a line looks like.
pub(super) const FORM: &str = "a line looks like {\"custom_id\": \"1\", \"method\": \"POST\", \
                               \"url\": \"/v1/chat/completions\", \"body\": {...}}";

/// One request of the input.
#[derive(Debug, PartialEq)]
pub(super) struct Request {
    pub(super) line: u64,
    pub(super) custom_id: String,
    /// Below the base URL.
    pub(super) path: String,
    pub(super) body: Vec<u8>,
}

/// A line that cannot be sent.
#[derive(Debug, PartialEq)]
pub(super) struct BadLine {
    pub(super) line: u64,
    /// Where it can be read, and is no other line's.
    pub(super) custom_id: Option<String>,
    /// After "line 7": never a quotation, for the line may hold a prompt.
    pub(super) problem: String,
    /// Its beginning.
    pub(super) text: Vec<u8>,
}

/// What a line is.
#[derive(Debug, PartialEq)]
pub(super) enum Line {
    Good(Request),
    Bad(BadLine),
}

impl Line {
    /// Reads one line, which is not empty.
    pub(super) fn read(text: &[u8], line: u64) -> Self {
        match parse(text, line) {
            Ok(request) => Line::Good(request),
            Err(problem) => Line::Bad(BadLine {
                line,
                custom_id: custom_id(text),
                problem,
                text: text.to_vec(),
            }),
        }
    }
}

/// The `custom_id` of a line that has something else wrong.
fn custom_id(text: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Named {
        custom_id: String,
    }
    let named: Named = serde_json::from_slice(text).ok()?;
    Some(named.custom_id).filter(|id| !id.is_empty() && id.len() <= MAX_ID_BYTES)
}

/// Reads one line. The problem never quotes it, for it may hold a prompt.
fn parse(text: &[u8], line: u64) -> Result<Request, String> {
    let text = std::str::from_utf8(text).map_err(|_| "is not UTF-8".to_owned())?;
    let whole: &RawValue = serde_json::from_str(text)
        .map_err(|error| format!("is not JSON: a mistake at column {}", error.column()))?;
    let fields: BTreeMap<Cow<'_, str>, &RawValue> =
        serde_json::from_str(whole.get()).map_err(|_| "is no JSON object".to_owned())?;
    let string = |name: &str| -> Result<String, String> {
        let value = fields.get(name).ok_or_else(|| format!("has no {name}"))?;
        serde_json::from_str(value.get()).map_err(|_| format!("has a {name} that is no text"))
    };
    let custom_id = string("custom_id")?;
    if custom_id.is_empty() || custom_id.len() > MAX_ID_BYTES {
        return Err(format!("has a custom_id that is not 1 to {MAX_ID_BYTES} bytes long"));
    }
    if string("method")? != "POST" {
        return Err("has a method that is not POST".to_owned());
    }
    let url = string("url")?;
    let path = url.strip_prefix("/v1/").or(url.strip_prefix("/api/v1/")).unwrap_or_default();
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    if path.is_empty() || !path.bytes().all(good) || path.split('/').any(|part| part == "..") {
        return Err("has a url that does not look like /v1/chat/completions".to_owned());
    }
    let body = fields.get("body").ok_or("has no body")?.get();
    let members: BTreeMap<Cow<'_, str>, &RawValue> =
        serde_json::from_str(body).map_err(|_| "has a body that is no JSON object".to_owned())?;
    if members.get("stream").is_some_and(|stream| stream.get() == "true") {
        return Err("asks for a stream, which a batch cannot keep: remove body.stream".to_owned());
    }
    Ok(Request { line, custom_id, path: path.to_owned(), body: body.as_bytes().to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        r#"{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"n": 1.10}}"#;

    #[test]
    fn a_body_passes_through_to_the_last_digit() {
        let request = parse(GOOD.as_bytes(), 3).unwrap();
        assert_eq!(request.body, br#"{"n": 1.10}"#);
        assert_eq!((request.path.as_str(), request.line), ("chat/completions", 3));
    }

    #[test]
    fn each_mistake_is_named_and_nothing_is_quoted() {
        for (line, problem) in [
            ("{\"custom_id\": secret}", "is not JSON: a mistake at column 15"),
            ("\"secret\"", "is no JSON object"),
            ("{}", "has no custom_id"),
            (r#"{"custom_id": 7}"#, "has a custom_id that is no text"),
            (r#"{"custom_id": ""}"#, "has a custom_id that is not 1 to 512 bytes long"),
            (r#"{"custom_id": "a", "method": "GET"}"#, "has a method that is not POST"),
            (
                r#"{"custom_id": "a", "method": "POST", "url": "https://else/v1/x"}"#,
                "has a url that does not look like /v1/chat/completions",
            ),
            (r#"{"custom_id": "a", "method": "POST", "url": "/v1/x"}"#, "has no body"),
            (
                r#"{"custom_id": "a", "method": "POST", "url": "/v1/x", "body": "secret"}"#,
                "has a body that is no JSON object",
            ),
            (
                r#"{"custom_id": "a", "method": "POST", "url": "/v1/x", "body": {"stream": true}}"#,
                "asks for a stream, which a batch cannot keep: remove body.stream",
            ),
        ] {
            assert_eq!(parse(line.as_bytes(), 1).unwrap_err(), problem, "{line}");
        }
        assert_eq!(parse(b"\xff", 1).unwrap_err(), "is not UTF-8");
    }
}
