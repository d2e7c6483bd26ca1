//! What was sent lately, as far as the server may still count it.

use std::collections::VecDeque;
use std::time::Duration;

use super::bytes::{Record, record};

/// More is not remembered. A server that admits more in one window is not modelled exactly.
const MOST: usize = 4096;

/// A request that was admitted here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) id: u64,
    pub(super) at: Duration,
    /// The number of the window in which the server may have counted it.
    pub(super) window: i64,
    /// Whether it was sent before that window, so that it may have been counted in the last one.
    pub(super) carried: bool,
    /// Whether an answer told that it is counted already, and so not in a later window.
    pub(super) counted: bool,
}

record!(Sent { id, at, window, carried, counted });

/// Requests in the order in which they were sent.
#[derive(Clone, Default)]
pub(super) struct Recent(VecDeque<Sent>);

impl Record for Recent {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Record::get(input).map(Recent)
    }
}

impl Recent {
    /// Whether it can be reckoned with, given that ids are below `next_id`.
    pub(super) fn is_sound(&self, next_id: u64) -> bool {
        self.0.iter().is_sorted_by(|a, b| a.id < b.id)
            && self.0.back().is_none_or(|sent| sent.id < next_id)
    }

    /// How many have this id or a later one.
    pub(super) fn count_from(&self, id: u64) -> usize {
        self.0.len() - self.0.partition_point(|sent| sent.id < id)
    }

    pub(super) fn push(&mut self, sent: Sent) {
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back(sent);
    }

    /// Forgets what was sent before this time.
    pub(super) fn forget(&mut self, before: Duration) {
        while self.0.front().is_some_and(|sent| sent.at < before) {
            self.0.pop_front();
        }
    }

    fn index(&self, id: u64) -> Option<usize> {
        self.0.binary_search_by_key(&id, |sent| sent.id).ok()
    }

    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut Sent> {
        self.index(id).and_then(|index| self.0.get_mut(index))
    }

    pub(super) fn remove(&mut self, id: u64) -> Option<Sent> {
        self.index(id).and_then(|index| self.0.remove(index))
    }

    /// The newest first.
    pub(super) fn newest_mut(&mut self) -> impl Iterator<Item = &mut Sent> {
        self.0.iter_mut().rev()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The request at this place, the oldest being at 0.
    pub(super) fn get(&self, index: usize) -> Option<&Sent> {
        self.0.get(index)
    }
}
