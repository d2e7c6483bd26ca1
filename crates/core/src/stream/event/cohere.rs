//! Cohere's Chat API, in both its versions.

use super::finish::Finish;
use super::{Event, Passage, object_of, text_of};
use crate::text::json::Object;

/// Whether an event of this type is Cohere's.
pub(super) fn knows(kind: &str) -> bool {
    matches!(
        kind,
        "content-delta"
            | "message-start"
            | "message-end"
            | "content-start"
            | "content-end"
            | "citation-start"
            | "citation-end"
            | "text-generation"
            | "stream-start"
            | "stream-end"
            | "tool-call-start"
            | "tool-call-delta"
            | "tool-call-end"
            | "tool-plan-delta"
            | "tool-calls-generation"
            | "tool-calls-chunk"
            | "search-queries-generation"
            | "search-results"
            | "citation-generation"
    )
}

/// Reads an event; `kind` is its type.
pub(super) fn read<'a>(kind: &str, event: Object<'a>) -> Event<'a> {
    let delta = object_of(event, "delta");
    let content = delta
        .and_then(|delta| object_of(delta, "message"))
        .and_then(|message| object_of(message, "content"));
    let reason = [text_of(delta, "finish_reason"), text_of(Some(event), "finish_reason")];
    let text = match kind {
        "text-generation" => Passage::member(Some(event), "text"),
        "content-delta" | "content-start" => Passage::member(content, "text"),
        _ => Passage::Empty,
    };
    Event {
        text,
        other_content: kind.starts_with("tool-")
            || content.is_some_and(|content| {
                content.get_some("thinking").is_some_and(|it| it.holds_content())
            }),
        finish: reason.into_iter().find_map(Finish::named),
        last: matches!(kind, "message-end" | "stream-end"),
        needs_last: true,
        ..Event::default()
    }
}
