//! What all calls to one service with one key share.

use std::fmt;
use std::time::Duration;

use crate::answer::classify::Classifier;
use crate::concurrency::ConcurrencyLimiter;
use crate::provider::Provider;
use crate::quota::Quota;
use crate::retry::Budget;
use crate::text::own_key::OwnKey;

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
    pub(super) limiter: Option<ConcurrencyLimiter>,
    pub(super) own_keys: Vec<OwnKey>,
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
        let _ = now;
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

    /// A key that its requests carry: no error of a call holds it, whatever the server says. One that is
    /// given again is another one.
    #[must_use]
    pub fn with_own_key(mut self, key: impl Into<Option<OwnKey>>) -> Self {
        self.own_keys.extend(key.into());
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::task::Waker;

    use super::*;
    use crate::call::{Operation, OperationOptions, Reached, Step};
    use crate::error::Error;
    use crate::kind::Kind;
    use crate::observe::{CallEvent, Observer};
    use crate::retry::Policy;
    use crate::timestamp::Timestamp;

    const KEY: &str = "correct-horse-battery-staple";

    /// What a call to a server that echoes the key ends in, and what is told of it.
    fn echoed(told: &Arc<Mutex<String>>, fail: impl FnOnce(&mut Operation)) -> Error {
        let service = Service::new().with_own_key(OwnKey::new(KEY));
        let keeper = Arc::clone(told);
        let observer = move |event: &CallEvent<'_>| *keeper.lock().unwrap() += &event.to_string();
        let policy = Policy::builder().max_attempts(1).build().unwrap();
        let options = OperationOptions::new(policy, Arc::new(service));
        let observer = Arc::new(observer) as Arc<dyn Observer>;
        let mut operation = options.with_observer(observer).start(Duration::ZERO, 1).unwrap();
        fail(&mut operation);
        match operation.poll(Duration::ZERO, Waker::noop()) {
            Step::Failed(error) => error,
            step => panic!("{step:?}"),
        }
    }

    #[test]
    fn no_failure_of_a_call_holds_the_key() {
        let told = Arc::default();
        let body = format!(r#"{{"error":{{"message":"no key {KEY}","code":"x"}}}}"#);
        let mut errors = Vec::new();
        for status in [401, 200] {
            errors.push(echoed(&told, |operation| {
                let Step::Send(attempt) = operation.poll(Duration::ZERO, Waker::noop()) else {
                    panic!("nothing to send");
                };
                let headers = [("x-request-id", KEY)];
                let (now, wall) = (Duration::ZERO, Timestamp::UNIX_EPOCH);
                let pending = operation.on_headers(attempt, status, &headers, now, wall);
                assert!(operation.on_body(pending, &headers, body.as_bytes(), now, wall).is_none());
            }));
        }
        errors.push(echoed(&told, |operation| {
            let Step::Send(attempt) = operation.poll(Duration::ZERO, Waker::noop()) else {
                panic!("nothing to send");
            };
            let error = Error::new(Kind::Network, &format!("broken behind {KEY}"));
            operation.on_failure(attempt, error, Reached::Nothing, Duration::ZERO);
        }));
        errors.push(echoed(&told, |operation| {
            let Step::Send(attempt) = operation.poll(Duration::ZERO, Waker::noop()) else {
                panic!("nothing to send");
            };
            let error = Error::new(Kind::Server, &format!("cut behind {KEY}"));
            operation.give_up(attempt.into_response(), error, Duration::ZERO);
        }));
        for error in errors {
            let body = String::from_utf8_lossy(error.body()).into_owned();
            let texts = [error.to_string(), format!("{error:?}"), error.to_json(), body];
            for text in texts {
                assert!(!text.contains("horse"), "{text}");
            }
        }
        let told = told.lock().unwrap();
        assert!(told.contains("[redacted]") && !told.contains("horse"), "{told}");
    }
}
