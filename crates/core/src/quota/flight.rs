//! What is to be thought of requests that are under way: not answered yet.

use std::time::Duration;

use super::bytes::record;
use super::recent::Recent;

/// How long a request has to be without a refusal to be taken for admitted, while it is not known
/// how fast the server refuses.
const PRESUMED_AFTER: Duration = Duration::from_millis(500);
/// The bounds of that time once it is known.
const LEAST: Duration = Duration::from_millis(60);
const LONGEST: Duration = Duration::from_secs(2);

/// A server refuses before it does the work, so refusals come fast. A request that has had no
/// refusal for twice the time that they take is presumed to be admitted, long before its answer.
#[derive(Clone, Copy, Default)]
pub(super) struct Flight {
    refusals_take: Option<Duration>,
    sent: u64,
}

record!(Flight { refusals_take, sent });

impl Flight {
    pub(super) fn send(&mut self) {
        self.sent += 1;
    }

    /// Whether it can be reckoned with.
    pub(super) fn is_sound(&self, recent: &Recent) -> bool {
        self.sent >= recent.under_way() as u64 && self.sent < 1 << 62
    }

    /// Learns how long a refusal takes; the estimate rises at once and falls slowly.
    pub(super) fn refused(&mut self, took: Duration) {
        let known = self.refusals_take.unwrap_or_default();
        self.refusals_take =
            Some(if took > known { took } else { known.mul_f64(0.875) + took / 8 });
    }

    /// After this time without a refusal a request is presumed to be admitted.
    pub(super) fn presumed_after(&self) -> Duration {
        match self.refusals_take {
            Some(took) => (2 * took).clamp(LEAST, LONGEST),
            None => PRESUMED_AFTER,
        }
    }

    /// The ages of those that may still be refused, the youngest first.
    pub(super) fn uncertain(
        &self,
        recent: &Recent,
        now: Duration,
    ) -> impl Iterator<Item = Duration> + Clone {
        recent.young(self.presumed_after(), now)
    }

    /// How many were certainly, or presumably, admitted since the beginning, if so many are
    /// uncertain.
    pub(super) fn passed(&self, uncertain: usize) -> u64 {
        self.sent.saturating_sub(uncertain as u64)
    }
}
