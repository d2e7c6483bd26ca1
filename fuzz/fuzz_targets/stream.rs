//! A stream of any bytes, in pieces of any size: how the bytes were cut must not be visible.
//!
//! The first byte seeds the sizes of the pieces; the rest is the stream.
#![no_main]

use libfuzzer_sys::fuzz_target;
use resayil_core::stream::MAX_PARTIAL_BYTES;
use resayil_core::{StreamDecoder, Timestamp};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_741_305_555);

fuzz_target!(|input: &[u8]| {
    let Some((&seed, stream)) = input.split_first() else { return };
    let whole = decode([stream]);
    assert_eq!(whole, decode(stream.chunks(1)), "byte by byte");
    let mut sizes = u32::from(seed);
    let mut rest = stream;
    let pieces = std::iter::from_fn(|| {
        if rest.is_empty() {
            return None;
        }
        // A linear congruential generator; an empty piece now and then is wanted.
        sizes = sizes.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (piece, left) = rest.split_at(rest.len().min((sizes >> 24) as usize % 17));
        rest = left;
        Some(piece)
    });
    assert_eq!(whole, decode(pieces), "in pieces");
});

/// All that a caller can see of a stream.
#[derive(Debug, PartialEq)]
struct Seen {
    events: Vec<(String, Vec<u8>)>,
    end: &'static str,
    record: Option<String>,
    partial_text: String,
    finish_reason: Option<String>,
    delivered: bool,
}

fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Seen {
    let mut decoder = StreamDecoder::new();
    let mut events = Vec::new();
    for piece in pieces {
        decoder.feed(piece, |event| events.push((event.text.to_owned(), event.data.to_vec())));
    }
    let end =
        decoder.finish(NOW, |event| events.push((event.text.to_owned(), event.data.to_vec())));
    let text: String = events.iter().map(|(text, _)| text.as_str()).collect();
    let partial_text = decoder.partial_text().to_owned();
    assert!(text.starts_with(&partial_text), "kept text was delivered");
    assert!(partial_text.len() <= MAX_PARTIAL_BYTES);
    if let Some(error) = end.error() {
        // What was delivered must never be delivered again.
        assert!(text.is_empty() || !error.is_safe_to_replay());
    }
    Seen {
        events,
        end: end.name(),
        record: end.error().map(|error| error.to_json()),
        partial_text,
        finish_reason: decoder.finish_reason().map(str::to_owned),
        delivered: decoder.has_delivered(),
    }
}
