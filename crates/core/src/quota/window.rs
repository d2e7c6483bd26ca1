//! One window after the other, aligned to the server's clock.

use std::collections::VecDeque;
use std::time::Duration;

use super::clock::ServerClock;
use crate::timestamp::Timestamp;

/// In microseconds.
const SECOND: i64 = 1_000_000;

/// Requests that are sent so close to a window's end may be counted in the next one.
const TRANSIT: Duration = Duration::from_millis(250);

pub(super) struct Window {
    length: i64,
    limit: Option<u32>,
    /// Whether the limit was told, not learned from a refusal.
    told: bool,
    /// The number of the current window since 1970.
    index: i64,
    used: u32,
    /// When those requests were admitted that may yet be counted in the next window: no answer tells
    /// that they were counted before.
    late: VecDeque<Duration>,
}

impl Window {
    pub(super) fn new(length: Duration, limit: Option<u32>) -> Self {
        let length = i64::try_from(length.as_micros()).unwrap_or(i64::MAX).max(1);
        let limit = limit.map(|limit| limit.max(1));
        Window {
            length,
            limit,
            told: limit.is_some(),
            index: i64::MIN,
            used: 0,
            late: VecDeque::new(),
        }
    }

    pub(super) fn limit(&self) -> Option<u32> {
        self.limit
    }

    pub(super) fn remaining(&self) -> Option<u32> {
        self.limit.map(|limit| limit.saturating_sub(self.used))
    }

    /// Takes a limit that the server told.
    pub(super) fn set_limit(&mut self, limit: u32) {
        self.limit = Some(limit.max(1));
        self.told = true;
    }

    /// Goes on to the window that has certainly begun at `now`.
    pub(super) fn roll(&mut self, clock: &ServerClock, now: Duration) {
        let index = clock.earliest(now).div_euclid(self.length);
        if index <= self.index {
            // Back, because the clock proved to be behind its estimate: what was sent still counts.
            self.index = index;
            return;
        }
        // Each request that was sent shortly before may have arrived after the window began.
        let begin = index.saturating_mul(self.length);
        let carried = |sent: &&Duration| clock.latest(**sent + TRANSIT) >= begin;
        self.used = u32::try_from(self.late.iter().filter(carried).count()).unwrap_or(u32::MAX);
        self.late.retain(|sent| clock.latest(*sent + TRANSIT) >= begin);
        self.index = index;
    }

    /// How long the sender has to wait who has so many in front of it; `None` if it may send.
    pub(super) fn wait_for(
        &self,
        ahead: usize,
        clock: &ServerClock,
        now: Duration,
    ) -> Option<Duration> {
        let limit = self.limit?;
        let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
        let remaining = limit.saturating_sub(self.used);
        let behind = ahead.checked_sub(remaining)?;
        let windows = i64::from(behind / limit);
        Some(self.until_next(clock, now) + micros(windows.saturating_mul(self.length)))
    }

    /// The time until the next window has certainly begun.
    pub(super) fn until_next(&self, clock: &ServerClock, now: Duration) -> Duration {
        let earliest = clock.earliest(now);
        micros(self.length - earliest.rem_euclid(self.length))
    }

    pub(super) fn admit(&mut self, now: Duration) {
        self.used = self.used.saturating_add(1);
        self.late.push_back(now);
        // No more of them matter than a window admits.
        const MOST: usize = 4096;
        if self.late.len() > MOST {
            self.late.pop_front();
        }
    }

    /// Whether a request that was admitted then belongs to the current window.
    pub(super) fn contains(&self, admitted_at: Duration, clock: &ServerClock) -> bool {
        clock.latest(admitted_at).div_euclid(self.length) >= self.index
    }

    /// A request was refused: what was admitted before it is the limit, if nobody told it.
    pub(super) fn refused(&mut self) {
        self.used = self.used.saturating_sub(1);
        if !self.told {
            self.limit = Some(self.limit.map_or(self.used, |limit| limit.min(self.used)).max(1));
        }
        if let Some(limit) = self.limit {
            self.used = self.used.max(limit);
        }
    }

    /// The request that was admitted then was not counted, or is known to be counted already.
    /// Says whether that was open until now.
    pub(super) fn resolve(&mut self, admitted_at: Duration) -> bool {
        // Most answers come in the order of their requests.
        let index = self.late.iter().position(|sent| *sent == admitted_at);
        index.and_then(|index| self.late.remove(index)).is_some()
    }

    /// The request that was admitted then was answered within the second that begins at `date`, and
    /// so counted before the end of it.
    pub(super) fn answered(&mut self, admitted_at: Duration, date: Timestamp) {
        let last = date.unix_micros().saturating_add(SECOND - 1).div_euclid(self.length);
        if last <= self.index && self.resolve(admitted_at) && last < self.index {
            // It was taken for one of this window.
            self.used = self.used.saturating_sub(1);
        }
    }

    /// A request was not counted after all.
    pub(super) fn give_back(&mut self) {
        self.used = self.used.saturating_sub(1);
    }

    /// The server said that the window ends within the second before `end`.
    pub(super) fn observe_end(&self, end: Duration, clock: &mut ServerClock) {
        // The end that is nearest to the middle of what the clock and that second leave open.
        let middle = (clock.earliest(end) + clock.latest(end)).div_euclid(2) - SECOND / 2;
        let nearest = (middle + self.length / 2).div_euclid(self.length) * self.length;
        clock.observe_between(nearest, nearest + SECOND, end);
    }
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
