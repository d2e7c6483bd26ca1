//! The verdict on an answer: status first, then code and type, then prose.

mod codes;
mod prose;
mod reason_phrase;
#[cfg(test)]
mod rules;
mod sentences;
mod vocabulary;

use std::time::Duration;

use crate::answer::body::{Body, Format};
use crate::answer::headers::HeaderFacts;
use crate::answer::limit::words::Said;
use crate::answer::wait::Wait;
use crate::kind::Kind;
use crate::provider::Provider;

use codes::Meaning;
use prose::Words;

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) kind: Kind,
    pub(crate) retryable: bool,
}

impl Verdict {
    fn of(kind: Kind) -> Self {
        Verdict { kind, retryable: kind.is_retryable() }
    }

    fn terminal(kind: Kind) -> Self {
        Verdict { kind, retryable: false }
    }
}

/// The verdict on an answer with this status. `status` is `None` for an error inside a success or
/// a stream that names no status.
pub(crate) fn decide(
    status: Option<u16>,
    headers: &HeaderFacts<'_>,
    body: &Body<'_>,
    provider: Option<Provider>,
) -> Verdict {
    let by_code = meaning_of_codes(headers, body);
    let words = words_of(body, provider);
    let mut verdict = match status {
        Some(429) => too_many_requests(headers, body, by_code, &words),
        // No request has a condition that could fail, so a 412 is about something else.
        Some(400 | 412) => bad_request(body, by_code, &words),
        Some(413) => match by_code {
            Some(Meaning::ContextLength) => Verdict::of(Kind::ContextLength),
            _ => Verdict::of(Kind::PayloadTooLarge),
        },
        Some(422) => match by_code {
            Some(Meaning::ContextLength) => Verdict::of(Kind::ContextLength),
            Some(Meaning::ContentFilter) => Verdict::of(Kind::ContentFilter),
            _ if body.fields.is_empty() && words.say_context_length() => {
                Verdict::of(Kind::ContextLength)
            }
            _ => Verdict::of(Kind::Validation),
        },
        Some(403) => forbidden(by_code, &words),
        Some(status @ 400..=499) => client_error(status, by_code, &words),
        Some(status @ 500..=599) => server_error(status, body, by_code, &words),
        // A redirect is not followed with a key and a prompt in it, and leads to the same place again.
        // Nor is there anything to be had by asking again for what nobody asked for.
        Some(100..=199 | 300..=399) => Verdict::terminal(Kind::Protocol),
        Some(600..) => Verdict::terminal(Kind::Unknown),
        _ => without_status(headers, body, by_code, &words),
    };
    if let Some(instruction) = headers.should_retry {
        verdict.retryable = instruction;
    }
    body.told_in_prose.set(words.told_already());
    verdict
}

/// The words by which a verdict may be decided.
fn words_of<'a>(body: &'a Body<'_>, provider: Option<Provider>) -> Words<'a> {
    match provider {
        // Its messages come in Arabic too, so nothing may follow from them.
        Some(Provider::Resayil) => Words::default(),
        // A page's title is the front's, not the API's.
        _ if body.format == Format::Html => Words::default(),
        _ => Words::of(body.prose().unwrap_or_default()),
    }
}

/// Which limit the same words speak of: the message is read once for both.
pub(super) fn of_words(body: &Body<'_>, provider: Option<Provider>) -> Said {
    body.told_in_prose.get().unwrap_or_else(|| words_of(body, provider).told())
}

/// Which limit a message speaks of.
#[cfg(test)]
pub(super) fn of_message(message: &str) -> Said {
    Words::of(message).told()
}

/// The most telling of the codes: the inner one is the more exact.
fn meaning_of_codes(headers: &HeaderFacts<'_>, body: &Body<'_>) -> Option<Meaning> {
    // `{"error":"rate_limit_exceeded"}`: one word is a code, wherever it stands.
    let is_word = |text: &&str| {
        text.is_ascii() && !text.contains(|letter: char| letter.is_ascii_whitespace())
    };
    let texts = [
        body.inner_code.as_deref(),
        body.code.as_deref(),
        headers.code,
        body.error_type.as_deref(),
        body.message.as_deref().filter(is_word),
    ];
    let mut meanings = texts.into_iter().flatten().filter_map(codes::meaning);
    let first = meanings.next()?;
    // `insufficient_quota` may stand in the type beside a newer code.
    Some(meanings.fold(first, Meaning::or_stronger))
}

/// 429: the rate, unless the quota behind it is used up or the request can never fit.
fn too_many_requests(
    headers: &HeaderFacts<'_>,
    body: &Body<'_>,
    by_code: Option<Meaning>,
    words: &Words<'_>,
) -> Verdict {
    match by_code {
        Some(Meaning::QuotaExhausted | Meaning::PaymentRequired) => {
            return Verdict::of(Kind::QuotaExhausted);
        }
        Some(
            meaning @ (Meaning::ContextLength
            | Meaning::Overloaded
            | Meaning::Authentication
            | Meaning::Permission
            | Meaning::ContentFilter),
        ) => return Verdict::of(meaning.kind()),
        _ => {}
    }
    // A quota of a day or longer is no rate.
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    if headers.usage_rejected || body.quota.window.is_some_and(|window| window >= DAY) {
        return Verdict::of(Kind::QuotaExhausted);
    }
    // One request that is larger than the whole window never fits.
    if words.say_request_exceeds_limit() {
        return Verdict::of(Kind::ContextLength);
    }
    if words.say_limit_is_zero() {
        return Verdict::of(Kind::QuotaExhausted);
    }
    if body.quota.window.is_some() {
        return Verdict::of(Kind::RateLimit);
    }
    if says_quota(headers, body, words) {
        return Verdict::of(Kind::QuotaExhausted);
    }
    Verdict::of(match words.say_plan_lacks_it() && !names_a_wait(headers, body) {
        true => Kind::Permission,
        false => Kind::RateLimit,
    })
}

/// Whether the answer says how long to wait. It is asked last: the message is gone through for it.
fn names_a_wait(headers: &HeaderFacts<'_>, body: &Body<'_>) -> bool {
    let in_headers = headers.retry_after_ms.is_some() || headers.retry_after.is_some();
    // A date in prose is that of a quota.
    let in_prose = || matches!(body.wait_in_prose(), Some(Wait::In(_)));
    in_headers || body.retry_after.is_some() || in_prose()
}

/// Whether the words say that a quota is used up. How long a wait is says nothing of what it is for;
/// that there is one, something.
fn says_quota(headers: &HeaderFacts<'_>, body: &Body<'_>, words: &Words<'_>) -> bool {
    words.say_daily_cap()
        || words.say_nothing_is_left()
        || words.say_quota_exhausted() && !names_a_wait(headers, body)
}

/// 400: the status that providers use for everything.
fn bad_request(body: &Body<'_>, by_code: Option<Meaning>, words: &Words<'_>) -> Verdict {
    match by_code {
        Some(Meaning::Generic) | None => {}
        Some(Meaning::Specific) => return Verdict::of(Kind::BadRequest),
        // A failure of the service itself does not wear a 400; that of somebody behind it may.
        Some(Meaning::Server | Meaning::Timeout) => return Verdict::of(Kind::BadRequest),
        Some(Meaning::Upstream | Meaning::Network) => {}
        Some(meaning) => return Verdict::of(meaning.kind()),
    }
    if !body.fields.is_empty() {
        return Verdict::of(Kind::BadRequest);
    }
    let passed_on = matches!(by_code, Some(Meaning::Upstream | Meaning::Network));
    Verdict::of(if words.say_context_length() {
        Kind::ContextLength
    } else if words.say_credits_are_low() {
        Kind::PaymentRequired
    } else if words.say_spend_or_usage_limit() || words.say_quota_is_used_up() {
        Kind::QuotaExhausted
    } else if words.say_key_is_bad() {
        Kind::Authentication
    } else if words.say_content_filter() {
        Kind::ContentFilter
    } else if words.say_model_is_missing() {
        Kind::NotFound
    } else if words.say_degraded() {
        Kind::Overloaded
    } else if passed_on && words.say_request_is_bad() {
        Kind::BadRequest
    } else if passed_on || words.say_upstream_failed() {
        return outage_behind_a_gateway(body, words);
    } else {
        Kind::BadRequest
    })
}

/// A failure that a gateway passes on under a status of its own; the one that it was given may be in
/// the message.
fn outage_behind_a_gateway(body: &Body<'_>, words: &Words<'_>) -> Verdict {
    let named = body.param.as_ref().and_then(|param| param.parse().ok());
    let status = words.status().or(named.filter(|status| (400..600).contains(status)));
    Verdict::of(status.map_or(Kind::Server, of_status))
}

fn forbidden(by_code: Option<Meaning>, words: &Words<'_>) -> Verdict {
    match by_code {
        Some(
            meaning @ (Meaning::ContentFilter
            | Meaning::QuotaExhausted
            | Meaning::PaymentRequired
            | Meaning::RateLimit
            | Meaning::Authentication),
        ) => return Verdict::of(meaning.kind()),
        Some(Meaning::Permission) => return Verdict::of(Kind::Permission),
        _ => {}
    }
    Verdict::of(if words.say_content_filter() {
        Kind::ContentFilter
    } else if words.say_credits_are_low() {
        Kind::PaymentRequired
    } else if words.say_quota_exhausted()
        || words.say_daily_cap()
        || words.say_quota_is_used_up()
        || words.say_limit_is_reached()
    {
        Kind::QuotaExhausted
    } else if words.say_too_fast() {
        // So GitHub tells of its rates.
        Kind::RateLimit
    } else {
        Kind::Permission
    })
}

/// Other 4xx, which say themselves what they mean.
fn client_error(status: u16, by_code: Option<Meaning>, words: &Words<'_>) -> Verdict {
    match status {
        // To most an invalid token, but to Groq a tier without capacity.
        498 if by_code == Some(Meaning::Overloaded) || words.say_overloaded() => {
            Verdict::of(Kind::Overloaded)
        }
        // It was not the request that failed, but what the service itself depends on.
        424 if matches!(
            by_code,
            Some(Meaning::Server | Meaning::Timeout | Meaning::Upstream | Meaning::Network)
        ) =>
        {
            Verdict::of(Kind::Server)
        }
        // The key is good, but nothing is left.
        401 if by_code == Some(Meaning::QuotaExhausted) => Verdict::of(Kind::QuotaExhausted),
        401 if by_code == Some(Meaning::PaymentRequired) || words.say_credits_are_low() => {
            Verdict::of(Kind::PaymentRequired)
        }
        401 if words.say_spend_or_usage_limit() => Verdict::of(Kind::QuotaExhausted),
        // 419 is Laravel's expired session.
        401 | 407 | 419 | 498 => Verdict::of(Kind::Authentication),
        402 => Verdict::of(Kind::PaymentRequired),
        404 => Verdict::of(Kind::NotFound),
        408 => Verdict::of(Kind::Timeout),
        409 => Verdict::of(Kind::Conflict),
        // RFC 8470: too early, to be sent again.
        425 => Verdict { kind: Kind::BadRequest, retryable: true },
        _ => match by_code {
            Some(
                meaning @ (Meaning::ContextLength
                | Meaning::ContentFilter
                | Meaning::NotFound
                | Meaning::RateLimit
                | Meaning::QuotaExhausted
                | Meaning::PaymentRequired
                | Meaning::Permission
                | Meaning::Authentication),
            ) => Verdict::of(meaning.kind()),
            _ => Verdict::of(Kind::BadRequest),
        },
    }
}

fn server_error(
    status: u16,
    body: &Body<'_>,
    by_code: Option<Meaning>,
    words: &Words<'_>,
) -> Verdict {
    match by_code {
        // Terminal although the status says retry.
        Some(
            meaning @ (Meaning::QuotaExhausted
            | Meaning::PaymentRequired
            | Meaning::Authentication
            | Meaning::Permission
            | Meaning::ContextLength
            | Meaning::ContentFilter),
        ) => return Verdict::of(meaning.kind()),
        Some(meaning @ (Meaning::RateLimit | Meaning::Overloaded)) => {
            return Verdict::of(meaning.kind());
        }
        _ => {}
    }
    Verdict::of(match status {
        // What the server does not do today it does not do in a second.
        501 | 505 => return Verdict::terminal(Kind::Server),
        // What somebody behind a gateway said is no echo of a prompt.
        _ if body.has_cause() && words.say_credits_are_low() => Kind::PaymentRequired,
        503 | 529 => Kind::Overloaded,
        504 | 524 => Kind::Timeout,
        522 => Kind::Network,
        500 if words.say_overloaded() => Kind::Overloaded,
        _ => Kind::Server,
    })
}

/// The kind that a status has of itself.
fn of_status(status: u16) -> Kind {
    match status {
        429 => Kind::RateLimit,
        401 => Kind::Authentication,
        402 => Kind::PaymentRequired,
        403 => Kind::Permission,
        404 => Kind::NotFound,
        408 | 504 | 524 => Kind::Timeout,
        409 => Kind::Conflict,
        413 => Kind::PayloadTooLarge,
        422 => Kind::Validation,
        503 | 529 => Kind::Overloaded,
        500..=599 => Kind::Server,
        _ => Kind::BadRequest,
    }
}

/// An error inside a success or a stream: the code, then the prose.
fn without_status(
    headers: &HeaderFacts<'_>,
    body: &Body<'_>,
    by_code: Option<Meaning>,
    words: &Words<'_>,
) -> Verdict {
    let used_up = || {
        says_quota(headers, body, words)
            || words.say_quota_is_used_up() && !names_a_wait(headers, body)
    };
    let kind = match by_code {
        // The same words decide as under a 429.
        Some(Meaning::RateLimit) => return too_many_requests(headers, body, by_code, words),
        Some(Meaning::Generic | Meaning::Specific | Meaning::Upstream) | None => None,
        Some(meaning) => Some(meaning.kind()),
    };
    let kind = kind.or_else(|| {
        Some(if words.say_request_exceeds_limit() || words.say_context_length() {
            Kind::ContextLength
        } else if words.say_content_filter() {
            Kind::ContentFilter
        } else if words.say_credits_are_low() {
            Kind::PaymentRequired
        } else if used_up() {
            Kind::QuotaExhausted
        } else if words.say_rate_limit() {
            Kind::RateLimit
        } else if words.say_overloaded() {
            Kind::Overloaded
        } else if words.say_timeout() {
            Kind::Timeout
        } else if words.say_network() {
            Kind::Network
        } else if words.say_key_is_bad() {
            Kind::Authentication
        } else if words.say_denied() || words.say_plan_lacks_it() {
            Kind::Permission
        } else if words.say_model_is_missing() {
            Kind::NotFound
        } else if words.say_server_error() {
            Kind::Server
        } else if let Some(status) = words.status() {
            return Some(of_status(status));
        } else if words.say_request_is_bad() {
            Kind::BadRequest
        } else if words.say_something_is_missing() {
            Kind::NotFound
        } else {
            return None;
        })
    });
    let fallback = match by_code {
        Some(Meaning::Upstream) => Kind::Server,
        Some(Meaning::Generic | Meaning::Specific) => Kind::BadRequest,
        _ if !body.fields.is_empty() => Kind::Validation,
        _ => status_in_code(body).map_or(Kind::Unknown, of_status),
    };
    Verdict::of(kind.unwrap_or(fallback))
}

/// The status that a gateway's own code of five digits begins with: `40201`.
fn status_in_code(body: &Body<'_>) -> Option<u16> {
    let code: u16 = body.code.as_ref()?.parse().ok()?;
    (40_000..60_000).contains(&code).then_some(code / 100)
}
