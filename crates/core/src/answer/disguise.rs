//! Errors that stand in an answer that claims success.

use super::body::{self, Body, Format};
use super::reading::Reading;
use super::verdict::{self, Verdict};
use crate::error::Error;
use crate::kind::Kind;
use crate::stream::event::{Nothing, nothing_in};
use crate::text::json::{self, Value};
use crate::timestamp::Timestamp;

/// The error in an answer that claims success, if there is one.
pub(super) fn find(status: u16, answer: Reading<'_>, now: Timestamp) -> Option<Error> {
    let Disguised { status, verdict, explanation } = verdict_on(status, &answer)?;
    // Half an answer is no message, and may quote the prompt.
    let is_half = answer.body.format == Format::Text && is_cut_json(answer.bytes);
    let error = answer.into_error(Some(status), verdict, now);
    Some(match explanation {
        Some(explanation) if error.message().is_none() || is_half => {
            error.with_message(None).with_explanation(explanation)
        }
        _ => error,
    })
}

struct Disguised {
    status: u16,
    verdict: Verdict,
    /// What is wrong, where the provider does not say it.
    explanation: Option<&'static str>,
}

fn verdict_on(status: u16, answer: &Reading<'_>) -> Option<Disguised> {
    let Reading { facts, body, bytes, .. } = answer;
    let explained =
        |verdict, explanation| Some(Disguised { status, verdict, explanation: Some(explanation) });
    let protocol = |explanation| {
        let retryable = facts.should_retry.unwrap_or(true);
        explained(Verdict { kind: Kind::Protocol, retryable }, explanation)
    };
    let content_type = facts.content_type;
    let is = |part: &str| content_type.to_ascii_lowercase().contains(part);
    let is_error = body.has_error || body.looks_like_error;
    let nothing = match body.format {
        Format::Json if !is_error => nothing_in(body::trim(bytes)),
        _ => None,
    };
    match body.format {
        Format::Json if is_error => {
            let named = embedded_status(body);
            let verdict = verdict::decide(named, facts, body, answer.provider);
            Some(Disguised { status: named.unwrap_or(status), verdict, explanation: None })
        }
        Format::Json => match nothing? {
            Nothing::Failed(kind) => {
                let verdict = Verdict { kind, retryable: kind.is_retryable() };
                explained(verdict, "the answer ended before it held any text")
            }
            Nothing::NoTokens => protocol("the answer is empty and used no tokens"),
        },
        Format::Html => protocol("a web page came in place of an answer"),
        // Azure throttles some streams with an empty 200.
        Format::Empty if facts.retry_after.is_some() || facts.retry_after_ms.is_some() => {
            let verdict = Verdict { kind: Kind::RateLimit, retryable: true };
            explained(verdict, "throttled: the answer is empty and asks to wait")
        }
        Format::Empty if matches!(status, 204 | 205) || is("event-stream") => None,
        Format::Empty => protocol("the answer has no body"),
        Format::Text if are_json_lines(bytes) => None,
        Format::Text if is_cut_json(bytes) && !is("event-stream") && !is("ndjson") => {
            protocol("the answer is not readable JSON")
        }
        Format::Text if content_type.is_empty() || is("json") && !is("ndjson") => {
            protocol("the answer is not JSON")
        }
        Format::Text => None,
    }
}

/// Whether what is no readable JSON was to be some.
fn is_cut_json(bytes: &[u8]) -> bool {
    matches!(body::trim(bytes).first(), Some(b'{' | b'['))
}

/// Whether the first two lines are JSON of their own, as in a file of results.
fn are_json_lines(bytes: &[u8]) -> bool {
    let mut lines = body::trim(bytes).split(|byte| *byte == b'\n');
    let mut is_object = || {
        let line = lines.next().unwrap_or_default();
        json::parse(line.trim_ascii()).and_then(Value::as_object).is_some()
    };
    is_object() && is_object()
}

/// The status that an error inside a success names, as `status` or as a numeric code.
pub(crate) fn embedded_status(body: &Body<'_>) -> Option<u16> {
    let code = || body.code.as_ref().and_then(|code| code.parse().ok());
    body.status.or_else(code).filter(|status| (400..=599).contains(status))
}
