//! The texts of a JSON document: comparing, cutting and decoding them.

use std::borrow::Cow;
use std::cmp::Ordering;

use memchr::memchr;

use crate::text::swar;

/// The characters between the quotes of a string, escapes and all. Whether there are any is found
/// out where it matters: so this fits into two registers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a>(pub(super) &'a [u8]);

impl<'a> Text<'a> {
    pub(crate) fn decode(self) -> Cow<'a, str> {
        self.decode_prefix(usize::MAX)
    }

    /// The beginning of the text, from no more than `max` bytes of its JSON form.
    pub(crate) fn decode_prefix(self, max: usize) -> Cow<'a, str> {
        let cut = self.0.len() > max;
        let raw = if cut { &self.0[..cut_point(self.0, max)] } else { self.0 };
        if is_escaped(raw) { Cow::Owned(unescape(raw)) } else { lossy(raw) }
    }

    /// The bytes between the quotes, escapes and all: enough to recognise a plain name.
    pub(crate) fn raw(self) -> &'a [u8] {
        self.0
    }

    /// Whether this is the text, which is ASCII.
    pub(crate) fn is(self, text: &str) -> bool {
        // Escapes are longer than what they stand for.
        match self.0.len().cmp(&text.len()) {
            Ordering::Less => false,
            Ordering::Equal => self.0 == text.as_bytes(),
            Ordering::Greater => is_escaped(self.0) && self.decode() == text,
        }
    }
}

fn is_escaped(raw: &[u8]) -> bool {
    // Most texts are short, and for them a loop is quicker than a search.
    if raw.len() > 32 {
        return memchr(b'\\', raw).is_some();
    }
    let mut words = raw.chunks_exact(8);
    let found = words.by_ref().fold(0, |found, word| found | backslash(word));
    (found | backslash(words.remainder())) != 0
}

fn backslash(word: &[u8]) -> u64 {
    swar::mark(swar::load_padded(word, 0), b'\\')
}

/// The nearest place up to `max` that splits neither a UTF-8 character nor an escape.
fn cut_point(raw: &[u8], max: usize) -> usize {
    let mut end = max;
    while end > 0 && raw[end] & 0b1100_0000 == 0b1000_0000 {
        end -= 1;
    }
    // A surrogate pair is the longest escape, twelve bytes; look back far enough for one.
    let window = end.saturating_sub(12);
    match raw[window..end].iter().position(|byte| *byte == b'\\') {
        Some(backslash) => window + backslash,
        None => end,
    }
}

/// The bytes as text. The usual case, that they are UTF-8, is tested several times quicker than
/// `String::from_utf8_lossy` does.
fn lossy(raw: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(raw).map_or_else(|_| String::from_utf8_lossy(raw), Cow::Borrowed)
}

/// Undoes the escapes of RFC 8259 section 7. A wrong one becomes a replacement character.
fn unescape(raw: &[u8]) -> String {
    let text = lossy(raw);
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(backslash) = swar::position(rest.as_bytes(), b'\\') {
        out.push_str(&rest[..backslash]);
        rest = &rest[backslash + 1..];
        let decoded = match rest.as_bytes().first() {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(escape @ (b'"' | b'\\' | b'/')) => char::from(*escape),
            Some(b'u') => {
                let (decoded, tail) = unescape_unicode(&rest[1..]);
                out.push(decoded);
                rest = tail;
                continue;
            }
            Some(_) => {
                let mut chars = rest.chars();
                chars.next();
                out.push(char::REPLACEMENT_CHARACTER);
                rest = chars.as_str();
                continue;
            }
            None => break,
        };
        out.push(decoded);
        rest = &rest[1..];
    }
    out.push_str(rest);
    out
}

/// The character of a `\u` escape whose digits stand at the beginning, and what follows.
fn unescape_unicode(text: &str) -> (char, &str) {
    let unit = |text: &str| u32::from_str_radix(text.get(..4)?, 16).ok();
    let Some(first) = unit(text) else { return (char::REPLACEMENT_CHARACTER, text) };
    let rest = &text[4..];
    if let Some(c) = char::from_u32(first) {
        return (c, rest);
    }
    let low = rest.strip_prefix("\\u").and_then(|low| Some((unit(low)?, &low[4..])));
    match low {
        Some((low, tail))
            if (0xd800..0xdc00).contains(&first) && (0xdc00..0xe000).contains(&low) =>
        {
            let code = 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00);
            (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), tail)
        }
        _ => (char::REPLACEMENT_CHARACTER, rest),
    }
}
