//! Who is told what is decided.

use super::{CallEvent, LogLevel};

/// Is told what the operations of a program decide. Any closure of an event is one.
///
/// It runs in the thread that drives the operation, which waits for it.
pub trait Observer: Send + Sync {
    /// Something was decided.
    fn on_event(&self, event: &CallEvent<'_>);

    /// It is told of events of this level and above. Default: what is worth a line of a log,
    /// [`LogLevel::Debug`]. With [`LogLevel::Trace`] it is told of each request and each answer, too.
    fn level(&self) -> LogLevel {
        LogLevel::Debug
    }
}

impl<F: Fn(&CallEvent<'_>) + Send + Sync> Observer for F {
    fn on_event(&self, event: &CallEvent<'_>) {
        self(event);
    }
}
