//! What a process was granted and promised, and what it has to tell.

use std::collections::VecDeque;
use std::time::Duration;

use crate::quota::cost::{Amounts, Sum};

/// Requests, tokens, tokens of prompts and of answers.
pub(super) type Four = [i64; 4];

/// No amount that is told is larger.
pub(super) const MOST: i64 = 1_000_000_000_000;

pub(super) fn of_amounts(amounts: &Amounts) -> Four {
    let (input, output) = (i64::from(amounts.input), i64::from(amounts.output));
    [i64::from(amounts.requests), input + output, input, output]
}

pub(super) fn of_sum(sum: &Sum) -> Four {
    let small = |amount: u64| i64::try_from(amount).unwrap_or(MOST).min(MOST);
    let (input, output) = (small(sum.input), small(sum.output));
    [small(sum.requests), (input + output).min(MOST), input, output]
}

pub(super) fn add(sum: &mut Four, by: &Four, times: i64) {
    for (sum, by) in sum.iter_mut().zip(by) {
        *sum = sum.saturating_add(by.saturating_mul(times)).clamp(-MOST, MOST);
    }
}

/// Granted by the key, and not used yet.
#[derive(Debug, Default)]
pub(super) struct Credit {
    pub(super) amounts: Four,
    pub(super) since: Duration,
}

/// Who was granted a place and does not take it within this time may have missed a refusal: it asks again.
pub(super) const FRESH: Duration = Duration::from_secs(1);

/// Turns in one window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turns {
    pub(super) window: i64,
    /// When it begins, by the clock of this process.
    pub(super) at: Duration,
    pub(super) count: i64,
    pub(super) cost: Four,
}

/// Turns in the order of their windows.
#[derive(Debug, Default)]
pub(super) struct Promises(VecDeque<Turns>);

impl Promises {
    pub(super) fn add(&mut self, turns: Turns) {
        let index = self.0.partition_point(|known| known.window <= turns.window);
        self.0.insert(index, turns);
    }

    pub(super) fn total(&self) -> i64 {
        self.0.iter().map(|turns| turns.count).sum()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Windows begin at other times than was thought.
    pub(super) fn set_times(&mut self, begins: impl Fn(i64) -> Duration) {
        self.0.iter_mut().for_each(|turns| turns.at = begins(turns.window));
    }

    /// When the first of them is due.
    pub(super) fn first_at(&self) -> Option<Duration> {
        self.0.front().map(|turns| turns.at)
    }

    /// When the turn of the one comes who has so many in front of it.
    pub(super) fn at(&self, index: i64) -> Option<Duration> {
        let mut left = index;
        let holds = |turns: &&Turns| {
            left -= turns.count;
            left < 0
        };
        self.0.iter().find(holds).map(|turns| turns.at)
    }

    /// How many are due, and the window of most of them: that of the last.
    pub(super) fn due(&self, now: Duration) -> (i64, i64) {
        let due = self.0.iter().take_while(|turns| turns.at <= now);
        due.fold((0, -1), |(count, _), turns| (count + turns.count, turns.window))
    }

    /// The first ones were asked for.
    pub(super) fn remove_first(&mut self, mut count: i64) {
        while let Some(first) = self.0.front_mut().filter(|_| count > 0) {
            let some = first.count.min(count);
            (first.count, count) = (first.count - some, count - some);
            if first.count == 0 {
                self.0.pop_front();
            }
        }
    }

    /// Takes so many from the end, all of one window: what is to be given back.
    pub(super) fn take_last(&mut self, count: i64) -> Option<(i64, Four)> {
        let last = self.0.back_mut().filter(|_| count > 0)?;
        let some = last.count.min(count);
        last.count -= some;
        let (window, mut amounts) = (last.window, Four::default());
        add(&mut amounts, &last.cost, some);
        if last.count == 0 {
            self.0.pop_back();
        }
        Some((window, amounts))
    }
}

/// What was sent in one window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sent {
    pub(super) window: i64,
    pub(super) amounts: Four,
}

impl Sent {
    /// Adds what concerns a window; what concerned an older one is of no interest then.
    pub(super) fn add(&mut self, window: i64, amounts: &Four, times: i64) {
        if window > self.window {
            *self = Sent { window, amounts: Four::default() };
        }
        if window == self.window {
            add(&mut self.amounts, amounts, times);
        }
    }
}

/// What the key has to be told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Untold {
    pub(super) sent: Sent,
    pub(super) good: i64,
    pub(super) refused: i64,
    /// Turns of one window that are not wanted any more.
    pub(super) back: Option<(i64, Four)>,
    /// Since when there is anything, and whether it has to be told at once.
    pub(super) since: Option<Duration>,
    pub(super) is_urgent: bool,
}

impl Untold {
    pub(super) fn note(&mut self, is_urgent: bool, now: Duration) {
        self.since = Some(self.since.unwrap_or(now));
        self.is_urgent |= is_urgent;
    }

    /// When it has to be told at the latest.
    pub(super) fn due_at(&self) -> Option<Duration> {
        let since = self.since?;
        Some(if self.is_urgent { since } else { since.saturating_add(FRESH) })
    }
}
