//! Anthropic's Messages API.

use super::finish::Finish;
use super::{Event, Passage, Telling, Usage, object_of, text_of};
use crate::kind::Kind;
use crate::text::json::{Object, Value};

/// Reads an event of a stream; `kind` is its type.
pub(super) fn read<'a>(kind: &str, event: Object<'a>) -> Event<'a> {
    match kind {
        "message_start" => {
            object_of(event, "message").map(message).map_or_else(Event::default, |begun| Event {
                // The reason comes later.
                finish: None,
                telling: Telling::Piece,
                ..begun
            })
        }
        "content_block_start" => {
            let block = object_of(event, "content_block");
            let kind = text_of(block, "type");
            let holds =
                |name| block.and_then(|block| block.get(name)).is_some_and(|it| it.holds_content());
            Event {
                text: match &*kind {
                    "text" => Passage::member(block, "text"),
                    _ => Passage::Empty,
                },
                // What a tool of the server found comes whole.
                other_content: holds("content") || holds("thinking") || holds("data"),
                ..Event::default()
            }
        }
        _ => read_delta(kind, event),
    }
}

fn read_delta<'a>(kind: &str, event: Object<'a>) -> Event<'a> {
    let mut read = Event { last: kind == "message_stop", ..Event::default() };
    let Some(delta) = object_of(event, "delta") else { return read };
    for (name, value) in delta.members() {
        match name.raw() {
            b"text" => read.text = Passage::of(value),
            b"stop_reason" => read.finish = value.as_text().and_then(finish),
            b"type" | b"stop_sequence" | b"stop_details" | b"container" => {}
            // Thoughts, a call's arguments, citations.
            _ => read.other_content |= value.holds_content(),
        }
    }
    read
}

/// A whole message, also outside of a stream.
pub(super) fn message(message: Object<'_>) -> Event<'_> {
    let [content, reason, usage] = message.get_all(["content", "stop_reason", "usage"]);
    let parts = content.and_then(Value::as_array);
    let text = parts.map(Passage::of_parts).unwrap_or_default();
    Event {
        other_content: text.is_empty() && content.is_some_and(Value::holds_content),
        text,
        telling: Telling::Answer,
        finish: reason.and_then(Value::as_text).and_then(finish),
        usage: usage.and_then(Usage::read),
        ..Event::default()
    }
}

fn finish(reason: std::borrow::Cow<'_, str>) -> Option<Finish<'_>> {
    match &*reason {
        // Behind a text a refusal is an answer, here.
        "refusal" => Some(Finish::Explains(Kind::ContentFilter, reason)),
        _ => Finish::named(reason),
    }
}
