//! What people have at hand when they ask what an error is: what `curl` printed, a line of a log, the
//! text of an SDK's exception, or the body alone.

use super::{http_dump, log_line, sdk_text, verbose};

/// An answer, as far as it was captured.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Captured {
    pub(super) status: Option<u16>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Captured {
    /// Reads what was captured, in whatever form; what is in none of them is the body.
    pub(super) fn read(input: &[u8]) -> Self {
        let text = String::from_utf8_lossy(input);
        let dump = || {
            let dump = http_dump::parse(input);
            let status = dump.status;
            status.map(|_| Captured { status, headers: dump.headers, body: dump.body.to_vec() })
        };
        dump()
            .or_else(|| verbose::parse(&text))
            .or_else(|| log_line::parse(&text))
            .or_else(|| sdk_text::parse(&text))
            .unwrap_or_else(|| Captured { body: input.to_vec(), ..Captured::default() })
    }

    /// Whether the body is a stream: it says so, or it is framed as one.
    pub(super) fn is_stream(&self) -> bool {
        let is_declared = self.headers.iter().any(|(name, value)| {
            let value = value.to_ascii_lowercase();
            name.eq_ignore_ascii_case("content-type")
                && (value.contains("event-stream") || value.contains("ndjson"))
        });
        const FIELDS: [&str; 5] = ["data:", "event:", "id:", "retry:", ": "];
        let text = self.body.trim_ascii_start();
        is_declared || FIELDS.iter().any(|field| text.starts_with(field.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_known() {
        for (input, status, body) in [
            ("HTTP/2 429\r\nX: y\r\n\r\n{}", Some(429), "{}"),
            ("> GET / HTTP/2\n< HTTP/2 429\n< X: y\n<\n{}\n", Some(429), "{}\n"),
            (r#"{"level":"error","status":429,"body":"{}"}"#, Some(429), "{}"),
            ("openai.RateLimitError: Error code: 429 - {'a': 1}\n", Some(429), "{'a': 1}"),
            ("{\"error\":1}", None, "{\"error\":1}"),
        ] {
            let captured = Captured::read(input.as_bytes());
            assert_eq!((captured.status, &*captured.body), (status, body.as_bytes()), "{input}");
        }
    }

    #[test]
    fn a_stream_is_told_from_a_body() {
        let is_stream = |input: &str| Captured::read(input.as_bytes()).is_stream();
        assert!(is_stream("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"));
        assert!(is_stream("\ndata: {}\n\n") && is_stream(": ping\n\n"));
        assert!(!is_stream("{\"data\": 1}") && !is_stream("dates"));
    }
}
