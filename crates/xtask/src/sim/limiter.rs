//! The ways in which servers count.

use std::collections::VecDeque;
use std::time::Duration;

/// How the server counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rule {
    /// So many in each window of the server's clock, which begin so long after its whole windows:
    /// LLM Resayil, with 0.
    Fixed { limit: u64, window: Duration, offset: Duration },
    /// So many in any stretch of time of this length.
    Rolling { limit: u64, window: Duration },
    /// A bucket of so many that is filled anew, evenly, in this time.
    Bucket { capacity: u64, refill: Duration },
}

impl Rule {
    pub(crate) fn limit(self) -> u64 {
        match self {
            Rule::Fixed { limit, .. } | Rule::Rolling { limit, .. } => limit,
            Rule::Bucket { capacity, .. } => capacity,
        }
    }

    pub(crate) fn window(self) -> Duration {
        match self {
            Rule::Fixed { window, .. } | Rule::Rolling { window, .. } => window,
            Rule::Bucket { refill, .. } => refill,
        }
    }

    /// The same with another limit.
    pub(crate) fn with_limit(mut self, new: u64) -> Self {
        match &mut self {
            Rule::Fixed { limit, .. } | Rule::Rolling { limit, .. } => *limit = new,
            Rule::Bucket { capacity, .. } => *capacity = new,
        }
        self
    }
}

/// What the server counted so far. All times are by the server's clock, since 1970.
#[derive(Clone, Debug)]
pub(crate) struct Limiter {
    rule: Rule,
    /// The window that is counted, and how much was admitted in it.
    window: u128,
    used: u64,
    /// What was admitted in the last stretch, and when.
    recent: VecDeque<(Duration, u64)>,
    /// When the bucket would be full again if nobody came.
    full_at: Duration,
    /// The most that was used of the limit in one window, and the sum of what was above it.
    pub(crate) most_used: u64,
}

impl Limiter {
    pub(crate) fn new(rule: Rule) -> Self {
        Limiter {
            rule,
            window: 0,
            used: 0,
            recent: VecDeque::new(),
            full_at: Duration::ZERO,
            most_used: 0,
        }
    }

    pub(crate) fn rule(&self) -> Rule {
        self.rule
    }

    /// Puts another limit in force. What was counted in this window stays.
    pub(crate) fn set_limit(&mut self, limit: u64) {
        self.rule = self.rule.with_limit(limit);
    }

    /// How long so much would have to wait; `None` if it is admitted now.
    pub(crate) fn wait(&mut self, amount: u64, now: Duration) -> Option<Duration> {
        self.roll(now);
        match self.rule {
            Rule::Fixed { limit, .. } => {
                (self.used + amount > limit && amount > 0).then(|| self.until_next(now))
            }
            Rule::Rolling { limit, window } => {
                let mut over = (self.used + amount).checked_sub(limit).filter(|over| *over > 0)?;
                for (at, taken) in &self.recent {
                    if *taken >= over {
                        return Some(*at + window - now);
                    }
                    over -= taken;
                }
                Some(window)
            }
            Rule::Bucket { refill, .. } => {
                let full_at = self.full_at.max(now) + self.time_of(amount);
                (full_at > now + refill && amount > 0).then(|| full_at - refill - now)
            }
        }
    }

    /// Counts so much, admitted at this time.
    pub(crate) fn count(&mut self, amount: u64, now: Duration) {
        self.roll(now);
        match self.rule {
            Rule::Fixed { .. } => self.used += amount,
            Rule::Rolling { .. } => {
                self.used += amount;
                self.recent.push_back((now, amount));
            }
            Rule::Bucket { .. } => self.full_at = self.full_at.max(now) + self.time_of(amount),
        }
        self.most_used = self.most_used.max(self.used);
    }

    /// Corrects what was counted at `at`: `taken` was really `used`.
    pub(crate) fn settle(&mut self, taken: u64, used: u64, at: Duration, now: Duration) {
        if taken == used {
            return;
        }
        self.roll(now);
        match self.rule {
            Rule::Fixed { .. } if self.index(at) != self.window => {}
            Rule::Fixed { .. } => self.used = self.used.saturating_sub(taken) + used,
            Rule::Rolling { .. } => {
                if let Some(entry) = self.recent.iter_mut().find(|(known, _)| *known == at) {
                    self.used = self.used - entry.1.min(taken) + used;
                    entry.1 = entry.1.saturating_sub(taken) + used;
                }
            }
            Rule::Bucket { .. } => {
                self.full_at =
                    self.full_at.saturating_sub(self.time_of(taken)) + self.time_of(used);
            }
        }
        self.most_used = self.most_used.max(self.used);
    }

    /// How much more is admitted now.
    pub(crate) fn remaining(&mut self, now: Duration) -> u64 {
        self.roll(now);
        match self.rule {
            Rule::Fixed { limit, .. } | Rule::Rolling { limit, .. } => {
                limit.saturating_sub(self.used)
            }
            Rule::Bucket { capacity, refill } => {
                let missing = self.full_at.saturating_sub(now).as_secs_f64() / refill.as_secs_f64();
                (capacity as f64 * (1.0 - missing)).max(0.0) as u64
            }
        }
    }

    /// The time until all of the limit is there.
    pub(crate) fn reset(&mut self, now: Duration) -> Duration {
        self.roll(now);
        match self.rule {
            Rule::Fixed { .. } => self.until_next(now),
            Rule::Rolling { window, .. } => {
                self.recent.back().map_or(Duration::ZERO, |(at, _)| *at + window - now)
            }
            Rule::Bucket { .. } => self.full_at.saturating_sub(now),
        }
    }

    fn roll(&mut self, now: Duration) {
        match self.rule {
            Rule::Fixed { .. } => {
                // A late answer for an earlier window is not asked for.
                let index = self.index(now);
                if index > self.window {
                    (self.window, self.used) = (index, 0);
                }
            }
            Rule::Rolling { window, .. } => {
                while self.recent.front().is_some_and(|(at, _)| *at + window <= now) {
                    self.used -= self.recent.pop_front().map_or(0, |(_, amount)| amount);
                }
            }
            Rule::Bucket { .. } => {}
        }
    }

    fn index(&self, at: Duration) -> u128 {
        match self.rule {
            Rule::Fixed { window, offset, .. } => {
                (at.as_nanos() + window.as_nanos() - offset.as_nanos()) / window.as_nanos()
            }
            _ => 0,
        }
    }

    fn until_next(&self, now: Duration) -> Duration {
        match self.rule {
            Rule::Fixed { window, offset, .. } => {
                let into =
                    (now.as_nanos() + window.as_nanos() - offset.as_nanos()) % window.as_nanos();
                window - Duration::from_nanos(into as u64)
            }
            _ => Duration::ZERO,
        }
    }

    /// The time in which the bucket is filled by so much.
    fn time_of(&self, amount: u64) -> Duration {
        self.rule.window().mul_f64(amount as f64 / self.rule.limit() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(60);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn fixed(limit: u64) -> Limiter {
        Limiter::new(Rule::Fixed { limit, window: WINDOW, offset: Duration::ZERO })
    }

    /// Counts so much, or says how long it would have to wait.
    fn admit(limiter: &mut Limiter, amount: u64, now: u64) -> Result<u64, Duration> {
        match limiter.wait(amount, seconds(now)) {
            Some(wait) => Err(wait),
            None => {
                limiter.count(amount, seconds(now));
                Ok(limiter.remaining(seconds(now)))
            }
        }
    }

    #[test]
    fn a_fixed_window_ends_with_the_minute() {
        let limiter = &mut fixed(2);
        assert_eq!(admit(limiter, 1, 110), Ok(1));
        assert_eq!(admit(limiter, 1, 111), Ok(0));
        assert_eq!(admit(limiter, 1, 112), Err(seconds(8)));
        assert_eq!(admit(limiter, 1, 120), Ok(1));
    }

    #[test]
    fn an_unaligned_window_ends_later() {
        let offset = seconds(25);
        let limiter = &mut Limiter::new(Rule::Fixed { limit: 1, window: WINDOW, offset });
        assert_eq!(admit(limiter, 1, 120), Ok(0));
        assert_eq!(admit(limiter, 1, 121), Err(seconds(24)));
        assert_eq!(admit(limiter, 1, 145), Ok(0));
    }

    #[test]
    fn a_limit_can_change_within_a_window() {
        let limiter = &mut fixed(2);
        assert_eq!(admit(limiter, 1, 110), Ok(1));
        limiter.set_limit(1);
        assert_eq!(admit(limiter, 1, 111), Err(seconds(9)));
    }

    #[test]
    fn a_rolling_window_ends_a_minute_after_the_oldest() {
        let limiter = &mut Limiter::new(Rule::Rolling { limit: 2, window: WINDOW });
        assert_eq!(admit(limiter, 1, 110), Ok(1));
        assert_eq!(admit(limiter, 1, 130), Ok(0));
        assert_eq!(admit(limiter, 1, 131), Err(seconds(39)));
        assert_eq!(limiter.wait(2, seconds(131)), Some(seconds(59)));
        assert_eq!(admit(limiter, 1, 170), Ok(0));
        assert_eq!(admit(limiter, 1, 171), Err(seconds(19)));
    }

    #[test]
    fn a_bucket_fills_evenly() {
        let limiter = &mut Limiter::new(Rule::Bucket { capacity: 60, refill: WINDOW });
        let burst = (0..100).take_while(|_| admit(limiter, 1, 100).is_ok()).count();
        assert_eq!(burst, 60);
        assert_eq!(admit(limiter, 1, 100), Err(seconds(1)));
        assert_eq!(limiter.wait(5, seconds(100)), Some(seconds(5)));
        assert!(admit(limiter, 1, 101).is_ok());
        assert!(admit(limiter, 1, 101).is_err());
    }

    #[test]
    fn what_was_not_used_is_given_back_in_its_window() {
        for rule in [
            Rule::Fixed { limit: 100, window: WINDOW, offset: Duration::ZERO },
            Rule::Rolling { limit: 100, window: WINDOW },
            Rule::Bucket { capacity: 100, refill: WINDOW },
        ] {
            let limiter = &mut Limiter::new(rule);
            assert!(admit(limiter, 80, 100).is_ok());
            assert!(admit(limiter, 80, 100).is_err());
            limiter.settle(80, 10, seconds(100), seconds(101));
            assert!(admit(limiter, 80, 101).is_ok(), "{rule:?}");
        }
    }
}
