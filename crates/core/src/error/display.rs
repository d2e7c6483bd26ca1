//! An error as text, for a developer: one line for a log, and a report of several lines.

use std::fmt;

use super::Error;
use crate::text::seconds::Seconds;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().name())?;
        if let Some(status) = self.status() {
            write!(f, " ({status})")?;
        }
        let said = self.message().filter(|message| !message.is_empty());
        if let Some(message) = said.or(self.explanation()) {
            write!(f, ": {}", OneLine(message))?;
        }
        if let Some(cause) = std::error::Error::source(self).map(ToString::to_string) {
            // Who wraps an error repeats its words more often than not.
            if !said.is_some_and(|message| message.contains(&cause)) {
                write!(f, "; cause: {}", OneLine(crate::text::redact::redact(&cause).trim()))?;
            }
        }
        write_fields(self, f)?;
        if let Some(wait) = self.retry_after() {
            write!(f, "; retry after {} s", Seconds(wait))?;
        }
        if let Some(id) = self.request_id() {
            write!(f, "; request id {}", OneLine(id))?;
        }
        if self.attempts() > 1 {
            write!(f, "; {} attempts", self.attempts())?;
        }
        Ok(())
    }
}

/// No more fields than these are named in one line.
const MAX_FIELDS: usize = 5;

/// The fields of the request that are invalid: their names, not what was sent in them.
fn write_fields(error: &Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let fields = error.field_errors();
    for (at, field) in fields.iter().take(MAX_FIELDS).enumerate() {
        let before = if at == 0 { "; fields: " } else { ", " };
        write!(f, "{before}{}", OneLine(field.field))?;
    }
    match fields.len().checked_sub(MAX_FIELDS) {
        Some(more @ 1..) => write!(f, " and {more} more"),
        _ => Ok(()),
    }
}

/// A text of the server. Line ends and other control characters become spaces, so that a log line
/// stays one line and nobody can forge another; so do marks that turn the direction of what follows.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |c: char| if c.is_control() || turns_direction(c) { ' ' } else { c };
        self.0.chars().try_for_each(|c| fmt::Write::write_char(f, shown(c)))
    }
}

/// Unicode's separators of lines and paragraphs, and its formatting characters for direction (UAX #9).
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let retry = if self.is_retryable() { "retryable" } else { "not retryable" };
        writeln!(f, "{self}")?;
        writeln!(f, "  kind: {} ({}, {retry})", self.kind(), self.severity())?;
        for (name, value) in
            [("code", self.code()), ("type", self.error_type()), ("param", self.param())]
        {
            if let Some(value) = value {
                writeln!(f, "  {name}: {}", OneLine(value))?;
            }
        }
        if let Some(provider) = self.provider() {
            writeln!(f, "  provider: {provider}")?;
        }
        for field in self.field_errors() {
            let messages = field.messages.join(" ");
            writeln!(f, "  field {}: {}", OneLine(field.field), OneLine(&messages))?;
        }
        if let Some(source) = std::error::Error::source(self) {
            writeln!(f, "  caused by: {source}")?;
        }
        write!(f, "  body: {} bytes", self.body().len())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Error, Kind};

    #[test]
    fn display_is_one_line_without_secrets() {
        let error =
            Error::new(Kind::Server, "first\r\nsecond key=abcdefghijklmnop1234").with_status(500);
        assert_eq!(error.to_string(), "server (500): first  second key=[redacted]");
        let error = error.with_request_id("1\nforged").with_code("a\rb");
        assert!(error.to_string().ends_with("; request id 1 forged"), "{error}");
        assert!(format!("{error:?}").contains("code: a b\n"), "{error:?}");
        let turned = Error::new(Kind::Server, "a\u{202e}b\u{2066}c\u{2028}d");
        assert_eq!(turned.to_string(), "server: a b c d");
    }

    #[test]
    fn display_names_the_fields_and_the_cause() {
        let fields = |count: usize| {
            let names: Vec<_> = (0..count).map(|at| format!("\"f\\n{at}\":[\"bad\"]")).collect();
            let body = format!("{{\"message\":\"invalid\",\"errors\":{{{}}}}}", names.join(","));
            let headers: [(&str, &str); 0] = [];
            crate::classify(422, &headers, body.as_bytes(), crate::Timestamp::UNIX_EPOCH)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(fields(2), "validation (422): invalid; fields: f 0, f 1");
        assert!(
            fields(7).ends_with("; fields: f 0, f 1, f 2, f 3, f 4 and 2 more"),
            "{}",
            fields(7)
        );
        let cause = std::io::Error::other("refused\nsk_llmr_0123456789abcdef");
        let error = Error::new(Kind::Network, "could not reach api.example").with_source(cause);
        let line = error.to_string();
        assert!(line.starts_with("network: could not reach api.example; cause: refused"), "{line}");
        assert!(!line.contains('\n') && !line.contains("0123456789abcdef"), "{line}");
        let repeated = std::io::Error::other("refused");
        let error = Error::new(Kind::Network, "connect: refused").with_source(repeated);
        assert_eq!(error.to_string(), "network: connect: refused");
    }

    #[test]
    fn debug_names_the_cause() {
        let cause = std::io::Error::other("connection reset");
        let error = Error::new(Kind::Network, "could not connect").with_source(cause);
        let report = format!("{error:?}");
        assert!(report.contains("caused by: connection reset"), "{report}");
        assert!(report.lines().count() > 2);
    }
}
