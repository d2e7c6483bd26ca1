//! OpenAI's chat and text completions, and what imitates them.

use super::finish::Finish;
use super::{Event, Passage, Telling, Usage};
use crate::text::json::{Array, Members, Value};

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
    choices.each_object(|choice| read_choice(choice, names, &mut event));
    event
}

fn read_choice<'a>(choice: &mut Members<'a>, names: &'static Names, event: &mut Event<'a>) {
    // A whole answer has `message` where a chunk has `delta`; a last chunk's `delta` may be a list.
    let (mut delta, mut message) = (None, None);
    let (mut plain, mut reason) = (None, None);
    while let Some(name) = choice.name() {
        let inside = match () {
            () if name.is(names.delta) => Some(&mut delta),
            () if name.is(names.message) => Some(&mut message),
            () => None,
        };
        let is_read = inside.is_some_and(|inside| {
            choice.enter(|members| *inside = Some(read_message(members, names, event)))
        });
        if is_read {
            continue;
        }
        let Some(value) = choice.value() else { return };
        if name.is(names.text) {
            plain = plain.or(Some(value));
        } else if name.is(names.reason) {
            reason = reason.or(Some(value));
        }
    }
    if event.text.is_empty() {
        let is_whole = delta.is_none() && message.is_some();
        let plain = || plain.map_or(Passage::Empty, Passage::of);
        event.text = delta.or(message).unwrap_or_default().or_else(plain);
        if is_whole && !event.text.is_empty() {
            event.telling = Telling::SoFar;
        }
    }
    if let Some(reason) = reason.and_then(Value::as_text) {
        event.finish = Finish::named(reason).or(event.finish.take());
    }
}

/// The text of a message or of a piece of one; whatever else it holds counts as other content.
fn read_message<'a>(
    message: &mut Members<'a>,
    names: &Names,
    event: &mut Event<'a>,
) -> Passage<'a> {
    let mut content = Passage::Empty;
    for (name, value) in message {
        if name.is(names.content) {
            content = match value {
                Value::Array(parts) => {
                    let text = Passage::of_parts(parts);
                    // A picture, or what the model thinks.
                    event.other_content |= text.is_empty() && value.holds_content();
                    text
                }
                value => Passage::of(value),
            };
        } else if !(name.is(names.role) || name.is("name") || name.is("id") || name.is("object")) {
            event.other_content |= value.holds_content();
        }
    }
    content
}
