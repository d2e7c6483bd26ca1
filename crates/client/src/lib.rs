//! A client for LLM APIs that handles failing calls right.

pub use resayil_core::*;
