//! Gemini's `generateContent` and `streamGenerateContent`.

use super::finish::Finish;
use super::{Event, object_of};
use crate::text::json::{Object, Value};

/// Whether an object has the members of an answer.
pub(super) fn is_one(event: Object<'_>) -> bool {
    event.members().any(|(name, _)| is_sign(name.raw()))
}

/// Whether only an answer of Gemini's has a member of this name.
pub(super) fn is_sign(name: &[u8]) -> bool {
    matches!(name, b"candidates" | b"promptFeedback" | b"usageMetadata")
}

pub(super) fn read(event: Object<'_>) -> Event<'_> {
    let mut read = Event::default();
    if object_of(event, "promptFeedback")
        .is_some_and(|feedback| feedback.get_some("blockReason").is_some())
    {
        read.finish = Some(Finish::ContentFilter);
    }
    let candidates = event.get("candidates").and_then(Value::as_array);
    if let Some(candidate) =
        candidates.and_then(|list| list.items().next()).and_then(Value::as_object)
    {
        let parts = object_of(candidate, "content")
            .and_then(|content| content.get("parts"))
            .and_then(Value::as_array);
        for part in parts.iter().flat_map(|parts| parts.items()).filter_map(Value::as_object) {
            read_part(part, &mut read);
        }
        if let Some(reason) = candidate.get_some("finishReason").and_then(Value::as_text) {
            read.finish = Finish::named(reason).or(read.finish);
        }
    }
    read
}

fn read_part<'a>(part: Object<'a>, read: &mut Event<'a>) {
    // What the model thinks is no part of its answer.
    if matches!(part.get("thought"), Some(Value::Bool(true))) {
        read.other_content = true;
        return;
    }
    let text = part.get("text");
    // A call, a picture, code.
    let has_text = matches!(text, Some(Value::Text(text)) if !text.raw().is_empty());
    read.other_content |= !has_text && part.members().any(|(_, value)| value.holds_content());
    read.text.push(text);
}
