//! The bytes that an error keeps, its texts and the raw answer, in one allocation.

use super::header_list::{self, HeaderList, HeaderSize};
use super::{MAX_BODY_BYTES, MAX_HEADER_BYTES, MAX_MESSAGE_BYTES, MAX_TEXT_BYTES};
use crate::text::clip::clip;
use crate::text::redact::redact_into;

/// What is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Body,
    Headers,
    Message,
    Explanation,
    Code,
    Type,
    Param,
    RequestId,
}

const COUNT: usize = 8;

#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    end: u32,
}

const ABSENT: Span = Span { start: u32::MAX, end: u32::MAX };

/// How much of a part is kept, in bytes.
pub(crate) fn max_bytes(part: Part) -> usize {
    match part {
        Part::Body => MAX_BODY_BYTES,
        Part::Headers => MAX_HEADER_BYTES,
        Part::Message | Part::Explanation => MAX_MESSAGE_BYTES,
        Part::Code | Part::Type | Part::Param | Part::RequestId => MAX_TEXT_BYTES,
    }
}

/// The parts, one behind the other in a single buffer.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    bytes: Vec<u8>,
    spans: [Span; COUNT],
    header_count: usize,
}

impl Default for Store {
    fn default() -> Self {
        Store::new()
    }
}

impl Store {
    pub(crate) const fn new() -> Self {
        Store { bytes: Vec::new(), spans: [ABSENT; COUNT], header_count: 0 }
    }

    /// Makes room for so many bytes more.
    pub(crate) fn reserve(&mut self, bytes: usize) {
        self.bytes.reserve_exact(bytes);
    }

    pub(crate) fn get(&self, part: Part) -> Option<&[u8]> {
        let Span { start, end } = self.spans[part as usize];
        self.bytes.get(start as usize..end as usize)
    }

    /// A part that was stored as text.
    pub(crate) fn text(&self, part: Part) -> Option<&str> {
        std::str::from_utf8(self.get(part)?).ok()
    }

    pub(crate) fn headers(&self) -> HeaderList<'_> {
        HeaderList::new(self.get(Part::Headers).unwrap_or_default(), self.header_count)
    }

    /// Stores a part. An earlier one of the same name becomes unreachable.
    pub(crate) fn set(&mut self, part: Part, bytes: &[u8]) {
        self.set_with(part, |buffer| buffer.extend_from_slice(bytes));
    }

    pub(crate) fn set_headers<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        &mut self,
        headers: impl Iterator<Item = (N, V)>,
        size: HeaderSize,
    ) {
        self.set_with(Part::Headers, |buffer| header_list::write(headers, size, buffer));
        self.header_count = size.count;
    }

    /// Stores a text, cut to what is kept of it and without secrets.
    pub(crate) fn set_redacted(&mut self, part: Part, text: &str) {
        let most = max_bytes(part);
        let text = clip(text, most);
        self.set_with(part, |buffer| {
            let start = buffer.len();
            redact_into(text, |piece| buffer.extend_from_slice(piece.as_bytes()));
            // What stands for a secret may be longer than the secret.
            if buffer.len() - start > most {
                let kept =
                    std::str::from_utf8(&buffer[start..]).map_or(0, |it| clip(it, most).len());
                buffer.truncate(start + kept);
            }
        });
    }

    /// Stores what `write` appends to the buffer.
    pub(crate) fn set_with(&mut self, part: Part, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        let span = |start: usize, end: usize| {
            Some(Span { start: u32::try_from(start).ok()?, end: u32::try_from(end).ok()? })
        };
        self.spans[part as usize] = span(start, self.bytes.len()).unwrap_or(ABSENT);
    }

    /// Forgets a part.
    pub(crate) fn clear(&mut self, part: Part) {
        self.spans[part as usize] = ABSENT;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_its_secrets_is_no_longer_than_any() {
        let mut store = Store::new();
        store.set_redacted(Part::Message, &"https://h/?key=abc24 م ".repeat(200));
        let length = store.text(Part::Message).map(str::len);
        assert!(length.is_some_and(|it| it <= MAX_MESSAGE_BYTES), "{length:?}");
        assert!(length.is_some_and(|it| it > MAX_MESSAGE_BYTES - 4), "{length:?}");
        store.set_redacted(Part::Message, "?key=abc24");
        assert!(store.text(Part::Message).is_some_and(|it| !it.contains("abc24")));
    }

    #[test]
    fn parts_keep_apart_and_absent_is_not_empty() {
        let mut store = Store::new();
        store.set(Part::Code, b"429");
        store.set(Part::Param, b"");
        let headers = [("a", "b")];
        store.set_headers(headers.into_iter(), HeaderSize::of(headers.into_iter()));
        store.set(Part::Message, b"slow");
        assert_eq!(store.text(Part::Code), Some("429"));
        assert_eq!(store.text(Part::Param), Some(""));
        assert_eq!(store.text(Part::Message), Some("slow"));
        assert_eq!((store.text(Part::Type), store.get(Part::Body)), (None, None));
        assert_eq!(store.headers().get("A"), Some(&b"b"[..]));
        store.set(Part::Message, b"slower");
        assert_eq!(store.text(Part::Message), Some("slower"));
        store.clear(Part::Message);
        assert_eq!(store.text(Part::Message), None);
    }
}
