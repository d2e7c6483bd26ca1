//! Where to go with a request that its first target does not serve.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::kind::Kind;
use crate::retry::{Call, PolicyError, StopReason};

/// Another model, another service, or both, that may serve a request.
///
/// What is not set is as the request has it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FallbackTarget {
    pub(super) model: Option<String>,
    pub(super) base_url: Option<String>,
    pub(super) api_key: Option<String>,
}

impl FallbackTarget {
    /// Nothing is set yet; a target needs a model or a base URL.
    pub fn new() -> Self {
        FallbackTarget::default()
    }

    /// The model to ask.
    #[must_use]
    pub fn with_model(mut self, model: &str) -> Self {
        self.model = Some(model.to_owned());
        self
    }

    /// The address of the service, such as `https://host/v1`.
    #[must_use]
    pub fn with_base_url(mut self, url: &str) -> Self {
        self.base_url = Some(url.to_owned());
        self
    }

    /// The key for this target. A service of another origin has to have one: the first target's key
    /// is never sent there.
    #[must_use]
    pub fn with_api_key(mut self, key: &str) -> Self {
        self.api_key = Some(key.to_owned());
        self
    }

    /// The model to ask; `None` for that of the request.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// The address of the service; `None` for that of the first target.
    pub fn base_url(&self) -> Option<&str> {
        self.base_url.as_deref()
    }

    /// The key: do not print it. `None` for that of the first target.
    pub fn api_key(&self) -> Option<&str> {
        self.api_key.as_deref()
    }

    /// What two targets share that one failure condemns.
    fn service(&self) -> (Option<&str>, Option<&str>) {
        (self.base_url(), self.api_key())
    }
}

impl From<&str> for FallbackTarget {
    /// Another model of the same service.
    fn from(model: &str) -> Self {
        FallbackTarget::new().with_model(model)
    }
}

impl fmt::Debug for FallbackTarget {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FallbackTarget")
            .field("model", &self.model)
            .field("base_url", &self.base_url)
            .field("api_key", &self.api_key.as_ref().map(|_| "[redacted]"))
            .finish()
    }
}

/// An ordered list of targets that take over a request which the one before does not serve, as
/// immutable data.
///
/// | option | default | unit | meaning |
/// |---|---|---|---|
/// | `targets` | - | 1 to 100 | models or services, in the order in which they are asked |
/// | `on` | `overloaded`, `not_found` | kinds | which errors lead to the next target |
/// | `overloaded_attempts` | 2 | attempts | how many that end `overloaded` a target gets |
/// | `max_wait` | 10 s | time | a longer wait for a target that is `overloaded` is not waited |
///
/// When the next target is taken:
///
/// - after an error of a kind in `on`, when the policy allows no further attempt at this target:
///   `not_found` at once, because a model that is not there does not come back; other kinds when the
///   retries are used up, or when the wait would be too long;
/// - after so many attempts that ended `overloaded`, although the policy would allow more: one retry
///   mends a short lack of capacity, and further ones only add to a long one; and at once where the
///   retry would have to wait longer than `max_wait`;
/// - after any error that the closed [`Budget`](crate::Budget) keeps from being retried, because
///   failures dominate there: but then only a target of another service, for a second model of this
///   one would be a retry by another name.
///
/// Never when something of an answer was delivered, never when the deadline is over, and when the
/// request may have been carried out only if the policy allows to repeat it
/// ([`Policy::retry_ambiguous`](crate::Policy::retry_ambiguous)). The last target's error is the
/// call's.
///
/// Each target has all the attempts of the policy, so one call may send as many requests as that
/// times the number of targets. A request to another target is another request: it needs another
/// idempotency key.
///
/// ```
/// use std::time::Duration;
/// use resayil_core::{Error, Fallback, Kind, Policy};
///
/// let fallback = Fallback::models(["llama3.2:3b", "mistral"])?;
/// let mut targets = fallback.start();
/// let mut call = Policy::default().start(Duration::ZERO, 1);
/// let error = Error::new(Kind::NotFound, "Model not found.").with_status(404);
/// let now = Duration::from_secs(1);
/// assert!(!call.on_error(&error, now).is_retry());
/// let index = targets.next(&call, &error, now).unwrap();
/// assert_eq!(fallback.targets()[index].model(), Some("llama3.2:3b"));
/// call.restart(); // and send the request there
/// # Ok::<(), resayil_core::PolicyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fallback(Arc<Data>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Data {
    targets: Vec<FallbackTarget>,
    on: Vec<Kind>,
    overloaded_attempts: u32,
    max_wait: Duration,
}

impl Fallback {
    /// Starts without targets, and from the defaults.
    pub fn builder() -> FallbackBuilder {
        FallbackBuilder(Data {
            targets: Vec::new(),
            on: vec![Kind::NotFound, Kind::Overloaded],
            overloaded_attempts: 2,
            max_wait: Duration::from_secs(10),
        })
    }

    /// Other models of the same service, with the defaults.
    ///
    /// # Errors
    ///
    /// As [`FallbackBuilder::build`].
    pub fn models<'a>(models: impl IntoIterator<Item = &'a str>) -> Result<Self, PolicyError> {
        models.into_iter().fold(Fallback::builder(), FallbackBuilder::target).build()
    }

    /// The targets in order.
    pub fn targets(&self) -> &[FallbackTarget] {
        &self.0.targets
    }

    /// The kinds of error that lead to the next target.
    pub fn on(&self) -> &[Kind] {
        &self.0.on
    }

    /// How many attempts that end `overloaded` a target gets.
    pub fn overloaded_attempts(&self) -> u32 {
        self.0.overloaded_attempts
    }

    /// The longest wait for a target that is overloaded.
    pub fn max_wait(&self) -> Duration {
        self.0.max_wait
    }

    /// Begins one call, at the target that the request names itself.
    pub fn start(&self) -> FallbackCall {
        FallbackCall { fallback: self.clone(), current: None, next: 0, overloaded: 0 }
    }
}

/// Makes a [`Fallback`]; see there for the meaning and default of each option.
#[derive(Clone, Debug)]
pub struct FallbackBuilder(Data);

impl FallbackBuilder {
    /// Adds a target at the end; a text is a model of the same service.
    #[must_use]
    pub fn target(mut self, target: impl Into<FallbackTarget>) -> Self {
        self.0.targets.push(target.into());
        self
    }

    /// The kinds of error that lead to the next target, in place of those before. An empty list leaves
    /// the closed budget alone.
    #[must_use]
    pub fn on(mut self, kinds: impl IntoIterator<Item = Kind>) -> Self {
        self.0.on = kinds.into_iter().collect();
        self.0.on.sort_unstable();
        self.0.on.dedup();
        self
    }

    /// How many attempts that end `overloaded` a target gets: 1 to 1000. At 1 none is retried; from
    /// the policy's `max_attempts` on, the policy alone decides.
    #[must_use]
    pub fn overloaded_attempts(mut self, attempts: u32) -> Self {
        self.0.overloaded_attempts = attempts;
        self
    }

    /// The longest wait for a target that is overloaded: up to 86400 s.
    #[must_use]
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.0.max_wait = wait;
        self
    }

    /// The kinds and numbers that hold as long as nothing else is set.
    #[cfg(feature = "serde")]
    pub(super) fn defaults(&self) -> (&[Kind], u32, Duration) {
        (&self.0.on, self.0.overloaded_attempts, self.0.max_wait)
    }

    /// Checks the options and makes the fallback.
    ///
    /// # Errors
    ///
    /// The first option that is out of its range.
    pub fn build(self) -> Result<Fallback, PolicyError> {
        const LOCAL: [Kind; 3] = [Kind::Cancelled, Kind::Deadline, Kind::Configuration];
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let Data { targets, on, overloaded_attempts, max_wait } = &self.0;
        let named = |target: &FallbackTarget| {
            let texts = [&target.model, &target.base_url, &target.api_key];
            (target.model.is_some() || target.base_url.is_some())
                && texts.into_iter().flatten().all(|text| !text.is_empty())
        };
        PolicyError::check("targets", (1..=100).contains(&targets.len()), "1 to 100 targets")?;
        PolicyError::check("targets", targets.iter().all(named), "a model, a base URL or both")?;
        let of_answers = on.iter().all(|kind| !LOCAL.contains(kind));
        PolicyError::check("on", of_answers, "kinds of error that do not come from the caller")?;
        let attempts = (1..=1000).contains(overloaded_attempts);
        PolicyError::check("overloaded_attempts", attempts, "1 to 1000 attempts")?;
        PolicyError::check("max_wait", *max_wait <= DAY, "0 to 86400 seconds")?;
        Ok(Fallback(Arc::new(self.0)))
    }
}

/// One call's way through the targets of a [`Fallback`]. It has no clock.
#[derive(Clone, Debug)]
pub struct FallbackCall {
    fallback: Fallback,
    current: Option<usize>,
    next: usize,
    /// Attempts at this target that ended so.
    overloaded: u32,
}

impl FallbackCall {
    /// The index of the target to take after this error, to which the request is to be sent at once;
    /// `None` if the call is to go on as it has decided.
    ///
    /// To be asked after each [`Call::on_error`], with the same error and time. Where it names a
    /// target, the decision is void, and [`Call::restart`] begins the attempts there.
    pub fn next(&mut self, call: &Call, error: &Error, now: Duration) -> Option<usize> {
        let Data { targets, on, overloaded_attempts, max_wait } = &*self.fallback.0;
        let listed = on.contains(&error.kind());
        self.overloaded += u32::from(error.kind() == Kind::Overloaded);
        let leaves = match call.decided() {
            Some(Err(reason)) => listed || reason == StopReason::Budget,
            Some(Ok(wait)) => {
                error.kind() == Kind::Overloaded
                    && listed
                    && (self.overloaded >= *overloaded_attempts || wait > *max_wait)
            }
            None => false,
        };
        let may_have_run = error.is_ambiguous() && !call.policy().retry_ambiguous();
        let is_over = call.remaining(now).is_some_and(|left| left.is_zero());
        if !leaves || !error.is_safe_to_replay() || may_have_run || is_over {
            return None;
        }
        let here = self.current.map_or((None, None), |current| targets[current].service());
        let good = |target: &FallbackTarget| listed || target.service() != here;
        let index = self.next + targets[self.next..].iter().position(good)?;
        self.current = Some(index);
        self.next = index + 1;
        self.overloaded = 0;
        Some(index)
    }

    /// The index of the target that the request is at; `None` for the one that it names itself.
    pub fn current(&self) -> Option<usize> {
        self.current
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retry::{Budget, BudgetOptions, Policy};

    const T0: Duration = Duration::ZERO;

    fn error(kind: Kind) -> Error {
        Error::new(kind, "")
    }

    /// Tells the same failure to both.
    fn tell(call: &mut Call, targets: &mut FallbackCall, error: &Error) -> Option<usize> {
        let _ = call.on_error(error, T0);
        let next = targets.next(call, error, T0);
        if next.is_some() {
            call.restart();
        }
        next
    }

    #[test]
    fn a_missing_model_is_left_at_once_and_the_last_target_is_the_last() {
        let mut targets = Fallback::models(["b", "c"]).unwrap().start();
        let mut call = Policy::default().start(T0, 1);
        let missing = error(Kind::NotFound);
        assert_eq!(targets.current(), None);
        for expected in [Some(0), Some(1), None] {
            assert_eq!(tell(&mut call, &mut targets, &missing), expected);
        }
        assert_eq!(targets.current(), Some(1));
    }

    #[test]
    fn overload_gets_one_retry_at_each_target() {
        let mut targets = Fallback::models(["b", "c"]).unwrap().start();
        let mut call = Policy::default().start(T0, 1);
        let overloaded = error(Kind::Overloaded);
        for expected in [None, Some(0), None, Some(1), None, None] {
            assert_eq!(tell(&mut call, &mut targets, &overloaded), expected);
        }
        // By choice none, or all that the policy has.
        for (attempts, retries) in [(1, 0), (3, 2), (1000, 4)] {
            let fallback = Fallback::builder().target("b").overloaded_attempts(attempts);
            let mut targets = fallback.build().unwrap().start();
            let mut call = Policy::default().start(T0, 1);
            for _ in 0..retries {
                assert_eq!(tell(&mut call, &mut targets, &overloaded), None, "{attempts}");
            }
            assert_eq!(tell(&mut call, &mut targets, &overloaded), Some(0), "{attempts}");
        }
    }

    #[test]
    fn a_long_wait_for_an_overloaded_target_is_not_waited() {
        let hinted = |seconds| {
            let wait = Duration::from_secs(seconds);
            error(Kind::Overloaded).with_retry_after(wait, crate::HintSource::RetryAfter)
        };
        let policy = Policy::builder().jitter(crate::Jitter::None).build().unwrap();
        for (seconds, expected) in [(9, None), (11, Some(0)), (600, Some(0))] {
            let mut targets = Fallback::models(["b"]).unwrap().start();
            let mut call = policy.start(T0, 1);
            assert_eq!(tell(&mut call, &mut targets, &hinted(seconds)), expected, "{seconds}");
        }
        let patient = Fallback::builder().target("b").max_wait(Duration::from_secs(100));
        let mut targets = patient.build().unwrap().start();
        assert_eq!(tell(&mut policy.start(T0, 1), &mut targets, &hinted(60)), None);
        // Nothing was decided yet.
        let call = policy.start(T0, 1);
        assert_eq!(targets.next(&call, &error(Kind::NotFound), T0), None);
    }

    #[test]
    fn other_kinds_stay_unless_they_are_listed() {
        let policy = Policy::builder().max_attempts(1).build().unwrap();
        for kind in Kind::table().iter().map(|row| row.kind) {
            let default = matches!(kind, Kind::Overloaded | Kind::NotFound);
            let mut targets = Fallback::models(["b"]).unwrap().start();
            let next = tell(&mut policy.start(T0, 1), &mut targets, &error(kind));
            assert_eq!(next.is_some(), default, "{kind}");
            let Ok(all) = Fallback::builder().target("b").on([kind]).build() else { continue };
            assert_eq!(tell(&mut policy.start(T0, 1), &mut all.start(), &error(kind)), Some(0));
        }
        // When the retries are used up, not before.
        let fallback = Fallback::builder().target("b").on([Kind::Server]).build().unwrap();
        let (mut call, mut targets) = (Policy::default().start(T0, 1), fallback.start());
        for expected in [None, None, None, None, Some(0)] {
            assert_eq!(tell(&mut call, &mut targets, &error(Kind::Server)), expected);
        }
    }

    #[test]
    fn a_closed_budget_leads_to_another_service_alone() {
        let closed = Budget::new(BudgetOptions { ratio: 0.0, reserve: 0.0 });
        let there = FallbackTarget::new().with_base_url("https://b.example/v1").with_api_key("k");
        let fallback = Fallback::builder()
            .target("second")
            .target(there.clone())
            .target(there.with_model("m"))
            .target(FallbackTarget::new().with_base_url("https://c.example/v1"))
            .build()
            .unwrap();
        let mut call = Policy::default().start(T0, 1).with_budget(closed);
        let mut targets = fallback.start();
        for expected in [Some(1), Some(3), None] {
            assert_eq!(tell(&mut call, &mut targets, &error(Kind::Server)), expected);
        }
        // A kind that is listed may be the model's alone.
        let mut targets = fallback.start();
        assert_eq!(tell(&mut call, &mut targets, &error(Kind::Overloaded)), Some(0));
    }

    #[test]
    fn nothing_is_sent_twice_that_must_not_be() {
        let fallback = Fallback::models(["b"]).unwrap();
        let next = |policy: &Policy, error: &Error, now| {
            let mut call = policy.start(T0, 1);
            let _ = call.on_error(error, now);
            fallback.start().next(&call, error, now)
        };
        let missing = error(Kind::NotFound);
        assert_eq!(next(&Policy::default(), &missing, T0), Some(0));
        assert_eq!(next(&Policy::default(), &missing.clone().with_delivered(true), T0), None);
        let ambiguous = missing.clone().with_ambiguous(true);
        assert_eq!(next(&Policy::default(), &ambiguous, T0), Some(0));
        let careful = Policy::builder().retry_ambiguous(false).build().unwrap();
        assert_eq!(next(&careful, &ambiguous, T0), None);
        let second = Duration::from_secs(1);
        let hurried = Policy::default().with_deadline(second);
        assert_eq!(next(&hurried, &missing, second), None);
        // A wait that does not fit is no reason to give up.
        let overloaded = error(Kind::Overloaded)
            .with_retry_after(Duration::from_secs(5), crate::HintSource::RetryAfter);
        assert_eq!(next(&hurried, &overloaded, T0), Some(0));
    }

    #[test]
    fn a_new_target_has_all_attempts_and_the_old_deadline() {
        let policy = Policy::builder().max_attempts(2).deadline(Duration::from_secs(9));
        let mut call = policy.build().unwrap().start(T0, 1);
        for _ in 0..2 {
            assert!(call.on_error(&error(Kind::Server), T0).is_retry());
            assert_eq!(call.on_error(&error(Kind::Server), T0).reason(), "max_attempts");
            call.restart();
            assert_eq!(call.failures(), 0);
        }
        assert_eq!(call.remaining(Duration::from_secs(4)), Some(Duration::from_secs(5)));
    }

    #[test]
    fn bad_options_are_named_and_keys_are_not_shown() {
        let good = || Fallback::builder().target("b");
        for (builder, option) in [
            (Fallback::builder(), "targets"),
            (good().target(""), "targets"),
            (good().target(FallbackTarget::new().with_api_key("secret")), "targets"),
            (good().on([Kind::Overloaded, Kind::Cancelled]), "on"),
            (good().overloaded_attempts(0), "overloaded_attempts"),
            (good().overloaded_attempts(1001), "overloaded_attempts"),
            (good().max_wait(Duration::from_secs(86_401)), "max_wait"),
        ] {
            let shown = format!("{builder:?}");
            assert!(!shown.contains("secret"), "{shown}");
            assert_eq!(builder.build().unwrap_err().option(), option);
        }
        let many = (0..101).fold(good(), |builder, _| builder.target("c"));
        assert_eq!(many.build().unwrap_err().option(), "targets");
        assert_eq!(good().on([]).build().unwrap().on(), []);
    }
}
