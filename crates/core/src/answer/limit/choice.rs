//! Which limit it was, by all that an answer tells.

use super::Limit;
use super::words::{Said, of_name};
use crate::answer::body::Body;
use crate::answer::headers::HeaderFacts;
use crate::answer::verdict;
use crate::kind::Kind;
use crate::limit_scope::LimitScope;
use crate::provider::Provider;

/// The limit that refused the request, as far as the answer tells: by its codes, the names of its
/// quotas, its words, its headers, or the provider. And whether what it counts was not said, and is what the
/// provider's limits usually count.
pub(in crate::answer) fn of(
    facts: &HeaderFacts<'_>,
    body: &Body<'_>,
    provider: Option<Provider>,
    status: Option<u16>,
    kind: Kind,
) -> (Limit, bool) {
    let is_limit = matches!(kind, Kind::RateLimit | Kind::QuotaExhausted | Kind::PaymentRequired);
    if !is_limit && status != Some(429) {
        return (Limit::default(), false);
    }
    let said =
        if body.quota.is_known() { Said::NOTHING } else { verdict::of_words(body, provider) };
    let mut money = kind == Kind::PaymentRequired || said.money;
    // OpenAI's type is `requests` for images too, which the message names.
    let mut limit = body.quota.or(Some(said.limit).filter(Limit::is_known).unwrap_or_default());
    let codes = [body.error_type.as_deref(), body.inner_code.as_deref(), body.code.as_deref()];
    for code in codes.into_iter().flatten() {
        let said = if limit.is_known() { break } else { of_code(code) };
        limit = limit.or(said.limit);
        money |= said.money;
    }
    limit = limit.or(said.limit);
    limit = limit.or(Limit { scope: facts.told.scope, window: facts.told.window });
    limit.window = limit.window.or(facts.usage_window);
    let is_said = limit.scope.is_some();
    if kind == Kind::RateLimit {
        let rate = provider.and_then(|provider| provider.rate());
        limit = limit.or(rate.map_or(Limit::default(), |(scope, window)| Limit {
            scope: Some(scope),
            window: Some(window),
        }));
    } else if money && limit.scope.is_none() {
        limit.scope = Some(LimitScope::Spend);
        return (limit, false);
    }
    (limit, !is_said && limit.scope.is_some())
}

/// What a code tells, such as `tokens`, `insufficient_quota` or `rate_limit_tpm`.
fn of_code(code: &str) -> Said {
    match code {
        "tokens" => Said::of(LimitScope::Tokens),
        "requests" => Said::of(LimitScope::Requests),
        "images" => Said::of(LimitScope::Images),
        // Of money, as its users know.
        "insufficient_quota" => Said { money: true, ..Said::default() },
        // Most codes are numbers, or one of these.
        "rate_limit_exceeded" | "rate_limit_error" | "RESOURCE_EXHAUSTED" => Said::default(),
        code => of_name(code),
    }
}
