//! The text of an event.

use std::borrow::Cow;

use crate::text::json::{Array, Object, Text, Value};

/// The text of an event. One piece, which is the rule, is decoded when it is asked for: whether there is
/// any can be told without. Several are put together at once, so that they take no more memory than their text.
#[derive(Default)]
pub(in crate::stream) enum Passage<'a> {
    #[default]
    Empty,
    One(Text<'a>),
    Several(String),
}

impl<'a> Passage<'a> {
    /// The text of a value; nothing if it is no text.
    pub(super) fn of(value: Value<'a>) -> Self {
        let mut passage = Passage::Empty;
        passage.push(Some(value));
        passage
    }

    /// The text of a member.
    pub(super) fn member(object: Option<Object<'a>>, name: &str) -> Self {
        object.and_then(|object| object.get(name)).map_or(Passage::Empty, Passage::of)
    }

    /// The texts of a content that is a list of parts.
    pub(super) fn of_parts(parts: Array<'a>) -> Self {
        let mut passage = Passage::Empty;
        passage.push_parts(parts);
        passage
    }

    pub(super) fn push_parts(&mut self, parts: Array<'a>) {
        for part in parts.items().filter_map(Value::as_object) {
            self.push(part.get("text"));
        }
    }

    /// Puts a text behind what there is; anything else is passed over.
    pub(super) fn push(&mut self, value: Option<Value<'a>>) {
        let Some(Value::Text(text)) = value else { return };
        if text.raw().is_empty() {
            return;
        }
        match self {
            Passage::Empty => *self = Passage::One(text),
            Passage::One(first) => {
                let mut all = first.decode().into_owned();
                all.push_str(&text.decode());
                *self = Passage::Several(all);
            }
            Passage::Several(all) => all.push_str(&text.decode()),
        }
    }

    /// This, or else the other one, if this is empty.
    pub(super) fn or_else(self, other: impl FnOnce() -> Self) -> Self {
        if self.is_empty() { other() } else { self }
    }

    pub(in crate::stream) fn is_empty(&self) -> bool {
        matches!(self, Passage::Empty)
    }

    pub(in crate::stream) fn decode(&self) -> Cow<'_, str> {
        match self {
            Passage::Empty => Cow::Borrowed(""),
            Passage::One(text) => text.decode(),
            Passage::Several(all) => Cow::Borrowed(all),
        }
    }
}
