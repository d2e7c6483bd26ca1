//! Getters: which fields of the request are invalid, and why.

use ::client::Error;

use super::resayil_error;
use crate::panic::guard;
use crate::text::{Pool, Span, resayil_str};

/// The invalid fields, each with the messages about it.
pub(super) struct Fields {
    pool: Pool,
    fields: Vec<(Span, Vec<Span>)>,
}

impl Fields {
    fn of(error: &Error) -> Self {
        let mut pool = Pool::default();
        let fields = error.field_errors().into_iter().map(|field| {
            let name = pool.add(field.field);
            (name, field.messages.iter().map(|message| pool.add(message)).collect())
        });
        Fields { fields: fields.collect(), pool }
    }
}

impl resayil_error {
    fn fields(&self) -> &Fields {
        self.fields.get_or_init(|| Fields::of(&self.error))
    }

    fn field(&self, index: usize) -> Option<&(Span, Vec<Span>)> {
        self.fields().fields.get(index)
    }

    fn of_field(&self, span: Option<Span>) -> resayil_str {
        span.map_or_else(resayil_str::default, |span| self.fields().pool.get(span))
    }
}

/// How many fields of the request are invalid: at most 100.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_error_field_count(error: *const resayil_error) -> usize {
    guard(|| borrow!(error).fields().fields.len())
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
        error.of_field(error.field(field).map(|(name, _)| *name))
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
        error.of_field(span.copied())
    })
}
