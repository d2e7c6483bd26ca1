//! What was sent lately, as far as the server may still count it or has not answered it.

use std::collections::VecDeque;
use std::time::Duration;

use super::bytes::record;

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
    /// Whether it is under way: there is no answer yet.
    pub(super) under_way: bool,
}

record!(Sent { id, at, window, carried, counted, under_way });

/// Requests in the order in which they were sent.
#[derive(Clone, Default)]
pub(super) struct Recent {
    sent: VecDeque<Sent>,
    /// Those that no window counts any more, but that are still under way: id and time.
    late: VecDeque<(u64, Duration)>,
    /// How many are under way.
    under_way: u32,
}

record!(Recent { sent, late, under_way });

impl Recent {
    /// Whether it can be reckoned with, given that ids are below `next_id`.
    pub(super) fn is_sound(&self, next_id: u64) -> bool {
        let under_way = self.sent.iter().filter(|sent| sent.under_way).count() + self.late.len();
        self.sent.iter().is_sorted_by(|a, b| a.id < b.id)
            && self.late.iter().is_sorted_by(|a, b| a.0 < b.0)
            && self.sent.back().is_none_or(|sent| sent.id < next_id)
            && self.late.back().is_none_or(|(id, _)| *id < next_id)
            && under_way == self.under_way as usize
    }

    /// How many have this id or a later one.
    pub(super) fn count_from(&self, id: u64) -> usize {
        self.sent.len() - self.sent.partition_point(|sent| sent.id < id)
    }

    #[inline]
    pub(super) fn push(&mut self, sent: Sent) {
        if self.sent.len() >= MOST {
            if let Some(oldest) = self.sent.pop_front() {
                self.under_way -= u32::from(oldest.under_way);
            }
        }
        self.under_way += u32::from(sent.under_way);
        self.sent.push_back(sent);
    }

    /// Forgets what was sent before `before`, but those that are under way not before `given_up`.
    pub(super) fn forget(&mut self, before: Duration, given_up: Duration) {
        while let Some(sent) = self.sent.front().filter(|sent| sent.at < before) {
            if sent.under_way {
                self.late.push_back((sent.id, sent.at));
            }
            self.sent.pop_front();
        }
        while self.late.len() > MOST || self.late.front().is_some_and(|(_, at)| *at < given_up) {
            self.late.pop_front();
            self.under_way -= 1;
        }
    }

    /// When the first of them are to be forgotten, which are kept for so long.
    pub(super) fn until(&self, kept: Duration, given_up_after: Duration) -> Duration {
        let sent = self.sent.front().map(|sent| sent.at.saturating_add(kept));
        let late = self.late.front().map(|(_, at)| at.saturating_add(given_up_after));
        sent.unwrap_or(Duration::MAX).min(late.unwrap_or(Duration::MAX))
    }

    /// There was an answer, or there will be none.
    pub(super) fn settle(&mut self, id: u64) {
        if let Some(sent) = self.get_mut(id) {
            if std::mem::take(&mut sent.under_way) {
                self.under_way -= 1;
            }
        } else if let Ok(index) = self.late.binary_search_by_key(&id, |(id, _)| *id) {
            self.late.remove(index);
            self.under_way -= 1;
        }
    }

    /// How many are under way.
    pub(super) fn under_way(&self) -> usize {
        self.under_way as usize
    }

    /// The ages of those that are under way and younger than `age`, the youngest first.
    pub(super) fn young(
        &self,
        age: Duration,
        now: Duration,
    ) -> impl Iterator<Item = Duration> + Clone {
        let sent = self.sent.iter().rev().map(|sent| (sent.at, sent.under_way));
        let all = sent.chain(self.late.iter().rev().map(|(_, at)| (*at, true)));
        all.map(move |(at, under_way)| (now.saturating_sub(at), under_way))
            .take_while(move |(it, _)| *it < age)
            .filter_map(|(it, under_way)| under_way.then_some(it))
            .take(self.under_way())
    }

    fn index(&self, id: u64) -> Option<usize> {
        // Most are where they are expected, since few are ever taken out.
        let first = self.sent.front()?.id;
        let expected = usize::try_from(id.checked_sub(first)?).ok()?;
        if self.sent.get(expected).is_some_and(|sent| sent.id == id) {
            return Some(expected);
        }
        self.sent.binary_search_by_key(&id, |sent| sent.id).ok()
    }

    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut Sent> {
        self.index(id).and_then(|index| self.sent.get_mut(index))
    }

    /// Takes out a request, which has to be settled.
    pub(super) fn remove(&mut self, id: u64) -> Option<Sent> {
        let sent = self.index(id).and_then(|index| self.sent.remove(index))?;
        self.under_way -= u32::from(sent.under_way);
        Some(sent)
    }

    /// The newest first.
    pub(super) fn newest_mut(&mut self) -> impl Iterator<Item = &mut Sent> {
        self.sent.iter_mut().rev()
    }

    pub(super) fn len(&self) -> usize {
        self.sent.len()
    }

    /// The request at this place, the oldest being at 0.
    pub(super) fn get(&self, index: usize) -> Option<&Sent> {
        self.sent.get(index)
    }
}
