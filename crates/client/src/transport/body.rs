//! Reading bodies, never more than is allowed.

use std::ops::RangeInclusive;

use super::{Failure, Incoming};

/// No more than this many bytes of an error's body are read.
pub(crate) const MAX_ERROR_BYTES: usize = 1024 * 1024;
/// So much room is made before anything came, whatever length is declared.
const MAX_ROOM: usize = 1024 * 1024;
/// How much is read at once, at the least and at the most.
const PIECES: RangeInclusive<usize> = 4 * 1024..=64 * 1024;

/// What was read of a body.
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    /// Why it is not whole.
    pub(crate) failure: Option<Failure>,
}

/// Reads the body of a success to its end, but no more than `cap` bytes of it, counted after
/// decompression. One that is declared to be larger is not begun.
pub(crate) fn read_body(incoming: &mut Incoming, cap: usize) -> Body {
    if incoming.declared.is_some_and(|length| length > cap as u64) {
        return Body { bytes: Vec::new(), failure: Some(Failure::TooLarge("max_response_bytes")) };
    }
    read_beginning(incoming, cap)
}

/// Reads a body up to `cap` bytes, whatever length it declares: that is enough of an error, whose
/// message and hint come first.
pub(crate) fn read_beginning(incoming: &mut Incoming, cap: usize) -> Body {
    let declared = incoming.declared.map_or(0, |length| usize::try_from(length).unwrap_or(cap));
    // And for the read that shows the end.
    let mut bytes = Vec::with_capacity(declared.min(cap).min(MAX_ROOM) + PIECES.start());
    let failure = loop {
        let filled = bytes.len();
        // Room costs time, so there is as much as is still to come, or as came so far.
        let expected = declared.saturating_sub(filled).max(filled / 2);
        let room = expected.clamp(*PIECES.start(), *PIECES.end());
        // One more than is allowed shows that there is more.
        let room = room.min((cap - filled).saturating_add(1));
        bytes.resize(filled + room, 0);
        let result = incoming.read(&mut bytes[filled..]);
        bytes.truncate(filled + *result.as_ref().unwrap_or(&0));
        match result {
            Ok(0) => break None,
            Ok(_) if bytes.len() > cap => break Some(Failure::TooLarge("max_response_bytes")),
            Ok(_) => {}
            Err(failure) => break Some(failure),
        }
    };
    bytes.truncate(cap);
    Body { bytes, failure }
}
