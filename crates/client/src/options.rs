//! What one call may be told beyond its request.

use std::time::Duration;

use resayil_core::quota::{Cost, EnterOptions, Priority};
use resayil_core::{Error, Kind, Policy};

use crate::cancel::CancelToken;
use crate::extras::Extras;
use crate::predicate::ResultPredicate;
use crate::response::Response;

/// The options of one call; what is not set is as the client has it.
///
/// ```
/// use std::time::Duration;
/// use resayil::{CallOptions, CancelToken};
///
/// let token = CancelToken::new();
/// let options = CallOptions::new().deadline(Duration::from_secs(90)).cancel(token.clone());
/// ```
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    pub(crate) deadline: Option<Duration>,
    pub(crate) cancel: Option<CancelToken>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) policy: Option<Policy>,
    pub(crate) retry_if_result: Option<ResultPredicate>,
    pub(crate) attempt_timeout: Option<Duration>,
    pub(crate) extras: Extras,
    /// How it stands in the quota's line, and what it costs if that is told.
    pub(crate) enter: EnterOptions,
    pub(crate) cost: Option<Cost>,
}

impl CallOptions {
    /// Nothing but what the client has.
    pub fn new() -> Self {
        CallOptions::default()
    }

    /// The time that the whole call may take: waits, retries and reading the answer. Default: the
    /// policy's, which has none.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// How long one attempt may take: see
    /// [`ClientBuilder::attempt_timeout`](crate::ClientBuilder::attempt_timeout), which it replaces. More
    /// than 0, or the call fails with [`Kind::Configuration`].
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = Some(timeout);
        self
    }

    /// Adds a header to each request of the call; of two of one name, and of the client's own, this one
    /// counts. It is not sent to a fallback's service of another origin.
    ///
    /// The call fails with [`Kind::Configuration`] if the header cannot be sent, or is one that the client
    /// has to set itself: those that frame the message, `host`, `accept-encoding`, `idempotency-key`.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.extras.add_header(name, value);
        self
    }

    /// Adds a parameter to the query of each request's URL, encoded as it needs be; one of that name which
    /// is there is replaced. It is not sent to a fallback's service of another origin.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.extras.add_query(name, value);
        self
    }

    /// How urgent the call is where calls wait for the quota. Default: normal.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.enter = self.enter.with_priority(priority);
        self
    }

    /// On whose behalf the call is: while several tenants wait for the quota, each is admitted in proportion
    /// to its weight, from 1 to 1000. Default: one nameless tenant of weight 1.
    #[must_use]
    pub fn tenant(mut self, name: &str, weight: u32) -> Self {
        self.enter = self.enter.with_tenant(name, weight);
        self
    }

    /// What the call takes of limits of tokens, if it is known better than by an
    /// [estimate](Cost::estimate): of a tokenizer, for one.
    #[must_use]
    pub fn cost(mut self, cost: Cost) -> Self {
        self.cost = Some(cost);
        self
    }

    /// How the call stands in the quota's line: by priority, tenant and, if it was told, cost; for a quota
    /// that the program waits for by itself.
    pub fn enter_options(&self) -> EnterOptions {
        self.enter.with_cost(self.cost.unwrap_or_default())
    }

    /// A token that ends the call when it is cancelled.
    #[must_use]
    pub fn cancel(mut self, token: CancelToken) -> Self {
        self.cancel = Some(token);
        self
    }

    /// The `Idempotency-Key` of all attempts of this call: 1 to 255 visible ASCII characters.
    /// Default: a random one for each call.
    ///
    /// Where the call goes on as another request, because its answer was rejected, the key has a
    /// number at its end.
    #[must_use]
    pub fn idempotency_key(mut self, key: &str) -> Self {
        self.idempotency_key = Some(key.to_owned());
        self
    }

    /// When this call is tried again.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Says of an answer that came well whether to treat it as a failure all the same: one that is
    /// empty, or whose JSON breaks off. Replaces the client's. Default: none.
    ///
    /// Such an answer is retried with back-off, as long as attempts and time are left. After that the
    /// call fails with [`Error::rejected`]: kind `protocol`, exhausted, the last answer in
    /// [`Error::body`]. Each answer may be billed. Streams are not asked about: what was delivered
    /// cannot be taken back.
    ///
    /// ```
    /// use resayil::CallOptions;
    ///
    /// let options = CallOptions::new()
    ///     .retry_if_result(|answer| answer.content().is_none_or(|text| text.trim().is_empty()));
    /// ```
    #[must_use]
    pub fn retry_if_result(
        mut self,
        predicate: impl Fn(&Response) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.retry_if_result = Some(ResultPredicate::new(predicate));
        self
    }
}

pub(crate) fn no_randomness() -> Error {
    Error::new(Kind::Configuration, "the system gives no random numbers")
}
