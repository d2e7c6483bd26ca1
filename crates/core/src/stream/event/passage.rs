//! The text of an event.

use std::borrow::Cow;

use crate::text::json::{Array, Object, Text, Value};

/// The text of an event, in as many pieces as it came. It is decoded when it is asked for: whether
/// there is any can be told without.
#[derive(Default)]
pub(in crate::stream) enum Passage<'a> {
    #[default]
    Empty,
    One(Text<'a>),
    Many(Vec<Text<'a>>),
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
            Passage::One(first) => *self = Passage::Many(vec![*first, text]),
            Passage::Many(texts) => texts.push(text),
        }
    }

    /// This, or else the other one, if this is empty.
    pub(super) fn or_else(self, other: impl FnOnce() -> Self) -> Self {
        if self.is_empty() { other() } else { self }
    }

    pub(in crate::stream) fn is_empty(&self) -> bool {
        matches!(self, Passage::Empty)
    }

    pub(in crate::stream) fn decode(&self) -> Cow<'a, str> {
        match self {
            Passage::Empty => Cow::Borrowed(""),
            Passage::One(text) => text.decode(),
            Passage::Many(texts) => {
                Cow::Owned(texts.iter().map(|text| text.decode()).collect::<String>())
            }
        }
    }
}
