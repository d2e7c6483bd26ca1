//! What is known while everybody is held back.

use std::time::Duration;

use super::{FIRST_WAIT, Run};
use crate::quota::bytes::record;
use crate::quota::clock::ServerClock;
use crate::quota::nanos;
use crate::quota::told_ends::{LENGTHS, length_between};

/// From this wait on what is over at the end of a usual window is waited for, rather than tried before.
const RARE: u64 = 8 * FIRST_WAIT;

/// A window that began with a request is over so much later than its length, on the way there and back.
const LATER: u64 = 150_000_000;
/// After the end of a minute of the server's clock.
const MARGIN: u64 = 30_000_000;
const MINUTE: i64 = 60_000_000;

/// What came after a refusal.
#[derive(Clone, Copy, Debug)]
pub(in crate::quota) struct Closed {
    /// What was admitted before.
    pub(in crate::quota) run: Run,
    /// When the first request was sent that was refused, and the last one.
    pub(in crate::quota) since: u64,
    pub(in crate::quota) refused: u64,
    /// How long was waited, and from when on one may probe.
    pub(super) wait: u64,
    pub(super) probe_at: u64,
    /// When the probe was sent that is under way.
    pub(super) probed: Option<u64>,
    /// When the first request was sent that was refused after a probe had been admitted. The others that may
    /// still be refused are waited for then.
    pub(super) ended: Option<u64>,
    /// When the server said that it admits again, and the same of what was refused after the probe. A
    /// server that refused a probe after its own time is not believed.
    pub(super) told: Option<u64>,
    pub(super) told_end: Option<u64>,
}

record!(Closed { run, since, refused, wait, probe_at, probed, ended, told, told_end });

impl Closed {
    /// The length of windows of which the server told the ends of two, one after the other; and when the
    /// second began at the earliest.
    pub(super) fn told_window(&self) -> Option<(u64, u64)> {
        let (begins, ends) = (self.told?, self.told_end?);
        let length = length_between(begins, ends)?;
        Some((length, begins.saturating_sub(FIRST_WAIT)))
    }

    /// When to probe: after the wait, or nearby when a window of a usual length is over.
    pub(super) fn plan(&mut self, hint_at: Option<u64>, clock: &ServerClock, now: Duration) {
        if let Some(at) = hint_at {
            self.probe_at = at;
            return;
        }
        let at = nanos(now);
        let base = at.saturating_add(self.wait);
        // The longer one waits the rarer are lengths that windows have, and the dearer is a probe in vain.
        let later = if self.wait < RARE { self.wait / 2 } else { self.wait * 3 / 2 };
        let (earliest, latest) = (at + FIRST_WAIT / 4, base.saturating_add(later));
        let ends = LENGTHS.map(|length| self.run.began + length * FIRST_WAIT + LATER);
        let minute = clock.is_observed().then(|| minute_after(clock, at) + MARGIN);
        let candidates = ends.into_iter().filter(|end| *end <= latest);
        let minute = minute.into_iter().filter(|end| *end <= base);
        let nearby = candidates.chain(minute).filter(|end| *end >= earliest);
        // The first of those in time, else the one just after it.
        self.probe_at = nearby.min().unwrap_or(base);
    }
}

/// When the first minute of the server's clock has certainly ended after a time, in nanoseconds.
fn minute_after(clock: &ServerClock, at: u64) -> u64 {
    let earliest = clock.earliest(Duration::from_nanos(at));
    let left = MINUTE - earliest.rem_euclid(MINUTE);
    at.saturating_add(u64::try_from(left).unwrap_or(0).saturating_mul(1000))
}
