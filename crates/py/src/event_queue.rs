//! What happened in a call, until Python's observers are told.

use std::sync::{Mutex, MutexGuard, PoisonError};

use resayil_core::observe::{CallAction, CallEvent, Observer};

use crate::error::NativeError;

/// Events in Python's form, kept until the operation is free again: an observer may do anything. Where
/// nobody observes, only the lines of the history are kept.
pub(crate) struct EventQueue {
    events: Mutex<Vec<Told>>,
    pub(crate) is_observed: bool,
}

/// An event, and whether it belongs to the history.
pub(crate) struct Told {
    pub(crate) event: Option<Event>,
    pub(crate) line: Option<String>,
}

pub(crate) type Event = (
    &'static str,
    Option<&'static str>,
    u32,
    Option<f64>,
    Option<NativeError>,
    String,
    &'static str,
);

impl Observer for EventQueue {
    fn on_event(&self, event: &CallEvent<'_>) {
        let is_history = matches!(event.action, CallAction::Retry(_) | CallAction::Stop(_));
        if self.is_observed || is_history {
            let line = is_history.then(|| event.to_string());
            self.lock().push(Told { event: self.is_observed.then(|| to_python(event)), line });
        }
    }
}

impl EventQueue {
    pub(crate) fn new(is_observed: bool) -> Self {
        EventQueue { events: Mutex::default(), is_observed }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Vec<Told>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An event as Python's observers are told it: action, reason, attempt, delay, error, text, level.
pub(crate) fn to_python(event: &CallEvent<'_>) -> Event {
    (
        event.action.name(),
        event.reason(),
        event.attempt,
        event.delay.map(|delay| delay.as_secs_f64()),
        event.error.map(|error| NativeError(error.clone())),
        event.to_string(),
        event.level().name(),
    )
}
