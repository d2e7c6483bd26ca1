//! The per-field errors of a body: Laravel's map, FastAPI's list, RFC 9457's pointers.

use std::borrow::Cow;

use crate::error::{FieldError, MAX_FIELD_ERRORS, clip};
use crate::json::{Array, Object, Value};
use crate::redact::redact;

/// The longest name of a field, and the longest message about one, in bytes.
const MAX_TEXT_BYTES: usize = 1024;

/// A map from field to messages (Laravel, and so LLM Resayil).
pub(super) fn read_map(map: Object<'_>, fields: &mut Vec<FieldError>) {
    for (name, value) in map.members().take(MAX_FIELD_ERRORS) {
        let messages: Vec<String> = match value {
            Value::Array(list) => list.items().filter_map(message).take(MAX_FIELD_ERRORS).collect(),
            other => message(other).into_iter().collect(),
        };
        if !messages.is_empty() {
            add(fields, name.decode_prefix(MAX_TEXT_BYTES), messages);
        }
    }
}

/// A list of objects that name a place and what is wrong there. The `input` that FastAPI echoes is
/// the user's data and is not read.
pub(super) fn read_list(list: Array<'_>, fields: &mut Vec<FieldError>) {
    for item in list.items().take(MAX_FIELD_ERRORS) {
        let Some(item) = item.as_object() else { continue };
        let text = |name| item.get(name).and_then(message);
        let Some(message) = text("msg").or(text("message")).or(text("detail")).or(text("reason"))
        else {
            continue;
        };
        let place = ["loc", "pointer", "field", "path", "param", "name"].into_iter();
        let place = place.filter_map(|name| item.get_some(name)).find_map(place_of);
        if let Some(place) = place {
            add(fields, place, vec![message]);
        }
    }
}

fn message(value: Value<'_>) -> Option<String> {
    match value {
        Value::Text(text) => Some(redact(&text.decode_prefix(MAX_TEXT_BYTES))),
        Value::Object(object) => object
            .get("message")
            .or(object.get("msg"))
            .and_then(Value::as_text)
            .map(|text| redact(clip(&text, MAX_TEXT_BYTES))),
        _ => None,
    }
}

/// A place as a dotted path: `["body", "messages", 0]` and `#/messages/0` are `messages.0`.
fn place_of(place: Value<'_>) -> Option<Cow<'_, str>> {
    match place {
        Value::Array(path) => {
            let parts: Vec<_> = path.items().filter_map(Value::as_scalar).take(32).collect();
            let parts =
                if parts.len() > 1 && parts[0] == "body" { &parts[1..] } else { &parts[..] };
            Some(Cow::Owned(clip(&parts.join("."), MAX_TEXT_BYTES).to_owned()))
        }
        Value::Text(text) => {
            let text = text.decode_prefix(MAX_TEXT_BYTES);
            match text.strip_prefix("#/").or(text.strip_prefix('/')) {
                Some(pointer) => Some(Cow::Owned(
                    pointer.replace('/', ".").replace("~1", "/").replace("~0", "~"),
                )),
                None => Some(text),
            }
        }
        _ => None,
    }
}

/// Adds messages to a field, which may have some already.
fn add(fields: &mut Vec<FieldError>, field: Cow<'_, str>, messages: Vec<String>) {
    if let Some(known) = fields.iter_mut().find(|known| known.field == field) {
        let room = MAX_FIELD_ERRORS.saturating_sub(known.messages.len());
        known.messages.extend(messages.into_iter().take(room));
    } else if fields.len() < MAX_FIELD_ERRORS {
        fields.push(FieldError { field: field.into_owned(), messages });
    }
}
