//! The error for a name that nothing has.

/// A name that stands for no kind, provider, reason or whatever else was to be named.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} {name:?}; known are {known}")]
pub struct UnknownName {
    pub(crate) what: &'static str,
    pub(crate) name: String,
    pub(crate) known: String,
}

impl UnknownName {
    pub(crate) fn new(what: &'static str, name: &str, known: &[&str]) -> Self {
        // A hostile name may be long; a reader needs only its beginning.
        let name = name.chars().take(40).collect();
        UnknownName { what, name, known: known.join(", ") }
    }
}
