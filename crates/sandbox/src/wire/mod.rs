//! Answers that break HTTP, or stretch it: what a careful client has to meet.

mod content;
mod framing;
mod head;
mod step;

use serde::{Deserialize, Serialize};

pub(crate) use step::{Step, carry_out};

/// Declares the faults of the wire, each with its name and what it does.
macro_rules! wire_faults {
    ($($variant:ident = $name:literal, $summary:literal;)*) => {
        /// A fault of the wire.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum WireKind {
            $(#[doc = $summary] $variant,)*
        }

        impl WireKind {
            /// Every fault of the wire.
            pub const ALL: &'static [WireKind] = &[$(WireKind::$variant,)*];

            /// Its name in JSON, URLs and the log.
            pub fn name(self) -> &'static str {
                match self { $(WireKind::$variant => $name,)* }
            }

            /// What it does, in a sentence.
            pub fn summary(self) -> &'static str {
                match self { $(WireKind::$variant => $summary,)* }
            }
        }
    };
}

wire_faults! {
    // Chunks.
    ChunkBareLf = "chunk_bare_lf", "The size of a chunk ends in a bare LF.";
    ChunkNotHex = "chunk_not_hex", "The size of a chunk is no hexadecimal number.";
    ChunkNegative = "chunk_negative", "The size of a chunk is negative.";
    ChunkOverflow = "chunk_overflow", "The size of a chunk has 40 digits.";
    ChunkEndlessSize = "chunk_endless_size", "The size of a chunk begins with zeros without end.";
    ChunkEndlessExtension = "chunk_endless_extension", "A chunk has an extension without end.";
    ChunkWrongSize = "chunk_wrong_size", "A chunk is longer than its size says.";
    ChunkCut = "chunk_cut", "The connection is closed inside a chunk.";
    ChunkNoLast = "chunk_no_last", "The connection is closed where the last chunk should be.";
    ChunkNoFinalCrlf = "chunk_no_final_crlf", "The connection is closed behind the last chunk, before its empty line.";
    ChunkExtensions = "chunk_extensions", "Chunks have extensions, as they may.";
    ChunkTiny = "chunk_tiny", "Chunks of one byte each.";
    Trailers = "trailers", "Trailers follow the chunks, as they may.";
    TrailersEndless = "trailers_endless", "Trailers without end follow the chunks.";
    ChunkedTwice = "chunked_twice", "The transfer coding is chunked, twice.";
    TransferUnknown = "transfer_unknown", "A transfer coding that does not exist.";
    // Lengths.
    LengthAndChunked = "length_and_chunked", "Both a length, which is wrong, and chunks.";
    LengthTwice = "length_twice", "The same length twice.";
    LengthsDiffer = "lengths_differ", "Two lengths that differ.";
    LengthNegative = "length_negative", "A negative length.";
    LengthNoNumber = "length_no_number", "A length that is no number.";
    LengthTooLong = "length_too_long", "More is declared than sent before the connection is closed.";
    LengthTooShort = "length_too_short", "Less is declared than sent.";
    LengthHuge = "length_huge", "A petabyte is declared.";
    NoLength = "no_length", "No length: the body ends with the connection.";
    Http10 = "http10", "HTTP/1.0, the body ends with the connection.";
    Http10Chunked = "http10_chunked", "HTTP/1.0 with chunks, which it does not know.";
    ExtraBytes = "extra_bytes", "Bytes that nobody asked for follow the answer.";
    // Codings.
    Gzip = "gzip", "The body is gzip, as it may be.";
    GzipMembers = "gzip_members", "The body is gzip of several members.";
    GzipGarbage = "gzip_garbage", "What follows the gzip is none.";
    GzipCut = "gzip_cut", "The gzip breaks off, the framing is intact.";
    GzipDamaged = "gzip_damaged", "The gzip has a wrong checksum.";
    GzipTwice = "gzip_twice", "The body is compressed twice.";
    GzipEmptyBlocks = "gzip_empty_blocks", "A gzip of empty blocks without end.";
    GzipEmptyMembers = "gzip_empty_members", "Empty gzip members without end.";
    Deflate = "deflate", "The body is deflate in the form of zlib.";
    DeflateBare = "deflate_bare", "The body is bare deflate.";
    CodingUnknown = "coding_unknown", "The body is of a coding that nobody asked for.";
    // Heads.
    HeadEndless = "head_endless", "Headers without end.";
    HeadMany = "head_many", "A thousand headers.";
    HeadLarge = "head_large", "A header of 100,000 bytes.";
    HeadOddByte = "head_odd_byte", "A control character in a header.";
    HeadNoColon = "head_no_colon", "A header line without a colon.";
    HeadSpace = "head_space", "A space before the colon of a header.";
    HeadFolded = "head_folded", "A header on two lines.";
    HeadLf = "head_lf", "Lines of the head end in a bare LF.";
    HeadBlankLines = "head_blank_lines", "Empty lines before the head.";
    HeadCut = "head_cut", "The connection is closed inside the head.";
    HeadDrip = "head_drip", "The head comes a byte at a time, `seconds` apart (0.2).";
    NoReason = "no_reason", "A status line without a reason phrase.";
    BadStatusLine = "bad_status_line", "A status line whose status is no number.";
    NotHttp = "not_http", "The greeting of a mail server.";
    BareBody = "bare_body", "A body without a head, as in HTTP/0.9.";
    Http2 = "http2", "A status line of HTTP/2.";
    RawStatus = "raw_status", "A whole answer of any `status` from 0 to 999 (999).";
    Interim = "interim", "A 100 and a 103 before the answer, as there may be.";
    InterimEndless = "interim_endless", "100s without end.";
    // The course of a connection.
    Reset = "reset", "The connection is reset without an answer.";
    ResetMidBody = "reset_mid_body", "The connection is reset inside the body.";
    SilentMidBody = "silent_mid_body", "The body stops, the connection stays.";
    Stale = "stale", "The answer is right; then the kept connection is closed without a word.";
    StaleReset = "stale_reset", "The answer is right; the next request on the connection is met by a reset.";
    EarlyAnswer = "early_answer", "An answer of any `status` (413) before the body of the request is read; then the connection is closed.";
    EarlyAnswerOpen = "early_answer_open", "The same, but the connection stays, and the body is not read.";
    NoRead = "no_read", "Neither reads the body of the request nor answers.";
    CloseMidUpload = "close_mid_upload", "Closes the connection before the body of the request is read, without an answer.";
    // Content.
    ByteOrderMark = "byte_order_mark", "A byte order mark before the JSON.";
    NotUtf8 = "not_utf8", "JSON that is no UTF-8.";
    DeepJson = "deep_json", "JSON that is 100,000 levels deep.";
    UsageFlood = "usage_flood", "A usage of `bytes` bytes (8 MiB) of numbers.";
    ChoicesFlood = "choices_flood", "`bytes` bytes (8 MiB) of choices.";
    SpaceFlood = "space_flood", "White space without end in front of the JSON.";
    EventFlood = "event_flood", "Empty events without end; for a request that is not streamed, white space.";
    KeyEcho = "key_echo", "A 401 that repeats the key in its message, code, headers and fields.";
}

impl WireKind {
    /// Whether its answer is right all the same, as HTTP has it or as clients read it.
    pub fn is_readable(self) -> bool {
        use WireKind as K;
        matches!(
            self,
            K::ChunkNoFinalCrlf
                | K::ChunkExtensions
                | K::ChunkTiny
                | K::Trailers
                | K::LengthAndChunked
                | K::LengthTwice
                | K::NoLength
                | K::Http10
                | K::Http10Chunked
                | K::ExtraBytes
                | K::Gzip
                | K::GzipMembers
                | K::GzipGarbage
                | K::Deflate
                | K::DeflateBare
                | K::HeadOddByte
                | K::HeadNoColon
                | K::HeadSpace
                | K::HeadFolded
                | K::HeadLf
                | K::HeadBlankLines
                | K::NoReason
                | K::Interim
                | K::Stale
                | K::StaleReset
                | K::ByteOrderMark
                | K::UsageFlood
                | K::ChoicesFlood
        )
    }
}

/// A fault of the wire with its parameters; those that it does not know have no effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireFault {
    /// Which one.
    pub kind: WireKind,
    /// The status of the answer; 200 by default, but where the fault says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How much there is of what it sends, in bytes; a gigabyte by default for what is without end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// A time, in seconds, at most an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

impl WireFault {
    /// This fault with its defaults.
    pub fn new(kind: WireKind) -> Self {
        WireFault { kind, status: None, bytes: None, seconds: None }
    }

    /// Whether it strikes before the body of the request is read.
    pub(crate) fn is_early(&self) -> bool {
        use WireKind as K;
        matches!(self.kind, K::EarlyAnswer | K::EarlyAnswerOpen | K::NoRead | K::CloseMidUpload)
    }

    pub(crate) fn problem(&self) -> Option<String> {
        if self.status.is_some_and(|status| status > 999) {
            return Some("status is between 0 and 999".to_owned());
        }
        let too_long = |seconds: f64| !(0.0..=3600.0).contains(&seconds);
        self.seconds.is_some_and(too_long).then(|| "seconds are between 0 and 3600".to_owned())
    }
}

impl From<WireKind> for WireFault {
    fn from(kind: WireKind) -> Self {
        WireFault::new(kind)
    }
}

/// What a fault has to work with.
pub(crate) struct Scene<'a> {
    pub(crate) fault: &'a WireFault,
    /// A right answer, as JSON.
    pub(crate) answer: Vec<u8>,
    pub(crate) stream: bool,
    /// What the request carries as its key.
    pub(crate) key: String,
}

impl Scene<'_> {
    /// What is sent.
    pub(crate) fn steps(&self) -> Vec<Step> {
        framing::steps(self).or_else(|| head::steps(self)).unwrap_or_else(|| content::steps(self))
    }

    fn status(&self) -> u16 {
        self.fault.status.unwrap_or(200)
    }

    fn bytes(&self, default: u64) -> u64 {
        self.fault.bytes.unwrap_or(default)
    }

    /// The beginning of a head, without its end.
    fn head(&self) -> String {
        format!("HTTP/1.1 {:03} Whatever\r\nContent-Type: application/json\r\n", self.status())
    }

    /// A whole answer with these headers and this body.
    fn whole(&self, headers: &str, body: &[u8]) -> Vec<u8> {
        let length = format!("Content-Length: {}\r\n", body.len());
        self.framed(&format!("{headers}{length}"), body)
    }

    /// An answer with these headers, the framing among them.
    fn framed(&self, headers: &str, body: &[u8]) -> Vec<u8> {
        let mut wire = format!("{}{headers}\r\n", self.head()).into_bytes();
        wire.extend_from_slice(body);
        wire
    }
}

/// What is without end has this many bytes.
const ENDLESS: u64 = 1024 * 1024 * 1024;
