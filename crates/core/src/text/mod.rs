//! What texts of any origin have in common: numbers, dates, JSON, and what is not to be shown.

pub(crate) mod clip;
pub(crate) mod duration;
pub(crate) mod http_date;
pub(crate) mod json;
pub(crate) mod literal;
pub(crate) mod own_key;
pub(crate) mod redact;
pub(crate) mod seconds;
pub(crate) mod structured_fields;
pub(crate) mod swar;
pub(crate) mod words;
