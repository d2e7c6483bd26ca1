//! An error explained to a developer.

use std::fmt::Write;

use resayil::Error;
use resayil::messages::Messages;

pub(super) fn text(error: &Error, messages: &Messages) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut out, error, messages);
    out
}

/// The facts alone, without the line that sums them up.
pub(super) fn facts(error: &Error, messages: &Messages) -> String {
    let mut out = String::new();
    let _ = write_facts(&mut out, error, messages);
    out
}

fn write(out: &mut String, error: &Error, messages: &Messages) -> std::fmt::Result {
    writeln!(out, "{error}")?;
    writeln!(out)?;
    write_facts(out, error, messages)
}

fn write_facts(out: &mut String, error: &Error, messages: &Messages) -> std::fmt::Result {
    line(out, "kind", format_args!("{} ({})", error.kind(), error.severity()))?;
    let retry = match (error.is_retryable(), error.retry_after()) {
        (true, Some(wait)) => format!("yes, after {} s", wait.as_secs_f64()),
        (true, None) => "yes, with back-off".to_owned(),
        (false, _) => "no".to_owned(),
    };
    line(out, "retry", retry)?;
    if let Some(source) = error.retry_after_source() {
        line(out, "wait from", source)?;
    }
    let texts = [("code", error.code()), ("type", error.error_type()), ("param", error.param())];
    for (name, text) in texts.into_iter().chain([("request id", error.request_id())]) {
        if let Some(text) = text {
            line(out, name, text)?;
        }
    }
    if let Some(provider) = error.provider() {
        line(out, "provider", provider)?;
    }
    for field in error.field_errors() {
        line(out, "field", format_args!("{}: {}", field.field, field.messages.join(" ")))?;
    }
    line(out, "tell users", error.user_message_in(messages))?;
    for step in error.advice_in(messages) {
        line(out, "to do", step)?;
    }
    if let Some(url) = error.help_url() {
        line(out, "see", url)?;
    }
    Ok(())
}

fn line(out: &mut String, name: &str, value: impl std::fmt::Display) -> std::fmt::Result {
    writeln!(out, "{name:>10}  {value}")
}
