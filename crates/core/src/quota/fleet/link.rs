//! The side of whoever has the connection.

use std::sync::{Arc, Mutex, Weak};
use std::task::Waker;
use std::time::Duration;

use super::call::FleetCall;
use super::reply::FleetReply;
use super::shared::Fleet;
use super::state::FleetState;
use super::store::lock;
use crate::quota::Quota;
use crate::quota::state::State;

/// What to do next for a [`FleetLink`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant)] // It is handed on at once.
pub enum FleetStep {
    /// Send this call, and tell what came of it.
    Call(FleetCall),
    /// Ask again at this time, on the clock of `now`, or when the waker is called.
    Wait(Option<Duration>),
    /// The quota is gone, and so may be the connection.
    Ended,
}

/// Between a [fleet's quota](crate::Quota::fleet) and a connection to its server: a machine without input or
/// output.
///
/// Whoever has the connection asks [`poll`](Self::poll) what to do, in a loop. A call is sent as it is
/// ([`FleetCall::command`]), and its outcome is told by [`on_reply`](Self::on_reply),
/// [`on_error`](Self::on_error) or [`on_lost`](Self::on_lost). There is never more than one call under way, and all
/// who wait when it is made share it. A call that takes longer than the reply timeout is given up by `poll`;
/// its connection is not to be used again.
#[derive(Debug)]
pub struct FleetLink {
    fleet: Handle,
    quota: Weak<Mutex<State>>,
}

/// What can be seen of a fleet's quota besides the quota itself.
#[derive(Debug)]
pub struct FleetWatch(Handle);

impl FleetWatch {
    /// What is known of the fleet.
    pub fn state(&self) -> FleetState {
        lock(&self.0.0).state
    }

    /// Why the process went on alone for the first time; once.
    pub fn take_warning(&self) -> Option<String> {
        lock(&self.0.0).warning.take()
    }
}

struct Handle(Arc<Mutex<Fleet>>);

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        lock(&self.0).state.fmt(f)
    }
}

impl FleetLink {
    pub(super) fn new(fleet: Arc<Mutex<Fleet>>, quota: Weak<Mutex<State>>) -> Self {
        FleetLink { fleet: Handle(fleet), quota }
    }

    /// What to do at this time. `waker` is called when there may be something else to do.
    pub fn poll(&self, now: Duration, waker: &Waker) -> FleetStep {
        let waker = waker.clone();
        let mut fleet = lock(&self.fleet.0);
        let replaced = fleet.waker.replace(waker);
        let step = match fleet.next(now) {
            Ok(call) => FleetStep::Call(call),
            Err(Some(until)) if until <= now => {
                fleet.lose("no answer in time", now);
                FleetStep::Wait(fleet.next(now).err().flatten())
            }
            Err(None) if fleet.is_closed => FleetStep::Ended,
            Err(_) if fleet.is_closed && fleet.is_idle() => FleetStep::Ended,
            Err(until) => FleetStep::Wait(until),
        };
        drop(fleet);
        drop(replaced);
        if matches!(step, FleetStep::Wait(_)) {
            self.wake_if_lost(now);
        }
        step
    }

    /// The answer to the call: an array of integers. Another one is the same as a lost connection.
    pub fn on_reply(&self, numbers: &[i64], now: Duration) {
        let mut fleet = lock(&self.fleet.0);
        match FleetReply::from_numbers(numbers) {
            Some(reply) => fleet.answered(reply, now),
            None => fleet.lose("the answer is not the script's", now),
        }
        drop(fleet);
        self.wake(now);
    }

    /// The server answered with this error, such as `NOSCRIPT No matching script`. Where it does not know the
    /// script, or does not let it be named by its hash, this gives the call to be sent instead, by its text; no
    /// other error is answered by sending anything again.
    pub fn on_error(&self, error: &str, now: Duration) -> Option<FleetCall> {
        let mut fleet = lock(&self.fleet.0);
        let code = error.split_whitespace().next().unwrap_or_default();
        let lower = error.to_ascii_lowercase();
        // A server or a proxy that knows EVAL alone has carried nothing out.
        let is_unknown = code == "NOSCRIPT"
            || lower.contains("unknown command")
            || lower.contains("noscript")
            || (code == "NOPERM" && lower.contains("evalsha"));
        if is_unknown {
            if let Some(call) = fleet.resend() {
                return Some(call);
            }
        }
        fleet.lose(&clip(error), now);
        drop(fleet);
        self.wake(now);
        None
    }

    /// There is no connection, or it broke, or no answer came in time.
    pub fn on_lost(&self, problem: &str, now: Duration) {
        lock(&self.fleet.0).lose(&clip(problem), now);
        self.wake(now);
    }

    /// Whoever carries the calls is a new process, forked from another one: what that was granted is not its.
    pub fn on_fork(&self) {
        lock(&self.fleet.0).forked();
    }

    /// To look at from elsewhere.
    pub fn watch(&self) -> FleetWatch {
        FleetWatch(Handle(Arc::clone(&self.fleet.0)))
    }

    /// Wakes those who may go now.
    fn wake(&self, now: Duration) {
        if let Some(state) = self.quota.upgrade() {
            Quota(state).store_changed(now);
        }
    }

    fn wake_if_lost(&self, now: Duration) {
        let is_new = std::mem::take(&mut lock(&self.fleet.0).is_newly_alone);
        if is_new {
            self.wake(now);
        }
    }
}

/// The beginning of a server's text.
fn clip(text: &str) -> String {
    text.chars().filter(|it| !it.is_control()).take(200).collect()
}
