//! How an answer is read: its headers, its body, and the verdict on both.

pub(crate) mod body;
pub(crate) mod classify;
pub(crate) mod disguise;
pub(crate) mod header_block;
pub(crate) mod headers;
mod hint;
mod limit;
mod rate_limit;
pub(crate) mod reading;
pub(crate) mod request_id;
pub(crate) mod verdict;
mod wait;
mod wait_in_prose;

pub use classify::{Classifier, classify};
pub use header_block::HeaderBlock;
pub use request_id::request_id;
