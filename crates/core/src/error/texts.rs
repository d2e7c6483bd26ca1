//! The short texts of an error in one allocation.

/// Which text of an error.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Text {
    Message,
    Code,
    Type,
    Param,
    RequestId,
}

const COUNT: usize = 5;

#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    len: u32,
}

const ABSENT: Span = Span { start: u32::MAX, len: 0 };

/// Up to five texts, one behind the other in a single buffer.
#[derive(Clone, Debug)]
pub(crate) struct Texts {
    buffer: String,
    spans: [Span; COUNT],
}

impl Texts {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Texts { buffer: String::with_capacity(bytes), spans: [ABSENT; COUNT] }
    }

    pub(crate) fn get(&self, text: Text) -> Option<&str> {
        let span = self.spans[text as usize];
        let start = span.start as usize;
        self.buffer.get(start..start + span.len as usize).filter(|_| span.start != u32::MAX)
    }

    /// Stores a text. An earlier one of the same name becomes unreachable.
    pub(crate) fn set(&mut self, text: Text, value: &str) {
        self.set_with(text, |buffer| buffer.push_str(value));
    }

    /// Forgets a text.
    pub(crate) fn clear(&mut self, text: Text) {
        self.spans[text as usize] = ABSENT;
    }

    /// Stores what `write` appends to the buffer.
    pub(crate) fn set_with(&mut self, text: Text, write: impl FnOnce(&mut String)) {
        let start = self.buffer.len();
        write(&mut self.buffer);
        let span = |start: usize, end: usize| {
            Some(Span { start: u32::try_from(start).ok()?, len: u32::try_from(end - start).ok()? })
        };
        self.spans[text as usize] = span(start, self.buffer.len()).unwrap_or(ABSENT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_keep_apart_and_absent_is_not_empty() {
        let mut texts = Texts::with_capacity(0);
        texts.set(Text::Code, "429");
        texts.set(Text::Param, "");
        texts.set(Text::Message, "slow");
        assert_eq!(texts.get(Text::Code), Some("429"));
        assert_eq!(texts.get(Text::Param), Some(""));
        assert_eq!(texts.get(Text::Message), Some("slow"));
        assert_eq!(texts.get(Text::Type), None);
        texts.set(Text::Message, "slower");
        assert_eq!(texts.get(Text::Message), Some("slower"));
    }
}
