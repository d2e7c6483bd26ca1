//! Taking a program's own key out of text, whatever the form of the key.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// What stands in the place of a key.
const MASK: &str = "[redacted]";
/// A shorter key is not looked for: it might be a word.
const MIN_KEY: usize = 8;
/// Parts of a key are looked for if it is at least this long.
const MIN_KEY_FOR_PARTS: usize = 20;
/// The shortest part of a key that is masked, beyond its prefix.
const MIN_PART: usize = 12;
/// How often a JSON text may stand inside of another, so that its escapes are escaped again.
const MAX_NESTED_ESCAPES: usize = 2;
/// The longest prefix that says whose key it is, such as `sk_llmr_` or `sk-proj-`.
const MAX_PREFIX: usize = 12;

/// A key of the program's own: it is masked in every text that holds it.
///
/// A server may echo a key whose form no provider documents, so that [`redact`](crate::redaction::redact) does not know
/// it. From 8 characters on a key is masked whole; from 20 on parts of it, too, of 12 characters or more behind
/// the prefix. All clones share one text, and nothing prints it.
///
/// ```
/// use resayil_core::redaction::OwnKey;
///
/// let key = OwnKey::new("correct-horse-battery-staple");
/// assert_eq!(key.mask("no such key: correct-horse-battery-staple"), "no such key: [redacted]");
/// assert_eq!(key.mask("no key ends in horse-battery-staple!"), "no key ends in [redacted]!");
/// assert_eq!(key.mask("a horse"), "a horse");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct OwnKey(Arc<str>);

impl OwnKey {
    /// This key, which may have any form.
    pub fn new(key: &str) -> Self {
        OwnKey(key.into())
    }

    /// The key itself, to be sent.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The text without the key and parts of it.
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.mask_bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            // A key of other than ASCII characters may be cut within one.
            Cow::Owned(masked) => Cow::Owned(match String::from_utf8(masked) {
                Ok(masked) => masked,
                Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            }),
        }
    }

    /// Bytes without any of these keys.
    pub fn mask_all<'a>(keys: &[OwnKey], bytes: &'a [u8]) -> Cow<'a, [u8]> {
        keys.iter().fold(Cow::Borrowed(bytes), |bytes, key| match key.mask_bytes(&bytes) {
            Cow::Owned(masked) => Cow::Owned(masked),
            Cow::Borrowed(_) => bytes,
        })
    }

    /// The same for bytes, among them those of a JSON text that writes the key with escapes.
    pub fn mask_bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        // What was read without escapes shows the whole key, of which they leave parts.
        match self.mask_escaped(bytes) {
            Some(masked) => Cow::Owned(self.mask_plain(&masked).into_owned()),
            None => self.mask_plain(bytes),
        }
    }

    /// Masks the key where it is written with JSON's escapes, and those of a JSON text inside of one;
    /// `None` if it is nowhere.
    fn mask_escaped(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut read = Unescaped::new(bytes)?;
        for _ in 0..MAX_NESTED_ESCAPES {
            read = read.again().unwrap_or(read);
        }
        self.mask_read(bytes, &read)
    }

    /// Masks in a text what of the key is in what was read of it.
    fn mask_read(&self, bytes: &[u8], read: &Unescaped) -> Option<Vec<u8>> {
        let mut masked = Vec::new();
        let (mut copied, mut from) = (0, 0);
        while let Some(Range { start, end }) = self.find(&read.text, from) {
            masked.extend_from_slice(&bytes[copied..read.starts[start]]);
            masked.extend_from_slice(MASK.as_bytes());
            (copied, from) = (read.start(end, bytes), end);
        }
        masked.extend_from_slice(&bytes[copied..]);
        (from > 0).then_some(masked)
    }

    fn mask_plain<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let mut masked = Vec::new();
        let mut copied = 0;
        while let Some(Range { start, end }) = self.find(bytes, copied) {
            masked.extend_from_slice(&bytes[copied..start]);
            masked.extend_from_slice(MASK.as_bytes());
            copied = end;
        }
        if copied == 0 {
            return Cow::Borrowed(bytes);
        }
        masked.extend_from_slice(&bytes[copied..]);
        Cow::Owned(masked)
    }

    /// Where the key, or a part of it, stands next.
    fn find(&self, bytes: &[u8], from: usize) -> Option<Range<usize>> {
        let key = self.0.as_bytes();
        if key.len() < MIN_KEY {
            return None;
        }
        if key.len() < MIN_KEY_FOR_PARTS {
            let at = from + memchr::memmem::find(&bytes[from..], key)?;
            return Some(at..at + key.len());
        }
        let parts = self.parts();
        // Few pairs of characters are a key's: most of a text is passed over at a glance.
        let mut pairs = vec![0u64; 1024];
        let place =
            |pair: &[u8]| (usize::from(pair[0]) << 2 | usize::from(pair[1] >> 6), pair[1] & 63);
        for part in &parts {
            let (word, bit) = place(part);
            pairs[word] |= 1 << bit;
        }
        let mut at = from;
        while let Some(part) = bytes.get(at..at + MIN_PART) {
            let (word, bit) = place(part);
            if pairs[word] >> bit & 1 != 0 && parts.binary_search(&part).is_ok() {
                return Some(self.whole_part(bytes, from, at));
            }
            at += 1;
        }
        None
    }

    /// Every part of the key that is masked, sorted.
    fn parts(&self) -> Vec<&[u8]> {
        let mut parts: Vec<_> = self.0.as_bytes()[self.prefix()..].windows(MIN_PART).collect();
        parts.sort_unstable();
        parts
    }

    /// The whole of what stands of the key around the part at `start`, but not before `from`.
    fn whole_part(&self, bytes: &[u8], from: usize, start: usize) -> Range<usize> {
        let key = self.0.as_bytes();
        let part = &bytes[start..start + MIN_PART];
        let found = memchr::memmem::find(&key[self.prefix()..], part).unwrap_or_default();
        let (mut before, mut after) = (self.prefix() + found, self.prefix() + found + MIN_PART);
        let (mut start, mut end) = (start, start + MIN_PART);
        while end < bytes.len() && after < key.len() && bytes[end] == key[after] {
            end += 1;
            after += 1;
        }
        while start > from && before > 0 && bytes[start - 1] == key[before - 1] {
            start -= 1;
            before -= 1;
        }
        start..end
    }

    /// The length of the part that says whose key it is: to the last `-` or `_` near its beginning.
    fn prefix(&self) -> usize {
        let near = &self.0.as_bytes()[..MAX_PREFIX.min(self.0.len())];
        near.iter().rposition(|byte| matches!(byte, b'-' | b'_')).map_or(0, |at| at + 1)
    }
}

/// A text without escapes, and where in the text that was read each byte of it begins.
struct Unescaped {
    text: Vec<u8>,
    starts: Vec<usize>,
}

impl Unescaped {
    /// `None` if the text has no escapes.
    fn new(bytes: &[u8]) -> Option<Self> {
        Self::of(bytes, |at| at)
    }

    /// The same for escapes that were escaped themselves.
    fn again(&self) -> Option<Self> {
        Self::of(&self.text, |at| self.starts[at])
    }

    fn of(bytes: &[u8], start_of: impl Fn(usize) -> usize) -> Option<Self> {
        memchr::memchr(b'\\', bytes)?;
        let mut read = Unescaped {
            text: Vec::with_capacity(bytes.len()),
            starts: Vec::with_capacity(bytes.len()),
        };
        let mut at = 0;
        while at < bytes.len() {
            let (character, len) = escape(&bytes[at..]);
            let mut buffer = [0; 4];
            let text = match character {
                Some(character) => character.encode_utf8(&mut buffer).as_bytes(),
                None => &bytes[at..at + 1],
            };
            read.text.extend_from_slice(text);
            read.starts.extend(text.iter().map(|_| start_of(at)));
            at += len;
        }
        Some(read)
    }

    /// Where in the text `bytes` the byte at `at` begins, or the text ends.
    fn start(&self, at: usize, bytes: &[u8]) -> usize {
        self.starts.get(at).copied().unwrap_or(bytes.len())
    }
}

/// The character that the escape at the beginning stands for, if there is one, and how many bytes are
/// read.
fn escape(bytes: &[u8]) -> (Option<char>, usize) {
    match bytes {
        // No key holds other characters than these.
        [b'\\', b'u', digits @ ..] => {
            let digits = digits.get(..4).and_then(|digits| std::str::from_utf8(digits).ok());
            let unit = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
            let character = unit.and_then(char::from_u32);
            (character, if character.is_some() { 6 } else { 1 })
        }
        [b'\\', mark @ (b'/' | b'"' | b'\\'), ..] => (Some(char::from(*mark)), 2),
        _ => (None, 1),
    }
}

impl fmt::Debug for OwnKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_and_its_parts_are_masked_and_words_are_not() {
        let key = OwnKey::new("sk_llmr_Zq8vB3nM1xK7tR5wY2pL");
        for (text, masked) in [
            ("sk_llmr_Zq8vB3nM1xK7tR5wY2pL", "[redacted]"),
            ("key=sk_llmr_Zq8vB3nM1xK7tR5wY2pL.", "key=[redacted]."),
            ("ends in M1xK7tR5wY2pL here", "ends in [redacted] here"),
            ("sk_llmr_Zq8vB3nM1xK7", "[redacted]"),
            ("a Zq8vB3nM1xK7 b Zq8vB3nM1xK7", "a [redacted] b [redacted]"),
            ("xxZq8vB3nM1xK7tyy", "xx[redacted]yy"),
            ("sk_llmr_ is how keys begin", "sk_llmr_ is how keys begin"),
            ("Zq8vB3nM1xK", "Zq8vB3nM1xK"),
            ("", ""),
        ] {
            assert_eq!(key.mask(text), masked, "{text}");
        }
        let short = OwnKey::new("hunter22");
        assert_eq!(short.mask("hunter22 hunter2"), "[redacted] hunter2");
        assert_eq!(OwnKey::new("hunter2").mask("hunter2"), "hunter2");
        assert_eq!(format!("{key:?}"), "[redacted]");
        let other = OwnKey::new("ключ-ключ-ключ-ключ");
        assert!(!other.mask("нет ключа ключ-ключ-ключ-ключ").contains("ключ-ключ"));
    }

    #[test]
    fn escapes_hide_no_key() {
        let key = OwnKey::new("pass/word\"correct-horse");
        let plain = r#"{"a":"x pass/word\"correct-horse y"}"#;
        let masked = r#"{"a":"x [redacted] y"}"#;
        assert_eq!(key.mask(plain), masked);
        let unicode = plain.replace('c', "\\u0063").replace('h', "\\u0068").replace('/', "\\/");
        assert_eq!(key.mask(&unicode), masked);
        let nested = |text: &str| serde_json::to_string(text).unwrap();
        for depth in 1..=3 {
            let text = (1..depth).fold(unicode.clone(), |text, _| nested(&text));
            let masked_text = key.mask(&text).into_owned();
            assert!(masked_text.contains("[redacted]") && !masked_text.contains("word"), "{text}");
        }
        for untouched in [r#"{"a":"\u12"}"#, r"\", r"\u", r"\ud800", r"pass\u002", ""] {
            assert_eq!(key.mask(untouched), untouched);
        }
    }
}
