//! A call from its beginning to its end, over any number of attempts and targets.

mod fallback;
#[cfg(feature = "serde")]
mod fallback_data;

pub use fallback::{Fallback, FallbackBuilder, FallbackCall, FallbackTarget};
