//! Amazon Bedrock's ConverseStream, as JSON.

use super::finish::Finish;
use super::{Event, Passage, object_of, text_of};
use crate::text::json::{Object, Value};

/// Reads an event that has one of these members.
pub(super) fn read<'a>(
    block: Option<Value<'a>>,
    block_start: Option<Value<'a>>,
    stop: Option<Value<'a>>,
) -> Event<'a> {
    let inside = |value: Option<Value<'a>>, name| {
        value.and_then(Value::as_object).and_then(|object| object_of(object, name))
    };
    let delta = inside(block, "delta");
    let holds = |object: Option<Object<'_>>, name: &str| {
        object.is_some_and(|object| object.get_some(name).is_some())
    };
    let reason = text_of(stop.and_then(Value::as_object), "stopReason");
    Event {
        text: Passage::member(delta, "text"),
        other_content: holds(delta, "toolUse")
            || holds(delta, "reasoningContent")
            || holds(inside(block_start, "start"), "toolUse"),
        finish: Finish::named(reason),
        last: stop.is_some(),
        needs_last: true,
        ..Event::default()
    }
}
