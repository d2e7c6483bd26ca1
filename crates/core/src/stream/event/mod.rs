//! What one JSON event of a stream means, in the dialects of all providers.

mod anthropic;
mod apps;
mod bedrock;
mod choices;
mod cohere;
mod finish;
mod gemini;
mod general;
mod kits;
mod passage;
mod responses;
mod servers;

use std::borrow::Cow;

use crate::kind::Kind;
use crate::text::json::{Object, Value};

pub(super) use finish::Finish;
pub(super) use general::holds_data;
use passage::Passage;

/// What one event tells.
#[derive(Default)]
pub(super) struct Event<'a> {
    pub(super) text: Passage<'a>,
    pub(super) telling: Telling,
    /// Something other than text was delivered: a tool call, reasoning, audio.
    pub(super) other_content: bool,
    pub(super) finish: Option<Finish<'a>>,
    /// The event by which this protocol says that nothing follows.
    pub(super) last: bool,
    /// This protocol ends with an event of its own, so a reason alone is no end.
    pub(super) needs_last: bool,
    pub(super) usage: Option<Usage>,
    /// What went wrong, in words that no member called `error` of the event holds.
    pub(super) failure: Option<Cow<'a, str>>,
    pub(super) shape: Shape,
}

/// How the text of an event goes together with those before it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Telling {
    /// It follows them.
    #[default]
    Piece,
    PieceOf(Place),
    /// The whole text of a part, whose pieces may have come before.
    PartAt(Place),
    /// The whole text of an item, whose pieces may have come before.
    ItemAt(u64),
    /// The whole answer, whose pieces may have come before.
    Answer,
    /// The answer so far, or a piece of it: only the texts themselves tell.
    SoFar,
}

/// A part of an item of an answer, each counted from 0.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) item: u64,
    pub(super) part: u64,
}

/// What an answer cost, as far as it says whether there is one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    Nothing,
    Something,
}

impl Usage {
    fn of(tokens: f64) -> Self {
        if tokens == 0.0 { Usage::Nothing } else { Usage::Something }
    }

    /// Reads a usage; `null` is none.
    fn read(value: Value<'_>) -> Option<Self> {
        let usage = value.as_object()?;
        let tokens = |name| usage.get(name).and_then(Value::as_f64);
        let count = tokens("total_tokens").or_else(|| tokens("completion_tokens"));
        Some(count.map_or(Usage::Something, Usage::of))
    }
}

/// What kind of thing an event is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Shape {
    /// A part of an answer.
    #[default]
    Known,
    /// A known part of a protocol that tells of no error, whatever its members are called.
    Harmless,
    /// Nothing but a message.
    Message,
    /// Nothing in it is known to be of an answer.
    Unknown,
}

/// Reads an event, whatever of an answer is in it; `name` is that of the server-sent event.
pub(super) fn read<'a>(name: &[u8], event: Object<'a>) -> Event<'a> {
    let [choices, kind, event_type, usage, event_name, object] =
        event.get_all(["choices", "type", "event_type", "usage", "event", "object"]);
    if let Some(choices) = choices.and_then(Value::as_array) {
        return choices::read(choices, usage, &choices::SMALL);
    }
    let text = |value: Option<Value<'a>>| value.and_then(Value::as_text).unwrap_or_default();
    let (kind, object) = (text(kind.or(event_type)), text(object));
    match &*kind {
        "message_start"
        | "content_block_start"
        | "content_block_delta"
        | "content_block_stop"
        | "message_delta"
        | "message_stop"
        | "ping" => return anthropic::read(&kind, event),
        "message" if event.get("content").and_then(Value::as_array).is_some() => {
            return anthropic::message(event);
        }
        kind if kind.starts_with("response.") => return responses::read(kind, event),
        kind if cohere::knows(kind) => return cohere::read(kind, event),
        kind if kits::knows(kind) => return kits::read(kind, event),
        _ => {}
    }
    if &*object == "response" {
        return responses::response(event);
    }
    let of_an_app = apps::assistants(&object, event)
        .or_else(|| apps::dify(&text(event_name), event))
        .or_else(|| apps::coze(name, event));
    of_an_app.unwrap_or_else(|| general::read(&kind, event, usage))
}

/// Why a whole answer holds nothing.
pub(crate) enum Nothing {
    /// It says so in the words by which streams end: a filter, or a failure.
    Failed(Kind),
    /// No tokens were used.
    NoTokens,
}

/// Why a whole answer, which is well-formed JSON, holds nothing, if it does; what counts as content is
/// what streams deliver.
pub(crate) fn nothing_in(answer: &[u8]) -> Option<Nothing> {
    let answer = Object::unread(answer)?;
    let event = read(b"", answer);
    if !event.text.is_empty() || event.other_content {
        return None;
    }
    let failed = event.finish.as_ref().and_then(Finish::of_nothing).map(Nothing::Failed);
    let has_choices = || answer.get("choices").and_then(Value::as_array).is_some();
    failed.or_else(|| {
        (event.usage == Some(Usage::Nothing) && has_choices()).then_some(Nothing::NoTokens)
    })
}

fn text_of<'a>(object: Option<Object<'a>>, name: &str) -> Cow<'a, str> {
    object.and_then(|object| object.get(name)).and_then(Value::as_text).unwrap_or_default()
}

fn object_of<'a>(object: Object<'a>, name: &str) -> Option<Object<'a>> {
    object.get(name).and_then(Value::as_object)
}

#[cfg(test)]
mod tests;
