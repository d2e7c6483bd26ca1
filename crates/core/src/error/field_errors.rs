//! The invalid fields of a request, in two allocations.

use std::borrow::Cow;

use crate::text::clip::clip;
use crate::text::redact::redact_into;

/// No more than this many invalid fields, and messages of one field, are kept.
pub const MAX_FIELD_ERRORS: usize = 100;
/// The longest name of a field, and the longest message about one, in bytes.
const MAX_TEXT_BYTES: usize = 1024;
/// No more than this many bytes of all names and messages are kept.
const MAX_ALL_BYTES: usize = 64 * 1024;

const FIRST_BYTES: usize = 256;
const FIRST_PARTS: usize = 8;

/// What is wrong with one field of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldError<'a> {
    /// The path of the field, as the provider writes it: `messages.0.role`.
    pub field: &'a str,
    /// The provider's messages, redacted, in the provider's language.
    pub messages: Vec<&'a str>,
}

/// Names of fields, each with the messages that follow it, one behind the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct FieldTexts {
    text: String,
    parts: Vec<Part>,
    fields: usize,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    end: u32,
    is_field: bool,
}

impl FieldTexts {
    pub(crate) fn is_empty(&self) -> bool {
        self.fields == 0
    }

    /// Whether no more is kept.
    pub(crate) fn is_full(&self) -> bool {
        self.fields >= MAX_FIELD_ERRORS || self.text.len() >= MAX_ALL_BYTES
    }

    /// Begins a field, to which the messages that follow belong.
    pub(crate) fn push_field<'a>(&mut self, name: impl FnOnce() -> Cow<'a, str>) {
        self.fields += 1;
        if self.parts.is_empty() {
            // Room for a few fields, which is all that most answers name.
            self.text.reserve(FIRST_BYTES);
            self.parts.reserve(FIRST_PARTS);
        }
        redact_into(clip(&name(), MAX_TEXT_BYTES), |piece| self.text.push_str(piece));
        self.end_part(true);
    }

    /// Adds a message to the last field.
    pub(crate) fn push_message<'a>(&mut self, message: impl FnOnce() -> Cow<'a, str>) {
        redact_into(clip(&message(), MAX_TEXT_BYTES), |piece| self.text.push_str(piece));
        self.end_part(false);
    }

    fn end_part(&mut self, is_field: bool) {
        // The text is capped far below four gigabytes.
        self.parts.push(Part { end: self.text.len() as u32, is_field });
    }

    /// The first message of the first field.
    pub(crate) fn first_message(&self) -> Option<&str> {
        let texts = self.texts();
        texts.into_iter().find(|(is_field, _)| !is_field).map(|(_, text)| text)
    }

    fn texts(&self) -> impl Iterator<Item = (bool, &str)> {
        let mut start = 0;
        self.parts.iter().map(move |part| {
            let end = part.end as usize;
            let text = &self.text[start..end];
            start = end;
            (part.is_field, text)
        })
    }

    /// The fields in order. What is said of one field in several places is put together.
    pub(crate) fn to_vec(&self) -> Vec<FieldError<'_>> {
        let mut fields: Vec<FieldError<'_>> = Vec::with_capacity(self.fields);
        let mut last = 0;
        for (is_field, text) in self.texts() {
            if is_field {
                last = fields.iter().position(|known| known.field == text).unwrap_or(fields.len());
                if last == fields.len() {
                    fields.push(FieldError { field: text, messages: Vec::new() });
                }
            } else if let Some(field) = fields.get_mut(last) {
                if field.messages.len() < MAX_FIELD_ERRORS {
                    field.messages.push(text);
                }
            }
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_one_field_are_put_together() {
        let mut texts = FieldTexts::default();
        for (field, message) in [("a", "1"), ("b", "2"), ("a", "3")] {
            texts.push_field(|| field.into());
            texts.push_message(|| message.into());
        }
        let fields = texts.to_vec();
        assert_eq!((fields[0].field, &fields[0].messages[..]), ("a", &["1", "3"][..]));
        assert_eq!((fields[1].field, &fields[1].messages[..]), ("b", &["2"][..]));
        assert_eq!(texts.first_message(), Some("1"));
    }

    #[test]
    fn texts_are_capped() {
        let mut texts = FieldTexts::default();
        let long = "x".repeat(5000);
        while !texts.is_full() {
            texts.push_field(|| (&long).into());
            texts.push_message(|| (&long).into());
        }
        assert!(texts.text.len() <= MAX_ALL_BYTES + 2 * MAX_TEXT_BYTES);
    }
}
