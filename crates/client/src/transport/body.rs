//! Reading bodies, never more than is allowed.

use std::io::Read;
use std::sync::Arc;

use super::{Failure, Incoming, Progress};

/// No more than this many bytes of an error's body are read.
pub(crate) const MAX_ERROR_BYTES: usize = 1024 * 1024;

/// What was read of a body.
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    /// Why it is not whole.
    pub(crate) failure: Option<Failure>,
}

/// Reads the body of a success to its end, but no more than `cap` bytes of it, counted after
/// decompression. One that is declared to be larger is not begun.
pub(crate) fn read_body(incoming: &mut Incoming, cap: usize, progress: &Arc<Progress>) -> Body {
    if incoming.declared.is_some_and(|length| length > cap as u64) {
        return Body { bytes: Vec::new(), failure: Some(Failure::TooLarge) };
    }
    read_beginning(incoming, cap, progress)
}

/// Reads a body up to `cap` bytes, whatever length it declares: that is enough of an error, whose
/// message and hint come first.
pub(crate) fn read_beginning(
    incoming: &mut Incoming,
    cap: usize,
    progress: &Arc<Progress>,
) -> Body {
    let _entered = progress.enter();
    let mut bytes = Vec::new();
    // One more than is allowed shows that there is more.
    let limit = (cap as u64).saturating_add(1);
    let result = (&mut incoming.body).take(limit).read_to_end(&mut bytes);
    let failure = match result {
        Err(error) => Some(Failure::from(ureq::Error::from(error))),
        Ok(_) if bytes.len() > cap => Some(Failure::TooLarge),
        Ok(_) => None,
    };
    bytes.truncate(cap);
    Body { bytes, failure }
}
