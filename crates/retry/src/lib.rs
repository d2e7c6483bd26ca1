#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod acquire;
mod alarm;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub mod blocking;
mod clock;
mod into_error;
mod retry;
mod timer;

pub use acquire::{Acquire, QuotaExt};
#[doc(hidden)]
pub use alarm::Alarm;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub use clock::monotonic_now;
#[doc(hidden)]
pub use clock::random_seed;
pub use into_error::IntoError;
#[doc(hidden)]
pub use retry::reached;
#[cfg(feature = "tokio")]
pub use retry::retry;
pub use retry::retry_with;
pub use timer::{Timer, TokioTimer};
