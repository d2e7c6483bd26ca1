//! Which limit it was that refused a request: what it counts, and in which window.

pub(super) mod choice;
mod vocabulary;
pub(super) mod words;

use std::time::Duration;

use crate::limit_scope::LimitScope;

/// What is known of a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Limit {
    pub(crate) scope: Option<LimitScope>,
    pub(crate) window: Option<Duration>,
}

impl Limit {
    /// What this one does not tell, by another.
    pub(crate) fn or(self, other: Limit) -> Self {
        // A window belongs to what it counts.
        let is_other = |scope: LimitScope| other.scope.is_some_and(|other| other != scope);
        let window = if self.scope.is_some_and(is_other) { None } else { other.window };
        Limit { scope: self.scope.or(other.scope), window: self.window.or(window) }
    }

    fn is_known(&self) -> bool {
        self.scope.is_some() && self.window.is_some()
    }
}
