//! Unpacking bodies: RFC 9110 section 8.4.1.

use std::io::{BufRead, BufReader, Read};

use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};

use super::failure::Failure;
use super::incoming::Raw;

/// A coding that can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packed {
    Gzip,
    /// In the form of zlib, as it should be, or bare, as some send it.
    Deflate,
}

/// The coding that a list of them comes to.
///
/// # Errors
///
/// A coding that is not read here, or more than one: a small body might hide a huge one twice.
pub(super) fn of(codings: &[String]) -> Result<Option<Packed>, Failure> {
    let mut packed = None;
    for coding in codings.iter().filter(|coding| *coding != "identity") {
        let this = match coding.as_str() {
            "gzip" | "x-gzip" => Packed::Gzip,
            "deflate" => Packed::Deflate,
            other => {
                let name: String = other.chars().filter(char::is_ascii_graphic).take(40).collect();
                let problem = format!("the answer is coded as {name}, which was not asked for");
                return Err(Failure::Unusable(problem));
            }
        };
        if packed.replace(this).is_some() {
            let problem = "the answer is compressed more than once".to_owned();
            return Err(Failure::Unusable(problem));
        }
    }
    Ok(packed)
}

/// A body, unpacked while it is read.
pub(super) enum Coding {
    Plain(Raw),
    Gzip(Gunzip),
    /// Not begun: its first byte tells its form.
    Deflate(BufReader<Raw>),
    Zlib(ZlibDecoder<BufReader<Raw>>),
    Bare(DeflateDecoder<BufReader<Raw>>),
    /// Between two states.
    Over,
}

/// How much packed data is read at once.
const BUFFER: usize = 8 * 1024;

impl Coding {
    pub(super) fn new(packed: Option<Packed>, raw: Raw) -> Self {
        match packed {
            None => Coding::Plain(raw),
            Some(packed) => {
                let reader = BufReader::with_capacity(BUFFER, raw);
                match packed {
                    Packed::Gzip => {
                        Coding::Gzip(Gunzip { state: Member::Start(reader), any: false })
                    }
                    Packed::Deflate => Coding::Deflate(reader),
                }
            }
        }
    }

    /// Reads some of the body into a buffer that is not empty; 0 at its end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        if let Coding::Deflate(reader) = self {
            let first = peek(reader)?;
            let Coding::Deflate(reader) = std::mem::replace(self, Coding::Over) else {
                return Ok(0);
            };
            // The method in the low bits, which no bare block of more than a few bytes has.
            *self = match first {
                None => Coding::Over,
                Some(byte) if byte & 0x0f == 8 => Coding::Zlib(ZlibDecoder::new(reader)),
                Some(_) => Coding::Bare(DeflateDecoder::new(reader)),
            };
        }
        match self {
            Coding::Plain(raw) => raw.read_some(buffer),
            Coding::Gzip(gunzip) => gunzip.read(buffer),
            Coding::Zlib(decoder) => {
                let result = decoder.read(buffer);
                unpacked(result, decoder.get_mut().get_mut())
            }
            Coding::Bare(decoder) => {
                let result = decoder.read(buffer);
                unpacked(result, decoder.get_mut().get_mut())
            }
            Coding::Deflate(_) | Coding::Over => Ok(0),
        }
    }
}

/// A body of gzip members, one behind the other (RFC 1952 section 2.2).
pub(super) struct Gunzip {
    state: Member,
    /// Whether a member was read to its end.
    any: bool,
}

enum Member {
    Start(BufReader<Raw>),
    Inside(GzDecoder<BufReader<Raw>>),
    /// What follows the last member is no gzip, and is not looked at.
    Behind(BufReader<Raw>),
    Over,
}

impl Gunzip {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        loop {
            match std::mem::replace(&mut self.state, Member::Over) {
                Member::Start(mut reader) => match peek(&mut reader)? {
                    // At the first, too: nothing packs to nothing for some.
                    None => return Ok(0),
                    Some(byte) if byte == 0x1f || !self.any => {
                        self.state = Member::Inside(GzDecoder::new(reader));
                    }
                    Some(_) => self.state = Member::Behind(reader),
                },
                Member::Inside(mut decoder) => {
                    let result = decoder.read(buffer);
                    match unpacked(result, decoder.get_mut().get_mut())? {
                        0 => {
                            self.any = true;
                            self.state = Member::Start(decoder.into_inner());
                        }
                        count => {
                            self.state = Member::Inside(decoder);
                            return Ok(count);
                        }
                    }
                }
                Member::Behind(mut reader) => {
                    reader.get_mut().forget();
                    while peek(&mut reader)?.is_some() {
                        let count = reader.buffer().len();
                        reader.consume(count);
                    }
                }
                Member::Over => return Ok(0),
            }
        }
    }
}

/// The next byte; `None` at the end.
fn peek(reader: &mut BufReader<Raw>) -> Result<Option<u8>, Failure> {
    match reader.fill_buf().map(|bytes| bytes.first().copied()) {
        Ok(byte) => Ok(byte),
        Err(error) => Err(reader.get_mut().take_failure().unwrap_or(Failure::Network(error))),
    }
}

/// The failure of the connection is what counts; else the data is none.
fn unpacked(result: std::io::Result<usize>, raw: &mut Raw) -> Result<usize, Failure> {
    result.map_err(|error| match raw.take_failure() {
        Some(failure) => failure,
        None if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Failure::Protocol("its compressed body breaks off")
        }
        None => Failure::Protocol("its compressed body is damaged"),
    })
}
