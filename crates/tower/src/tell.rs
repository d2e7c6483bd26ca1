//! Telling the operation what came of a request that may or may not be sent again.

use std::time::Duration;

use http::response::Parts;
use resayil_core::answer::Classifier;
use resayil_core::call::PendingResponse;
use resayil_core::{Error, Kind, Operation, Timestamp};

use crate::headers::pairs;

/// Tells of an answer that is an error by its status.
pub(crate) fn refused(
    operation: &mut Operation,
    pending: PendingResponse,
    parts: &Parts,
    body: &[u8],
    is_last: bool,
    now: Duration,
    wall: Timestamp,
) {
    let status = parts.status.as_u16();
    pairs(&parts.headers, |headers| {
        let pending = if is_last {
            judged(operation, pending, status, headers, body, now, wall)
        } else {
            operation.on_body(pending, headers, body, now, wall)
        };
        if let Some(pending) = pending {
            operation.on_success(pending, now);
        }
    });
}

/// Tells of an answer to a request that cannot be sent again.
pub(crate) fn judged(
    operation: &mut Operation,
    pending: PendingResponse,
    status: u16,
    headers: &[(&str, &[u8])],
    body: &[u8],
    now: Duration,
    wall: Timestamp,
) -> Option<PendingResponse> {
    let classifier = Classifier::new().provider(operation.service().provider());
    match classifier.classify(status, headers, body, wall) {
        Ok(()) if pending.is_success() => Some(pending),
        result => {
            let odd = || Error::new(Kind::Protocol, "the status is no answer").with_status(status);
            operation.give_up(pending, result.err().unwrap_or_else(odd), now);
            None
        }
    }
}

/// Tells of an answer that is of no use.
pub(crate) fn told(
    operation: &mut Operation,
    pending: PendingResponse,
    error: Error,
    is_last: bool,
    now: Duration,
) {
    if is_last {
        operation.give_up(pending, error, now);
    } else {
        operation.on_error(pending, error, now);
    }
}
