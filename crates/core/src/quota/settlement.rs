//! What an answer says of the quota.

use std::time::Duration;

use super::Cost;
use crate::answer::headers::HeaderFacts;
use crate::error::LimitScope;
use crate::error::{Error, HintSource, RateLimit};
use crate::kind::Kind;
use crate::provider::Provider;
use crate::timestamp::Timestamp;

/// What the answer to an admitted request says of the quota.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Settlement {
    /// Whether the server refused the request because the quota is used up.
    pub refused: bool,
    /// Whether it did so because a quota is used up that lasts for a day or longer, or for good.
    pub exhausted: bool,
    /// Whether the request was counted against the quota; unknown without an answer.
    pub consumed: Option<bool>,
    /// The answer's `Date`.
    pub date: Option<Timestamp>,
    /// The wait that the server asks for.
    pub retry_after: Option<Duration>,
    /// Where that wait was read.
    pub retry_after_source: Option<HintSource>,
    /// The rate limit that the answer's headers report.
    pub rate_limit: Option<RateLimit>,
    /// What the limit counts that refused the request, if the refusal tells, or else what the provider's limits
    /// usually count.
    pub limit_scope: Option<LimitScope>,
    /// Whether it is the latter: then it may have been another limit that is known.
    pub(crate) is_usual_scope: bool,
    /// The length of that limit's window, if the refusal tells.
    pub limit_window: Option<Duration>,
    /// The tokens that were used, if the answer tells: they take the place of what was reserved.
    pub usage: Option<Cost>,
}

impl Settlement {
    /// The same with no wait that is longer than a year: what a server says must not reach the ends
    /// of the types that the quota reckons in.
    pub(super) fn bounded(&self) -> Settlement {
        const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
        Settlement {
            retry_after: self.retry_after.map(|wait| wait.min(LONGEST)),
            rate_limit: self.rate_limit.map(|limit| limit.with_resets_within(LONGEST)),
            ..*self
        }
    }

    /// What the limit counts that refused the request, if the refusal tells that itself.
    pub(super) fn said_scope(&self) -> Option<LimitScope> {
        self.limit_scope.filter(|_| !self.is_usual_scope)
    }

    /// Nothing is known: no answer came.
    pub fn unknown() -> Self {
        Settlement::default()
    }

    /// The request was counted, and no more is known.
    pub(crate) fn consumed() -> Self {
        Settlement { consumed: Some(true), ..Settlement::default() }
    }

    /// What an error says that was made of an answer of this provider; nothing, if there was none.
    pub(crate) fn from_error(error: &Error, provider: Option<Provider>) -> Self {
        let Some(status) = error.status() else { return Settlement::unknown() };
        Settlement {
            refused: error.kind() == Kind::RateLimit,
            exhausted: error.kind() == Kind::QuotaExhausted,
            consumed: error.provider().or(provider).and_then(|it| it.consumes_quota(status)),
            date: None,
            retry_after: error.retry_after(),
            retry_after_source: error.retry_after_source(),
            rate_limit: error.rate_limit(),
            limit_scope: error.limit_scope(),
            is_usual_scope: error.is_usual_scope(),
            limit_window: error.limit_window(),
            usage: None,
        }
    }

    /// Reads an answer: its status, headers, and the error that it stands for, if it is one.
    ///
    /// Successes are counted. Which failures are too is known for LLM Resayil, which counts neither
    /// refused requests nor those that fail with 401, 402, 404, 413 or 422; for others it is unknown.
    pub fn from_answer<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        status: u16,
        headers: &[(N, V)],
        error: Option<&Error>,
        now: Timestamp,
    ) -> Self {
        let facts = HeaderFacts::read(headers, now);
        let failed = |error: &Error| error.provider()?.consumes_quota(status);
        Settlement {
            refused: error.is_some_and(|error| error.kind() == Kind::RateLimit),
            exhausted: error.is_some_and(|error| error.kind() == Kind::QuotaExhausted),
            consumed: error.map_or(Some(true), failed),
            date: facts.date(now),
            retry_after: error.and_then(|error| error.retry_after()),
            retry_after_source: error.and_then(|error| error.retry_after_source()),
            rate_limit: facts.told.limit,
            limit_scope: error.and_then(|error| error.limit_scope()),
            is_usual_scope: error.is_some_and(|error| error.is_usual_scope()),
            limit_window: error.and_then(|error| error.limit_window()),
            usage: None,
        }
    }
}
