//! Windows of which only refusals tell the end.

use crate::quota::bytes::record;
use crate::quota::told_ends::{SECOND, length_between};

/// What refusals told of windows that follow each other, in nanoseconds.
///
/// Where answers that are good tell nothing, a window that was used up would be asked for in vain, to learn its
/// end. The ends of two of them show their length.
#[derive(Clone, Copy, Default)]
pub(super) struct Window {
    /// When the last window was told to end.
    end: u64,
    /// When the first request was sent since, and how much in all.
    first: Option<u64>,
    sent: u64,
    length: Option<u64>,
}

record!(Window { end, first, sent, length });

impl Window {
    /// Whether it can be reckoned with.
    pub(super) fn is_sound(&self) -> bool {
        self.end < 1 << 62
            && self.sent < 1 << 61
            && self.length.is_none_or(|length| (SECOND..1 << 61).contains(&length))
    }

    pub(super) fn take(&mut self, amount: u64, now: u64) {
        self.first = self.first.or(Some(now));
        self.sent = self.sent.saturating_add(amount).min(1 << 60);
    }

    pub(super) fn give_back(&mut self, amount: u64) {
        self.sent = self.sent.saturating_sub(amount);
    }

    /// A refusal told when the window ends that admitted so much.
    pub(super) fn ends(&mut self, end: u64, limit: u64) {
        if end < self.end.saturating_add(SECOND) {
            // The same window.
            self.end = self.end.max(end);
        } else {
            // All of it was got in the window that followed, of which nothing had passed: none lies between.
            let follows = self.first.is_some_and(|first| first < self.end.saturating_add(SECOND));
            if self.end > 0 && follows && self.sent == limit {
                self.length = length_between(self.end, end);
            } else if self.length.is_some_and(|length| end > self.end.saturating_add(length)) {
                // It is not known whether that still holds.
                self.length = self.length.filter(|length| is_multiple(end - self.end, *length));
            }
            self.end = end;
        }
        (self.first, self.sent) = (None, 0);
    }

    /// When the first window ends after one that ended then, if that is known.
    pub(super) fn end_after(&self, end: u64, now: u64) -> Option<u64> {
        let length = self.length?;
        let windows = now.saturating_sub(end) / length + 1;
        Some(end.saturating_add(windows.saturating_mul(length)).min(1 << 61))
    }
}

/// Whether it is one to a second.
fn is_multiple(time: u64, length: u64) -> bool {
    let rest = time % length;
    rest.min(length - rest) < SECOND
}
