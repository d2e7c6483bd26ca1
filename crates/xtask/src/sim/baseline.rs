//! Policies of others, written anew from their documentation.

use std::collections::HashMap;
use std::time::Duration;

use fastrand::Rng;

use super::answer::Outcome;
use super::driver::{Driver, Step, Trip};

/// What distinguishes one policy from the others.
pub(crate) trait Rules {
    /// When a request may be sent at the earliest; asking takes the place.
    fn pace(&mut self, now: Duration) -> Duration {
        now
    }

    /// The delay after the failure number `failures` (from 1) of a call, or `None` to give up.
    fn retry(
        &mut self,
        failures: u32,
        outcome: &Outcome,
        random: &mut Rng,
        now: Duration,
    ) -> Option<Duration>;

    /// A call succeeded after so many failures.
    fn succeeded(&mut self, _failures: u32, _now: Duration) {}
}

/// A policy of somebody else within one process.
pub(crate) struct Baseline<R> {
    rules: R,
    random: Rng,
    failures: HashMap<usize, u32>,
}

impl<R: Rules> Baseline<R> {
    pub(crate) fn new(rules: R, seed: u64) -> Self {
        Baseline { rules, random: Rng::with_seed(seed), failures: HashMap::new() }
    }

    fn send(&mut self, at: Duration, now: Duration) -> Step {
        let at = self.rules.pace(at);
        if at <= now { Step::Send } else { Step::Wait(at) }
    }
}

impl<R: Rules> Driver for Baseline<R> {
    fn begin(&mut self, job: usize, _: Trip, now: Duration) -> Step {
        self.failures.insert(job, 0);
        self.send(now, now)
    }

    fn wake(&mut self, _: usize, _: Trip, _: Duration) -> Step {
        // The place was taken when the wait began.
        Step::Send
    }

    fn failed(&mut self, job: usize, outcome: &Outcome, _: Trip, now: Duration) -> Step {
        let failures = self.failures.entry(job).or_default();
        *failures += 1;
        match self.rules.retry(*failures, outcome, &mut self.random, now) {
            Some(delay) => self.send(now + delay, now),
            None => Step::Fail,
        }
    }

    fn succeeded(&mut self, job: usize, _: &Outcome, now: Duration) {
        let failures = self.failures.remove(&job).unwrap_or_default();
        self.rules.succeeded(failures, now);
    }
}

/// No retries.
pub(crate) struct NoRetry;

impl Rules for NoRetry {
    fn retry(&mut self, _: u32, _: &Outcome, _: &mut Rng, _: Duration) -> Option<Duration> {
        None
    }
}

/// Three retries after 1, 2 and 4 s with jitter, as in countless programs.
pub(crate) struct ThreeRetries;

impl Rules for ThreeRetries {
    fn retry(
        &mut self,
        failures: u32,
        _: &Outcome,
        random: &mut Rng,
        _: Duration,
    ) -> Option<Duration> {
        (failures <= 3).then(|| exponential(1.0, failures, 60.0).mul_f64(0.5 + random.f64() / 2.0))
    }
}

/// OpenAI's SDK for Python, `_base_client.py`: `max_retries` 2, delays of 0.5 s doubling to 8 s, less
/// up to a quarter; the headers `retry-after-ms` and `retry-after` up to 60 s are kept.
pub(crate) struct OpenAi {
    pub(crate) max_retries: u32,
}

impl Rules for OpenAi {
    fn retry(
        &mut self,
        failures: u32,
        outcome: &Outcome,
        random: &mut Rng,
        _: Duration,
    ) -> Option<Duration> {
        if failures > self.max_retries {
            return None;
        }
        let named = match outcome {
            Outcome::Answer(answer) => answer.header_seconds("retry-after"),
            Outcome::Timeout | Outcome::Broken => None,
        };
        Some(match named {
            Some(seconds) if 0.0 < seconds && seconds <= 60.0 => Duration::from_secs_f64(seconds),
            _ => exponential(0.5, failures, 8.0).mul_f64(1.0 - 0.25 * random.f64()),
        })
    }
}

/// The loop of the LLM Resayil guide and its page on rate limits: wait the body's `retry_after`, else
/// 1, 2, 4 s ... and up to 1 s more, at most 60 s; stop after ten tries.
pub(crate) struct Guide;

impl Rules for Guide {
    fn retry(
        &mut self,
        failures: u32,
        outcome: &Outcome,
        random: &mut Rng,
        _: Duration,
    ) -> Option<Duration> {
        if failures >= 10 {
            return None;
        }
        let named = match outcome {
            Outcome::Answer(answer) => answer.body_retry_after(),
            Outcome::Timeout | Outcome::Broken => None,
        };
        let doubling = exponential(1.0, failures, 60.0) + Duration::from_secs_f64(random.f64());
        Some(named.unwrap_or(doubling.min(Duration::from_secs(60))))
    }
}

/// tenacity as OpenAI's cookbook has it: `wait_random_exponential(min=1, max=60)` and
/// `stop_after_attempt(6)`: anywhere between 1 s and 1, 2, 4 s ... and at most 60 s.
pub(crate) struct Tenacity;

impl Rules for Tenacity {
    fn retry(
        &mut self,
        failures: u32,
        _: &Outcome,
        random: &mut Rng,
        _: Duration,
    ) -> Option<Duration> {
        let most = exponential(1.0, failures, 60.0).as_secs_f64();
        (failures < 6).then(|| Duration::from_secs_f64(1.0 + (most - 1.0) * random.f64()))
    }
}

/// LiteLLM's router with its defaults and one deployment, which is never cooled down then: two
/// retries; `retry-after` up to 60 s, else 0.5 s doubling to 8 s and up to 0.75 s more. Source:
/// `Router._time_to_sleep_before_retry` and `litellm.utils._calculate_retry_after`.
pub(crate) struct LiteLlm;

impl Rules for LiteLlm {
    fn retry(
        &mut self,
        failures: u32,
        outcome: &Outcome,
        random: &mut Rng,
        _: Duration,
    ) -> Option<Duration> {
        if failures > 2 {
            return None;
        }
        let named = match outcome {
            Outcome::Answer(answer) => answer.header_seconds("retry-after"),
            Outcome::Timeout | Outcome::Broken => None,
        };
        let more = Duration::from_secs_f64(0.75 * random.f64());
        Some(match named {
            Some(seconds) if 0.0 < seconds && seconds <= 60.0 => Duration::from_secs_f64(seconds),
            _ => exponential(0.5, failures, 8.0) + more,
        })
    }
}

/// Pacing: a share of the quota, evenly spread but for a burst; retries as in the guide. Each process is
/// told its part. The pages of LLM Resayil advise 80 % without a burst.
pub(crate) struct Pace {
    gap: Duration,
    burst: Duration,
    next: Duration,
}

impl Pace {
    /// So many requests in this time, shared by so many processes; this share of them, and so many at
    /// once.
    pub(crate) fn new(
        (limit, window): (u64, Duration),
        share: f64,
        burst: u64,
        processes: usize,
    ) -> Self {
        let gap = window.mul_f64(processes as f64 / (share * limit as f64));
        let burst = gap.mul_f64((burst as f64 / processes as f64 - 1.0).max(0.0));
        Pace { gap, burst, next: Duration::ZERO }
    }
}

impl Rules for Pace {
    fn pace(&mut self, now: Duration) -> Duration {
        let at = self.next.saturating_sub(self.burst).max(now);
        self.next = self.next.max(now) + self.gap;
        at
    }

    fn retry(
        &mut self,
        failures: u32,
        outcome: &Outcome,
        random: &mut Rng,
        now: Duration,
    ) -> Option<Duration> {
        Guide.retry(failures, outcome, random, now)
    }
}

/// `base * 2^(failures - 1)` seconds, no more than `cap`.
pub(crate) fn exponential(base: f64, failures: u32, cap: f64) -> Duration {
    let power = failures.saturating_sub(1).min(60) as i32;
    Duration::from_secs_f64((base * 2f64.powi(power)).min(cap))
}
