//! Who is told what is decided.

use super::CallEvent;

/// Is told what the operations of a program decide. Any closure of an event is one.
///
/// It is told of what is worth a line of a log: events of [`LogLevel::Debug`](super::LogLevel::Debug)
/// and above. It runs in the thread that drives the operation, which waits for it.
pub trait Observer: Send + Sync {
    /// Something was decided.
    fn on_event(&self, event: &CallEvent<'_>);
}

impl<F: Fn(&CallEvent<'_>) + Send + Sync> Observer for F {
    fn on_event(&self, event: &CallEvent<'_>) {
        self(event);
    }
}
