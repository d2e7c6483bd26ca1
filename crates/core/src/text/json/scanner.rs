//! Going through the bytes of a JSON document.

use memchr::memchr2;

use super::{Array, Object, Text, Value};
use crate::text::swar;

/// Where the next quotation mark or backslash is. Most texts are short, and for them looking at
/// eight bytes at a time is quicker than calling a search.
#[inline]
fn quote_or_backslash(bytes: &[u8]) -> Option<usize> {
    const LONG: usize = 64;
    let is_end = |byte: u8| matches!(byte, b'"' | b'\\');
    let mut at = 0;
    while let Some(word) = swar::load(bytes, at) {
        let found = swar::mark(word, b'"') | swar::mark(word, b'\\');
        if found != 0 {
            return Some(at + swar::first(found));
        }
        at += 8;
        if at == LONG {
            return memchr2(b'"', b'\\', &bytes[LONG..]).map(|found| LONG + found);
        }
    }
    bytes.get(at..)?.iter().position(|byte| is_end(*byte)).map(|found| at + found)
}

/// What is still to be read.
#[derive(Clone, Copy)]
pub(super) struct Scanner<'a>(pub(super) &'a [u8]);

impl<'a> Scanner<'a> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    pub(super) fn take(&mut self, byte: u8) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        (*first == byte).then(|| self.0 = rest)
    }

    /// Passes over as many bytes, or all that there are.
    fn skip(&mut self, count: usize) {
        self.0 = self.0.get(count..).unwrap_or_default();
    }

    pub(super) fn skip_space(&mut self) {
        // Most JSON has no space at all, which one comparison tells.
        while let [byte, rest @ ..] = self.0 {
            if *byte > b' ' || !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return;
            }
            self.0 = rest;
        }
    }

    pub(super) fn skip_comma(&mut self) {
        self.skip_space();
        if self.take(b',').is_some() {
            self.skip_space();
        }
    }

    /// What was read since then.
    fn read_since(&self, start: &'a [u8]) -> &'a [u8] {
        &start[..start.len() - self.0.len()]
    }

    /// Reads one value and checks that it is well formed to its end.
    pub(super) fn value(&mut self) -> Option<Value<'a>> {
        let start = self.0;
        Some(match self.peek()? {
            b'{' => {
                self.skip_container()?;
                Value::Object(Object(self.read_since(start)))
            }
            b'[' => {
                self.skip_container()?;
                Value::Array(Array(self.read_since(start)))
            }
            b'"' => Value::Text(self.text()?),
            b't' => self.word(b"true", Value::Bool(true))?,
            b'f' => self.word(b"false", Value::Bool(false))?,
            b'n' => self.word(b"null", Value::Null)?,
            _ => Value::Number(self.number()?),
        })
    }

    fn word(&mut self, word: &[u8], value: Value<'a>) -> Option<Value<'a>> {
        self.0 = self.0.strip_prefix(word)?;
        Some(value)
    }

    fn number(&mut self) -> Option<&'a [u8]> {
        let start = self.0;
        let _ = self.take(b'-');
        match self.peek()? {
            b'0' => self.skip(1),
            b'1'..=b'9' => self.skip_digits(),
            _ => return None,
        }
        if matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            self.fraction()?;
        }
        Some(self.read_since(start))
    }

    #[cold]
    fn fraction(&mut self) -> Option<()> {
        if self.take(b'.').is_some() {
            self.require_digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.skip(1);
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.skip(1);
            }
            self.require_digits()?;
        }
        Some(())
    }

    fn skip_digits(&mut self) {
        while let [b'0'..=b'9', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }

    fn require_digits(&mut self) -> Option<()> {
        let start = self.0.len();
        self.skip_digits();
        (self.0.len() < start).then_some(())
    }

    #[inline]
    pub(super) fn text(&mut self) -> Option<Text<'a>> {
        let text = self.0.strip_prefix(b"\"")?;
        let (raw, rest) = text.split_at_checked(quote_or_backslash(text)?)?;
        match rest {
            [b'"', rest @ ..] => {
                self.0 = rest;
                Some(Text(raw))
            }
            _ => self.escaped_text(text, raw.len()),
        }
    }

    /// The text that begins here, whose first backslash is known. Only quotation marks are looked for
    /// from there on: code and Arabic have many more escapes than those.
    #[cold]
    fn escaped_text(&mut self, text: &'a [u8], backslash: usize) -> Option<Text<'a>> {
        let mut from = backslash;
        loop {
            let behind = text.get(from..)?;
            let (before, rest) = behind.split_at_checked(swar::position(behind, b'"')?)?;
            // Backslashes escape each other in pairs; one that is left over escapes the mark.
            let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
            let end = from + before.len();
            if backslashes % 2 == 0 {
                self.0 = rest.get(1..)?;
                return text.get(..end).map(Text);
            }
            from = end + 1;
        }
    }

    /// Passes over an array or object, and all inside it.
    fn skip_container(&mut self) -> Option<()> {
        let mut open = Nesting::default();
        loop {
            // A value begins here.
            match self.peek()? {
                b'{' => {
                    self.skip(1);
                    self.skip_space();
                    open.push(true);
                    if self.peek()? != b'}' {
                        self.member_name()?;
                        continue;
                    }
                }
                b'[' => {
                    self.skip(1);
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
                        self.skip(1);
                        if open.pop() {
                            return Some(());
                        }
                    }
                    (b',', _) => {
                        self.skip(1);
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

    /// Goes through the items of an array that was entered, each of which `read` has to pass over, and
    /// over its end.
    pub(super) fn items(&mut self, mut read: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.skip_space();
        if self.take(b']').is_some() {
            return Some(());
        }
        loop {
            read(self)?;
            self.skip_space();
            if self.take(b']').is_some() {
                return Some(());
            }
            self.take(b',')?;
            self.skip_space();
        }
    }

    fn member_name(&mut self) -> Option<()> {
        self.text()?;
        self.colon()
    }

    /// The colon behind a name, and the white space around it.
    #[inline]
    pub(super) fn colon(&mut self) -> Option<()> {
        match self.0 {
            [b':', rest @ ..] if rest.first().is_some_and(|next| *next > b' ') => {
                self.0 = rest;
                Some(())
            }
            _ => self.spaced_colon(),
        }
    }

    #[inline(never)]
    fn spaced_colon(&mut self) -> Option<()> {
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
