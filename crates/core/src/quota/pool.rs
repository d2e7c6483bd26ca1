//! What remains by headers, where the kind of window is unknown.

use std::time::Duration;

use super::bytes::record;
use crate::error::RateLimit;

/// Requests and tokens that remain until a reset. Taken as a step: what remains is all there is until
/// the reset, and then the limit is there. For a bucket that is cautious at first and no slower in
/// the end.
#[derive(Clone, Default)]
pub(super) struct Pool {
    requests: Option<Level>,
    tokens: Option<Level>,
    /// Tokens that a request takes, as far as headers let it be seen.
    cost: f64,
}

record!(Pool { requests, tokens, cost });

#[derive(Clone, Copy)]
struct Level {
    remaining: u64,
    reset_at: Duration,
}

record!(Level { remaining, reset_at });

impl Level {
    fn read(remaining: Option<u64>, reset: Option<Duration>, now: Duration) -> Option<Self> {
        Some(Level { remaining: remaining?, reset_at: now.saturating_add(reset?) })
    }

    /// The time until the reset, if no more than `sum` can be had before.
    fn wait(level: Option<Level>, sum: f64, now: Duration) -> Option<Duration> {
        let level = level.filter(|level| now < level.reset_at)?;
        (sum > level.remaining as f64).then(|| level.reset_at - now)
    }
}

impl Pool {
    /// Whether it can be reckoned with.
    pub(super) fn is_sound(&self) -> bool {
        self.cost >= 0.0
    }

    /// Whether headers have told anything.
    pub(super) fn is_known(&self) -> bool {
        self.requests.is_some() || self.tokens.is_some()
    }

    pub(super) fn learn(&mut self, told: &RateLimit, now: Duration) {
        // A limit of tokens alone is reported as the main one, too.
        if told.token_limit() != told.limit() || told.tokens_remaining() != told.remaining() {
            self.requests =
                Level::read(told.remaining(), told.reset_after(), now).or(self.requests);
        }
        let tokens = Level::read(told.tokens_remaining(), told.tokens_reset_after(), now);
        if let (Some(before), Some(after)) = (self.tokens, tokens) {
            if now < before.reset_at {
                let taken = before.remaining.saturating_sub(after.remaining) as f64;
                self.cost = if self.cost == 0.0 { taken } else { self.cost * 0.8 + taken * 0.2 };
            }
        }
        self.tokens = tokens.or(self.tokens);
    }

    /// The server refused a request and named the time when it admits one again. That is meant, where
    /// the reset in its headers may be late.
    pub(super) fn refused_until(&mut self, until: Duration) {
        for level in [&mut self.requests, &mut self.tokens].into_iter().flatten() {
            level.reset_at = level.reset_at.min(until);
        }
    }

    /// How long the sender has to wait who has so many in front of it, waiting or under way.
    pub(super) fn wait_for(&self, ahead: usize, now: Duration) -> Option<Duration> {
        let count = ahead.saturating_add(1) as f64;
        Level::wait(self.requests, count, now).max(Level::wait(self.tokens, count * self.cost, now))
    }

    pub(super) fn remaining(&self, now: Duration) -> Option<u32> {
        let level = self.requests.filter(|level| now < level.reset_at)?;
        Some(u32::try_from(level.remaining).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_remains_is_all_until_the_reset() {
        let mut pool = Pool::default();
        assert_eq!(pool.wait_for(100, SECOND), None);
        pool.learn(&RateLimit::new(Some(10), Some(2), Some(6 * SECOND)), SECOND);
        assert_eq!(pool.wait_for(1, SECOND), None);
        assert_eq!(pool.wait_for(2, 3 * SECOND), Some(4 * SECOND));
        assert_eq!(pool.wait_for(2, 7 * SECOND), None);
        pool.refused_until(4 * SECOND);
        assert_eq!(pool.wait_for(2, 3 * SECOND), Some(SECOND));
    }

    #[test]
    fn tokens_are_reckoned_by_what_requests_took() {
        let mut pool = Pool::default();
        let told = |tokens| {
            RateLimit::new(Some(1000), Some(900), Some(SECOND)).with_tokens(
                Some(10_000),
                Some(tokens),
                Some(60 * SECOND),
            )
        };
        pool.learn(&told(5000), Duration::ZERO);
        pool.learn(&told(3000), SECOND);
        assert_eq!(pool.wait_for(0, SECOND), None);
        assert_eq!(pool.wait_for(1, SECOND), Some(60 * SECOND));
    }
}
