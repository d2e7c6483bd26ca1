//! Reading the few members of a JSON document that matter, without building a tree of it.
//!
//! Time is linear in the input, nesting of any depth is skipped without recursion, and nothing is
//! allocated but for texts with escapes. Texts that are not UTF-8 are read with replacement
//! characters: a broken byte must not hide an error's message.

mod scanner;
mod text;
mod texts;

use std::borrow::Cow;

use scanner::Scanner;
pub(crate) use text::Text;

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

/// An array, brackets included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Array<'a>(&'a [u8]);

/// An object, brackets included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Object<'a>(&'a [u8]);

/// Reads a whole document; `None` if it is not JSON.
pub(crate) fn parse(bytes: &[u8]) -> Option<Value<'_>> {
    let mut scanner = Scanner(bytes);
    scanner.skip_space();
    let value = scanner.value()?;
    scanner.skip_space();
    scanner.0.is_empty().then_some(value)
}

/// The value that begins with the first of these bytes, without what follows it.
pub(crate) fn leading(bytes: &[u8]) -> Option<&[u8]> {
    let mut scanner = Scanner(bytes);
    scanner.value()?;
    Some(&bytes[..bytes.len() - scanner.0.len()])
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

    /// Whether it is a text, a list or an object that is not empty.
    pub(crate) fn holds_content(self) -> bool {
        match self {
            Value::Text(text) => !text.raw().is_empty(),
            Value::Array(list) => list.items().next().is_some(),
            Value::Object(object) => object.members().next().is_some(),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
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

impl<'a> Object<'a> {
    /// The object that begins with the first of these bytes, if one does. Its members have not been
    /// read yet: whether all of it is well formed is known once [`Members::is_complete`] is.
    pub(crate) fn unread(bytes: &'a [u8]) -> Option<Self> {
        (bytes.first() == Some(&b'{')).then_some(Object(bytes))
    }

    /// The members in order, up to the first mistake.
    pub(crate) fn members(self) -> Members<'a> {
        Members { scanner: Scanner(inside(self.0)), stage: Stage::First }
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
        Items(Scanner(inside(self.0)))
    }

    /// Gives the members of each object in it, up to the first mistake, so that their bytes are passed
    /// only once. `read` has to read to the end of each.
    pub(crate) fn each_object(self, read: impl FnMut(&mut Members<'a>)) {
        let _ = Scanner(inside(self.0)).items(object_reader(read));
    }
}

/// Reads an object in place; says whether there is one.
fn enter<'a>(scanner: &mut Scanner<'a>, read: impl FnOnce(&mut Members<'a>)) -> bool {
    let mut inner = Members { scanner: *scanner, stage: Stage::First };
    if inner.scanner.take(b'{').is_none() {
        return false;
    }
    read(&mut inner);
    // What is left open spoils the outer value too: it then stands before no comma.
    *scanner = if inner.stage == Stage::Closed { inner.scanner } else { Scanner(&[]) };
    true
}

/// Reads one item of an array, if it is an object, and else passes over it.
fn object_reader<'a>(
    mut read: impl FnMut(&mut Members<'a>),
) -> impl FnMut(&mut Scanner<'a>) -> Option<()> {
    move |scanner| if enter(scanner, &mut read) { Some(()) } else { scanner.value().map(drop) }
}

/// What follows the bracket that opens an object or an array.
fn inside(bytes: &[u8]) -> &[u8] {
    bytes.get(1..).unwrap_or_default()
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
        match (self.stage, self.scanner.0) {
            // Most JSON has no space at all.
            (Stage::First, [b'"', ..]) => {}
            (Stage::Later, [b',', rest @ ..]) if rest.first() == Some(&b'"') => {
                self.scanner.0 = rest;
            }
            _ => self.go_to_name()?,
        }
        self.stage = Stage::Later;
        let name = self.scanner.text()?;
        self.scanner.colon()?;
        Some(name)
    }

    /// Goes on to the next name, or to the end of the object.
    #[inline(never)]
    fn go_to_name(&mut self) -> Option<()> {
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
        Some(())
    }

    /// The value of the member whose name was read.
    pub(crate) fn value(&mut self) -> Option<Value<'a>> {
        self.scanner.value()
    }

    /// Reads the value in place, if it is an object, so that its bytes are passed only once. `read`
    /// has to read to its end.
    pub(crate) fn enter(&mut self, read: impl FnOnce(&mut Members<'a>)) -> bool {
        enter(&mut self.scanner, read)
    }

    /// Gives each item of the value, if it is an array, in place, so that its bytes are passed only
    /// once.
    pub(crate) fn each_item(&mut self, mut read: impl FnMut(Value<'a>)) -> bool {
        self.walk(|scanner| {
            // What errors consist of.
            let is_text = scanner.peek()? == b'"';
            read(if is_text { Value::Text(scanner.text()?) } else { scanner.value()? });
            Some(())
        })
    }

    /// Gives the members of each object in the value, if it is an array, in place; other items are
    /// passed over. `read` has to read to the end of each.
    pub(crate) fn each_object(&mut self, read: impl FnMut(&mut Members<'a>)) -> bool {
        self.walk(object_reader(read))
    }

    fn walk(&mut self, read: impl FnMut(&mut Scanner<'a>) -> Option<()>) -> bool {
        if self.scanner.take(b'[').is_none() {
            return false;
        }
        if self.scanner.items(read).is_none() {
            self.scanner = Scanner(&[]);
        }
        true
    }

    /// Whether the object was well formed, and nothing but white space follows it.
    pub(crate) fn is_complete(&mut self) -> bool {
        self.scanner.skip_space();
        self.stage == Stage::Closed && self.scanner.0.is_empty()
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

#[cfg(test)]
mod tests;
