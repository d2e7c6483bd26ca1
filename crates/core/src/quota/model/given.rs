//! The limits that a program gives.

use std::time::Duration;

use crate::error::LimitScope;
use crate::quota::QuotaOptions;
use crate::quota::meter::Meter;

/// The limits that a program gives, those of the windows' requests first.
pub(super) fn meters(options: &QuotaOptions) -> Vec<Meter> {
    const MINUTE: Duration = Duration::from_secs(60);
    let window = options.window.filter(|window| !window.is_zero());
    let requests =
        window.map(|length| Meter::new(LimitScope::Requests, length, options.limit.map(u64::from)));
    let tokens = [
        (LimitScope::Tokens, options.token_limit),
        (LimitScope::InputTokens, options.input_token_limit),
        (LimitScope::OutputTokens, options.output_token_limit),
    ];
    let tokens = tokens.into_iter().filter_map(|(scope, limit)| {
        Some(match window {
            Some(length) => Meter::new(scope, length, Some(limit?)),
            None => Meter::rolling(scope, MINUTE, limit?),
        })
    });
    // Where no window is known, a limit of requests holds for any minute.
    let limit = options.limit.filter(|_| window.is_none()).map(u64::from);
    let any_minute = limit.map(|limit| Meter::rolling(LimitScope::Requests, MINUTE, limit));
    let day = options.daily_limit.map(|limit| Meter::daily(u64::from(limit)));
    requests.into_iter().chain(any_minute).chain(tokens).chain(day).collect()
}
