//! The error record: the JSON that is the same from every language.

use std::borrow::Cow;
use std::fmt::Write;
use std::time::Duration;

use crate::error::{Error, RateLimit};
use crate::messages::{ENGLISH, Messages};
use crate::text::seconds::Seconds;
use crate::text::swar;
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

/// What a member of the record holds.
pub(crate) enum Member<'a> {
    Null,
    Flag(bool),
    Number(u64),
    Text(Cow<'a, str>),
    /// A number of seconds, never an integer, so that every language reads a float.
    Seconds(Duration),
    /// Seconds since 1970, likewise.
    Time(Timestamp),
    Texts(Vec<Cow<'a, str>>),
    RateLimit(Box<RateLimit>),
    /// Each invalid field with its messages.
    FieldErrors(&'a Error),
}

impl<'a> Member<'a> {
    fn text(text: Option<impl Into<Cow<'a, str>>>) -> Self {
        text.map_or(Member::Null, |text| Member::Text(text.into()))
    }

    fn number(number: Option<impl Into<u64>>) -> Self {
        number.map_or(Member::Null, |number| Member::Number(number.into()))
    }

    fn seconds(duration: Option<Duration>) -> Self {
        duration.map_or(Member::Null, Member::Seconds)
    }
}

/// The members of the record in their order: listed here and nowhere else.
pub(crate) fn members<'a>(
    error: &'a Error,
    messages: &'a Messages,
) -> [(&'static str, Member<'a>); 23] {
    [
        ("kind", Member::text(Some(error.kind().name()))),
        ("status", Member::number(error.status())),
        ("severity", Member::text(Some(error.severity().name()))),
        ("retryable", Member::Flag(error.is_retryable())),
        ("message", Member::text(error.message())),
        ("code", Member::text(error.code())),
        ("type", Member::text(error.error_type())),
        ("param", Member::text(error.param())),
        ("request_id", Member::text(error.request_id())),
        ("retry_after", Member::seconds(error.retry_after())),
        ("retry_after_source", Member::text(error.retry_after_source().map(|it| it.name()))),
        (
            "rate_limit",
            error.rate_limit().map_or(Member::Null, |it| Member::RateLimit(Box::new(it))),
        ),
        ("limit_scope", Member::text(error.limit_scope().map(|scope| scope.name()))),
        ("limit_window", Member::seconds(error.limit_window())),
        ("retry_at", error.retry_at().map_or(Member::Null, Member::Time)),
        ("field_errors", Member::FieldErrors(error)),
        ("provider", Member::text(error.provider().map(|provider| provider.name()))),
        ("user_message", Member::text(Some(error.user_message_in(messages)))),
        ("advice", Member::Texts(error.advice_in(messages))),
        ("help_url", Member::text(error.help_url())),
        ("attempts", Member::Number(error.attempts().into())),
        ("exhausted", Member::Flag(error.is_exhausted())),
        ("stop_reason", Member::text(error.stop_reason().map(|reason| reason.name()))),
    ]
}

/// The members of a rate limit, in the record and by themselves.
pub(crate) fn rate_limit_members(limit: &RateLimit) -> [(&'static str, Member<'static>); 3] {
    [
        ("limit", Member::number(limit.limit())),
        ("remaining", Member::number(limit.remaining())),
        ("reset_after", Member::seconds(limit.reset_after())),
    ]
}

/// A record has about so many bytes.
const USUAL_BYTES: usize = 1024;

fn to_json(error: &Error, messages: &Messages) -> String {
    let mut object = ObjectWriter(String::with_capacity(USUAL_BYTES));
    object.0.push('{');
    for (name, member) in &members(error, messages) {
        object.member(name, member);
    }
    object.finish()
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

    fn member(&mut self, name: &str, value: &Member<'_>) {
        self.name(name);
        let out = &mut self.0;
        // Writing to a text does not fail.
        let _ = match value {
            Member::Null => out.write_str("null"),
            Member::Flag(flag) => out.write_str(if *flag { "true" } else { "false" }),
            Member::Number(number) => write!(out, "{number}"),
            Member::Text(text) => return push_string(out, text),
            Member::Seconds(duration) => return push_seconds(out, *duration),
            Member::Time(time) => {
                let micros = time.unix_micros();
                if micros < 0 {
                    out.push('-');
                }
                return push_seconds(out, Duration::from_micros(micros.unsigned_abs()));
            }
            Member::Texts(texts) => return push_list(out, texts.iter().map(AsRef::as_ref)),
            Member::RateLimit(limit) => {
                let mut object = ObjectWriter::new();
                for (name, member) in &rate_limit_members(limit) {
                    object.member(name, member);
                }
                out.write_str(&object.finish())
            }
            Member::FieldErrors(error) => {
                let mut object = ObjectWriter::new();
                for field in error.field_errors() {
                    object.name(field.field);
                    push_list(&mut object.0, field.messages.iter().copied());
                }
                out.write_str(&object.finish())
            }
        };
    }

    fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// Seconds as a JSON number that is never an integer.
fn push_seconds(out: &mut String, duration: Duration) {
    let begin = out.len();
    let _ = write!(out, "{}", Seconds(duration));
    if !out[begin..].contains('.') {
        out.push_str(".0");
    }
}

fn push_list<'a>(out: &mut String, texts: impl Iterator<Item = &'a str>) {
    out.push('[');
    for (index, text) in texts.enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        push_string(out, text);
    }
    out.push(']');
}

/// Where a byte is that a JSON string has to escape.
fn special_byte(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = swar::load(bytes, at) {
        let quotes = swar::mark(word, b'"') | swar::mark(word, b'\\');
        let found = quotes | swar::mark_range(word, 0, b' ' - 1);
        if found != 0 {
            return Some(at + swar::first(found));
        }
        at += 8;
    }
    let is_special = |byte: &u8| *byte < b' ' || matches!(byte, b'"' | b'\\');
    bytes[at..].iter().position(is_special).map(|found| at + found)
}

/// A JSON string, RFC 8259 section 7.
fn push_string(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = special_byte(rest.as_bytes()) {
        // What is escaped is ASCII, so the text splits there.
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        match special.as_bytes()[0] {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            byte => {
                let _ = write!(out, "\\u{byte:04x}");
            }
        }
        rest = &special[1..];
    }
    out.push_str(rest);
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
    fn texts_of_any_length_are_escaped() {
        for special in ['\0', '\u{1f}', ' ', '"', '\\', '\n', '\u{7f}', 'ä', '\u{2028}', 'x'] {
            for before in 0..20 {
                let text = format!("{}{special}{special}aä", "m".repeat(before));
                let mut written = String::new();
                super::push_string(&mut written, &text);
                assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
            }
        }
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
