//! Waits that stand in members of a body.

use std::time::Duration;

use super::Body;

use crate::answer::rate_limit::parse_reset;
use crate::answer::wait::{Due, Wait, parse_retry_after, wait_or_date};
use crate::text::json::Value;
use crate::text::{duration, json};
use crate::timestamp::Timestamp;

/// The wait in a member, if its name is one that stands for a wait.
pub(super) fn read(name: &[u8], value: Value<'_>, now: Timestamp) -> Option<Due> {
    Some(wait(name, value, now)?.due(now))
}

fn wait(name: &[u8], value: Value<'_>, now: Timestamp) -> Option<Wait> {
    let duration = |seconds| duration::from_seconds(seconds).map(Wait::In);
    match name {
        // LLM Resayil's guide; OpenRouter; many others.
        b"retry_after"
        | b"retryAfter"
        | b"retry-after"
        | b"retry_after_seconds"
        | b"retryAfterSeconds"
        | b"resets_in_seconds"
        | b"wait_seconds" => seconds(value, now),
        b"retry_after_ms" | b"retryAfterMs" => duration(number(value)? / 1000.0),
        // google.rpc.RetryInfo: "34.4s", or seconds and nanos.
        b"retryDelay" | b"retry_delay" => match value {
            Value::Object(parts) => {
                // Of a zero its member is left out.
                let part = |name| parts.get_some(name).map_or(Some(0.0), number);
                duration(part("seconds")? + part("nanos")? / 1e9)
            }
            other => seconds(other, now),
        },
        // Hugging Face, while a model is loading.
        b"estimated_time" => duration(number(value)?),
        b"resets_at" | b"reset_at" => parse_reset(&value.as_scalar()?, now),
        _ => None,
    }
}

/// The wait in the copy of upstream headers that OpenRouter puts into its metadata.
pub(super) fn read_headers(headers: json::Object<'_>, now: Timestamp) -> Option<Due> {
    let named = |wanted: &str| {
        let mut members = headers.members();
        let found = members.find(|(name, _)| name.raw().eq_ignore_ascii_case(wanted.as_bytes()));
        found.and_then(|(_, value)| value.as_scalar())
    };
    let retry_after = named("retry-after").and_then(|value| parse_retry_after(&value, now));
    let reset = || named("x-ratelimit-reset").and_then(|value| parse_reset(&value, now));
    Some(retry_after.or_else(reset)?.due(now))
}

/// A number, also one in a text.
fn number(value: Value<'_>) -> Option<f64> {
    value.as_f64().or_else(|| duration::decimal(value.as_text()?.trim()))
}

/// Seconds as a number or as text, a duration with units, or a date.
fn seconds(value: Value<'_>, now: Timestamp) -> Option<Wait> {
    if let Value::Number(digits) = value {
        let text = || std::str::from_utf8(digits).ok();
        return duration::digits(digits)
            .map(Duration::from_secs)
            .or_else(|| duration::decimal_seconds(text()?))
            .or_else(|| duration::from_seconds(text()?.parse().ok()?))
            .map(|wait| wait_or_date(wait, now));
    }
    let text = value.as_text()?;
    let go_duration = || duration::go_duration(text.trim()).map(Wait::In);
    parse_retry_after(&text, now).or_else(go_duration)
}

/// The waits among the members of an object.
pub(super) fn read_waits(value: Value<'_>, body: &mut Body<'_>, now: Timestamp) {
    let members = value.as_object().into_iter().flat_map(|object| object.members());
    for (name, value) in members {
        body.retry_after = body.retry_after.or_else(|| read(name.raw(), value, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(json: &'static str) -> Option<f64> {
        let object = json::parse(json.as_bytes()).unwrap().as_object().unwrap();
        let now = Timestamp::from_unix_seconds(946_684_797);
        object
            .members()
            .find_map(|(name, value)| read(name.raw(), value, now))
            .map(|due| due.wait.as_secs_f64())
    }

    #[test]
    fn waits_in_every_form() {
        for (json, expected) in [
            (r#"{"retry_after":45}"#, Some(45.0)),
            (r#"{"retry_after":"45"}"#, Some(45.0)),
            (r#"{"retry_after":"1m5s"}"#, Some(65.0)),
            (r#"{"retry_after":"Fri, 31 Dec 1999 23:59:59 GMT"}"#, Some(2.0)),
            (r#"{"retryDelay":"34.4s"}"#, Some(34.4)),
            (r#"{"retryDelay":{"seconds":"34","nanos":400000000}}"#, Some(34.4)),
            (r#"{"retryDelay":{"nanos":500000000}}"#, Some(0.5)),
            (r#"{"retryDelay":{"seconds":"soon"}}"#, None),
            (r#"{"retryDelay":{"seconds":"inf"}}"#, None),
            (r#"{"retry_after_ms":1500}"#, Some(1.5)),
            (r#"{"retry_after_ms":"1500"}"#, Some(1.5)),
            (r#"{"retry_after_ms":true}"#, None),
            (r#"{"estimated_time":20.0}"#, Some(20.0)),
            (r#"{"resets_at":1046684797}"#, Some(100_000_000.0)),
            (r#"{"retry_after":null}"#, None),
            (r#"{"retry_after":-1}"#, None),
            (r#"{"retry_after":[1]}"#, None),
            (r#"{"retry":1}"#, None),
            (r#"{"retry_after":99999999999999999999999}"#, Some(u64::MAX as f64)),
            (r#"{"retry_after":1e400}"#, None),
            (r#"{"retry_after_seconds":1e30}"#, None),
            (r#"{"retry_after_ms":1e30}"#, None),
            (r#"{"estimated_time":1e30}"#, None),
        ] {
            assert_eq!(wait(json), expected, "{json}");
        }
    }
}
