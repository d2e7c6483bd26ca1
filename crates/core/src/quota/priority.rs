//! How urgent a request is.

use crate::named::named;

named! {
    /// How urgent a request is.
    ///
    /// A more urgent request passes those that came before it, but no more than
    /// [`Priority::REACH`] of them, so that nobody waits for ever.
    Priority, "priority" {
        /// Somebody waits for it.
        High = "high",
        /// As all others. The default.
        Normal = "normal",
        /// When there is nothing else to do.
        Low = "low",
    }
}

#[allow(clippy::derivable_impls)] // The macro derives the same for all.
impl Default for Priority {
    fn default() -> Self {
        Priority::Normal
    }
}

/// The most urgent one is the least.
impl Ord for Priority {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (*self as u8).cmp(&(*other as u8))
    }
}

impl PartialOrd for Priority {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Priority {
    /// How many places a request passes that is one class more urgent than those before it.
    pub const REACH: u32 = 256;

    /// Places behind the most urgent class.
    pub(super) fn handicap(self) -> u64 {
        u64::from(Priority::REACH) * self as u64
    }
}
