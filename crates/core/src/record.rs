//! The error record: the JSON that is the same from every language.

use std::time::Duration;

use crate::error::{Error, RateLimit};
use crate::messages::{ENGLISH, Messages};
use crate::text::seconds::Seconds;
use crate::timestamp::Timestamp;

impl Error {
    /// The error record: one JSON object, the same from every language.
    pub fn to_json(&self) -> String {
        self.to_json_in(&ENGLISH)
    }

    /// The error record with `user_message` and `advice` in the language of `messages`.
    pub fn to_json_in(&self, messages: &Messages) -> String {
        to_json(self, messages)
    }
}

fn to_json(error: &Error, messages: &Messages) -> String {
    let mut object = ObjectWriter::new();
    object.text("kind", Some(error.kind().name()));
    object.raw("status", error.status());
    object.text("severity", Some(error.severity().name()));
    object.raw("retryable", Some(error.is_retryable()));
    object.text("message", error.message());
    object.text("code", error.code());
    object.text("type", error.error_type());
    object.text("param", error.param());
    object.text("request_id", error.request_id());
    object.raw("retry_after", error.retry_after().map(seconds));
    object.text("retry_after_source", error.retry_after_source().map(|source| source.name()));
    object.raw("rate_limit", error.rate_limit().as_ref().map(rate_limit));
    object.text("limit_scope", error.limit_scope().map(|scope| scope.name()));
    object.raw("limit_window", error.limit_window().map(seconds));
    object.raw("retry_at", error.retry_at().map(unix_seconds));
    object.raw("field_errors", Some(field_errors(error)));
    object.text("provider", error.provider().map(|provider| provider.name()));
    object.text("user_message", Some(&error.user_message_in(messages)));
    object.raw("advice", Some(list(error.advice_in(messages).iter().map(AsRef::as_ref))));
    object.text("help_url", error.help_url());
    object.raw("attempts", Some(error.attempts()));
    object.raw("exhausted", Some(error.is_exhausted()));
    object.text("stop_reason", error.stop_reason().map(|reason| reason.name()));
    object.finish()
}

/// Seconds as a JSON number that is never an integer, so that every language reads a float.
fn seconds(duration: Duration) -> String {
    let text = Seconds(duration).to_string();
    if text.contains('.') { text } else { text + ".0" }
}

/// Seconds since 1970, exact to the microsecond, and never an integer either.
fn unix_seconds(time: Timestamp) -> String {
    let micros = time.unix_micros();
    let sign = if micros < 0 { "-" } else { "" };
    format!("{sign}{}", seconds(Duration::from_micros(micros.unsigned_abs())))
}

fn rate_limit(limit: &RateLimit) -> String {
    let mut object = ObjectWriter::new();
    object.raw("limit", limit.limit());
    object.raw("remaining", limit.remaining());
    object.raw("reset_after", limit.reset_after().map(seconds));
    object.finish()
}

fn field_errors(error: &Error) -> String {
    let mut object = ObjectWriter::new();
    for field in error.field_errors() {
        object.raw(field.field, Some(list(field.messages.iter().copied())));
    }
    object.finish()
}

fn list<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut out = String::from("[");
    for text in texts {
        if out.len() > 1 {
            out.push_str(", ");
        }
        push_string(&mut out, text);
    }
    out.push(']');
    out
}

/// Writes one JSON object, member by member.
struct ObjectWriter(String);

impl ObjectWriter {
    fn new() -> Self {
        ObjectWriter(String::from("{"))
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push_str(", ");
        }
        push_string(&mut self.0, name);
        self.0.push_str(": ");
    }

    fn text(&mut self, name: &str, value: Option<&str>) {
        self.name(name);
        match value {
            Some(text) => push_string(&mut self.0, text),
            None => self.0.push_str("null"),
        }
    }

    fn raw(&mut self, name: &str, value: Option<impl std::fmt::Display>) {
        self.name(name);
        match value {
            Some(value) => self.0.push_str(&value.to_string()),
            None => self.0.push_str("null"),
        }
    }

    fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// A JSON string, RFC 8259 section 7.
fn push_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::error::LimitScope;
    use crate::retry::StopReason;
    use crate::{Error, Kind, Timestamp};

    #[test]
    fn a_record_is_json_with_all_members() {
        let error = Error::new(Kind::Network, "line\n\"quoted\" \u{1}");
        let record: serde_json::Value = serde_json::from_str(&error.to_json()).unwrap();
        let members: Vec<_> = record.as_object().unwrap().keys().map(String::as_str).collect();
        let expected = [
            "kind",
            "status",
            "severity",
            "retryable",
            "message",
            "code",
            "type",
            "param",
            "request_id",
            "retry_after",
            "retry_after_source",
            "rate_limit",
            "limit_scope",
            "limit_window",
            "retry_at",
            "field_errors",
            "provider",
            "user_message",
            "advice",
            "help_url",
            "attempts",
            "exhausted",
            "stop_reason",
        ];
        assert_eq!(members, expected);
        assert_eq!(record["message"], "line\n\"quoted\" \u{1}");
        assert_eq!(record["status"], serde_json::Value::Null);
    }

    #[test]
    fn what_is_known_of_the_limit_and_of_the_end_is_told() {
        let record = |micros| {
            let error = Error::new(Kind::RateLimit, "")
                .with_limit_scope(LimitScope::InputTokens)
                .with_limit_window(Duration::from_secs(60))
                .with_retry_at(Timestamp::from_unix_micros(micros))
                .with_stop_reason(StopReason::MaxHint);
            error.to_json()
        };
        let json = record(1_741_305_600_000_000);
        let limit =
            r#""limit_scope": "input_tokens", "limit_window": 60.0, "retry_at": 1741305600.0"#;
        assert!(json.contains(limit), "{json}");
        assert!(json.ends_with(r#""exhausted": false, "stop_reason": "max_hint"}"#), "{json}");
        assert!(record(-1_500_000).contains(r#""retry_at": -1.5"#));
        assert!(record(i64::MIN).contains(r#""retry_at": -9223372036854.775808"#));
    }
}
