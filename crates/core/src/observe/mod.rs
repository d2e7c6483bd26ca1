//! What a program can be told of its calls: events for a log, counters for metrics.

mod counters;
mod event;
mod metric;
mod stats;

pub use counters::Counters;
pub use event::{CallAction, CallEvent};
pub use metric::{Instrument, Metric, MetricRow};
pub use stats::Stats;
