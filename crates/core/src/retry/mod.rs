//! Deciding whether, when and why to try again.

mod backoff;
mod budget;
mod call;
mod decision;
mod policy;
#[cfg(feature = "serde")]
mod policy_data;

pub use crate::stop_reason::StopReason;
pub use backoff::Jitter;
pub use budget::{Budget, BudgetOperation, BudgetOptions, BudgetReply};
pub(crate) use budget::{BudgetModel, BudgetWait, Turn};
pub use call::Call;
pub use decision::{Decision, RetryReason};
pub use policy::{Policy, PolicyBuilder};
