//! What a member of a body may hold: a code, a message, a status.

use std::borrow::Cow;

use crate::error::MAX_MESSAGE_BYTES;
use crate::text::json::{Object, Value};

/// A number or a text; the texts `None` and `null`, which proxies write, are nothing.
pub(super) fn scalar(value: Value<'_>) -> Option<Cow<'_, str>> {
    let scalar = match value {
        Value::Text(text) => Some(text.decode_prefix(256)),
        other => other.as_scalar(),
    };
    scalar.filter(|text| !matches!(&**text, "" | "None" | "null"))
}

/// A message: a text, or the first one in what holds it.
pub(super) fn message_of(value: Value<'_>) -> Option<Cow<'_, str>> {
    match value {
        Value::Text(text) => Some(text.decode_prefix(MAX_MESSAGE_BYTES))
            .filter(|text| text.contains(|c: char| !c.is_whitespace())),
        Value::Object(object) => {
            let inside =
                object.get("detail").and_then(Value::as_array).and_then(|list| list.items().next());
            text_in(object).or_else(|| inside.and_then(Value::as_object).and_then(text_in))
        }
        Value::Array(list) => list.items().find_map(|item| match item {
            Value::Text(text) => Some(text.decode_prefix(MAX_MESSAGE_BYTES)),
            Value::Object(object) => text_in(object),
            _ => None,
        }),
        _ => None,
    }
}

/// The text of an object that holds a message.
fn text_in(object: Object<'_>) -> Option<Cow<'_, str>> {
    let named = ["message", "msg", "detail", "error", "reason"]
        .into_iter()
        .filter_map(|name| object.get(name));
    named.into_iter().find_map(|value| match value {
        Value::Text(text) => Some(text.decode_prefix(MAX_MESSAGE_BYTES)),
        _ => None,
    })
}

/// An HTTP status of an error.
pub(super) fn status(value: Value<'_>) -> Option<u16> {
    value.as_scalar()?.parse().ok().filter(|status| (400..=599).contains(status))
}

/// Whether it is this text.
pub(super) fn is_text(value: Value<'_>, expected: &str) -> bool {
    matches!(value, Value::Text(text) if text.raw() == expected.as_bytes())
}

/// Whether it is this word, in capitals or not.
pub(super) fn is_word(value: Value<'_>, expected: &str) -> bool {
    matches!(value, Value::Text(text) if text.raw().eq_ignore_ascii_case(expected.as_bytes()))
}
