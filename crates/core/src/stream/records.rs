//! Cutting JSON that is in no server-sent event into records: NDJSON, an object over several lines,
//! the items of an array.

use super::lines::{MAX_EVENT_BYTES, TooLong};

/// How far lines of JSON were read.
#[derive(Default)]
pub(super) struct Records {
    /// How many brackets are open.
    depth: usize,
    /// The first of them is that of an array, whose objects are the records.
    in_array: bool,
    /// A record has begun, and this is what came of it.
    begun: Option<Vec<u8>>,
}

impl Records {
    /// Whether a line belongs here: it begins JSON or goes on with it.
    pub(super) fn want(&self, line: &[u8]) -> bool {
        self.depth > 0 || matches!(line.trim_ascii_start().first(), Some(b'{' | b'['))
    }

    /// Whether this line cannot go on with the JSON that is open, so that that is broken off. The
    /// lines inside a record are indented.
    pub(super) fn are_broken_off_by(&self, line: &[u8]) -> bool {
        const FIELDS: [&[u8]; 6] = [b"data:", b"event:", b"error:", b"id:", b"retry:", b":"];
        let is_field = || FIELDS.iter().any(|field| line.starts_with(field));
        let is_record = || line.starts_with(b"{") && line.trim_ascii_end().ends_with(b"}");
        self.depth > 0 && (is_field() || self.begun.is_some() && is_record())
    }

    /// Ends what is open; the record that had begun, if one had, is not whole.
    pub(super) fn break_off(&mut self) -> Option<Vec<u8>> {
        std::mem::take(self).begun
    }

    /// Takes a line; each record that it completes is given to `on_record`, until it says stop.
    pub(super) fn take_line(
        &mut self,
        line: &[u8],
        on_record: &mut impl FnMut(&[u8]) -> bool,
    ) -> Result<bool, TooLong> {
        // Where the part of the record begins that is in this line.
        let mut start = 0;
        let mut bytes = line.iter().enumerate();
        while let Some((at, byte)) = bytes.next() {
            let outermost = self.depth == usize::from(self.in_array);
            match byte {
                b'"' => skip_text(&mut bytes),
                b'[' if self.depth == 0 => {
                    self.in_array = true;
                    self.depth = 1;
                }
                b'{' if outermost => {
                    self.begun = Some(Vec::new());
                    start = at;
                    self.depth += 1;
                }
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.in_array &= self.depth > 0;
                    if self.depth == usize::from(self.in_array) {
                        if let Some(mut record) = self.begun.take() {
                            let part = &line[start..=at];
                            let go_on = if record.is_empty() {
                                on_record(part)
                            } else {
                                extend(&mut record, part)?;
                                on_record(&record)
                            };
                            if !go_on {
                                return Ok(false);
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        if let Some(record) = &mut self.begun {
            extend(record, &line[start..])?;
            extend(record, b"\n")?;
        }
        Ok(true)
    }
}

/// Goes behind the end of a text, which no text leaves its line without.
fn skip_text<'a>(bytes: &mut impl Iterator<Item = (usize, &'a u8)>) {
    while let Some((_, byte)) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
}

fn extend(record: &mut Vec<u8>, part: &[u8]) -> Result<(), TooLong> {
    if record.len() + part.len() > MAX_EVENT_BYTES {
        return Err(TooLong);
    }
    record.extend_from_slice(part);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> Vec<String> {
        let mut records = Records::default();
        let mut found = Vec::new();
        for line in text.lines() {
            let mut on_record = |record: &[u8]| {
                found.push(String::from_utf8(record.to_vec()).unwrap());
                true
            };
            records.take_line(line.as_bytes(), &mut on_record).unwrap();
        }
        assert_eq!(records.break_off(), None);
        found
    }

    #[test]
    fn objects_and_the_objects_of_an_array() {
        assert_eq!(records("{\"a\":1}\n {\"b\":[{}]} {}"), ["{\"a\":1}", "{\"b\":[{}]}", "{}"]);
        assert_eq!(records("{\n\"a\": {}\n}\n"), ["{\n\"a\": {}\n}"]);
        assert_eq!(
            records("[{\n\"a\": [1]}\n,\n{}, [{}], 3]\n{\"b\":1}"),
            ["{\n\"a\": [1]}", "{}", "{\"b\":1}"]
        );
    }

    #[test]
    fn brackets_in_texts_are_none() {
        let record = r#"{"a":"}\"}","b":"[\\"}"#;
        assert_eq!(records(record), [record]);
    }

    #[test]
    fn brackets_too_many_do_no_harm() {
        assert_eq!(records("]}}{}"), ["{}"]);
        assert_eq!(records("[1] {}"), ["{}"]);
    }

    #[test]
    fn an_endless_record_is_refused() {
        let mut records = Records::default();
        let line = vec![b' '; 1000];
        records.take_line(b"{", &mut |_| true).unwrap();
        assert!((0..2000).any(|_| records.take_line(&line, &mut |_| true).is_err()));
    }
}
