//! Accepting connections, and ending them all.

use std::collections::HashMap;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::clock::{Clock, machine_now};
use crate::connection;
use crate::judge::{self, Verdict};
use crate::log::Log;
use crate::options::Builder;
use crate::quota::{Account, State};
use crate::stop::{Stop, lock};

/// How long to wait after a failed accept, so that a lack of file descriptors does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// How long a client that has gone may go unnoticed, before a verdict.
const NOTICE: Duration = Duration::from_millis(300);

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Builder,
    pub(crate) origin: String,
    pub(crate) clock: Clock,
    pub(crate) account: Account,
    pub(crate) log: Log,
    pub(crate) stop: Stop,
    connections: Connections,
}

/// The open connections. Each is closed here when the server stops, which wakes its thread from any
/// read or write.
#[derive(Debug, Default)]
struct Connections {
    inner: Mutex<Open>,
    /// Rings when one ends.
    ended: Condvar,
}

#[derive(Debug, Default)]
struct Open {
    streams: HashMap<u64, TcpStream>,
    next: u64,
    refused: u64,
}

impl Shared {
    pub(crate) fn new(options: Builder, port: u16) -> Self {
        Self {
            origin: format!("http://127.0.0.1:{port}"),
            clock: Clock::new(options.frozen_at, options.clock_offset),
            account: Account::new(&options),
            log: Log::new(options.max_log_bytes),
            stop: Stop::default(),
            connections: Connections::default(),
            options,
        }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("{}/v1", self.origin)
    }

    pub(crate) fn reset(&self) {
        self.clock.reset();
        self.account.reset(&self.options);
        self.log.clear();
    }

    /// Judges by the log. What has just ended is given a moment to be noticed.
    pub(crate) fn verdict(&self, failed: bool) -> Verdict {
        let end = Instant::now() + NOTICE;
        let mut log = self.log.entries();
        while log.iter().any(|entry| !entry.finished) && Instant::now() < end {
            self.stop.sleep(NOTICE / 10);
            log = self.log.entries();
        }
        judge::judge(&log, machine_now().as_secs_f64(), failed)
    }

    pub(crate) fn state(&self) -> State {
        let usage = self.account.usage(&self.options, &self.clock);
        let (connections, connections_refused) = {
            let open = lock(&self.connections.inner);
            (open.streams.len(), open.refused)
        };
        State {
            base_url: self.base_url(),
            behaviour: self.options.behaviour.name().to_owned(),
            limit: usage.limit,
            window_seconds: self.options.window.as_secs_f64(),
            window: usage.window,
            used: usage.used,
            remaining: usage.remaining(),
            server_time: self.clock.now().as_secs_f64(),
            credits: self.account.credits(),
            script: self.account.script_len(),
            connections,
            connections_refused,
            log_forgotten: self.log.forgotten(),
        }
    }

    /// Closes every connection and waits until their threads have ended, at most `patience`.
    pub(crate) fn close_connections(&self, patience: Duration) {
        let end = Instant::now() + patience;
        let mut open = lock(&self.connections.inner);
        for stream in open.streams.values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        while !open.streams.is_empty() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            open = self
                .connections
                .ended
                .wait_timeout(open, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Takes a connection in. `None` when there are too many, or the server stops.
    fn admit(self: &Arc<Self>, stream: &TcpStream) -> Option<Place> {
        let copy = stream.try_clone().ok()?;
        let mut open = lock(&self.connections.inner);
        if self.stop.is_set() {
            return None;
        }
        if open.streams.len() >= self.options.max_connections {
            open.refused += 1;
            return None;
        }
        let id = open.next;
        open.next += 1;
        open.streams.insert(id, copy);
        Some(Place { shared: Arc::clone(self), id })
    }
}

/// A connection's place, given back when its thread ends in whatever way.
struct Place {
    shared: Arc<Shared>,
    id: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = lock(&self.shared.connections.inner);
        if let Some(stream) = open.streams.remove(&self.id) {
            // The copy here would keep the connection open otherwise. Where a reset is to end it, nothing
            // may say goodbye before.
            let is_reset = socket2::SockRef::from(&stream).linger().ok().flatten().is_some();
            if !is_reset {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        self.shared.connections.ended.notify_all();
    }
}

/// Accepts connections until the server stops.
pub(crate) fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    while !shared.stop.is_set() {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(_) => {
                shared.stop.sleep(ACCEPT_PAUSE);
                continue;
            }
        };
        let Some(place) = shared.admit(&stream) else {
            continue;
        };
        // A failed spawn drops place and stream, which closes the connection.
        let _ = thread::Builder::new().name("resayil-sandbox".to_owned()).spawn(move || {
            // A connection that fails ends; there is nobody to tell.
            let _ = connection::serve(&stream, &place.shared);
        });
    }
}
