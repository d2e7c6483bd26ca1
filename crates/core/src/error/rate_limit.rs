//! The state of a rate limit.

use std::time::Duration;

use crate::limit_scope::LimitScope;

/// The state of a rate limit as the server reports it.
///
/// Read from `X-RateLimit-*`, `RateLimit-*`, the `RateLimit` field of the IETF's draft, and the
/// forms of them that providers use. On an answer from a cache (a positive `Age`) they are ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RateLimit {
    pub(super) requests: Bucket,
    pub(super) tokens: Bucket,
    pub(super) input_tokens: Bucket,
    pub(super) output_tokens: Bucket,
    /// Of something else, where nothing is told of these.
    pub(super) other: Bucket,
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
        RateLimit { requests, ..RateLimit::default() }
    }

    /// What is known, if it is anything.
    pub(crate) fn known(self) -> Option<Self> {
        (self != RateLimit::default()).then_some(self)
    }

    /// The same with what a limit of this scope tells; of another one than of requests and tokens it is taken
    /// where nothing else is told.
    pub(crate) fn with(mut self, scope: Option<LimitScope>, bucket: Bucket) -> Self {
        *match scope {
            Some(LimitScope::Requests) => &mut self.requests,
            Some(LimitScope::Tokens) => &mut self.tokens,
            Some(LimitScope::InputTokens) => &mut self.input_tokens,
            Some(LimitScope::OutputTokens) => &mut self.output_tokens,
            _ => &mut self.other,
        } = bucket;
        self
    }

    /// What is told of a limit of this scope.
    pub(crate) fn of(&self, scope: LimitScope) -> Bucket {
        match scope {
            LimitScope::Requests => self.requests,
            LimitScope::Tokens => self.tokens,
            LimitScope::InputTokens => self.input_tokens,
            LimitScope::OutputTokens => self.output_tokens,
            _ => self.other,
        }
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

    /// The same limit with what is known of the tokens of prompts, where the server counts them apart.
    #[must_use]
    pub fn with_input_tokens(
        mut self,
        limit: Option<u64>,
        remaining: Option<u64>,
        reset_after: Option<Duration>,
    ) -> Self {
        self.input_tokens = Bucket { limit, remaining, reset_after };
        self
    }

    /// The same limit with what is known of the tokens of answers, where the server counts them apart.
    #[must_use]
    pub fn with_output_tokens(
        mut self,
        limit: Option<u64>,
        remaining: Option<u64>,
        reset_after: Option<Duration>,
    ) -> Self {
        self.output_tokens = Bucket { limit, remaining, reset_after };
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

    /// How many tokens of prompts a window admits, where the server counts them apart, as Anthropic does.
    pub fn input_token_limit(&self) -> Option<u64> {
        self.input_tokens.limit
    }

    /// How many tokens of prompts the window still admits.
    pub fn input_tokens_remaining(&self) -> Option<u64> {
        self.input_tokens.remaining
    }

    /// The time until the window of the tokens of prompts ends, or until that bucket is full.
    pub fn input_tokens_reset_after(&self) -> Option<Duration> {
        self.input_tokens.reset_after
    }

    /// How many tokens of answers a window admits, where the server counts them apart, as Anthropic does.
    pub fn output_token_limit(&self) -> Option<u64> {
        self.output_tokens.limit
    }

    /// How many tokens of answers the window still admits.
    pub fn output_tokens_remaining(&self) -> Option<u64> {
        self.output_tokens.remaining
    }

    /// The time until the window of the tokens of answers ends, or until that bucket is full.
    pub fn output_tokens_reset_after(&self) -> Option<Duration> {
        self.output_tokens.reset_after
    }

    /// The same with no reset that is further away.
    pub(crate) fn with_resets_within(mut self, longest: Duration) -> Self {
        let RateLimit { requests, tokens, input_tokens, output_tokens, other } = &mut self;
        for bucket in [requests, tokens, input_tokens, output_tokens, other] {
            bucket.reset_after = bucket.reset_after.map(|reset| reset.min(longest));
        }
        self
    }

    fn main(&self) -> &Bucket {
        let RateLimit { requests, tokens, input_tokens, output_tokens, other } = self;
        let all = [requests, tokens, input_tokens, output_tokens];
        all.into_iter().find(|bucket| !bucket.is_empty()).unwrap_or(other)
    }
}
