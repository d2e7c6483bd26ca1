//! What a program can be told of its calls: events for a log, counters for metrics.

mod counters;
mod event;
mod metric;
mod observer;
mod stats;

pub use counters::Counters;
pub use event::{CallAction, CallEvent, LogLevel, Warning};
pub use metric::{Instrument, Metric, MetricRow};
pub use observer::Observer;
pub use stats::Stats;
