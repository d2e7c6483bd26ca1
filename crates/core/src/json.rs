//! Reading the few members of a JSON document that matter, without building a tree of it.
//!
//! Time is linear in the input, nesting of any depth is skipped without recursion, and nothing is
//! allocated but for texts with escapes. Texts that are not UTF-8 are read with replacement
//! characters: a broken byte must not hide an error's message.

use std::borrow::Cow;
use std::cmp::Ordering;

use memchr::{memchr, memchr2};

use crate::swar;

/// A value, with its content still to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    /// Its digits, which are ASCII.
    Number(&'a [u8]),
    Text(Text<'a>),
    Array(Array<'a>),
    Object(Object<'a>),
}

/// The characters between the quotes of a string, escapes and all. Whether there are any is found
/// out where it matters: so this fits into two registers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a>(&'a [u8]);

/// An array, brackets included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Array<'a>(&'a [u8]);

/// An object, brackets included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Object<'a>(&'a [u8]);

/// Reads a whole document; `None` if it is not JSON.
pub(crate) fn parse(bytes: &[u8]) -> Option<Value<'_>> {
    let mut scanner = Scanner { bytes, at: 0 };
    scanner.skip_space();
    let value = scanner.value()?;
    scanner.skip_space();
    (scanner.at == bytes.len()).then_some(value)
}

impl<'a> Value<'a> {
    pub(crate) fn as_object(self) -> Option<Object<'a>> {
        match self {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    pub(crate) fn as_array(self) -> Option<Array<'a>> {
        match self {
            Value::Array(array) => Some(array),
            _ => None,
        }
    }

    /// The decoded text of a string.
    pub(crate) fn as_text(self) -> Option<Cow<'a, str>> {
        match self {
            Value::Text(text) => Some(text.decode()),
            _ => None,
        }
    }

    /// The digits of a number, or the text of a string.
    pub(crate) fn as_scalar(self) -> Option<Cow<'a, str>> {
        match self {
            Value::Number(digits) => std::str::from_utf8(digits).ok().map(Cow::Borrowed),
            other => other.as_text(),
        }
    }

    pub(crate) fn as_f64(self) -> Option<f64> {
        match self {
            Value::Number(digits) => std::str::from_utf8(digits).ok()?.parse().ok(),
            _ => None,
        }
    }
}

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
    fn is(self, text: &str) -> bool {
        // Escapes are longer than what they stand for.
        match self.0.len().cmp(&text.len()) {
            Ordering::Less => false,
            Ordering::Equal => self.0 == text.as_bytes(),
            Ordering::Greater => is_escaped(self.0) && self.decode() == text,
        }
    }
}

fn is_escaped(raw: &[u8]) -> bool {
    memchr(b'\\', raw).is_some()
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
    while let Some(backslash) = rest.find('\\') {
        out.push_str(&rest[..backslash]);
        rest = &rest[backslash + 1..];
        let mut chars = rest.chars();
        let Some(escape) = chars.next() else { break };
        rest = chars.as_str();
        out.push(match escape {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'u' => {
                let (decoded, tail) = unescape_unicode(rest);
                rest = tail;
                decoded
            }
            '"' | '\\' | '/' => escape,
            _ => char::REPLACEMENT_CHARACTER,
        });
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

impl<'a> Object<'a> {
    /// The object that begins with the first of these bytes, if one does. Its members have not been
    /// read yet: whether all of it is well formed is known once [`Members::is_complete`] is.
    pub(crate) fn unread(bytes: &'a [u8]) -> Option<Self> {
        (bytes.first() == Some(&b'{')).then_some(Object(bytes))
    }

    /// The object as it was written.
    pub(crate) fn raw(self) -> &'a [u8] {
        self.0
    }

    /// The members in order, up to the first mistake.
    pub(crate) fn members(self) -> Members<'a> {
        Members { scanner: Scanner { bytes: self.0, at: 1 }, stage: Stage::First }
    }

    /// The value of the first member of this name.
    pub(crate) fn get(self, name: &str) -> Option<Value<'a>> {
        self.members().find(|(found, _)| found.is(name)).map(|(_, value)| value)
    }

    /// The values of the first members of these names, in one walk.
    pub(crate) fn get_all<const N: usize>(self, names: [&str; N]) -> [Option<Value<'a>>; N] {
        let mut values = [None; N];
        for (found, value) in self.members() {
            for (name, slot) in names.iter().zip(&mut values) {
                if slot.is_none() && found.is(name) {
                    *slot = Some(value);
                }
            }
        }
        values
    }

    /// The value of the first member of this name, unless it is null.
    pub(crate) fn get_some(self, name: &str) -> Option<Value<'a>> {
        self.get(name).filter(|value| !matches!(value, Value::Null))
    }
}

impl<'a> Array<'a> {
    pub(crate) fn items(self) -> Items<'a> {
        Items(Scanner { bytes: self.0, at: 1 })
    }
}

/// Walks the members of an object.
pub(crate) struct Members<'a> {
    scanner: Scanner<'a>,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    First,
    Later,
    Closed,
}

impl<'a> Members<'a> {
    /// The name of the next member, whose value then has to be read by [`value`](Self::value) or
    /// [`enter`](Self::enter).
    pub(crate) fn name(&mut self) -> Option<Text<'a>> {
        if self.stage == Stage::Closed {
            return None;
        }
        let scanner = &mut self.scanner;
        scanner.skip_space();
        if scanner.take(b'}').is_some() {
            self.stage = Stage::Closed;
            return None;
        }
        if self.stage == Stage::Later {
            scanner.take(b',')?;
            scanner.skip_space();
        }
        self.stage = Stage::Later;
        let name = scanner.text()?;
        scanner.skip_space();
        scanner.take(b':')?;
        scanner.skip_space();
        Some(name)
    }

    /// The value of the member whose name was read.
    pub(crate) fn value(&mut self) -> Option<Value<'a>> {
        self.scanner.value()
    }

    /// Reads the value in place, if it is an object, so that its bytes are passed only once. `read`
    /// has to read to its end.
    pub(crate) fn enter(&mut self, read: impl FnOnce(&mut Members<'a>)) -> bool {
        if self.scanner.peek() != Some(b'{') {
            return false;
        }
        let scanner = Scanner { bytes: self.scanner.bytes, at: self.scanner.at + 1 };
        let mut inner = Members { scanner, stage: Stage::First };
        read(&mut inner);
        // What is left open spoils the outer object too: it then stands before no comma.
        self.scanner.at =
            if inner.stage == Stage::Closed { inner.scanner.at } else { self.scanner.bytes.len() };
        true
    }

    /// Whether the object was well formed, and nothing but white space follows it.
    pub(crate) fn is_complete(&mut self) -> bool {
        self.scanner.skip_space();
        self.stage == Stage::Closed && self.scanner.at == self.scanner.bytes.len()
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (Text<'a>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.name()?, self.value()?))
    }
}

/// Walks the items of an array.
pub(crate) struct Items<'a>(Scanner<'a>);

impl<'a> Iterator for Items<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.skip_comma();
        self.0.value()
    }
}

/// Where the next quotation mark or backslash is. Most texts are short, and for them looking at
/// eight bytes at a time is quicker than calling a search.
#[inline]
fn quote_or_backslash(bytes: &[u8], mut at: usize) -> Option<usize> {
    const WORDS_BEFORE_SEARCH: usize = 4;
    for _ in 0..WORDS_BEFORE_SEARCH {
        // The last bytes of a document are read with zeros behind them.
        let word = swar::load_padded(bytes, at);
        let found = swar::mark(word, b'"') | swar::mark(word, b'\\');
        if found != 0 {
            return Some(at + swar::first(found));
        }
        at += 8;
    }
    memchr2(b'"', b'\\', bytes.get(at..)?).map(|found| at + found)
}

#[derive(Clone, Copy)]
struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn skip_space(&mut self) {
        // Most JSON has no space at all, which one comparison tells.
        while self.peek().is_some_and(|byte| byte <= b' ') {
            if !matches!(self.bytes[self.at], b' ' | b'\n' | b'\r' | b'\t') {
                return;
            }
            self.at += 1;
        }
    }

    fn skip_comma(&mut self) {
        self.skip_space();
        if self.take(b',').is_some() {
            self.skip_space();
        }
    }

    /// Reads one value and checks that it is well formed to its end.
    fn value(&mut self) -> Option<Value<'a>> {
        let start = self.at;
        Some(match self.peek()? {
            b'{' => {
                self.skip_container()?;
                Value::Object(Object(&self.bytes[start..self.at]))
            }
            b'[' => {
                self.skip_container()?;
                Value::Array(Array(&self.bytes[start..self.at]))
            }
            b'"' => Value::Text(self.text()?),
            b't' => self.word(b"true", Value::Bool(true))?,
            b'f' => self.word(b"false", Value::Bool(false))?,
            b'n' => self.word(b"null", Value::Null)?,
            _ => Value::Number(self.number()?),
        })
    }

    fn word(&mut self, word: &[u8], value: Value<'a>) -> Option<Value<'a>> {
        self.bytes[self.at..].starts_with(word).then_some(())?;
        self.at += word.len();
        Some(value)
    }

    fn number(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        let _ = self.take(b'-');
        match self.peek()? {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.skip_digits(),
            _ => return None,
        }
        if self.take(b'.').is_some() {
            self.require_digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.require_digits()?;
        }
        Some(&self.bytes[start..self.at])
    }

    fn skip_digits(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn require_digits(&mut self) -> Option<()> {
        let start = self.at;
        self.skip_digits();
        (self.at > start).then_some(())
    }

    #[inline]
    fn text(&mut self) -> Option<Text<'a>> {
        self.take(b'"')?;
        let start = self.at;
        let end = quote_or_backslash(self.bytes, start)?;
        if self.bytes[end] == b'"' {
            self.at = end + 1;
            return Some(Text(&self.bytes[start..end]));
        }
        self.escaped_text(start, end)
    }

    /// The text from `start` on, whose first backslash is known.
    #[cold]
    fn escaped_text(&mut self, start: usize, mut backslash: usize) -> Option<Text<'a>> {
        loop {
            let end = quote_or_backslash(self.bytes, backslash + 2)?;
            if self.bytes[end] == b'"' {
                self.at = end + 1;
                return Some(Text(&self.bytes[start..end]));
            }
            backslash = end;
        }
    }

    /// Passes over an array or object, and all inside it.
    fn skip_container(&mut self) -> Option<()> {
        let mut open = Nesting::default();
        loop {
            // A value begins here.
            match self.peek()? {
                b'{' => {
                    self.at += 1;
                    self.skip_space();
                    open.push(true);
                    if self.peek()? != b'}' {
                        self.member_name()?;
                        continue;
                    }
                }
                b'[' => {
                    self.at += 1;
                    self.skip_space();
                    open.push(false);
                    if self.peek()? != b']' {
                        continue;
                    }
                }
                _ => {
                    self.value()?;
                }
            }
            // A value has ended, or a container is empty: close what closes, and go on.
            loop {
                self.skip_space();
                let in_object = open.top();
                match (self.peek()?, in_object) {
                    (b'}', true) | (b']', false) => {
                        self.at += 1;
                        if open.pop() {
                            return Some(());
                        }
                    }
                    (b',', _) => {
                        self.at += 1;
                        self.skip_space();
                        if in_object {
                            self.member_name()?;
                        }
                        break;
                    }
                    _ => return None,
                }
            }
        }
    }

    fn member_name(&mut self) -> Option<()> {
        self.text()?;
        self.skip_space();
        self.take(b':')?;
        self.skip_space();
        Some(())
    }
}

/// Which containers are open, innermost last: one bit each, in place up to a depth of 64.
#[derive(Default)]
struct Nesting {
    depth: usize,
    /// The innermost 64, the innermost in the lowest bit.
    word: u64,
    outer: Vec<u64>,
}

impl Nesting {
    fn push(&mut self, object: bool) {
        if self.depth > 0 && self.depth % 64 == 0 {
            self.outer.push(self.word);
        }
        self.word = (self.word << 1) | u64::from(object);
        self.depth += 1;
    }

    fn top(&self) -> bool {
        self.word & 1 == 1
    }

    /// Closes the innermost one; says whether it was the last.
    fn pop(&mut self) -> bool {
        self.depth -= 1;
        self.word >>= 1;
        if self.depth > 0 && self.depth % 64 == 0 {
            self.word = self.outer.pop().unwrap_or_default();
        }
        self.depth == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_json(text: &str) -> bool {
        parse(text.as_bytes()).is_some()
    }

    #[test]
    fn members_are_found() {
        let document =
            br#" {"a": [1, {"b": "x\"y"}], "c": null, "d": "\u0645\ud83d\ude00\n", "e": -1.5e3} "#;
        let object = parse(document).unwrap().as_object().unwrap();
        let inner = object.get("a").unwrap().as_array().unwrap().items().nth(1).unwrap();
        assert_eq!(inner.as_object().unwrap().get("b").unwrap().as_text().unwrap(), "x\"y");
        assert!(object.get("c").is_some() && object.get_some("c").is_none());
        assert_eq!(object.get("d").unwrap().as_text().unwrap(), "م😀\n");
        assert_eq!(object.get("e").unwrap().as_f64(), Some(-1500.0));
        assert_eq!(object.members().count(), 4);
        assert!(object.get("f").is_none());
    }

    #[test]
    fn what_is_not_json() {
        for text in [
            "",
            " ",
            "{",
            "[1,",
            "[1,]",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "{a:1}",
            "[1}",
            "{\"a\":[}",
            "01",
            "1.",
            "-",
            "+1",
            "tru",
            "\"a",
            "\"a\\",
            "{} {}",
            "nan",
            "[[]",
            "]",
        ] {
            assert!(!is_json(text), "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_skipped() {
        for depth in [1, 63, 64, 65, 128, 129, 10_000] {
            assert!(is_json(&("[".repeat(depth) + &"]".repeat(depth))), "{depth}");
            assert!(is_json(&("{\"a\":[".repeat(depth) + "1" + &"]}".repeat(depth))), "{depth}");
            assert!(!is_json(&("{\"a\":[".repeat(depth) + "1" + &"}]".repeat(depth))), "{depth}");
            assert!(!is_json(&"[".repeat(depth)));
        }
    }

    #[test]
    fn broken_texts_are_still_read() {
        let value = parse(b"\"caf\xe9\"").unwrap();
        assert_eq!(value.as_text().unwrap(), "caf\u{fffd}");
        assert_eq!(parse(br#""\ud800x\q""#).unwrap().as_text().unwrap(), "\u{fffd}x\u{fffd}");
    }

    #[test]
    fn a_prefix_splits_no_character_and_no_escape() {
        let text = |json: &'static str| match parse(json.as_bytes()) {
            Some(Value::Text(text)) => text,
            _ => panic!(),
        };
        assert_eq!(text("\"مرحبا\"").decode_prefix(5), "مر");
        assert_eq!(text(r#""abc\u0041def""#).decode_prefix(6), "abc");
        assert_eq!(text("\"abc\"").decode_prefix(2), "ab");
    }

    fn arb_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(serde_json::Value::from),
            any::<i64>().prop_map(serde_json::Value::from),
            any::<String>().prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(6, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json(value in arb_json(), name in any::<String>()) {
            let text = serde_json::json!({ "first": [1], name.clone(): value }).to_string();
            let object = parse(text.as_bytes()).unwrap().as_object().unwrap();
            let reference: serde_json::Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(object.members().count(), reference.as_object().unwrap().len());
            let found = object.get(&name).unwrap();
            if let Some(text) = reference[&name].as_str() {
                prop_assert_eq!(found.as_text().unwrap(), text);
            }
        }

        #[test]
        fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(Value::Object(object)) = parse(&bytes) {
                object.members().for_each(|(_, value)| drop(value.as_text()));
            }
        }

        #[test]
        fn any_brackets_do_no_harm(text in "[\\[\\]{}\",:1a\\\\ ]{0,40}") {
            let ours = parse(text.as_bytes()).is_some();
            // Ours is lenient inside strings only, and these hold no control characters.
            if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
                prop_assert!(ours);
            }
        }
    }
}
