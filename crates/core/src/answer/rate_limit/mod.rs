//! What the headers of an answer say of its rate limits.

mod ietf;
mod name;
mod reset;

use std::time::Duration;

use super::wait::{Due, Wait};
use crate::error::{Bucket, RateLimit};
use crate::limit_scope::LimitScope;
use crate::text::duration;
use crate::timestamp::Timestamp;

use ietf::Ietf;
use name::{Field, LimitId};
pub(crate) use reset::parse_reset;

/// What the headers tell, once all are read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    pub(crate) limit: Option<RateLimit>,
    /// The wait that follows from a limit that is used up.
    pub(crate) reset: Option<Due>,
    /// What that limit counts.
    pub(crate) scope: Option<LimitScope>,
    pub(crate) window: Option<Duration>,
}

/// LiteLLM passes on the headers of the provider behind it with this in front of their names.
const LITELLM_PREFIX: &[u8] = b"llm_provider-";

/// Gathers the rate limits from headers, one after the other.
#[derive(Default)]
pub(crate) struct Reader {
    own: Limits,
    /// Those of the provider behind LiteLLM.
    upstream: Option<Box<Limits>>,
    /// A reset is a time, and not a wait.
    pub(crate) names_a_time: bool,
}

impl Reader {
    /// Takes a header, whose name is in lower case; says whether it is about rate limits.
    pub(crate) fn take(&mut self, name: &[u8], value: &[u8], now: Timestamp) -> bool {
        let (limits, name) = match name.strip_prefix(LITELLM_PREFIX) {
            None => (&mut self.own, name),
            Some(name) if after_prefix(name).is_some() => {
                (&mut **self.upstream.get_or_insert_default(), name)
            }
            Some(_) => return false,
        };
        let Some(rest) = after_prefix(name) else { return false };
        let text = || std::str::from_utf8(value).unwrap_or_default();
        match rest {
            b"" => limits.read_ietf(text()),
            b"policy" if name[0] == b'r' => {
                limits.ietf.get_or_insert_default().read_policies(text())
            }
            // `limit`, `remaining` or `reset`, of whatever.
            _ => {
                if let Some((field, id)) = name::read(rest) {
                    self.names_a_time |= limits.set(field, id, value, now);
                }
            }
        }
        true
    }

    /// What they tell, by the server's clock.
    pub(crate) fn finish(&self, server_time: Timestamp) -> Told {
        let own = self.own.finish(server_time);
        match &self.upstream {
            Some(upstream) if own.limit.is_none() => upstream.finish(server_time),
            _ => own,
        }
    }
}

/// What follows the prefix of a name that is about limits.
fn after_prefix(name: &[u8]) -> Option<&[u8]> {
    let [first, ..] = name else { return None };
    match first {
        b'x' => name.strip_prefix(b"x-ratelimit-").or_else(|| name.strip_prefix(b"x-rate-limit-")),
        b'r' => match name.strip_prefix(b"ratelimit")? {
            [] => Some(&[]),
            [b'-', rest @ ..] => Some(rest),
            rest => rest.strip_prefix(b"bysize-"),
        },
        b'a' => name.strip_prefix(b"anthropic-ratelimit-"),
        _ => None,
    }
}

/// The limits of one service.
#[derive(Default)]
struct Limits {
    requests: Limit,
    tokens: Limit,
    /// Of other resources and windows.
    others: Vec<Limit>,
    ietf: Option<Box<Ietf>>,
}

/// What headers tell of a limit.
#[derive(Clone, Copy, Debug, Default)]
struct Limit {
    id: LimitId,
    limit: Option<u64>,
    remaining: Option<u64>,
    reset: Option<Wait>,
    /// Its limit and what is left of it are below zero: the server knows nothing of it (Azure).
    has_negative_limit: bool,
    has_negative_remainder: bool,
}

impl Limits {
    /// Sets a field; says whether it is a time.
    fn set(&mut self, field: Field, id: LimitId, value: &[u8], now: Timestamp) -> bool {
        let known = self.limit(id);
        // Most values are plain numbers.
        let number = duration::digits(value);
        let text = || std::str::from_utf8(value).unwrap_or_default();
        match field {
            Field::Limit if value.starts_with(b"-") => known.has_negative_limit = true,
            Field::Limit => known.limit = known.limit.or(number).or_else(|| whole(text())),
            Field::Remaining => {
                known.has_negative_remainder |= value.starts_with(b"-");
                // Two proxies that count both have to let the next request pass.
                let least = || text().split(',').filter_map(|part| whole(part.trim())).min();
                let told = number.or_else(least);
                known.remaining = known.remaining.into_iter().chain(told).min();
            }
            Field::Reset => {
                known.reset = known.reset.or_else(|| parse_reset(text(), now));
                return matches!(known.reset, Some(Wait::At(_)));
            }
        }
        false
    }

    fn limit(&mut self, id: LimitId) -> &mut Limit {
        let limit = if id.other != 0 {
            let is_same = |it: &Limit| (it.id.other, it.id.tokens) == (id.other, id.tokens);
            let index = self.others.iter().position(is_same).unwrap_or_else(|| {
                // A dozen is more than any provider has; beyond it the last one is shared.
                if self.others.len() < 12 {
                    self.others.push(Limit::default());
                }
                self.others.len() - 1
            });
            &mut self.others[index]
        } else if id.tokens {
            &mut self.tokens
        } else {
            &mut self.requests
        };
        limit.id = id;
        limit
    }

    /// `RateLimit: "default";r=1;t=7`, and the dictionary of an older draft.
    fn read_ietf(&mut self, value: &str) {
        if !value.starts_with("limit=") {
            return self.ietf.get_or_insert_default().read_limits(value);
        }
        let limit = &mut self.requests;
        for part in value.split(',') {
            let Some((name, number)) = part.trim().split_once('=') else { continue };
            match name {
                "limit" => limit.limit = whole(number),
                "remaining" => limit.remaining = whole(number),
                "reset" => limit.reset = whole(number).map(|it| Wait::In(Duration::from_secs(it))),
                _ => {}
            }
        }
    }

    fn finish(&self, now: Timestamp) -> Told {
        let binding;
        let requests = match &self.ietf {
            None => &self.requests,
            Some(ietf) => {
                binding = self.requests.known().with(ietf.binding());
                &binding
            }
        };
        // The longest wait for a limit that is used up, and the longest one for a limit of which
        // nobody says what is left, of any resource and window.
        let (mut used_up, mut untold) = (None, None);
        let mut longest = (None, None);
        for limit in [requests, &self.tokens].into_iter().chain(&self.others) {
            if limit.is_unknown() {
                continue;
            }
            let wait = limit.reset.map(|reset| reset.from(now));
            let (found, longest) = match limit.remaining {
                Some(0) => (&mut used_up, &mut longest.0),
                None if wait.is_some() => (&mut untold, &mut longest.1),
                _ => continue,
            };
            if found.is_none() || wait > *longest {
                (*found, *longest) = (Some(limit), wait);
            }
        }
        let due = |limit: Option<&Limit>| Some(limit?.reset?.due(now));
        let mut told = RateLimit::default()
            .with(Some(LimitScope::Requests), requests.bucket(now))
            .with(Some(LimitScope::Tokens), self.tokens.bucket(now));
        let apart = [Some(LimitScope::InputTokens), Some(LimitScope::OutputTokens)];
        for limit in &self.others {
            let is_other = told == RateLimit::default();
            if limit.id.window.is_none() && apart.contains(&limit.id.scope) {
                told = told.with(limit.id.scope, limit.bucket(now));
            } else if is_other {
                told = told.with(None, limit.bucket(now));
            }
        }
        let window = |limit: &Limit| limit.id.window.map(|it| Duration::from_secs(it.into()));
        Told {
            limit: told.known(),
            reset: due(used_up).or_else(|| due(untold)),
            scope: used_up.and_then(|limit| limit.id.scope),
            window: used_up.and_then(window),
        }
    }
}

impl Limit {
    fn is_unknown(&self) -> bool {
        self.has_negative_limit && self.has_negative_remainder
    }

    fn known(&self) -> Limit {
        if self.is_unknown() { Limit::default() } else { *self }
    }

    /// The same limit with what the fields of the IETF's draft tell.
    fn with(self, ietf: Limit) -> Limit {
        let id = LimitId {
            window: ietf.id.window.or(self.id.window),
            scope: ietf.id.scope.or(self.id.scope),
            ..self.id
        };
        Limit {
            id,
            limit: self.limit.or(ietf.limit),
            remaining: ietf.remaining.or(self.remaining),
            reset: ietf.reset.or(self.reset),
            ..self
        }
    }

    fn bucket(&self, now: Timestamp) -> Bucket {
        if self.is_unknown() {
            return Bucket::default();
        }
        let most = self.limit.unwrap_or(u64::MAX);
        Bucket {
            limit: self.limit,
            remaining: self.remaining.map(|remaining| remaining.min(most)),
            reset_after: self.reset.map(|reset| reset.from(now)),
        }
    }
}

/// A whole number. Negative remainders were seen and count as 0; `100, 100;w=60` counts as 100.
fn whole(text: &str) -> Option<u64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let first = text.split([',', ';']).next()?.trim();
    if let Some(digits) = first.strip_prefix('-') {
        return digits.parse::<u64>().ok().map(|_| 0);
    }
    first.parse().ok().or_else(|| duration::decimal(first).map(|number| number as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(headers: &[(&str, &str)]) -> Option<(Option<u64>, Option<u64>, Option<Duration>)> {
        let now = Timestamp::from_unix_seconds(1_741_305_555);
        let limit = crate::answer::headers::HeaderFacts::read(headers, now).told.limit;
        limit.map(|limit| (limit.limit(), limit.remaining(), limit.reset_after()))
    }

    #[test]
    fn a_cached_answer_tells_no_rate_limit() {
        let limit = ("X-RateLimit-Limit", "20");
        assert_eq!(told(&[limit, ("Age", "120")]), None);
        assert_eq!(told(&[limit, ("Age", "0")]), Some((Some(20), None, None)));
    }

    #[test]
    fn a_date_is_one_of_the_server_s_clock() {
        let reset = ("X-RateLimit-Reset", "1741305600");
        let wait = |headers: &[_]| told(headers).unwrap().2.unwrap().as_secs();
        assert_eq!(wait(&[reset]), 45);
        assert_eq!(wait(&[reset, ("Date", "Thu, 06 Mar 2025 23:59:30 GMT")]), 30);
        assert_eq!(wait(&[reset, ("Date", "Thu, 01 Jan 1970 00:00:00 GMT")]), 45);
    }

    #[test]
    fn a_limit_below_zero_tells_nothing() {
        let names =
            ["limit", "remaining", "reset"].map(|part| format!("x-ratelimit-{part}-tokens"));
        let [limit, remaining, reset] = &names;
        let unknown = [(&**limit, "-1"), (&**remaining, "-1"), (&**reset, "0")];
        assert_eq!(told(&unknown), None);
        let used_up = [unknown[0], (&**remaining, "0"), (&**reset, "30")];
        assert_eq!(told(&used_up), Some((None, Some(0), Some(Duration::from_secs(30)))));
        assert_eq!(told(&unknown[1..]), Some((None, Some(0), Some(Duration::ZERO))));
    }

    #[test]
    fn of_two_remainders_the_smaller_counts() {
        let limit = ("X-RateLimit-Limit", "20");
        let remaining = |value| ("X-RateLimit-Remaining", value);
        for headers in [
            [limit, remaining("7"), remaining("3")],
            [limit, remaining("3"), remaining("7")],
            [limit, remaining("7, 3"), remaining("none")],
        ] {
            assert_eq!(told(&headers).unwrap().1, Some(3), "{headers:?}");
        }
    }

    #[test]
    fn litellm_passes_on_what_the_provider_told() {
        let headers = [("llm_provider-x-ratelimit-remaining-requests", "7")];
        assert_eq!(told(&headers), Some((None, Some(7), None)));
        let of_its_own = [headers[0], ("x-ratelimit-limit-requests", "100")];
        assert_eq!(told(&of_its_own), Some((Some(100), None, None)));
    }

    #[test]
    fn the_limit_that_is_used_up_is_named() {
        let told = |headers: &[(&str, &str)]| {
            let now = Timestamp::from_unix_seconds(1_741_305_555);
            let told = crate::answer::headers::HeaderFacts::read(headers, now).told;
            (
                told.scope,
                told.window.map(|window| window.as_secs()),
                told.reset.map(|it| it.wait.as_secs()),
            )
        };
        let requests =
            [("x-ratelimit-remaining-requests", "7"), ("x-ratelimit-reset-requests", "1s")];
        let tokens = [("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "6m0s")];
        let both = [requests, tokens].concat();
        assert_eq!(told(&both), (Some(LimitScope::Tokens), None, Some(360)));
        assert_eq!(told(&requests), (None, None, None));
        let day = [
            ("x-ratelimit-remaining-requests-day", "0"),
            ("x-ratelimit-reset-requests-day", "7200"),
        ];
        let longer = [&both[..], &day].concat();
        assert_eq!(told(&longer), (Some(LimitScope::Requests), Some(86_400), Some(7200)));
        let anthropic = [("anthropic-ratelimit-output-tokens-remaining", "0")];
        assert_eq!(told(&anthropic), (Some(LimitScope::OutputTokens), None, None));
        let ietf =
            [("RateLimit", r#""burst";r=0;t=5"#), ("RateLimit-Policy", r#""burst";q=9;w=60"#)];
        assert_eq!(told(&ietf), (Some(LimitScope::Requests), Some(60), Some(5)));
    }
}
