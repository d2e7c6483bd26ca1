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
}

impl Reader {
    /// Takes a header, whose name is in lower case; says whether it is about rate limits.
    pub(crate) fn take(&mut self, name: &[u8], value: &[u8], now: Timestamp) -> bool {
        if self.own.take(name, value, now) {
            return true;
        }
        let Some(name) = name.strip_prefix(LITELLM_PREFIX) else { return false };
        self.upstream.get_or_insert_default().take(name, value, now)
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

/// The limits of one service.
#[derive(Default)]
struct Limits {
    requests: Limit,
    tokens: Limit,
    /// Of other resources and windows.
    others: Vec<Limit>,
    ietf: Ietf,
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

/// What follows the prefix of a name that is about limits.
fn after_prefix(name: &[u8]) -> Option<&[u8]> {
    const PREFIXES: [&[u8]; 5] = [
        b"x-ratelimit-",
        b"anthropic-ratelimit-",
        b"ratelimit-",
        b"x-rate-limit-",
        b"ratelimitbysize-",
    ];
    PREFIXES.iter().find_map(|prefix| name.strip_prefix(*prefix))
}

impl Limits {
    fn take(&mut self, name: &[u8], value: &[u8], now: Timestamp) -> bool {
        let text = || std::str::from_utf8(value).unwrap_or_default();
        match name {
            b"ratelimit" => self.read_ietf(text()),
            b"ratelimit-policy" => self.ietf.read_policies(text()),
            _ => match after_prefix(name) {
                // `limit`, `remaining` or `reset`, of whatever.
                Some(rest) => {
                    if let Some((field, id)) = name::read(rest) {
                        self.set(field, id, text(), now);
                    }
                }
                None => return false,
            },
        }
        true
    }

    fn set(&mut self, field: Field, id: LimitId, text: &str, now: Timestamp) {
        let known = self.limit(id);
        match field {
            Field::Limit if text.starts_with('-') => known.has_negative_limit = true,
            Field::Limit => known.limit = known.limit.or_else(|| whole(text)),
            Field::Remaining => {
                known.has_negative_remainder |= text.starts_with('-');
                // Two proxies that count both have to let the next request pass.
                let least = text.split(',').filter_map(|part| whole(part.trim())).min();
                known.remaining = known.remaining.into_iter().chain(least).min();
            }
            Field::Reset => known.reset = known.reset.or_else(|| parse_reset(text, now)),
        }
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
            return self.ietf.read_limits(value);
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
        let mut requests = self.requests.known();
        let binding = self.ietf.binding();
        requests.limit = requests.limit.or(binding.limit);
        requests.remaining = binding.remaining.or(requests.remaining);
        requests.reset = binding.reset.or(requests.reset);
        requests.id.window = binding.id.window.or(requests.id.window);
        requests.id.scope = binding.id.scope.or(requests.id.scope);
        let tokens = self.tokens.known();
        // The longest wait for a limit that is used up, and the longest one for a limit of which
        // nobody says what is left, of any resource and window.
        let (mut used_up, mut untold) = (None::<Limit>, None::<Limit>);
        let others = self.others.iter().map(Limit::known);
        for limit in [requests, tokens].into_iter().chain(others) {
            let longest = match limit.remaining {
                Some(0) => &mut used_up,
                Some(_) => continue,
                None => &mut untold,
            };
            let wait = |limit: &Limit| limit.reset.map(|reset| reset.from(now));
            if longest.is_none_or(|known| wait(&limit) > wait(&known)) {
                *longest = Some(limit);
            }
        }
        let due = |limit: Option<Limit>| Some(limit?.reset?.due(now));
        let (mut main, tokens) = (requests.bucket(now), tokens.bucket(now));
        if main.is_empty() && tokens.is_empty() {
            main = self.others.first().map(|limit| limit.known().bucket(now)).unwrap_or_default();
        }
        let window = |limit: Limit| limit.id.window.map(|it| Duration::from_secs(it.into()));
        Told {
            limit: RateLimit::of(main, tokens),
            reset: due(used_up).or_else(|| due(untold)),
            scope: used_up.and_then(|limit| limit.id.scope),
            window: used_up.and_then(window),
        }
    }
}

impl Limit {
    /// What is known of it; of one that is below zero, nothing.
    fn known(&self) -> Limit {
        match self.has_negative_limit && self.has_negative_remainder {
            true => Limit::default(),
            false => *self,
        }
    }

    fn bucket(&self, now: Timestamp) -> Bucket {
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
