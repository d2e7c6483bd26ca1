//! Where to go with a request that its first target does not serve.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::error::OptionError;
use crate::kind::Kind;
use crate::retry::{Call, StopReason};

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
/// - after any error that the closed [`Budget`](crate::retry::Budget) keeps from being retried, because
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
/// use resayil_core::{Error, Kind, Policy};
/// use resayil_core::call::Fallback;
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
/// # Ok::<(), resayil_core::error::OptionError>(())
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
    pub fn models<'a>(models: impl IntoIterator<Item = &'a str>) -> Result<Self, OptionError> {
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
    pub fn build(self) -> Result<Fallback, OptionError> {
        const LOCAL: [Kind; 3] = [Kind::Cancelled, Kind::Deadline, Kind::Configuration];
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let Data { targets, on, overloaded_attempts, max_wait } = &self.0;
        let named = |target: &FallbackTarget| {
            let texts = [&target.model, &target.base_url, &target.api_key];
            (target.model.is_some() || target.base_url.is_some())
                && texts.into_iter().flatten().all(|text| !text.is_empty())
        };
        let check = OptionError::check;
        let (number, attempts) = (targets.len(), *overloaded_attempts);
        check("targets", &number, (1..=100).contains(&number), "1 to 100 targets")?;
        check("targets", &"neither", targets.iter().all(named), "a model, a base URL or both")?;
        if let Some(kind) = on.iter().find(|kind| LOCAL.contains(kind)) {
            let range = "kinds of error that do not come from the caller";
            return Err(OptionError::new("on", kind, range));
        }
        check(
            "overloaded_attempts",
            &attempts,
            (1..=1000).contains(&attempts),
            "1 to 1000 attempts",
        )?;
        check("max_wait", &max_wait.as_secs_f64(), *max_wait <= DAY, "0 to 86400 seconds")?;
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
mod tests;
