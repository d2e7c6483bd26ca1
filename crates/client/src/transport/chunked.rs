//! Taking chunks apart: RFC 9112 section 7.1.

use super::failure::Failure;

/// The longest line of a chunk's size, its extensions included, in bytes.
const MAX_SIZE_LINE: usize = 4 * 1024;
/// The longest trailers, in bytes.
const MAX_TRAILER_BYTES: usize = 64 * 1024;

/// Where in the chunks the reading is.
#[derive(Debug, Default)]
pub(super) struct Chunked {
    state: State,
    /// Of the line or the trailers that are being read.
    seen: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the digits of a size; how many there were, and their value.
    Size {
        digits: u8,
        size: u64,
    },
    /// Behind the digits: extensions, to the end of the line.
    Extension {
        size: u64,
    },
    /// After the CR of a size line.
    SizeLf {
        size: u64,
    },
    Data {
        left: u64,
    },
    DataCr,
    DataLf,
    /// In a line of the trailers, and whether anything stands in it.
    Trailer {
        empty: bool,
    },
    /// After a CR in the trailers.
    TrailerLf {
        empty: bool,
    },
    Done,
}

impl Default for State {
    fn default() -> Self {
        State::Size { digits: 0, size: 0 }
    }
}

/// What a step of reading did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// So many bytes of the input are used up.
    pub(super) used: usize,
    /// So many bytes of the output are filled.
    pub(super) filled: usize,
}

impl Chunked {
    /// Whether the last chunk and the trailers are over.
    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Whether the last chunk came: what is missing can be done without.
    pub(super) fn is_past_data(&self) -> bool {
        matches!(self.state, State::Trailer { .. } | State::TrailerLf { .. } | State::Done)
    }

    /// Takes chunks from `input`, and puts their data into `output` until it is full.
    ///
    /// # Errors
    ///
    /// What no chunk looks like; a line end that is a bare LF is none.
    pub(super) fn read(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Failure> {
        let mut step = Step::default();
        while step.used < input.len() && self.state != State::Done {
            if let State::Data { left } = self.state {
                let space = output.len() - step.filled;
                if space == 0 {
                    break;
                }
                let most = usize::try_from(left).unwrap_or(usize::MAX);
                let count = (input.len() - step.used).min(space).min(most);
                output[step.filled..step.filled + count]
                    .copy_from_slice(&input[step.used..step.used + count]);
                step.used += count;
                step.filled += count;
                let left = left - count as u64;
                self.state = if left == 0 { State::DataCr } else { State::Data { left } };
            } else {
                self.state = self.next(input[step.used])?;
                step.used += 1;
            }
        }
        Ok(step)
    }

    /// The state after a byte that is no data.
    fn next(&mut self, byte: u8) -> Result<State, Failure> {
        self.seen += 1;
        let in_trailers = self.is_past_data();
        if self.seen > if in_trailers { MAX_TRAILER_BYTES } else { MAX_SIZE_LINE } {
            return Err(Failure::Protocol("the line of a chunk or its trailers have no end"));
        }
        let next = match (self.state, byte) {
            (State::Size { digits, size }, byte) if byte.is_ascii_hexdigit() => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                // 15 digits are more than any answer has.
                if digits == 15 && size != 0 {
                    return Err(Failure::Protocol("a chunk is too large"));
                }
                let digits = if size == 0 && digit == 0 { 1 } else { digits + 1 };
                State::Size { digits, size: (size << 4) | u64::from(digit) }
            }
            // Some write spaces in front of it, or fill the field with them.
            (State::Size { digits: 0, size: 0 }, b' ' | b'\t') => self.state,
            (State::Size { digits: 1.., size }, b';' | b' ' | b'\t') => State::Extension { size },
            (State::Size { digits: 1.., size } | State::Extension { size }, b'\r') => {
                State::SizeLf { size }
            }
            (State::Size { .. }, _) | (State::Extension { .. }, b'\n') => {
                return Err(Failure::Protocol("the size of a chunk is no number"));
            }
            (State::Extension { .. }, _) => self.state,
            (State::SizeLf { size: 0 }, b'\n') => State::Trailer { empty: true },
            (State::SizeLf { size }, b'\n') => State::Data { left: size },
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::default(),
            (State::Trailer { empty }, b'\r') => State::TrailerLf { empty },
            // Not a line end, but behind the data nothing depends on it.
            (State::Trailer { empty: true } | State::TrailerLf { empty: true }, b'\n') => {
                State::Done
            }
            (State::Trailer { .. } | State::TrailerLf { .. }, b'\n') => {
                State::Trailer { empty: true }
            }
            (State::Trailer { .. } | State::TrailerLf { .. }, _) => State::Trailer { empty: false },
            _ => return Err(Failure::Protocol("a chunk does not end where it should")),
        };
        if !self.is_past_data() && matches!(next, State::Data { .. } | State::Trailer { .. })
            || matches!(next, State::Size { digits: 0, .. }) && self.state == State::DataLf
        {
            self.seen = 0;
        }
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads in pieces of every size; all have to come to the same.
    fn read(input: &str) -> Result<(String, bool, usize), Failure> {
        let mut results = (1..=input.len().max(1)).map(|size| {
            let mut chunked = Chunked::default();
            let (mut out, mut used) = (Vec::new(), 0);
            for piece in input.as_bytes().chunks(size) {
                let mut rest = piece;
                while !rest.is_empty() && !chunked.is_done() {
                    let mut buffer = [0; 7];
                    let step = chunked.read(rest, &mut buffer)?;
                    out.extend_from_slice(&buffer[..step.filled]);
                    rest = &rest[step.used..];
                    used += step.used;
                }
            }
            Ok((String::from_utf8(out).unwrap(), chunked.is_done(), used))
        });
        let first = results.next().unwrap();
        for other in results {
            assert_eq!(format!("{first:?}"), format!("{other:?}"), "{input:?}");
        }
        first
    }

    #[test]
    fn chunks_become_data() {
        for (input, data, done) in [
            ("5\r\nhello\r\n0\r\n\r\n", "hello", true),
            ("5;a=b\r\nhello\r\n6 \r\n world\r\n000\r\n\r\n", "hello world", true),
            ("a\r\n0123456789\r\n0\r\nX: y\r\nZ: 1\r\n\r\n", "0123456789", true),
            ("00000000000000000005\r\nhello\r\n0\r\n\n", "hello", true),
            ("5\r\nhel", "hel", false),
            ("5\r\nhello\r\n0\r\n", "hello", false),
        ] {
            let (text, is_done, used) = read(input).unwrap();
            assert_eq!((text.as_str(), is_done, used), (data, done, input.len()), "{input:?}");
        }
        // What follows is another answer's.
        assert_eq!(read("1\r\na\r\n0\r\n\r\nHTTP/1.1").unwrap().2, 11);
    }

    #[test]
    fn what_is_no_chunk_fails_at_once() {
        for input in [
            "5\nhello\r\n0\r\n\r\n",
            "5;x\nhello",
            "0x5\r\nhello",
            "-5\r\nhello",
            "\r\nhello",
            "g\r\n",
            "5\r\nhello0\r\n",
            "5\r\nhelloworld\r\n",
            "5\rhello",
            "1000000000000000\r\n",
            "ffffffffffffffffffff\r\n",
        ] {
            assert!(matches!(read(input), Err(Failure::Protocol(_))), "{input:?}");
        }
        let mut chunked = Chunked::default();
        assert!(chunked.read(&[b'0'; 2 * MAX_SIZE_LINE], &mut [0; 9]).is_err());
        let mut chunked = Chunked::default();
        chunked.read(b"0\r\n", &mut [0; 9]).unwrap();
        let line = b"X-More: of the same\r\n".repeat(MAX_TRAILER_BYTES / 10);
        assert!(chunked.read(&line, &mut [0; 9]).is_err());
    }

    #[test]
    fn a_million_chunks_are_no_long_line() {
        let mut chunked = Chunked::default();
        for _ in 0..10_000 {
            chunked.read(b"1\r\na\r\n", &mut [0; 9]).unwrap();
        }
        assert!(!chunked.is_done());
    }
}
