//! How an answer is read: its headers, its body, and the verdict on both.

pub(crate) mod body;
pub(crate) mod classify;
pub(crate) mod headers;
pub(crate) mod hint;
pub(crate) mod limit_scope;
pub(crate) mod rate_limit;
pub(crate) mod verdict;
