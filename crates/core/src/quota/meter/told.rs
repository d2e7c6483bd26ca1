//! What headers tell of what remains, where the server puts them on every answer.

use std::time::Duration;

use crate::quota::bytes::record;

/// The remainder of the current window as headers tell it, and how many share it.
///
/// Each answer of a window tells another remainder, because each was counted. So processes that know
/// nothing of each other can end a window exactly: each goes on until an answer tells less than the
/// number of processes, with one request at a time towards the end. As many requests are under way
/// then as are left.
#[derive(Clone, Default)]
pub(super) struct Told {
    /// Whether answers that are no refusals tell the remainder at all.
    pub(super) on_success: bool,
    /// The least remainder that was told in this window.
    lowest: Option<u64>,
    /// By how much the last two answers lowered it: as many processes are sending now.
    drops: [Option<u64>; 2],
    /// How many share the quota, this process included: over several windows.
    parties: Option<f64>,
}

record!(Told { on_success, lowest, drops, parties });

/// What may be sent now.
pub(super) enum ToldGate {
    /// As many as one likes.
    Open,
    /// So many at once.
    AtOnce(u64),
    /// So many are left, but they are for others.
    Rest(u64),
}

/// A request that is older is not waited for before the next one is sent.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

impl Told {
    /// Whether it can be reckoned with.
    pub(super) fn is_sound(&self) -> bool {
        self.parties.is_none_or(|parties| (0.0..=MOST_PARTIES).contains(&parties))
    }

    /// An answer of this window told what remains.
    pub(super) fn remaining(&mut self, remaining: u64) {
        self.on_success = true;
        if let Some(drop) = self.lowest.and_then(|lowest| lowest.checked_sub(remaining)) {
            self.drops = [Some(drop), self.drops[0]];
        }
        self.lowest = Some(self.lowest.map_or(remaining, |lowest| lowest.min(remaining)));
    }

    /// The window is over, in which this process had so many requests admitted.
    pub(super) fn roll(&mut self, limit: u64, own: u64) {
        let parties = ((limit as f64) / (own.max(1) as f64)).min(MOST_PARTIES);
        // A window that was not used up tells nothing of how it is shared.
        if self.lowest.is_some_and(|lowest| (lowest as f64) < parties.max(2.0)) && own > 0 {
            self.parties = Some(match self.parties {
                Some(known) => known * 0.6 + parties * 0.4,
                None => parties,
            });
        }
        (self.lowest, self.drops) = (None, [None; 2]);
    }

    /// What a process may send that had `own` requests admitted in this window.
    pub(super) fn gate(&self, limit: u64, own: u64) -> ToldGate {
        let lowest = self.lowest.unwrap_or(limit);
        let used = limit.saturating_sub(lowest);
        if used <= own && self.parties.is_some_and(|parties| parties < 1.5) {
            return ToldGate::Open;
        }
        // The last of one's own requests is counted here, and perhaps not yet by the server.
        let now = (used as f64) / ((own as f64) - 0.5).max(1.0);
        let early = used < limit / 2;
        let parties = match self.parties {
            Some(known) if early || (known - now).abs() < AGREE => known,
            None if early => now.max(LEAST_PARTIES),
            _ => now,
        };
        // Rather a refusal than a rest that nobody takes.
        let sending = match self.drops {
            [Some(last), Some(before)] => parties.min(last.max(before) as f64),
            _ => parties,
        };
        if (lowest as f64) < (sending + ROUND).floor().max(1.0) {
            return ToldGate::Rest(lowest);
        }
        // All processes have to come to the same number, lest the fast grow faster.
        let parties = parties.max(LEAST_PARTIES).log2().round().exp2();
        ToldGate::AtOnce(((lowest as f64) / (CAUTION * parties)).max(1.0) as u64)
    }
}

/// No more processes share a limit.
const MOST_PARTIES: f64 = 1e9;
/// As many processes are reckoned with while it is not known how many there are.
const LEAST_PARTIES: f64 = 4.0;
/// By how much this window and those before may differ in the number of processes.
const AGREE: f64 = 0.75;
const ROUND: f64 = 0.1;
/// By how much fewer are sent at once than this process's part of what remains, because others send
/// meanwhile. Found by simulation: fewer are refused if it is more, and windows end later.
const CAUTION: f64 = 1.9;
