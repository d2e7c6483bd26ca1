//! The part of RFC 9651 (structured fields) that the `RateLimit` fields use: a list of items with
//! parameters.

/// One item of a list.
#[derive(Debug, PartialEq)]
pub(crate) struct Item {
    value: Value,
    parameters: Vec<(String, Value)>,
}

#[derive(Debug, PartialEq)]
enum Value {
    Integer(i64),
    String(String),
    /// A token, decimal, boolean or byte sequence: known to be well formed, and not needed.
    Other,
}

impl Item {
    /// The item itself, if it is an integer.
    pub(crate) fn bare_integer(&self) -> Option<i64> {
        match self.value {
            Value::Integer(number) => Some(number),
            _ => None,
        }
    }

    /// Whether this item is a name: a text.
    pub(crate) fn has_name(&self) -> bool {
        matches!(self.value, Value::String(_))
    }

    /// Whether this item and the other one are the same name.
    pub(crate) fn is_named_as(&self, other: &Item) -> bool {
        self.has_name() && self.value == other.value
    }

    /// The parameter of this name, if it is an integer.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        match self.parameter(name) {
            Some(Value::Integer(number)) => Some(*number),
            _ => None,
        }
    }

    /// Whether the parameter of this name is this text.
    pub(crate) fn has(&self, name: &str, text: &str) -> bool {
        matches!(self.parameter(name), Some(Value::String(found)) if found == text)
    }

    fn parameter(&self, name: &str) -> Option<&Value> {
        // RFC 9651 section 4.2.3.2: of a repeated parameter the last one counts.
        self.parameters.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

/// More items than this are no rate limit.
pub(crate) const MAX_ITEMS: usize = 64;

/// Reads a list; any mistake spoils the whole of it (RFC 9651 section 4.2).
pub(crate) fn parse_list(text: &str) -> Option<Vec<Item>> {
    let mut parser = Parser { rest: text.trim_matches(' ') };
    let mut items = Vec::new();
    while !parser.rest.is_empty() {
        items.push(parser.item()?);
        (items.len() <= MAX_ITEMS).then_some(())?;
        parser.skip_spaces();
        if parser.rest.is_empty() {
            break;
        }
        parser.expect(',')?;
        parser.skip_spaces();
        (!parser.rest.is_empty()).then_some(())?;
    }
    Some(items)
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn expect(&mut self, expected: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(expected)?;
        Some(())
    }

    fn take(&mut self, member: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !member(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn item(&mut self) -> Option<Item> {
        let value = self.value()?;
        let mut parameters = Vec::new();
        while self.expect(';').is_some() {
            self.rest = self.rest.trim_start_matches(' ');
            let first = self.rest.chars().next()?;
            (first.is_ascii_lowercase() || first == '*').then_some(())?;
            let key = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.*".contains(c);
            let name = self.take(key).to_owned();
            let value = if self.expect('=').is_some() { self.value()? } else { Value::Other };
            parameters.push((name, value));
        }
        Some(Item { value, parameters })
    }

    fn value(&mut self) -> Option<Value> {
        match self.rest.chars().next()? {
            '"' => self.string(),
            '-' | '0'..='9' => self.number(),
            ':' => {
                self.expect(':')?;
                self.take(|c| c.is_ascii_alphanumeric() || "+/=".contains(c));
                self.expect(':').map(|()| Value::Other)
            }
            '?' => {
                self.expect('?')?;
                let flag = self.take(|c| c == '0' || c == '1');
                (flag.len() == 1).then_some(Value::Other)
            }
            c if c.is_ascii_alphabetic() || c == '*' => {
                self.take(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~:/".contains(c));
                Some(Value::Other)
            }
            _ => None,
        }
    }

    fn string(&mut self) -> Option<Value> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Some(Value::String(text));
                }
                '\\' => {
                    text.push(chars.next().map(|(_, c)| c).filter(|c| *c == '"' || *c == '\\')?)
                }
                ' '..='~' => text.push(c),
                _ => return None,
            }
        }
        None
    }

    /// An integer of up to 15 digits, or a decimal of up to 12 and 3.
    fn number(&mut self) -> Option<Value> {
        let negative = self.expect('-').is_some();
        let digits = self.take(|c| c.is_ascii_digit());
        if self.expect('.').is_some() {
            let fraction = self.take(|c| c.is_ascii_digit());
            let fits = (1..=12).contains(&digits.len()) && (1..=3).contains(&fraction.len());
            return fits.then_some(Value::Other);
        }
        ((1..=15).contains(&digits.len())).then_some(())?;
        let number: i64 = digits.parse().ok()?;
        Some(Value::Integer(if negative { -number } else { number }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_and_parameters() {
        let items = parse_list(r#""a\"b\\c"; r=5;t=30;acme-x="y";flag, 10;w=1"#).unwrap();
        assert_eq!(items[0].value, Value::String("a\"b\\c".into()));
        assert_eq!((items[0].integer("r"), items[0].integer("t")), (Some(5), Some(30)));
        assert_eq!((items[1].bare_integer(), items[1].integer("w")), (Some(10), Some(1)));
        let items = parse_list(r#""default";r=999999999999999;pk=:dHJpYWwxMjEzMjM=:"#).unwrap();
        assert_eq!(items[0].integer("r"), Some(999_999_999_999_999));
        assert_eq!(parse_list(""), Some(vec![]));
    }

    #[test]
    fn one_mistake_spoils_the_list() {
        for text in [
            r#""default";r=5;t=30,"#,
            r#""default;r=5;t=30"#,
            r#""default";r=1234567890123456"#,
            r#""default";R=5"#,
            r#""default" "other""#,
            "é",
            "\"é\"",
            ":abc",
            "1.",
            "-",
        ] {
            assert_eq!(parse_list(text), None, "{text}");
        }
    }
}
