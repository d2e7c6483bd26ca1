//! The requests: one JSON object a line, in the format of OpenAI's Batch API.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

use crate::exit::{Exit, Failure};

/// The longest line, in bytes. LLM Resayil takes bodies of up to 8 MB.
pub(super) const MAX_LINE_BYTES: u64 = 64 * 1024 * 1024;
/// The longest `custom_id`, in bytes.
const MAX_ID_BYTES: usize = 512;

/// One request of the file.
#[derive(Debug, PartialEq)]
pub(super) struct Request {
    pub(super) line: u64,
    pub(super) custom_id: String,
    /// Below the base URL.
    pub(super) path: String,
    pub(super) body: Vec<u8>,
}

/// What is known of a request without keeping it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) line: u64,
    /// Whether the output holds its result.
    pub(super) done: bool,
}

/// A file that was read once and found good.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) path: PathBuf,
    pub(super) requests: HashMap<String, Known>,
}

impl Input {
    /// Reads the whole file and checks every line, so that nothing is sent of a file that has a
    /// mistake in it.
    pub(super) fn check(path: &Path) -> Result<Self, Failure> {
        let mut requests: HashMap<String, Known> = HashMap::new();
        let mut reader = Requests::open(path)?;
        while let Some(request) = reader.next()? {
            let known = Known { line: request.line, done: false };
            if let Some(first) = requests.insert(request.custom_id.clone(), known) {
                return Err(Failure::new(
                    Exit::Input,
                    format_args!(
                        "{} has the custom_id {:?} twice: in line {} and in line {}",
                        path.display(),
                        request.custom_id,
                        first.line,
                        request.line
                    ),
                )
                .hint("give each request its own custom_id: results are found by it"));
            }
        }
        if requests.is_empty() {
            return Err(Failure::new(
                Exit::Input,
                format_args!("{} holds no requests", path.display()),
            )
            .hint(FORM));
        }
        Ok(Input { path: path.to_owned(), requests })
    }
}

const FORM: &str = "a line looks like {\"custom_id\": \"1\", \"method\": \"POST\", \
                    \"url\": \"/v1/chat/completions\", \"body\": {...}}";

/// Reads the requests of a file, one after the other.
pub(super) struct Requests {
    path: PathBuf,
    reader: BufReader<File>,
    line: u64,
    buffer: Vec<u8>,
}

impl Requests {
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let unreadable = |error: std::io::Error| {
            let hint = match error.kind() {
                ErrorKind::NotFound => "name a file that exists",
                _ => "name a file that can be read",
            };
            Failure::new(Exit::Input, format_args!("cannot read {}: {error}", path.display()))
                .hint(hint)
        };
        let file = File::open(path).map_err(unreadable)?;
        if !file.metadata().map_err(unreadable)?.is_file() {
            return Err(Failure::new(
                Exit::Input,
                format_args!("{} is no ordinary file", path.display()),
            )
            .hint("a batch is read twice, so it cannot come from a pipe: write it to a file"));
        }
        let reader = BufReader::new(file);
        Ok(Requests { path: path.to_owned(), reader, line: 0, buffer: Vec::new() })
    }

    /// The next request; empty lines are skipped.
    pub(super) fn next(&mut self) -> Result<Option<Request>, Failure> {
        loop {
            self.buffer.clear();
            self.line += 1;
            let mut limited = self.reader.by_ref().take(MAX_LINE_BYTES + 1);
            let count = limited.read_until(b'\n', &mut self.buffer).map_err(|error| {
                Failure::new(
                    Exit::Input,
                    format_args!("cannot read {}: {error}", self.path.display()),
                )
            })?;
            if count == 0 {
                return Ok(None);
            }
            if count as u64 > MAX_LINE_BYTES {
                return Err(self.bad(&format!("is longer than {MAX_LINE_BYTES} bytes")));
            }
            let bom: &[u8] = if self.line == 1 { b"\xef\xbb\xbf" } else { b"" };
            let text = self.buffer.strip_prefix(bom).unwrap_or(&self.buffer).trim_ascii();
            if text.is_empty() {
                continue;
            }
            return match parse(text, self.line) {
                Ok(request) => Ok(Some(request)),
                Err(problem) => Err(self.bad(&problem)),
            };
        }
    }

    fn bad(&self, problem: &str) -> Failure {
        Failure::new(
            Exit::Input,
            format_args!("line {} of {} {problem}", self.line, self.path.display()),
        )
        .hint(FORM)
    }
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
