//! The invalid fields of a request, in two allocations.

use std::borrow::Cow;

use crate::text::clip::clip;
use crate::text::redact::{has_no_secret, redact_into};
use crate::text::swar;

/// No more than this many invalid fields, and messages of one field, are kept.
pub const MAX_FIELD_ERRORS: usize = 100;
/// The longest name of a field, and the longest message about one, in bytes.
pub(crate) const MAX_FIELD_TEXT_BYTES: usize = 1024;
/// No more than this many bytes of all names and messages are kept, but for those of the last field.
pub(crate) const MAX_ALL_FIELD_BYTES: usize = 64 * 1024;

/// What is wrong with one field of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldError<'a> {
    /// The path of the field, as the provider writes it: `messages.0.role`.
    pub field: &'a str,
    /// The provider's messages, redacted, in the provider's language.
    pub messages: Vec<&'a str>,
}

/// Names of fields, each with the messages that follow it, in one text.
#[derive(Clone, Debug, Default)]
pub(crate) struct FieldTexts {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    start: u32,
    end: u32,
    is_field: bool,
}

impl FieldTexts {
    /// Texts of so many bytes that can be kept as they are, each with whether it is a name; `None` if
    /// one of them is not UTF-8, holds a backslash or may hold a secret.
    pub(crate) fn plain<'t>(
        texts: impl ExactSizeIterator<Item = (bool, &'t [u8])>,
        bytes: usize,
    ) -> Option<Self> {
        // No key, and no name of one, goes on behind a separator.
        let mut text = vec![b'\n'; bytes + texts.len()];
        let (mut start, mut parts) = (0, Vec::with_capacity(texts.len()));
        for (is_field, part) in texts {
            let end = start + part.len();
            swar::copy(text.get_mut(start..end)?, part);
            parts.push(Part { start: start as u32, end: u32::try_from(end).ok()?, is_field });
            start = end + 1;
        }
        let text = String::from_utf8(text).ok()?;
        let is_plain = memchr::memchr(b'\\', text.as_bytes()).is_none() && has_no_secret(&text);
        is_plain.then_some(FieldTexts { text, parts })
    }

    /// Any texts.
    pub(crate) fn redacted<'t>(texts: impl Iterator<Item = (bool, Cow<'t, str>)>) -> Self {
        let mut all = FieldTexts::default();
        texts.for_each(|(is_field, text)| all.push(is_field, &text));
        all
    }

    /// Whether no more is kept.
    pub(crate) fn is_full(&self) -> bool {
        let fields = self.parts.iter().filter(|part| part.is_field).count();
        fields >= MAX_FIELD_ERRORS || self.text.len() >= MAX_ALL_FIELD_BYTES
    }

    /// Begins a field, or adds a message to the last one; redacted and cut.
    pub(crate) fn push(&mut self, is_field: bool, text: &str) {
        // The text is capped far below four gigabytes.
        let start = self.text.len() as u32;
        redact_into(clip(text, MAX_FIELD_TEXT_BYTES), |piece| self.text.push_str(piece));
        self.parts.push(Part { start, end: self.text.len() as u32, is_field });
    }

    fn texts(&self) -> impl Iterator<Item = (bool, &str)> {
        let text = |part: &Part| &self.text[part.start as usize..part.end as usize];
        self.parts.iter().map(move |part| (part.is_field, text(part)))
    }

    /// The fields in order. What is said of one field in several places is put together.
    pub(crate) fn to_vec(&self) -> Vec<FieldError<'_>> {
        let mut fields: Vec<FieldError<'_>> = Vec::new();
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
            texts.push(true, field);
            texts.push(false, message);
        }
        let fields = texts.to_vec();
        assert_eq!((fields[0].field, &fields[0].messages[..]), ("a", &["1", "3"][..]));
        assert_eq!((fields[1].field, &fields[1].messages[..]), ("b", &["2"][..]));
    }

    #[test]
    fn plain_texts_are_kept_as_any_are() {
        let plain = |texts: [&str; 2]| {
            let all = texts.map(|text| (text == texts[0], text));
            let bytes = all.map(|(is_field, text)| (is_field, text.as_bytes()));
            let plain = FieldTexts::plain(bytes.into_iter(), texts.concat().len())?;
            let any = all.map(|(is_field, text)| (is_field, Cow::Borrowed(text)));
            assert_eq!(plain.to_vec(), FieldTexts::redacted(any.into_iter()).to_vec());
            Some(plain)
        };
        assert!(plain(["messages.0.role", "The role is مطلوب: say user, please."]).is_some());
        assert!(plain(["", ""]).is_some());
        assert!(plain(["key", r"a\nb"]).is_none());
        assert!(plain(["x", "not key=abcdefghijklmnop"]).is_none());
        assert!(plain(["x", "not sk-abcdefghijkl0123"]).is_none());
        assert!(FieldTexts::plain([(true, &b"a"[..]), (false, b"\xff")].into_iter(), 2).is_none());
    }

    #[test]
    fn texts_are_capped() {
        let mut texts = FieldTexts::default();
        let long = "x".repeat(5000);
        while !texts.is_full() {
            texts.push(true, &long);
            texts.push(false, &long);
        }
        assert!(texts.text.len() <= MAX_ALL_FIELD_BYTES + 2 * MAX_FIELD_TEXT_BYTES);
    }
}
