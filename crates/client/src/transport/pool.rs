//! Connections that are kept for the next request.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::exchange::Connection;
use crate::clock::monotonic_now;

/// No connection is kept unused for longer than this.
const MAX_IDLE_AGE: Duration = Duration::from_secs(15);
/// No more connections are kept for later.
const MAX_IDLE_CONNECTIONS: usize = 64;

/// The connections of one client that wait, the last used one at the end.
#[derive(Default)]
pub(super) struct Pool(Mutex<Vec<Idle>>);

struct Idle {
    connection: Connection,
    since: Duration,
}

impl Pool {
    /// The one that was used last, if it is still open.
    pub(super) fn take(&self) -> Option<Connection> {
        loop {
            let Idle { mut connection, since } = self.lock().pop()?;
            let age = monotonic_now().saturating_sub(since);
            if age < MAX_IDLE_AGE && connection.is_quiet() {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection whose last answer is over.
    pub(super) fn put(&self, connection: Connection) {
        let now = monotonic_now();
        let mut idle = self.lock();
        idle.retain(|idle| now.saturating_sub(idle.since) < MAX_IDLE_AGE);
        if idle.len() < MAX_IDLE_CONNECTIONS {
            idle.push(Idle { connection, since: now });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
