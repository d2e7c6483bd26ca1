//! The invalid fields that a body names, gathered as they stand in it.

use std::borrow::Cow;

use crate::error::{FieldTexts, MAX_ALL_FIELD_BYTES, MAX_FIELD_ERRORS, MAX_FIELD_TEXT_BYTES};
use crate::text::clip::clip;
use crate::text::json::Text;

/// Names of fields, each with the messages that follow it. They are decoded at the end, all at once:
/// in most of them there is nothing to decode, and to see that takes as long for one as for all.
#[derive(Default)]
pub(crate) struct Fields<'a> {
    texts: Vec<FieldText<'a>>,
    count: usize,
    bytes: usize,
    /// One of the texts is longer than what is kept of one.
    has_long: bool,
}

/// A name or a message.
enum FieldText<'a> {
    Name(Text<'a>),
    Message(Text<'a>),
    /// A text that does not stand in the body as it is.
    Made {
        is_name: bool,
        text: Box<str>,
    },
}

impl FieldText<'_> {
    fn is_name(&self) -> bool {
        match self {
            FieldText::Name(_) => true,
            FieldText::Message(_) => false,
            FieldText::Made { is_name, .. } => *is_name,
        }
    }

    fn raw(&self) -> &[u8] {
        match self {
            FieldText::Name(text) | FieldText::Message(text) => text.raw(),
            FieldText::Made { text, .. } => text.as_bytes(),
        }
    }

    fn decode(&self) -> Cow<'_, str> {
        match self {
            FieldText::Name(text) | FieldText::Message(text) => {
                text.decode_prefix(MAX_FIELD_TEXT_BYTES)
            }
            FieldText::Made { text, .. } => Cow::Borrowed(clip(text, MAX_FIELD_TEXT_BYTES)),
        }
    }
}

impl<'a> Fields<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether no more is kept.
    pub(super) fn is_full(&self) -> bool {
        self.count >= MAX_FIELD_ERRORS || self.bytes >= MAX_ALL_FIELD_BYTES
    }

    /// Begins a field, to which the messages that follow belong.
    pub(super) fn push_name(&mut self, name: Text<'a>) {
        if self.texts.is_empty() {
            // Room for a few fields, which is all that most answers name.
            self.texts.reserve(16);
        }
        self.count += 1;
        self.push(FieldText::Name(name), name.raw().len());
    }

    /// Begins a field whose name does not stand in the body.
    pub(super) fn push_made_name(&mut self, name: Cow<'_, str>) {
        self.count += 1;
        let len = name.len();
        self.push(FieldText::Made { is_name: true, text: name.into() }, len);
    }

    /// Adds a message to the last field.
    pub(super) fn push_message(&mut self, message: Text<'a>) {
        self.push(FieldText::Message(message), message.raw().len());
    }

    fn push(&mut self, text: FieldText<'a>, len: usize) {
        self.has_long |= len > MAX_FIELD_TEXT_BYTES;
        self.bytes += len.min(MAX_FIELD_TEXT_BYTES);
        self.texts.push(text);
    }

    /// The same fields, apart from the bytes that they were read from.
    pub(super) fn into_owned(self) -> Fields<'static> {
        let own = |text: FieldText<'_>| FieldText::Made {
            is_name: text.is_name(),
            text: text.decode().into(),
        };
        Fields { texts: self.texts.into_iter().map(own).collect(), ..self }
    }

    /// The first message of the first field.
    pub(crate) fn first_message(&self) -> Option<Cow<'_, str>> {
        self.texts.iter().find(|text| !text.is_name()).map(FieldText::decode)
    }

    /// The fields as an error keeps them, decoded and redacted; `None` if there is none.
    pub(crate) fn finish(&self) -> Option<Box<FieldTexts>> {
        if self.is_empty() {
            return None;
        }
        let raw = || self.texts.iter().map(|text| (text.is_name(), text.raw()));
        let decoded = || self.texts.iter().map(|text| (text.is_name(), text.decode()));
        let plain = if self.has_long { None } else { FieldTexts::plain(raw(), self.bytes) };
        Some(Box::new(plain.unwrap_or_else(|| FieldTexts::redacted(decoded()))))
    }
}
