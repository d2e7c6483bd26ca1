//! Secrets, taken out of texts.

pub use crate::text::own_key::OwnKey;
pub use crate::text::redact::redact;
