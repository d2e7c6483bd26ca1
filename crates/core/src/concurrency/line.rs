//! Who waits for a place, in order.

use std::collections::VecDeque;
use std::task::Waker;

/// The line. Its first are taken out when they get a place.
#[derive(Debug, Default)]
pub(super) struct Line {
    next: u64,
    /// Numbers only grow towards the end.
    waiting: VecDeque<(u64, Option<Waker>)>,
}

impl Line {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// A place at the end.
    pub(super) fn join(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        self.waiting.push_back((number, None));
        number
    }

    /// Notes who is to be woken for this number, and gives who was before; `None` if it waits no more.
    pub(super) fn wait(&mut self, number: u64, waker: &Waker) -> Option<Option<Waker>> {
        let at = self.find(number)?;
        let known = &mut self.waiting.get_mut(at)?.1;
        if known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            return Some(None);
        }
        Some(known.replace(waker.clone()))
    }

    /// Leaves the line, and gives who was to be woken; `None` if the number was in it no more.
    pub(super) fn leave(&mut self, number: u64) -> Option<Option<Waker>> {
        let at = self.find(number)?;
        self.waiting.remove(at).map(|(_, waker)| waker)
    }

    /// Takes the first out of the line.
    pub(super) fn take_first(&mut self) -> Option<Waker> {
        self.waiting.pop_front().and_then(|(_, waker)| waker)
    }

    fn find(&self, number: u64) -> Option<usize> {
        self.waiting.binary_search_by_key(&number, |(number, _)| *number).ok()
    }
}
