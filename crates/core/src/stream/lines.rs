//! Cutting a stream into lines and server-sent events, however the bytes arrive.

use super::records::Records;

/// The longest line or event, in bytes; a longer one ends the stream with an error.
pub const MAX_EVENT_BYTES: usize = 1024 * 1024;

/// One event of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RawEvent<'a> {
    /// Data, with the event's name, which is empty if it has none, and the HTTP status that stands
    /// beside it (DashScope).
    Data { name: &'a [u8], data: &'a [u8], status: Option<u16> },
    /// The field `error:` of llama.cpp.
    Error(&'a [u8]),
}

/// An event that is longer than [`MAX_EVENT_BYTES`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Splits server-sent events (the WHATWG's HTML standard, section 9.2) and NDJSON.
///
/// Lines end in LF, CRLF or CR. One that begins with a bracket begins [`Records`]; no field of a
/// server-sent event begins so.
#[derive(Default)]
pub(super) struct Lines {
    line: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    status: Option<u16>,
    started: bool,
    /// JSON outside of events: so some servers (Gemini) tell of an error behind them.
    records: Records,
    after_cr: bool,
}

impl Lines {
    /// Takes bytes; each event that they complete is given to `on_event`, until it says stop.
    pub(super) fn feed(
        &mut self,
        mut bytes: &[u8],
        on_event: &mut impl FnMut(RawEvent<'_>) -> bool,
    ) -> Result<(), TooLong> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = memchr::memchr2(b'\n', b'\r', bytes) else {
                return self.extend_line(bytes);
            };
            self.extend_line(&bytes[..end])?;
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            if !self.end_line(on_event)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Ends the stream: what came without its line end is taken as if it had one.
    pub(super) fn finish(
        &mut self,
        on_event: &mut impl FnMut(RawEvent<'_>) -> bool,
    ) -> Result<(), TooLong> {
        if !self.line.is_empty() && !self.end_line(on_event)? {
            return Ok(());
        }
        let _ = self.break_off(on_event) && self.dispatch(on_event);
        Ok(())
    }

    fn extend_line(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        if self.line.len() + bytes.len() > MAX_EVENT_BYTES {
            return Err(TooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    /// Takes a whole line; says whether to go on.
    fn end_line(
        &mut self,
        on_event: &mut impl FnMut(RawEvent<'_>) -> bool,
    ) -> Result<bool, TooLong> {
        let line = std::mem::take(&mut self.line);
        let mut text = &line[..];
        if !std::mem::replace(&mut self.started, true) {
            text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        }
        let go_on = self.take_line(text, on_event);
        // The line's memory is used again.
        self.line = line;
        self.line.clear();
        go_on
    }

    fn take_line(
        &mut self,
        line: &[u8],
        on_event: &mut impl FnMut(RawEvent<'_>) -> bool,
    ) -> Result<bool, TooLong> {
        if self.records.are_broken_off_by(line) && !self.break_off(on_event) {
            return Ok(false);
        }
        if self.records.want(line) {
            return Ok(
                self.dispatch(on_event) && self.records.take_line(line, &mut record(on_event))?
            );
        }
        if line.is_empty() {
            return Ok(self.dispatch(on_event));
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                if self.data.len() + value.len() >= MAX_EVENT_BYTES {
                    return Err(TooLong);
                }
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
            }
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value);
            }
            b"error" => return Ok(on_event(RawEvent::Error(value))),
            // A line that begins with a colon is a comment.
            b"" => self.status = status_in_comment(value).or(self.status),
            // `id` and `retry` are for reconnecting.
            _ => {}
        }
        Ok(true)
    }

    /// Gives away the record that is not whole, if one has begun.
    fn break_off(&mut self, on_event: &mut impl FnMut(RawEvent<'_>) -> bool) -> bool {
        self.records.break_off().is_none_or(|cut| record(on_event)(&cut))
    }

    fn dispatch(&mut self, on_event: &mut impl FnMut(RawEvent<'_>) -> bool) -> bool {
        let had_data = std::mem::take(&mut self.has_data);
        let status = self.status.take();
        let event = RawEvent::Data { name: &self.name, data: &self.data, status };
        let go_on = !had_data || on_event(event);
        self.name.clear();
        self.data.clear();
        go_on
    }
}

/// An event without a name for each record.
fn record(on_event: &mut impl FnMut(RawEvent<'_>) -> bool) -> impl FnMut(&[u8]) -> bool {
    |data| on_event(RawEvent::Data { name: b"", data, status: None })
}

/// The status in the comment `:HTTP_STATUS/400`.
fn status_in_comment(comment: &[u8]) -> Option<u16> {
    std::str::from_utf8(comment.strip_prefix(b"HTTP_STATUS/")?).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(chunks: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        let mut on_event = |event: RawEvent<'_>| {
            found.push(match event {
                RawEvent::Data { name, data, status } => {
                    let status = status.map(|status| format!("{status}|")).unwrap_or_default();
                    let [name, data] = [name, data].map(String::from_utf8_lossy);
                    format!("{status}{name}|{data}")
                }
                RawEvent::Error(text) => format!("error|{}", String::from_utf8_lossy(text)),
            });
            true
        };
        for chunk in chunks {
            lines.feed(chunk, &mut on_event).unwrap();
        }
        lines.finish(&mut on_event).unwrap();
        found
    }

    #[test]
    fn line_ends_comments_names_and_many_lines() {
        let stream = b"\xef\xbb\xbf: hi\r\nevent: a\rdata: 1\ndata:2\r\n\r\nid: 5\n\ndata\n\nerror: x\ndata: end";
        let expected = ["a|1\n2", "|", "error|x", "|end"];
        assert_eq!(events(&[stream]), expected);
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(events(&bytes), expected);
    }

    #[test]
    fn a_status_may_stand_in_a_comment() {
        let stream = b"id:1\nevent:error\n:HTTP_STATUS/400\ndata:x\n\n:HTTP_STATUS/4x\ndata:y\n\n";
        assert_eq!(events(&[stream]), ["400|error|x", "|y"]);
    }

    #[test]
    fn ndjson_records_are_events() {
        assert_eq!(events(&[b"{\"a\":1}\n {\"b\":2}\n"]), ["|{\"a\":1}", "|{\"b\":2}"]);
    }

    #[test]
    fn a_body_behind_the_events_is_one_event() {
        let body = "{\n \"error\": {\n\n  \"code\": 503\n }\n\n}";
        for stream in [
            format!("data: 1\n\n{body}\n"),
            format!("data: 1\n{body}\n: ping\n\n"),
            format!("data: 1\n\n[{body}\n]"),
            format!("\u{feff}: hi\ndata: 1\n\n{body}"),
        ] {
            assert_eq!(events(&[stream.as_bytes()]), ["|1", &format!("|{body}")], "{stream}");
        }
    }

    #[test]
    fn what_is_broken_off_hides_nothing_behind_it() {
        let stream = b"data: 1\n\n{\"a\n{\"b\":2}\n{ \ndata: 3";
        assert_eq!(events(&[stream]), ["|1", "|{\"a\n", "|{\"b\":2}", "|{ \n", "|3"]);
        assert_eq!(events(&[b"[\ndata: 3\n\n"]), ["|3"]);
    }

    #[test]
    fn endless_lines_and_events_are_refused() {
        let large = vec![b'x'; MAX_EVENT_BYTES + 1];
        assert_eq!(Lines::default().feed(&large, &mut |_| true), Err(TooLong));
        let mut lines = Lines::default();
        let mut line = b"data: ".to_vec();
        line.resize(1000, b'x');
        line.push(b'\n');
        assert!((0..2000).any(|_| lines.feed(&line, &mut |_| true).is_err()));
    }
}
