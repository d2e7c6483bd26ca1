//! Retry budgets of others.

use std::collections::VecDeque;
use std::time::Duration;

use fastrand::Rng;

use super::answer::Outcome;
use super::baseline::{Rules, exponential};

/// What both do within their budget: five attempts, the most that gRPC allows, with delays of a
/// random share of 1, 2, 4 s ... and at most 60 s.
fn delay(failures: u32, random: &mut Rng) -> Option<Duration> {
    (failures < 5).then(|| exponential(1.0, failures, 60.0).mul_f64(random.f64()))
}

/// gRPC's retry throttling, proposal A6: 10 tokens, of which a failure takes one and a success gives
/// a tenth; retries only while more than half of them are there.
pub(crate) struct GrpcThrottling {
    tokens: f64,
}

impl GrpcThrottling {
    const MAX: f64 = 10.0;
    const RATIO: f64 = 0.1;

    pub(crate) fn new() -> Self {
        GrpcThrottling { tokens: Self::MAX }
    }
}

impl Rules for GrpcThrottling {
    fn retry(
        &mut self,
        failures: u32,
        _: &Outcome,
        random: &mut Rng,
        _: Duration,
    ) -> Option<Duration> {
        self.tokens = (self.tokens - 1.0).max(0.0);
        if self.tokens > Self::MAX / 2.0 { delay(failures, random) } else { None }
    }

    fn succeeded(&mut self, _: u32, _: Duration) {
        self.tokens = (self.tokens + Self::RATIO).min(Self::MAX);
    }
}

/// The default `TpsBudget` of the crate tower: within ten seconds, a fifth of the successes and ten a
/// second besides. Source: its documentation, `tower::retry::budget`.
pub(crate) struct TowerBudget {
    /// What was put in and taken out within the last ten seconds.
    recent: VecDeque<(Duration, f64)>,
}

impl TowerBudget {
    const TTL: Duration = Duration::from_secs(10);
    const RESERVE: f64 = 10.0 * 10.0;
    const PERCENT: f64 = 0.2;

    pub(crate) fn new() -> Self {
        TowerBudget { recent: VecDeque::new() }
    }

    fn balance(&mut self, now: Duration) -> f64 {
        while self.recent.front().is_some_and(|(at, _)| *at + Self::TTL <= now) {
            self.recent.pop_front();
        }
        Self::RESERVE + self.recent.iter().map(|(_, amount)| amount).sum::<f64>()
    }
}

impl Rules for TowerBudget {
    fn retry(
        &mut self,
        failures: u32,
        _: &Outcome,
        random: &mut Rng,
        now: Duration,
    ) -> Option<Duration> {
        if self.balance(now) < 1.0 {
            return None;
        }
        let delay = delay(failures, random)?;
        self.recent.push_back((now, -1.0));
        Some(delay)
    }

    fn succeeded(&mut self, _: u32, now: Duration) {
        self.recent.push_back((now, Self::PERCENT));
    }
}
