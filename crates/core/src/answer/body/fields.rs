//! The per-field errors of a body: Laravel's map, FastAPI's list, RFC 9457's pointers.

use std::borrow::Cow;

use super::field_list::Fields;
use crate::error::{MAX_FIELD_ERRORS, MAX_FIELD_TEXT_BYTES};
use crate::text::clip::clip;
use crate::text::json::{Array, Members, Text, Value};

/// A map from field to messages (Laravel, and so LLM Resayil). Reads to the end of the map, and gives
/// the text that stands under `message`, which may be that of the error and not of a field.
pub(super) fn read_map<'a>(members: &mut Members<'a>, fields: &mut Fields<'a>) -> Option<Text<'a>> {
    let mut text = None;
    while let Some(name) = members.name() {
        let mut count = 0;
        let is_list = members.each_item(|item| {
            let Some(message) = message(item) else { return };
            if if count == 0 { fields.is_full() } else { count == MAX_FIELD_ERRORS } {
                return;
            }
            if count == 0 {
                fields.push_name(name);
            }
            fields.push_message(message);
            count += 1;
        });
        if is_list {
            continue;
        }
        match members.value() {
            None => break,
            Some(Value::Text(message)) if name.raw() == b"message" => text = Some(message),
            Some(other) => {
                if let Some(message) = message(other).filter(|_| !fields.is_full()) {
                    fields.push_name(name);
                    fields.push_message(message);
                }
            }
        }
    }
    text
}

/// A field of this name, and the message about it.
pub(super) fn push<'a>(name: &'static str, message: Text<'a>, fields: &mut Fields<'a>) {
    if !fields.is_full() {
        fields.push_made_name(Cow::Borrowed(name));
        fields.push_message(message);
    }
}

/// A list of objects that name a place and what is wrong there. The `input` that FastAPI echoes is
/// the user's data and is not read.
pub(super) fn read_list<'a>(list: Array<'a>, fields: &mut Fields<'a>) {
    for item in list.items().take(MAX_FIELD_ERRORS).filter_map(Value::as_object) {
        if fields.is_full() {
            return;
        }
        let (mut text, mut place) = (None, None);
        for (name, value) in item.members() {
            match name.raw() {
                b"msg" | b"message" | b"detail" | b"reason" => {
                    text = text.or_else(|| message(value))
                }
                b"loc" | b"pointer" | b"field" | b"path" | b"param" | b"name" => {
                    place = place.or_else(|| place_of(value))
                }
                _ => {}
            }
        }
        let (Some(text), Some(place)) = (text, place) else { continue };
        fields.push_made_name(place);
        fields.push_message(text);
    }
}

fn message(value: Value<'_>) -> Option<Text<'_>> {
    match value {
        Value::Text(text) => Some(text),
        Value::Object(object) => match object.get("message").or(object.get("msg")) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        },
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
            Some(Cow::Owned(clip(&parts.join("."), MAX_FIELD_TEXT_BYTES).to_owned()))
        }
        Value::Text(text) => {
            let text = text.decode_prefix(MAX_FIELD_TEXT_BYTES);
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
