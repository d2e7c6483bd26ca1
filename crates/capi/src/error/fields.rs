//! Getters: which fields of the request are invalid, and why.

use super::resayil_error;
use crate::panic::guard;
use crate::text::{Span, resayil_str};

impl resayil_error {
    fn field(&self, index: usize) -> Option<&(Span, Vec<Span>)> {
        self.texts.fields.get(index)
    }
}

/// How many fields of the request are invalid: at most 100.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_field_count(error: *const resayil_error) -> usize {
    guard(|| borrow!(error).texts.fields.len())
}

/// The path of an invalid field, as the provider writes it: `messages.0.role`. Absent beyond the
/// last one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_field_name(
    error: *const resayil_error,
    field: usize,
) -> resayil_str {
    guard(|| {
        let error = borrow!(error);
        error.field(field).map_or_else(resayil_str::default, |(name, _)| error.pool.get(*name))
    })
}

/// How many messages there are about a field; 0 beyond the last one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_field_message_count(
    error: *const resayil_error,
    field: usize,
) -> usize {
    guard(|| borrow!(error).field(field).map_or(0, |(_, messages)| messages.len()))
}

/// A message about a field, redacted, in the provider's language. Absent beyond the last one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_field_message(
    error: *const resayil_error,
    field: usize,
    message: usize,
) -> resayil_str {
    guard(|| {
        let error = borrow!(error);
        let span = error.field(field).and_then(|(_, messages)| messages.get(message));
        span.map_or_else(resayil_str::default, |span| error.pool.get(*span))
    })
}
