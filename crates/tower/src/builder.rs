//! The options of the layer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use resayil_core::call::{Fallback, OperationOptions, Service};
use resayil_core::concurrency::{ConcurrencyLimit, ConcurrencyLimiter};
use resayil_core::observe::{Counters, Observer};
use resayil_core::quota::QuotaOptions;
use resayil_core::redaction::OwnKey;
use resayil_core::retry::{Budget, BudgetOptions};
use resayil_core::{Error, Kind, Policy, Provider, Quota, Timestamp};
use resayil_retry::{Timer, TokioTimer};

use crate::layer::Shared;
use crate::{AsIs, RetryLayer};

/// The options of a [`RetryLayer`].
///
/// | option | default | unit | meaning |
/// |---|---|---|---|
/// | [`policy`](Self::policy) | [`Policy::default`] | - | when to try again |
/// | [`provider`](Self::provider) | by each answer | - | whose API it is |
/// | [`quota`](Self::quota), [`quota_options`](Self::quota_options) | one of its own | - | how many requests are admitted when |
/// | [`budget`](Self::budget) | one of its own | - | how many retries calls may draw in all |
/// | [`concurrency`](Self::concurrency) | no limit | requests | how many are in flight |
/// | [`attempt_timeout`](Self::attempt_timeout) | the service's own | time | one attempt, to the head of its answer, or to the end of a watched one |
/// | [`error_body_timeout`](Self::error_body_timeout) | 10 s | time | reading the body of an error, of which 64 KiB are read |
/// | [`max_answer_bytes`](Self::max_answer_bytes) | 16 MiB | bytes | the largest answer that is checked |
/// | [`watch_streams`](Self::watch_streams) | no | - | streams are watched to their end |
/// | [`check_answers`](Self::check_answers) | no | - | whole answers are looked at for an error in disguise |
/// | [`error_for_status`](Self::error_for_status) | no | - | failures are errors, also where a response came |
/// | [`fallback`](Self::fallback) | none | - | what takes over |
/// | [`observer`](Self::observer), [`counters`](Self::counters) | nobody | - | who is told |
#[must_use = "options do nothing until build() is called"]
pub struct RetryLayerBuilder<T = TokioTimer, P = AsIs> {
    policy: Policy,
    provider: Option<Provider>,
    quota: QuotaChoice,
    budget: Option<Budget>,
    concurrency: Option<ConcurrencyLimit>,
    own_key: Option<OwnKey>,
    fallback: Option<(Fallback, Arc<[Arc<Service>]>)>,
    observer: Option<Arc<dyn Observer>>,
    counters: Option<Arc<Counters>>,
    attempt_timeout: Option<Duration>,
    error_body_timeout: Duration,
    max_answer_bytes: usize,
    watch_streams: bool,
    check_answers: bool,
    error_for_status: bool,
    timer: T,
    prepare: P,
}

enum QuotaChoice {
    Default,
    Options(QuotaOptions),
    Given(Option<Quota>),
}

impl<T> RetryLayerBuilder<T> {
    /// Options at their defaults, for a layer that waits by this timer.
    pub fn new(timer: T) -> Self {
        RetryLayerBuilder {
            policy: Policy::default(),
            provider: None,
            quota: QuotaChoice::Default,
            budget: Some(Budget::new(BudgetOptions::default())),
            concurrency: None,
            own_key: None,
            fallback: None,
            observer: None,
            counters: None,
            attempt_timeout: None,
            error_body_timeout: Duration::from_secs(10),
            max_answer_bytes: 16 * 1024 * 1024,
            watch_streams: false,
            check_answers: false,
            error_for_status: false,
            timer,
            prepare: AsIs,
        }
    }
}

impl<T, P> RetryLayerBuilder<T, P> {
    /// When to try again.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Whose API it is. LLM Resayil's has a quota by the minute of its clock, which is kept from the first
    /// request on.
    pub fn provider(mut self, provider: Provider) -> Self {
        self.provider = Some(provider);
        self
    }

    /// A quota to wait for that others share, such as one of the crate `resayil` that all processes of the
    /// host share; `None` for none. It has to be made with the timer's clock.
    pub fn quota(mut self, quota: impl Into<Option<Quota>>) -> Self {
        self.quota = QuotaChoice::Given(quota.into());
        self
    }

    /// The options of the layer's own quota: with the limit known, no request is refused.
    pub fn quota_options(mut self, options: QuotaOptions) -> Self {
        self.quota = QuotaChoice::Options(options);
        self
    }

    /// A budget to draw retries from that others share; `None` for none.
    pub fn budget(mut self, budget: impl Into<Option<Budget>>) -> Self {
        self.budget = budget.into();
        self
    }

    /// How many requests may be in flight: each until its body has ended or is dropped.
    pub fn concurrency(mut self, limit: ConcurrencyLimit) -> Self {
        self.concurrency = Some(limit);
        self
    }

    /// The key that the requests carry, so that no error holds it, whatever the server says.
    pub fn api_key(mut self, key: &str) -> Self {
        self.own_key = Some(OwnKey::new(key));
        self
    }

    /// What takes a request over that the service does not serve, and the quota, budget and places of each
    /// target. Where one is missing, a target of another address or key has its own, and any other has the
    /// layer's. [`prepare`](Self::prepare) has to send the request there.
    pub fn fallback(
        mut self,
        fallback: Fallback,
        services: impl Into<Arc<[Arc<Service>]>>,
    ) -> Self {
        self.fallback = Some((fallback, services.into()));
        self
    }

    /// Who is told of each decision.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// What counts the calls.
    pub fn counters(mut self, counters: Arc<Counters>) -> Self {
        self.counters = Some(counters);
        self
    }

    /// How long one attempt may take, to the head of its answer, or to the end of a watched one. More than 0.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = Some(timeout);
        self
    }

    /// How long the body of an error may take. After that it is classified by what came.
    pub fn error_body_timeout(mut self, timeout: Duration) -> Self {
        self.error_body_timeout = timeout;
        self
    }

    /// The largest answer that [`check_answers`](Self::check_answers) holds back. A larger one is handed on.
    pub fn max_answer_bytes(mut self, bytes: usize) -> Self {
        self.max_answer_bytes = bytes;
        self
    }

    /// Whether streams (server-sent events and NDJSON) are watched to their end. Then one that fails before
    /// it has delivered anything is tried again, and one that ends before the answer does ends in an error
    /// of the body, with what it had delivered, where there was silence.
    pub fn watch_streams(mut self, watch: bool) -> Self {
        self.watch_streams = watch;
        self
    }

    /// Whether whole JSON answers are read before they are handed on: one that is an error in disguise, or
    /// breaks off, is tried again.
    pub fn check_answers(mut self, check: bool) -> Self {
        self.check_answers = check;
        self
    }

    /// Whether the last failure is given as a [`resayil_core::Error`] also where it was a response. By
    /// default that response is handed on, its body whole, for whoever is above to read; the error is among
    /// its extensions.
    pub fn error_for_status(mut self, error: bool) -> Self {
        self.error_for_status = error;
        self
    }

    /// What to change in a request before each time that it is sent.
    pub fn prepare<Q>(self, prepare: Q) -> RetryLayerBuilder<T, Q> {
        RetryLayerBuilder {
            policy: self.policy,
            provider: self.provider,
            quota: self.quota,
            budget: self.budget,
            concurrency: self.concurrency,
            own_key: self.own_key,
            fallback: self.fallback,
            observer: self.observer,
            counters: self.counters,
            attempt_timeout: self.attempt_timeout,
            error_body_timeout: self.error_body_timeout,
            max_answer_bytes: self.max_answer_bytes,
            watch_streams: self.watch_streams,
            check_answers: self.check_answers,
            error_for_status: self.error_for_status,
            timer: self.timer,
            prepare,
        }
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`]: an option is out of its range.
    pub fn build(self) -> Result<RetryLayer<T, P>, Error>
    where
        T: Timer,
    {
        let bad = |problem: &str| Error::new(Kind::Configuration, problem);
        if self.attempt_timeout.is_some_and(|timeout| timeout.is_zero()) {
            return Err(bad("attempt_timeout has to be more than 0"));
        }
        if self.error_body_timeout.is_zero() {
            return Err(bad("error_body_timeout has to be more than 0"));
        }
        let limiter = self.concurrency.map(ConcurrencyLimiter::new).transpose();
        let limiter = limiter.map_err(|error| bad(&error.to_string()))?;
        let (now, wall) = (self.timer.now(), self.timer.wall());
        let quota = match self.quota {
            QuotaChoice::Given(quota) => quota,
            QuotaChoice::Options(options) => Some(Quota::new(options, wall, now)),
            QuotaChoice::Default => Some(Quota::new(quota_of(self.provider), wall, now)),
        };
        let service = Service::new()
            .with_provider(self.provider)
            .with_budget(self.budget)
            .with_quota(quota, now)
            .with_concurrency_limiter(limiter)
            .with_own_key(self.own_key);
        let service = Arc::new(service);
        let call = OperationOptions::new(self.policy, Arc::clone(&service))
            .with_attempt_timeout(self.attempt_timeout)
            .with_counters(self.counters)
            .with_observer(self.observer);
        let fallback = self.fallback.map(|(fallback, given)| {
            let services = services(&fallback, &given, &service, (now, wall));
            (fallback, services)
        });
        let shared = Shared {
            call,
            service,
            fallback,
            error_body_timeout: self.error_body_timeout,
            max_answer_bytes: self.max_answer_bytes,
            watch_streams: self.watch_streams,
            check_answers: self.check_answers,
            error_for_status: self.error_for_status,
            timer: self.timer,
            prepare: self.prepare,
        };
        Ok(RetryLayer { shared: Arc::new(shared) })
    }
}

/// The quota of an API of which no more is known.
fn quota_of(provider: Option<Provider>) -> QuotaOptions {
    match provider {
        Some(Provider::Resayil) => QuotaOptions::default(),
        _ => QuotaOptions::default().with_window(None),
    }
}

/// The host in an address.
fn host(url: &str) -> Option<&str> {
    url.split_once("://")?.1.split(['/', ':', '?']).next()
}

/// The service of each target.
fn services(
    fallback: &Fallback,
    given: &[Arc<Service>],
    home: &Arc<Service>,
    (now, wall): (Duration, Timestamp),
) -> Arc<[Arc<Service>]> {
    let mut services: Vec<Arc<Service>> = Vec::new();
    for (index, target) in fallback.targets().iter().enumerate() {
        let place = (target.base_url(), target.api_key());
        let same = fallback.targets()[..index]
            .iter()
            .position(|other| (other.base_url(), other.api_key()) == place);
        let service = match (given.get(index), same) {
            (Some(given), _) => Arc::clone(given),
            (None, Some(same)) => Arc::clone(&services[same]),
            (None, None) if place == (None, None) => Arc::clone(home),
            (None, None) => {
                let provider = match target.base_url() {
                    Some(url) => host(url).and_then(Provider::from_host),
                    None => home.provider(),
                };
                let quota = quota_of(provider);
                let service = Service::new()
                    .with_provider(provider)
                    .with_budget(Budget::new(BudgetOptions::default()))
                    .with_quota(Quota::new(quota, wall, now), now)
                    .with_own_key(target.api_key().map(OwnKey::new));
                Arc::new(service)
            }
        };
        services.push(service);
    }
    services.into()
}

impl<T, P> fmt::Debug for RetryLayerBuilder<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryLayerBuilder")
            .field("policy", &self.policy)
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}
