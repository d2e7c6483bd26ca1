//! The ways in which servers count requests.

use std::collections::VecDeque;
use std::time::Duration;

/// How the server counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rule {
    /// Everything is admitted.
    Unlimited,
    /// So many in each window that is aligned to the server's clock: LLM Resayil.
    Fixed { limit: u32, window: Duration },
    /// So many in any stretch of time of this length.
    Rolling { limit: u32, window: Duration },
    /// A bucket of so many tokens that is filled anew, evenly, in this time.
    Bucket { capacity: u32, refill: Duration },
}

impl Rule {
    pub(crate) fn limit(self) -> Option<u32> {
        match self {
            Rule::Unlimited => None,
            Rule::Fixed { limit, .. } | Rule::Rolling { limit, .. } => Some(limit),
            Rule::Bucket { capacity, .. } => Some(capacity),
        }
    }
}

/// What the server counted so far. All times are by the server's clock, since 1970.
#[derive(Clone, Debug)]
pub(crate) struct Limiter {
    rule: Rule,
    /// The window that is counted, and how many were admitted in it.
    window: u128,
    used: u32,
    /// When the requests of the last stretch were admitted.
    recent: VecDeque<Duration>,
    /// When the bucket would be full again if nobody came.
    full_at: Duration,
}

impl Limiter {
    pub(crate) fn new(rule: Rule) -> Self {
        Limiter { rule, window: 0, used: 0, recent: VecDeque::new(), full_at: Duration::ZERO }
    }

    pub(crate) fn limit(&self) -> Option<u32> {
        self.rule.limit()
    }

    /// Puts another limit in force if its time has come. What was counted in this window stays.
    pub(crate) fn change(&mut self, change: Option<(Duration, u32)>, now: Duration) {
        if let (Some((at, new)), Rule::Fixed { limit, .. }) = (change, &mut self.rule) {
            if now >= at {
                *limit = new;
            }
        }
    }

    /// Counts a request; `Err` is the exact time until one is admitted again.
    pub(crate) fn admit(&mut self, now: Duration) -> Result<u32, Duration> {
        match self.wait(now) {
            Some(wait) => Err(wait),
            None => Ok(self.count(now)),
        }
    }

    /// How long a request would have to wait; `None` if it is admitted now.
    pub(crate) fn wait(&mut self, now: Duration) -> Option<Duration> {
        match self.rule {
            Rule::Unlimited => None,
            Rule::Fixed { limit, window } => {
                let index = now.as_nanos() / window.as_nanos();
                // A late answer for an earlier window is not asked for.
                if index > self.window {
                    (self.window, self.used) = (index, 0);
                }
                let into = Duration::from_nanos((now.as_nanos() % window.as_nanos()) as u64);
                (self.used >= limit).then(|| window - into)
            }
            Rule::Rolling { limit, window } => {
                while self.recent.front().is_some_and(|at| *at + window <= now) {
                    self.recent.pop_front();
                }
                let oldest = self.recent.front().filter(|_| self.recent.len() >= limit as usize);
                oldest.map(|oldest| *oldest + window - now)
            }
            Rule::Bucket { capacity, refill } => {
                let token = refill / capacity;
                let full_at = self.full_at.max(now) + token;
                (full_at > now + refill).then(|| full_at - refill - now)
            }
        }
    }

    /// Counts an admitted request and says how many more are admitted.
    fn count(&mut self, now: Duration) -> u32 {
        match self.rule {
            Rule::Unlimited => u32::MAX,
            Rule::Fixed { limit, .. } => {
                self.used += 1;
                limit.saturating_sub(self.used)
            }
            Rule::Rolling { limit, .. } => {
                self.recent.push_back(now);
                limit - self.recent.len() as u32
            }
            Rule::Bucket { capacity, refill } => {
                let token = refill / capacity;
                self.full_at = self.full_at.max(now) + token;
                let missing = (self.full_at - now).as_secs_f64() / token.as_secs_f64();
                capacity.saturating_sub(missing.ceil() as u32)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(60);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_fixed_window_ends_with_the_minute() {
        let mut limiter = Limiter::new(Rule::Fixed { limit: 2, window: WINDOW });
        assert_eq!(limiter.admit(seconds(110)), Ok(1));
        assert_eq!(limiter.admit(seconds(111)), Ok(0));
        assert_eq!(limiter.admit(seconds(112)), Err(seconds(8)));
        assert_eq!(limiter.admit(seconds(120)), Ok(1));
    }

    #[test]
    fn a_limit_can_change_within_a_window() {
        let mut limiter = Limiter::new(Rule::Fixed { limit: 2, window: WINDOW });
        assert_eq!(limiter.admit(seconds(110)), Ok(1));
        limiter.change(Some((seconds(5), 1)), seconds(4));
        assert_eq!(limiter.limit(), Some(2));
        limiter.change(Some((seconds(5), 1)), seconds(5));
        assert_eq!(limiter.admit(seconds(111)), Err(seconds(9)));
    }

    #[test]
    fn a_rolling_window_ends_a_minute_after_the_oldest() {
        let mut limiter = Limiter::new(Rule::Rolling { limit: 2, window: WINDOW });
        assert_eq!(limiter.admit(seconds(110)), Ok(1));
        assert_eq!(limiter.admit(seconds(130)), Ok(0));
        assert_eq!(limiter.admit(seconds(131)), Err(seconds(39)));
        assert_eq!(limiter.admit(seconds(170)), Ok(0));
        assert_eq!(limiter.admit(seconds(171)), Err(seconds(19)));
    }

    #[test]
    fn a_bucket_fills_evenly() {
        let mut limiter = Limiter::new(Rule::Bucket { capacity: 60, refill: WINDOW });
        let burst = (0..100).take_while(|_| limiter.admit(seconds(100)).is_ok()).count();
        assert_eq!(burst, 60);
        assert_eq!(limiter.admit(seconds(100)), Err(seconds(1)));
        assert!(limiter.admit(seconds(101)).is_ok());
        assert!(limiter.admit(seconds(101)).is_err());
    }
}
