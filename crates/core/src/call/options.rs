//! What an operation is given at its beginning.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Fallback, Operation, Service};
use crate::error::Error;
use crate::observe::{Counters, Observer};
use crate::quota::EnterOptions;
use crate::retry::Policy;

/// What an [`Operation`] is given at its beginning.
#[derive(Clone)]
#[must_use = "options do nothing until start() is called"]
pub struct OperationOptions {
    pub(super) policy: Policy,
    pub(super) service: Arc<Service>,
    pub(super) fallback: Option<Fallback>,
    pub(super) fallback_services: Arc<[Arc<Service>]>,
    pub(super) metered: bool,
    pub(super) enter: EnterOptions,
    pub(super) idempotency_key: Option<String>,
    pub(super) model: Option<String>,
    pub(super) attempt_timeout: Option<Duration>,
    pub(super) counters: Option<Arc<Counters>>,
    pub(super) observer: Option<Arc<dyn Observer>>,
}

impl OperationOptions {
    /// A request to this service that is retried by this policy; all else as the methods say.
    pub fn new(policy: Policy, service: Arc<Service>) -> Self {
        OperationOptions {
            policy,
            service,
            fallback: None,
            fallback_services: Arc::default(),
            metered: true,
            enter: EnterOptions::default(),
            idempotency_key: None,
            model: None,
            attempt_timeout: None,
            counters: None,
            observer: None,
        }
    }

    /// What takes the request over if the service does not serve it, and the service of each of its
    /// targets, in the same order; where one is missing it is the request's own. Default: none.
    pub fn with_fallback(
        mut self,
        fallback: Fallback,
        services: impl Into<Arc<[Arc<Service>]>>,
    ) -> Self {
        self.fallback = Some(fallback);
        self.fallback_services = services.into();
        self
    }

    /// Whether the request counts against the quota, and so waits for it. Default: yes.
    pub fn with_metered(mut self, metered: bool) -> Self {
        self.metered = metered;
        self
    }

    /// How it stands in the quota's line: its priority, its tenant, and what it costs. Default: as all
    /// others, at an unknown cost.
    pub fn with_enter_options(mut self, enter: EnterOptions) -> Self {
        self.enter = enter;
        self
    }

    /// The `Idempotency-Key` of its attempts: 1 to 255 visible ASCII characters. Where the operation
    /// goes on as another request, because its answer was rejected or at another target, the key has
    /// a number at its end. Default: none.
    pub fn with_idempotency_key(mut self, key: impl Into<Option<String>>) -> Self {
        self.idempotency_key = key.into();
        self
    }

    /// The model that the request names, for the error. Default: unknown.
    pub fn with_model(mut self, model: impl Into<Option<String>>) -> Self {
        self.model = model.into();
        self
    }

    /// How long one attempt may take. Default: no limit but the policy's deadline.
    pub fn with_attempt_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.attempt_timeout = timeout.into();
        self
    }

    /// What counts the operation. Default: nothing.
    pub fn with_counters(mut self, counters: impl Into<Option<Arc<Counters>>>) -> Self {
        self.counters = counters.into();
        self
    }

    /// Who is told of each decision. Default: nobody.
    pub fn with_observer(mut self, observer: impl Into<Option<Arc<dyn Observer>>>) -> Self {
        self.observer = observer.into();
        self
    }

    /// Begins. `now` is the time since any fixed point of a monotonic clock; the same clock is meant
    /// in every later method. `seed` decides the jitter.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`](crate::Kind::Configuration): the idempotency key is of bad form.
    pub fn start(self, now: Duration, seed: u64) -> Result<Operation, Error> {
        Operation::new(self, now, seed)
    }
}

impl fmt::Debug for OperationOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationOptions")
            .field("policy", &self.policy)
            .field("service", &self.service)
            .field("fallback", &self.fallback)
            .field("metered", &self.metered)
            .field("model", &self.model)
            .field("attempt_timeout", &self.attempt_timeout)
            .finish_non_exhaustive()
    }
}
