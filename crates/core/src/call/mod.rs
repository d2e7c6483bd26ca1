//! A call from its beginning to its end, over any number of attempts and targets.

mod attempt;
mod fallback;
#[cfg(feature = "serde")]
mod fallback_data;
mod idempotency;
mod operation;
mod options;
mod service;
mod step;

pub use attempt::{Attempt, PendingResponse, Reached};
pub use fallback::{Fallback, FallbackBuilder, FallbackCall, FallbackTarget};
pub use operation::Operation;
pub use options::OperationOptions;
pub use service::Service;
pub use step::{Step, WaitReason};
