//! Streams in which each type of event begins with what it is about: Mistral's Conversations API, and
//! the messages that Vercel's AI SDK sends to a page.

use super::finish::Finish;
use super::{Event, Passage, Shape};
use crate::text::json::Object;

/// Whether an event of this type is one of these.
pub(super) fn knows(kind: &str) -> bool {
    const PREFIXES: [&str; 4] =
        ["conversation.response.", "message.output.", "tool.execution.", "function.call."];
    let of_a_page = matches!(
        kind,
        "start"
            | "start-step"
            | "finish-step"
            | "finish"
            | "text-start"
            | "text-delta"
            | "text-end"
            | "reasoning-start"
            | "reasoning-delta"
            | "reasoning-end"
            | "message-metadata"
    );
    of_a_page
        || kind.starts_with("tool-input-")
        || kind.starts_with("tool-output-")
        || PREFIXES.iter().any(|prefix| kind.starts_with(prefix))
}

/// Reads an event; `kind` is its type.
pub(super) fn read<'a>(kind: &str, event: Object<'a>) -> Event<'a> {
    let member = |name| Passage::member(Some(event), name);
    let text = match kind {
        "text-delta" => member("delta").or_else(|| member("textDelta")),
        "message.output.delta" => member("content"),
        _ => Passage::Empty,
    };
    let is_end = matches!(kind, "finish" | "conversation.response.done");
    let is_content = text.is_empty()
        && ["reasoning-delta", "tool-", "tool.", "function.", "message.output."]
            .iter()
            .any(|prefix| kind.starts_with(prefix));
    Event {
        other_content: is_content,
        text,
        finish: is_end.then(Finish::stop),
        last: is_end,
        needs_last: true,
        // What is no error by its type tells of none, whatever a tool has answered.
        shape: if kind.ends_with(".error") { Shape::Unknown } else { Shape::Harmless },
        ..Event::default()
    }
}
