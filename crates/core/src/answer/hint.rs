//! Which of the waits that an answer names is the one to keep.

use std::time::Duration;

use super::body::Body;
use super::headers::HeaderFacts;
use super::wait::Due;
use crate::error::HintSource;
use crate::kind::Kind;
use crate::provider::Provider;
use crate::timestamp::Timestamp;

/// The wait that the server asks for: the body, the headers, the reset of a rate limit, the prose.
/// For LLM Resayil the body, then the end of the clock minute, because its reset header is late.
pub(super) fn select(
    facts: &HeaderFacts<'_>,
    body: &Body<'_>,
    provider: Option<Provider>,
    kind: Kind,
    now: Timestamp,
) -> Option<(Due, HintSource)> {
    let resayil = provider == Some(Provider::Resayil);
    if let Some(due) = body.retry_after {
        // Google rounds the member down; its message is exact.
        let in_prose = body.wait_in_prose().filter(|_| !resayil).map(|wait| wait.due(now));
        let rounded =
            |exact: &Due| exact.wait > due.wait && exact.wait - due.wait < Duration::from_secs(1);
        let wait = in_prose.filter(rounded).map_or(due.wait, |exact| exact.wait);
        return Some((Due { wait, at: due.at }, HintSource::Body));
    }
    let in_prose = || body.wait_in_prose().map(|wait| (wait.due(now), HintSource::Message));
    if resayil && kind == Kind::RateLimit {
        // Without the server's clock a wait that the message names is better than ours.
        let by_message = if facts.date(now).is_none() { in_prose() } else { None };
        let window =
            || (until_next_minute(facts.date(now).unwrap_or(now)).into(), HintSource::Window);
        return by_message.or_else(|| Some(window()));
    }
    let limited = matches!(kind, Kind::RateLimit | Kind::QuotaExhausted | Kind::Overloaded);
    let reset = facts.told.reset.filter(|_| limited).map(|due| (due, HintSource::RateLimitReset));
    (facts.retry_after_ms.map(|wait| (wait.into(), HintSource::RetryAfterMs)))
        .or_else(|| facts.retry_after.map(|due| (due, HintSource::RetryAfter)))
        .or_else(|| match reset {
            // One that has passed says less than the prose.
            Some((due, _)) if due.wait.is_zero() => in_prose().or(reset),
            _ => reset.or_else(in_prose),
        })
}

fn until_next_minute(date: Timestamp) -> Duration {
    const MINUTE: i64 = 60_000_000;
    let elapsed = date.unix_micros().rem_euclid(MINUTE);
    Duration::from_micros((MINUTE - elapsed) as u64)
}
