//! What headers tell of what remains, where the server puts them on every answer.

use std::time::Duration;

/// The remainder of the current window as headers tell it, and how many share it.
///
/// Each answer of a window tells another remainder, because each was counted. So processes that know
/// nothing of each other can end a window exactly: each goes on until an answer tells less than the
/// number of processes, with one request at a time towards the end. As many requests are under way
/// then as are left.
#[derive(Default)]
pub(super) struct Told {
    /// Whether answers that are no refusals tell the remainder at all.
    pub(super) on_success: bool,
    /// The least remainder that was told in this window.
    lowest: Option<u32>,
    /// How many share the quota, this process included: over several windows.
    parties: Option<f64>,
}

/// What may be sent now.
pub(super) enum ToldGate {
    /// As many as one likes.
    Open,
    /// So many at once.
    AtOnce(usize),
    /// Nothing more in this window: the rest belongs to others.
    Closed,
}

/// A request that is older is not waited for before the next one is sent.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

impl Told {
    /// An answer of this window told what remains.
    pub(super) fn remaining(&mut self, remaining: u32) {
        self.on_success = true;
        self.lowest = Some(self.lowest.map_or(remaining, |lowest| lowest.min(remaining)));
    }

    /// The window is over, in which this process had so many requests admitted.
    pub(super) fn roll(&mut self, limit: u32, own: u32) {
        let parties = f64::from(limit) / f64::from(own.max(1));
        // A window that was not used up tells nothing of how it is shared.
        if self.lowest.is_some_and(|lowest| f64::from(lowest) < parties.max(2.0)) && own > 0 {
            self.parties = Some(match self.parties {
                Some(known) => known * 0.6 + parties * 0.4,
                None => parties,
            });
        }
        self.lowest = None;
    }

    /// What a process may send that had `own` requests admitted in this window.
    pub(super) fn gate(&self, limit: u32, own: u32) -> ToldGate {
        let lowest = self.lowest.unwrap_or(limit);
        let used = limit.saturating_sub(lowest);
        let alone = used <= own;
        if alone && self.parties.is_none_or(|parties| parties < 1.5) {
            return ToldGate::Open;
        }
        let now = f64::from(used) / f64::from(own.max(1));
        let parties = match self.parties {
            Some(known) => known,
            // At first most of one's own requests are counted here that the server has yet to count.
            None if used < limit / 2 => 2.0 * now,
            None => 1.15 * now,
        };
        let parties = (parties.round() as u32).max(1);
        if lowest < parties {
            return ToldGate::Closed;
        }
        ToldGate::AtOnce((lowest / (2 * parties)).max(1) as usize)
    }
}
