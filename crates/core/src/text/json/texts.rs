//! All texts of a value, in one walk.

use super::scanner::Scanner;
use super::{Members, Text, enter};

impl<'a> Members<'a> {
    /// Gives the texts of the value of the member whose name was read: itself, those in a list, and those in
    /// members of these names, however nested up to `depth`. What lies deeper is passed over. Says whether
    /// there was a value.
    pub(crate) fn texts(
        &mut self,
        names: &[&str],
        depth: u32,
        read: &mut impl FnMut(Text<'a>),
    ) -> bool {
        let found = texts(&mut self.scanner, names, depth, read).is_some();
        if !found {
            self.scanner = Scanner(&[]);
        }
        found
    }
}

fn texts<'a>(
    scanner: &mut Scanner<'a>,
    names: &[&str],
    depth: u32,
    read: &mut impl FnMut(Text<'a>),
) -> Option<()> {
    match scanner.peek()? {
        b'"' => read(scanner.text()?),
        b'[' if depth > 0 => {
            scanner.take(b'[')?;
            scanner.items(|item| texts(item, names, depth - 1, read))?;
        }
        b'{' if depth > 0 => {
            enter(scanner, |members| {
                while let Some(name) = members.name() {
                    let is_read = names.iter().any(|it| name.is(it));
                    let found = match is_read {
                        true => members.texts(names, depth - 1, read),
                        false => members.value().is_some(),
                    };
                    if !found {
                        return;
                    }
                }
            });
        }
        _ => {
            scanner.value()?;
        }
    }
    Some(())
}
