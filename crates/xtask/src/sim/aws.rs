//! The retry modes of the AWS SDKs.

use std::time::Duration;

use fastrand::Rng;

use super::answer::Outcome;
use super::baseline::{Rules, exponential};

/// Mode *standard*: three attempts; a quota of 500 for retries, of which each costs 5, or 10 after a
/// time-out, and a success gives its own price back, or 1; delays of a random share of 1, 2, 4 s ...
/// and at most 20 s. Source: the AWS SDKs and Tools reference, "Retry behavior", and botocore's
/// `retries/standard.py` and `quota.py`.
pub(crate) struct Standard {
    quota: u32,
    last_cost: u32,
}

const CAPACITY: u32 = 500;

impl Standard {
    pub(crate) fn new() -> Self {
        Standard { quota: CAPACITY, last_cost: 0 }
    }
}

impl Rules for Standard {
    fn retry(
        &mut self,
        failures: u32,
        outcome: &Outcome,
        random: &mut Rng,
        _: Duration,
    ) -> Option<Duration> {
        let cost = if matches!(outcome, Outcome::Timeout) { 10 } else { 5 };
        if failures >= 3 || self.quota < cost {
            return None;
        }
        (self.quota, self.last_cost) = (self.quota - cost, cost);
        Some(exponential(1.0, failures, 20.0).mul_f64(random.f64()))
    }

    fn succeeded(&mut self, failures: u32, _: Duration) {
        let back = if failures > 0 { self.last_cost } else { 1 };
        self.quota = (self.quota + back).min(CAPACITY);
    }
}

/// Mode *adaptive*: standard, and a token bucket in front whose rate follows CUBIC: each throttled
/// answer multiplies it by 0.7. Source: botocore's `retries/adaptive.py` and `throttling.py`.
pub(crate) struct Adaptive {
    standard: Standard,
    enabled: bool,
    /// Requests a second that the bucket is filled with.
    fill_rate: f64,
    capacity: f64,
    tokens: f64,
    filled: Duration,
    /// The rate at which requests were sent.
    measured: f64,
    counted: u32,
    half_second: Duration,
    w_max: f64,
    k: f64,
    last_fail: Duration,
}

const BETA: f64 = 0.7;
const SCALE: f64 = 0.4;
const MIN_RATE: f64 = 0.5;
const SMOOTHING: f64 = 0.8;

impl Adaptive {
    pub(crate) fn new() -> Self {
        Adaptive {
            standard: Standard::new(),
            enabled: false,
            fill_rate: MIN_RATE,
            capacity: 1.0,
            tokens: 0.0,
            filled: Duration::ZERO,
            measured: 0.0,
            counted: 0,
            half_second: Duration::ZERO,
            w_max: 0.0,
            k: 0.0,
            last_fail: Duration::ZERO,
        }
    }

    fn refill(&mut self, now: Duration) {
        let added = now.saturating_sub(self.filled).as_secs_f64() * self.fill_rate;
        self.tokens = (self.tokens + added).min(self.capacity);
        self.filled = self.filled.max(now);
    }

    fn measure(&mut self, now: Duration) {
        self.counted += 1;
        let half = Duration::from_millis(500);
        let begin = half * (now.as_millis() / 500) as u32;
        if begin > self.half_second {
            let rate = f64::from(self.counted) / (begin - self.half_second).as_secs_f64();
            self.measured = rate * SMOOTHING + self.measured * (1.0 - SMOOTHING);
            (self.counted, self.half_second) = (0, begin);
        }
    }

    fn answered(&mut self, throttled: bool, now: Duration) {
        self.measure(now);
        let rate = if throttled {
            let current = self.measured;
            self.w_max = if self.enabled { current.min(self.fill_rate) } else { current };
            self.k = (self.w_max * (1.0 - BETA) / SCALE).cbrt();
            self.last_fail = now;
            self.enabled = true;
            self.w_max * BETA
        } else {
            let since = now.saturating_sub(self.last_fail).as_secs_f64();
            SCALE * (since - self.k).powi(3) + self.w_max
        };
        self.refill(now);
        self.fill_rate = rate.min(2.0 * self.measured).max(MIN_RATE);
        self.capacity = self.fill_rate.max(1.0);
        self.tokens = self.tokens.min(self.capacity);
    }
}

impl Rules for Adaptive {
    fn pace(&mut self, now: Duration) -> Duration {
        if !self.enabled {
            return now;
        }
        self.refill(now);
        self.tokens -= 1.0;
        let missing = (-self.tokens).max(0.0);
        now + Duration::from_secs_f64(missing / self.fill_rate)
    }

    fn retry(
        &mut self,
        failures: u32,
        outcome: &Outcome,
        random: &mut Rng,
        now: Duration,
    ) -> Option<Duration> {
        self.answered(outcome.is_refusal(), now);
        self.standard.retry(failures, outcome, random, now)
    }

    fn succeeded(&mut self, failures: u32, now: Duration) {
        self.answered(false, now);
        self.standard.succeeded(failures, now);
    }
}
