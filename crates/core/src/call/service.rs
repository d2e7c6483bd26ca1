//! What all calls to one service with one key share.

use std::fmt;
use std::time::Duration;

use crate::answer::classify::Classifier;
use crate::concurrency::ConcurrencyLimiter;
use crate::provider::Provider;
use crate::quota::Quota;
use crate::retry::Budget;

/// What all calls to one service with one key share: whose API it is, and what holds them back.
///
/// Nothing is set at the beginning: then the provider is recognised by each answer, no budget is
/// drawn from, and no call waits.
#[derive(Clone, Default)]
pub struct Service {
    pub(super) provider: Option<Provider>,
    pub(super) classifier: Classifier,
    pub(super) budget: Option<Budget>,
    pub(super) quota: Option<Quota>,
    /// Whether the quota itself knows when a refused request may be sent again.
    pub(super) quota_has_window: bool,
    pub(super) limiter: Option<ConcurrencyLimiter>,
}

impl Service {
    /// Nothing is known of it, and nothing is shared.
    pub fn new() -> Self {
        Service::default()
    }

    /// Whose API it is.
    #[must_use]
    pub fn with_provider(mut self, provider: impl Into<Option<Provider>>) -> Self {
        self.provider = provider.into();
        self.classifier = Classifier::new().provider(self.provider);
        self
    }

    /// The retry budget that its calls draw from.
    #[must_use]
    pub fn with_budget(mut self, budget: impl Into<Option<Budget>>) -> Self {
        self.budget = budget.into();
        self
    }

    /// The quota that its calls wait for. `now` is the time on the clock that the quota was made
    /// with, which is that of the calls.
    #[must_use]
    pub fn with_quota(mut self, quota: impl Into<Option<Quota>>, now: Duration) -> Self {
        self.quota = quota.into();
        // A window always has an end; without one nothing holds calls back but a refusal.
        self.quota_has_window =
            self.quota.as_ref().is_some_and(|quota| quota.state(now).reset_after.is_some());
        self
    }

    /// What limits how many of its requests are in flight.
    #[must_use]
    pub fn with_concurrency_limiter(
        mut self,
        limiter: impl Into<Option<ConcurrencyLimiter>>,
    ) -> Self {
        self.limiter = limiter.into();
        self
    }

    /// Whose API it is, if that is known.
    pub fn provider(&self) -> Option<Provider> {
        self.provider
    }

    /// The retry budget that its calls draw from.
    pub fn budget(&self) -> Option<&Budget> {
        self.budget.as_ref()
    }

    /// The quota that its calls wait for.
    pub fn quota(&self) -> Option<&Quota> {
        self.quota.as_ref()
    }

    /// What limits how many of its requests are in flight.
    pub fn concurrency_limiter(&self) -> Option<&ConcurrencyLimiter> {
        self.limiter.as_ref()
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("provider", &self.provider)
            .field("budget", &self.budget)
            .field("quota", &self.quota)
            .field("concurrency_limiter", &self.limiter)
            .finish_non_exhaustive()
    }
}
