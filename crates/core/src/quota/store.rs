//! Where the state of a quota is kept.

use std::time::Duration;

use super::Settlement;

/// An admitted request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grant {
    pub(super) id: u64,
    pub(super) at: Duration,
    /// The number of the window that it was admitted for.
    pub(super) window: i64,
}

/// Where a sender stands in the line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stand {
    /// How many are in front of it.
    pub(super) ahead: usize,
    /// How many wait in all, itself included.
    pub(super) waiting: usize,
}

/// What a store knows, to be shown.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading {
    pub(super) limit: Option<u32>,
    pub(super) remaining: Option<u32>,
    pub(super) reset_after: Option<Duration>,
}

/// The seam between the line of waiters, which is each process's own, and what is counted, which
/// processes may share. [`Model`](super::model::Model) is the store of this process.
pub(super) trait Store: Send {
    /// Admits the sender who has so many in front of it, or says how long it has to wait at least:
    /// more than zero.
    fn admit(&mut self, stand: Stand, now: Duration) -> Result<Grant, Duration>;

    /// Learns from the answer.
    fn settle(&mut self, grant: &Grant, settlement: &Settlement, now: Duration);

    /// There will be no answer: the request counts.
    fn abandon(&mut self, grant: &Grant);

    fn read(&mut self, now: Duration) -> Reading;
}
