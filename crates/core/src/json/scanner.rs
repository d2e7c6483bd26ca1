//! Going through the bytes of a JSON document.

use memchr::memchr2;

use super::{Array, Object, Text, Value};
use crate::swar;

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
pub(super) struct Scanner<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    pub(super) fn skip_space(&mut self) {
        // Most JSON has no space at all, which one comparison tells.
        while self.peek().is_some_and(|byte| byte <= b' ') {
            if !matches!(self.bytes[self.at], b' ' | b'\n' | b'\r' | b'\t') {
                return;
            }
            self.at += 1;
        }
    }

    pub(super) fn skip_comma(&mut self) {
        self.skip_space();
        if self.take(b',').is_some() {
            self.skip_space();
        }
    }

    /// Reads one value and checks that it is well formed to its end.
    pub(super) fn value(&mut self) -> Option<Value<'a>> {
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

    pub(super) fn word(&mut self, word: &[u8], value: Value<'a>) -> Option<Value<'a>> {
        self.bytes[self.at..].starts_with(word).then_some(())?;
        self.at += word.len();
        Some(value)
    }

    pub(super) fn number(&mut self) -> Option<&'a [u8]> {
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

    pub(super) fn skip_digits(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    pub(super) fn require_digits(&mut self) -> Option<()> {
        let start = self.at;
        self.skip_digits();
        (self.at > start).then_some(())
    }

    #[inline]
    pub(super) fn text(&mut self) -> Option<Text<'a>> {
        self.take(b'"')?;
        let start = self.at;
        // Most names end within eight bytes.
        let word = swar::load_padded(self.bytes, start);
        let found = swar::mark(word, b'"') | swar::mark(word, b'\\');
        let end = if found != 0 {
            start + swar::first(found)
        } else {
            quote_or_backslash(self.bytes, start + 8)?
        };
        if self.bytes[end] == b'"' {
            self.at = end + 1;
            return Some(Text(&self.bytes[start..end]));
        }
        self.escaped_text(start, end)
    }

    /// The text from `start` on, whose first backslash is known.
    #[cold]
    pub(super) fn escaped_text(&mut self, start: usize, mut backslash: usize) -> Option<Text<'a>> {
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
    pub(super) fn skip_container(&mut self) -> Option<()> {
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

    pub(super) fn member_name(&mut self) -> Option<()> {
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
    pub(super) fn push(&mut self, object: bool) {
        if self.depth > 0 && self.depth % 64 == 0 {
            self.outer.push(self.word);
        }
        self.word = (self.word << 1) | u64::from(object);
        self.depth += 1;
    }

    pub(super) fn top(&self) -> bool {
        self.word & 1 == 1
    }

    /// Closes the innermost one; says whether it was the last.
    pub(super) fn pop(&mut self) -> bool {
        self.depth -= 1;
        self.word >>= 1;
        if self.depth > 0 && self.depth % 64 == 0 {
            self.word = self.outer.pop().unwrap_or_default();
        }
        self.depth == 0
    }
}
