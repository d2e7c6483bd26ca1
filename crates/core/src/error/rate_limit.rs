//! The state of a rate limit.

use std::time::Duration;

/// The state of a rate limit as the server reports it.
///
/// Read from `X-RateLimit-*`, `RateLimit-*`, the `RateLimit` field of the IETF's draft, and the
/// forms of them that providers use. On an answer from a cache (a positive `Age`) they are ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RateLimit {
    pub(super) requests: Bucket,
    pub(super) tokens: Bucket,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Bucket {
    pub(crate) limit: Option<u64>,
    pub(crate) remaining: Option<u64>,
    pub(crate) reset_after: Option<Duration>,
}

impl Bucket {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Bucket::default()
    }
}

impl RateLimit {
    /// A limit of requests that was not read from headers.
    pub fn new(limit: Option<u64>, remaining: Option<u64>, reset_after: Option<Duration>) -> Self {
        let requests = Bucket { limit, remaining, reset_after };
        RateLimit { requests, tokens: Bucket::default() }
    }

    /// What is known of requests and tokens, if it is anything.
    pub(crate) fn of(requests: Bucket, tokens: Bucket) -> Option<Self> {
        let is_empty = requests.is_empty() && tokens.is_empty();
        (!is_empty).then_some(RateLimit { requests, tokens })
    }

    /// The same limit with what is known of tokens.
    #[must_use]
    pub fn with_tokens(
        mut self,
        limit: Option<u64>,
        remaining: Option<u64>,
        reset_after: Option<Duration>,
    ) -> Self {
        self.tokens = Bucket { limit, remaining, reset_after };
        self
    }

    /// How many requests a window admits; tokens where the server counts only those.
    pub fn limit(&self) -> Option<u64> {
        self.main().limit
    }

    /// How many requests the window still admits, never more than the limit.
    pub fn remaining(&self) -> Option<u64> {
        self.main().remaining
    }

    /// The time until the window ends, or until the bucket is full.
    pub fn reset_after(&self) -> Option<Duration> {
        self.main().reset_after
    }

    /// How many tokens a window admits.
    pub fn token_limit(&self) -> Option<u64> {
        self.tokens.limit
    }

    /// How many tokens the window still admits.
    pub fn tokens_remaining(&self) -> Option<u64> {
        self.tokens.remaining
    }

    /// The time until the window of tokens ends.
    pub fn tokens_reset_after(&self) -> Option<Duration> {
        self.tokens.reset_after
    }

    /// The same with no reset that is further away.
    pub(crate) fn with_resets_within(mut self, longest: Duration) -> Self {
        for bucket in [&mut self.requests, &mut self.tokens] {
            bucket.reset_after = bucket.reset_after.map(|reset| reset.min(longest));
        }
        self
    }

    fn main(&self) -> &Bucket {
        if self.requests.is_empty() { &self.tokens } else { &self.requests }
    }
}
