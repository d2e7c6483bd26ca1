//! OpenAI's chat and text completions, and what imitates them.

use std::borrow::Cow;

use super::finish::Finish;
use super::{Event, Telling, Usage, text_of_parts};
use crate::text::json::{Array, Object, Value};

/// The names of the members.
pub(super) struct Names {
    delta: &'static str,
    message: &'static str,
    text: &'static str,
    reason: &'static str,
    content: &'static str,
    role: &'static str,
}

/// As OpenAI writes them.
pub(super) const SMALL: Names = Names {
    delta: "delta",
    message: "message",
    text: "text",
    reason: "finish_reason",
    content: "content",
    role: "role",
};

/// As Tencent's Hunyuan does.
pub(super) const CAPITAL: Names = Names {
    delta: "Delta",
    message: "Message",
    text: "Text",
    reason: "FinishReason",
    content: "Content",
    role: "Role",
};

/// Reads the choices of a chunk, or of a whole answer.
pub(super) fn read<'a>(
    choices: Array<'a>,
    usage: Option<Value<'a>>,
    names: &'static Names,
) -> Event<'a> {
    let mut event = Event { usage: usage.and_then(Usage::read), ..Event::default() };
    for choice in choices.items().filter_map(Value::as_object) {
        // A whole answer has `message` where a chunk has `delta`; a last chunk's `delta` may be a list.
        let [delta, message, plain, reason] =
            choice.get_all([names.delta, names.message, names.text, names.reason]);
        let delta = delta.and_then(Value::as_object);
        let inside = delta.or(message.and_then(Value::as_object));
        let content = inside.and_then(|inside| read_message(inside, names, &mut event));
        if event.text.is_empty() {
            event.text = content
                .filter(|text| !text.is_empty())
                .or_else(|| plain.and_then(Value::as_text))
                .unwrap_or_default();
            if delta.is_none() && inside.is_some() && !event.text.is_empty() {
                event.telling = Telling::SoFar;
            }
        }
        if let Some(reason) = reason.and_then(Value::as_text) {
            event.finish = Finish::named(reason).or(event.finish);
        }
    }
    event
}

/// The text of a message or of a piece of one; whatever else it holds counts as other content.
fn read_message<'a>(
    message: Object<'a>,
    names: &Names,
    event: &mut Event<'a>,
) -> Option<Cow<'a, str>> {
    let mut content = None;
    for (name, value) in message.members() {
        if name.is(names.content) {
            content = match value {
                Value::Array(parts) => {
                    let text = text_of_parts(parts);
                    // A picture, or what the model thinks.
                    event.other_content |= text.is_empty() && value.holds_content();
                    Some(text)
                }
                value => value.as_text(),
            };
        } else if !(name.is(names.role) || name.is("name") || name.is("id") || name.is("object")) {
            event.other_content |= value.holds_content();
        }
    }
    content
}
