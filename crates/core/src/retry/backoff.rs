//! Exponential back-off and its jitter.

use std::time::Duration;

use super::Policy;
use crate::named::named;
use crate::rng::Rng;

named! {
    /// How a back-off delay is spread, so that clients that failed together do not return together.
    ///
    /// `d` stands for the exponential delay of the attempt.
    #[derive(Default)]
    Jitter, "jitter" {
        /// No spread: `d`.
        None = "none",
        /// Anything from 0 to `d`.
        Full = "full",
        /// Half fixed, half random: from `d / 2` to `d`. Never at once.
        #[default]
        Equal = "equal",
        /// `d` and up to one second more, as the LLM Resayil guide proposes.
        Additive = "additive",
        /// From the base delay to three times the previous delay.
        Decorrelated = "decorrelated",
        /// From `3 d / 4` to `d`, as OpenAI's SDKs do it.
        Quarter = "quarter",
    }
}

/// The delay before the retry that follows the failed attempt number `attempt` (from 1), not spread.
pub(super) fn exponential(policy: &Policy, attempt: u32) -> Duration {
    let power = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
    let seconds = policy.base_delay().as_secs_f64() * policy.factor().powi(power);
    let longest = policy.max_delay();
    Duration::try_from_secs_f64(seconds.min(longest.as_secs_f64())).unwrap_or(longest)
}

/// The delay before the retry that follows the failed attempt number `attempt` (from 1).
pub(super) fn delay(policy: &Policy, attempt: u32, previous: Duration, rng: &mut Rng) -> Duration {
    let base = policy.base_delay().as_secs_f64();
    let cap = policy.max_delay().as_secs_f64();
    let exponential = exponential(policy, attempt).as_secs_f64();
    let seconds = match policy.jitter() {
        Jitter::None => exponential,
        Jitter::Full => exponential * rng.unit(),
        Jitter::Equal => exponential * (1.0 + rng.unit()) / 2.0,
        Jitter::Additive => exponential + rng.unit(),
        Jitter::Quarter => exponential * (1.0 - rng.unit() / 4.0),
        Jitter::Decorrelated => {
            let high = (previous.as_secs_f64() * 3.0).max(base);
            base + (high - base) * rng.unit()
        }
    };
    // The policy's bounds keep this finite and not negative.
    Duration::try_from_secs_f64(seconds.min(cap)).unwrap_or(policy.max_delay())
}

/// The longest time that jitter adds to a wait that the server named.
const MAX_HINT_JITTER: Duration = Duration::from_secs(1);

/// What is added to a server's hint: up to a tenth of it and no more than one second.
pub(super) fn hint_jitter(policy: &Policy, hint: Duration, rng: &mut Rng) -> Duration {
    if policy.jitter() == Jitter::None {
        return Duration::ZERO;
    }
    (hint / 10).min(MAX_HINT_JITTER).mul_f64(rng.unit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(jitter: Jitter, count: u32) -> Vec<f64> {
        let policy = Policy::builder().jitter(jitter).build().unwrap();
        let mut rng = Rng::new(1);
        let mut previous = Duration::ZERO;
        (1..=count)
            .map(|attempt| {
                previous = delay(&policy, attempt, previous, &mut rng);
                previous.as_secs_f64()
            })
            .collect()
    }

    #[test]
    fn delays_double_up_to_the_cap() {
        assert_eq!(delays(Jitter::None, 8), [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]);
    }

    #[test]
    fn each_jitter_keeps_its_bounds() {
        let exponential = delays(Jitter::None, 40);
        for (seconds, d) in delays(Jitter::Equal, 40).iter().zip(&exponential) {
            assert!((d / 2.0..=*d).contains(seconds));
        }
        for (seconds, d) in delays(Jitter::Quarter, 40).iter().zip(&exponential) {
            assert!((d * 0.75..=*d).contains(seconds));
        }
        for (seconds, d) in delays(Jitter::Full, 40).iter().zip(&exponential) {
            assert!((0.0..=*d).contains(seconds));
        }
        for (seconds, d) in delays(Jitter::Additive, 40).iter().zip(&exponential) {
            assert!((*d..=(d + 1.0).min(60.0)).contains(seconds));
        }
        assert!(
            delays(Jitter::Decorrelated, 40).iter().all(|seconds| (1.0..=60.0).contains(seconds))
        );
    }

    #[test]
    fn names_parse_back() {
        for jitter in Jitter::ALL {
            assert_eq!(jitter.name().parse(), Ok(*jitter));
        }
    }
}
