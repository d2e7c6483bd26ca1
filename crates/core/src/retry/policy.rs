//! The policy: plain data that says when to try again.

use std::time::Duration;

use super::{Call, Jitter};
use crate::error::OptionError;
use crate::kind::Kind;

/// When to try again, as immutable data.
///
/// | option | default | unit | meaning |
/// |---|---|---|---|
/// | `max_attempts` | 5 | attempts | the first try counts; 1 means no retries |
/// | `deadline` | none | time | the whole call, waits included |
/// | `base_delay` | 1 s | time | the first back-off delay |
/// | `factor` | 2 | - | how back-off delays grow |
/// | `max_delay` | 60 s | time | the longest back-off delay |
/// | `max_hint` | 120 s | time | the longest wait that a server may ask for |
/// | `jitter` | `equal` | - | how back-off delays are spread |
/// | `max_quota_waits` | 20 | refusals | how often one call may be refused for quota |
/// | `patience` | the sum of the delays without jitter, 15 s | time | how long a call waits, in all, for a retry that the budget does not afford |
/// | `retry_ambiguous` | true | - | repeat a request that may have been carried out |
/// | `retry_kind` | none | - | a verdict that differs from the table of kinds |
///
/// Waiting for a quota window spends no attempt, so a call may send up to
/// `max_attempts + max_quota_waits` requests.
///
/// A request that may have been carried out (a time-out, a connection that broke after sending) is
/// repeated by default, because the LLM Resayil guide calls retries safe. The cost: that answer
/// may be billed although nobody sees it.
///
/// ```
/// use std::time::Duration;
/// use resayil_core::Policy;
///
/// let policy = Policy::builder().max_attempts(3).deadline(Duration::from_secs(90)).build()?;
/// assert_eq!(policy.max_attempts(), 3);
/// # Ok::<(), resayil_core::error::OptionError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    max_attempts: u32,
    deadline: Option<Duration>,
    base_delay: Duration,
    factor: f64,
    max_delay: Duration,
    max_hint: Duration,
    jitter: Jitter,
    max_quota_waits: u32,
    patience: Option<Duration>,
    retry_ambiguous: bool,
    verdicts: Vec<(Kind, bool)>,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            max_attempts: 5,
            deadline: None,
            base_delay: Duration::from_secs(1),
            factor: 2.0,
            max_delay: Duration::from_secs(60),
            max_hint: Duration::from_secs(120),
            jitter: Jitter::Equal,
            max_quota_waits: 20,
            patience: None,
            retry_ambiguous: true,
            verdicts: Vec::new(),
        }
    }
}

impl Policy {
    /// Starts from the defaults.
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder(Policy::default())
    }

    /// Never tries again, not even after a quota refusal.
    pub fn none() -> Self {
        Policy { max_attempts: 1, max_quota_waits: 0, ..Policy::default() }
    }

    /// For people who wait at a screen: tries again soon, after 0.25 s to 4 s, and gives up soon: after
    /// three attempts, or when the server asks for more than 10 s. The one that tries hardest is
    /// [`patient`](Self::patient).
    pub fn aggressive() -> Self {
        Policy {
            max_attempts: 3,
            base_delay: Duration::from_millis(250),
            max_delay: Duration::from_secs(4),
            max_hint: Duration::from_secs(10),
            ..Policy::default()
        }
    }

    /// For jobs that nobody waits for: ten attempts, hints of up to an hour, and in an outage a day of
    /// patience.
    pub fn patient() -> Self {
        Policy {
            max_attempts: 10,
            max_hint: Duration::from_secs(3600),
            patience: Some(Duration::from_secs(24 * 60 * 60)),
            ..Policy::default()
        }
    }

    /// As OpenAI's SDKs, for programs that move over: two retries after 0.5 s and 1 s, less up to a
    /// quarter, and waits that a server names up to 60 s.
    ///
    /// What differs: a refusal that names its wait spends no attempt (two such waits are accepted),
    /// it is never cut short, and one of more than 60 s ends the call where the SDK would retry at
    /// once.
    pub fn openai() -> Self {
        Policy {
            max_attempts: 3,
            base_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(8),
            max_hint: Duration::from_secs(60),
            jitter: Jitter::Quarter,
            max_quota_waits: 2,
            ..Policy::default()
        }
    }

    /// The preset of this name: `default`, `aggressive`, `patient`, `none` or `openai`.
    pub fn preset(name: &str) -> Option<Self> {
        Some(match name {
            "default" => Policy::default(),
            "aggressive" => Policy::aggressive(),
            "patient" => Policy::patient(),
            "none" => Policy::none(),
            "openai" => Policy::openai(),
            _ => return None,
        })
    }

    /// Starts from this policy, to change some of its options.
    pub fn to_builder(&self) -> PolicyBuilder {
        PolicyBuilder(self.clone())
    }

    /// The verdicts that replace those of errors, in the order in which they were set.
    pub fn verdicts(&self) -> &[(Kind, bool)] {
        &self.verdicts
    }

    /// The same policy with another deadline; `None` is no limit.
    #[must_use]
    pub fn with_deadline(mut self, deadline: impl Into<Option<Duration>>) -> Self {
        self.deadline = deadline.into();
        self
    }

    /// Begins one call. `now` is the time since any fixed point of a monotonic clock; the same
    /// clock is meant in every later method of the [`Call`]. `seed` decides the jitter.
    pub fn start(&self, now: Duration, seed: u64) -> Call {
        Call::new(self.clone(), now, seed)
    }

    /// How many attempts one call may make, the first included.
    pub fn max_attempts(&self) -> u32 {
        self.max_attempts
    }

    /// How long a call may take in all, waits included.
    pub fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// The first back-off delay.
    pub fn base_delay(&self) -> Duration {
        self.base_delay
    }

    /// By how much each back-off delay exceeds the one before.
    pub fn factor(&self) -> f64 {
        self.factor
    }

    /// The longest back-off delay.
    pub fn max_delay(&self) -> Duration {
        self.max_delay
    }

    /// The longest wait that a server may ask for; a longer one stops the call at once.
    pub fn max_hint(&self) -> Duration {
        self.max_hint
    }

    /// How back-off delays are spread.
    pub fn jitter(&self) -> Jitter {
        self.jitter
    }

    /// How often one call may be refused for quota and wait for the next window.
    pub fn max_quota_waits(&self) -> u32 {
        self.max_quota_waits
    }

    /// How long a call waits, in all and without sending, for a retry that its [`Budget`](super::Budget) does
    /// not afford; `None` is the sum of the back-off delays without jitter.
    pub fn patience(&self) -> Option<Duration> {
        self.patience
    }

    /// The patience that holds.
    pub(crate) fn budget_patience(&self) -> Duration {
        self.patience.unwrap_or_else(|| {
            (1..self.max_attempts).fold(Duration::ZERO, |sum, attempt| {
                sum.saturating_add(super::backoff::exponential(self, attempt))
            })
        })
    }

    /// Whether a request that may have been carried out is repeated.
    pub fn retry_ambiguous(&self) -> bool {
        self.retry_ambiguous
    }

    /// The verdict on this kind that replaces the one of the error, if there is one.
    pub fn verdict(&self, kind: Kind) -> Option<bool> {
        self.verdicts.iter().find(|(known, _)| *known == kind).map(|(_, retry)| *retry)
    }
}

/// Makes a [`Policy`]; see there for the meaning, unit and default of each option.
#[derive(Clone, Debug, Default)]
pub struct PolicyBuilder(Policy);

impl PolicyBuilder {
    /// Attempts in all, the first included: at least 1.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.0.max_attempts = attempts;
        self
    }

    /// The time that the whole call may take. `None` is no limit.
    #[must_use]
    pub fn deadline(mut self, deadline: impl Into<Option<Duration>>) -> Self {
        self.0.deadline = deadline.into();
        self
    }

    /// The first back-off delay.
    #[must_use]
    pub fn base_delay(mut self, delay: Duration) -> Self {
        self.0.base_delay = delay;
        self
    }

    /// The growth of back-off delays: from 1 to 10.
    #[must_use]
    pub fn factor(mut self, factor: f64) -> Self {
        self.0.factor = factor;
        self
    }

    /// The longest back-off delay: not below the base delay.
    #[must_use]
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.0.max_delay = delay;
        self
    }

    /// The longest wait that a server may ask for.
    #[must_use]
    pub fn max_hint(mut self, hint: Duration) -> Self {
        self.0.max_hint = hint;
        self
    }

    /// How back-off delays are spread.
    #[must_use]
    pub fn jitter(mut self, jitter: Jitter) -> Self {
        self.0.jitter = jitter;
        self
    }

    /// How often one call may be refused for quota.
    #[must_use]
    pub fn max_quota_waits(mut self, waits: u32) -> Self {
        self.0.max_quota_waits = waits;
        self
    }

    /// How long a call waits, in all, for a retry that the budget does not afford; zero is not at all,
    /// and a year at the most. `None` is the sum of the back-off delays.
    #[must_use]
    pub fn patience(mut self, patience: impl Into<Option<Duration>>) -> Self {
        self.0.patience = patience.into();
        self
    }

    /// Whether a request that may have been carried out is repeated.
    #[must_use]
    pub fn retry_ambiguous(mut self, retry: bool) -> Self {
        self.0.retry_ambiguous = retry;
        self
    }

    /// Retries this kind of error always, or never, whatever the table of kinds says.
    #[must_use]
    pub fn retry_kind(mut self, kind: Kind, retry: bool) -> Self {
        self.0.verdicts.retain(|(known, _)| *known != kind);
        self.0.verdicts.push((kind, retry));
        self
    }

    /// Checks the options and makes the policy.
    ///
    /// # Errors
    ///
    /// The first option that is out of its range.
    pub fn build(self) -> Result<Policy, OptionError> {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
        let policy = self.0;
        let check = OptionError::check;
        let (attempts, waits) = (policy.max_attempts, policy.max_quota_waits);
        check("max_attempts", &attempts, (1..=1000).contains(&attempts), "1 to 1000 attempts")?;
        check("factor", &policy.factor, (1.0..=10.0).contains(&policy.factor), "1 to 10")?;
        check("max_quota_waits", &waits, waits <= 1000, "0 to 1000 refusals")?;
        let (base, max) = (policy.base_delay, policy.max_delay);
        check("base_delay", &base.as_secs_f64(), base <= DAY, "0 to 86400 seconds")?;
        check("max_delay", &max.as_secs_f64(), max <= DAY, "0 to 86400 seconds")?;
        check("max_delay", &max.as_secs_f64(), max >= base, "at least base_delay")?;
        let patience = policy.patience.unwrap_or_default();
        check("patience", &patience.as_secs_f64(), patience <= YEAR, "0 to 31536000 seconds")?;
        Ok(policy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_valid() {
        for name in ["default", "none", "aggressive", "patient", "openai"] {
            let policy = Policy::preset(name).unwrap();
            assert_eq!(PolicyBuilder(policy.clone()).build(), Ok(policy));
        }
        assert_eq!(Policy::preset("eager"), None);
    }

    #[test]
    fn patience_follows_from_the_delays_unless_it_is_set() {
        let patience = |builder: PolicyBuilder| builder.build().unwrap().budget_patience();
        assert_eq!(patience(Policy::builder()), Duration::from_secs(15));
        assert_eq!(patience(Policy::builder().max_attempts(2)), Duration::from_secs(1));
        assert_eq!(patience(Policy::builder().max_attempts(1)), Duration::ZERO);
        let set = Duration::from_secs(3);
        assert_eq!(patience(Policy::builder().patience(set)), set);
        let kept = Policy::patient().to_builder().max_attempts(3).build().unwrap();
        assert_eq!(kept.patience(), Policy::patient().patience());
    }

    #[test]
    fn an_option_out_of_range_is_named() {
        let day = Duration::from_secs(86_401);
        for (builder, option) in [
            (Policy::builder().max_attempts(0), "max_attempts"),
            (Policy::builder().factor(f64::NAN), "factor"),
            (Policy::builder().factor(0.5), "factor"),
            (Policy::builder().max_delay(day), "max_delay"),
            (Policy::builder().max_delay(Duration::ZERO), "max_delay"),
            (Policy::builder().base_delay(day), "base_delay"),
            (Policy::builder().max_quota_waits(1001), "max_quota_waits"),
            (Policy::builder().patience(Duration::MAX), "patience"),
        ] {
            let error = builder.build().unwrap_err();
            assert_eq!(error.option(), option);
            assert!(error.to_string().starts_with(option));
        }
    }

    #[test]
    fn the_last_verdict_on_a_kind_holds() {
        let builder =
            Policy::builder().retry_kind(Kind::Server, false).retry_kind(Kind::Server, true);
        let policy = builder.build().unwrap();
        assert_eq!(policy.verdict(Kind::Server), Some(true));
        assert_eq!(policy.verdict(Kind::Network), None);
    }
}
