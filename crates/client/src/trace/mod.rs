//! Events and spans for the crate `tracing`, by the feature of that name; without it nothing at all.

#[cfg(feature = "tracing")]
mod emit;
#[cfg(not(feature = "tracing"))]
mod silent;

#[cfg(feature = "tracing")]
pub(crate) use emit::{CallSpan, emit};
#[cfg(not(feature = "tracing"))]
pub(crate) use silent::{CallSpan, emit};
