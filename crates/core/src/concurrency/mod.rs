//! How many requests are in flight at once.

mod limit;
mod limiter;
mod line;

pub use limit::ConcurrencyLimit;
pub use limiter::{ConcurrencyLimiter, ConcurrencyPermit, ConcurrencyState};
