//! What a message says, by the words in it.
//!
//! Messages differ in wording more than in words, so a rule names words that stand together in one
//! sentence, in any order. Text in quotation marks is the caller's own more often than not, and is
//! left out; so are addresses.

mod sayings;

use std::cell::OnceCell;

use super::reason_phrase;
use super::sentences::{NOTHING, Sentence, Sentences};
use super::vocabulary::Word;
use crate::answer::limit::words::Said;

/// A question to the words, on which a verdict may hang.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    RequestExceedsLimit,
    LimitIsZero,
    DailyCap,
    QuotaExhausted,
    NothingIsLeft,
    PlanLacksIt,
    SpendOrUsageLimit,
    QuotaIsUsedUp,
    ContextLength,
    CreditsAreLow,
    KeyIsBad,
    ContentFilter,
    Denied,
    LimitIsReached,
    TooFast,
    ModelIsMissing,
    SomethingIsMissing,
    RateLimit,
    Overloaded,
    Degraded,
    Timeout,
    Network,
    ServerError,
    UpstreamFailed,
    RequestIsBad,
}

/// Words for what is used up.
const SPENT: [Word; 4] = [Word::Insufficient, Word::Exhausted, Word::Reached, Word::Exceed];

/// What a message says. It is read when a rule first asks: most answers are decided before.
#[derive(Default)]
pub(super) struct Words<'a> {
    message: &'a str,
    read: OnceCell<Sentences>,
}

impl<'a> Words<'a> {
    pub(super) fn of(message: &'a str) -> Self {
        Words { message, read: OnceCell::new() }
    }

    fn read(&self) -> &Sentences {
        if self.message.is_empty() {
            return &NOTHING;
        }
        self.read.get_or_init(|| Sentences::of(self.message))
    }

    /// What a rule says. Tests force the answer, to see whether a vector hangs on it.
    #[inline]
    fn ask(&self, rule: Rule, says: impl FnOnce() -> bool) -> bool {
        #[cfg(test)]
        if let Some(forced) = super::rules::forced(rule) {
            return forced;
        }
        let _ = rule;
        says()
    }

    /// Which limit the message speaks of.
    pub(super) fn told(&self) -> Said {
        self.read().told
    }

    /// The same if the message was read for another reason.
    pub(super) fn told_already(&self) -> Option<Said> {
        self.read.get().map(|read| read.told)
    }

    /// Whether a sentence says so.
    fn any(&self, says: impl Fn(&Sentence) -> bool) -> bool {
        self.read().iter().any(says)
    }

    /// Whether the word stands anywhere.
    fn has(&self, word: Word) -> bool {
        self.any(|sentence| sentence.has(word))
    }

    /// `Limit 30000, Requested 40000`, or that the request is too large.
    pub(super) fn say_request_exceeds_limit(&self) -> bool {
        self.ask(Rule::RequestExceedsLimit, || {
            use Word::*;
            let Sentences { requested, limit, .. } = self.read();
            let larger =
                matches!((requested, limit), (Some(requested), Some(limit)) if requested > limit);
            larger && !self.has(Used)
                || self
                    .any(|it| it.any(&[Input, Request]) && it.all(&[Too, Large]) && !it.has(Took))
        })
    }

    /// `limit: 0`: this account may not at all.
    pub(super) fn say_limit_is_zero(&self) -> bool {
        self.ask(Rule::LimitIsZero, || self.read().limit == Some(0))
    }

    /// A cap of a day or longer.
    pub(super) fn say_daily_cap(&self) -> bool {
        self.ask(Rule::DailyCap, || {
            use Word::*;
            let spent = [Limit, Exceed, Reached, Exhausted, Many];
            !self.has(Minute) && self.any(|it| it.any(&[Day, Month]) && it.any(&spent))
        })
    }

    /// A quota that is used up, where the server names no wait.
    pub(super) fn say_quota_exhausted(&self) -> bool {
        self.ask(Rule::QuotaExhausted, || {
            use Word::*;
            if self.has(Minute) {
                return false;
            }
            let of_a_rate = self.any(Sentence::says_too_fast);
            self.say_nothing_is_left()
                || self.any(|it| {
                    // Who is too fast may be asked to pay for more.
                    let unpaid = it.has(Billing)
                        && (it.any(&SPENT) || it.has(Not) && !it.any(&[Limit, Rate]))
                        && !of_a_rate;
                    unpaid || it.has(Quota) && it.any(&[Billing, Plan]) && !it.has(Rate)
                })
        })
    }

    /// A cap of spending, credits or use, which a wait does not lift even where one is named.
    pub(super) fn say_nothing_is_left(&self) -> bool {
        self.ask(Rule::NothingIsLeft, || {
            use Word::*;
            let nothing_is_left = |it: &Sentence| {
                // `Concurrency budget exceeded`
                let money =
                    it.any(&[Credit, Spend, Budget]) && it.any(&SPENT) && !it.all(&[Budget, Rate]);
                let quota = it.all(&[Quota, Insufficient]) && !it.has(Rate);
                money || quota || it.says_credits_are_low() || it.says_usage_limit()
            };
            !self.has(Minute) && self.any(nothing_is_left)
        })
    }

    /// A plan that has run out, or does not hold what was asked for.
    pub(super) fn say_plan_lacks_it(&self) -> bool {
        self.ask(Rule::PlanLacksIt, || {
            use Word::*;
            let of_a_rate = [Limit, Rate, Minute, Quota, Usage, Requests];
            self.any(|it| it.has(Plan) && it.any(&[Not, Expired, Ended]) && !it.any(&of_a_rate))
        })
    }

    /// A cap of spending or use, in words that a mistake in the request does not share.
    pub(super) fn say_spend_or_usage_limit(&self) -> bool {
        self.ask(Rule::SpendOrUsageLimit, || {
            use Word::*;
            let spent = [Reached, Exceed, Exhausted, Over];
            let spend = |it: &Sentence| it.all(&[Spend, Limit]) && it.any(&spent);
            // `Budget has been exceeded!`, but not a budget of tokens to think with.
            let budget = |it: &Sentence| {
                it.has(Budget) && it.any(&spent) && !it.any(&[Token, Parameter, Rate])
            };
            !self.has(Minute) && self.any(|it| spend(it) || budget(it) || it.says_usage_limit())
        })
    }

    /// A quota that is used up, whatever it is of.
    pub(super) fn say_quota_is_used_up(&self) -> bool {
        self.ask(Rule::QuotaIsUsedUp, || {
            use Word::*;
            let used_up = |it: &Sentence| it.has(Quota) && it.any(&SPENT) && !it.has(Rate);
            !self.has(Minute) && self.any(used_up)
        })
    }

    pub(super) fn say_context_length(&self) -> bool {
        self.ask(Rule::ContextLength, || {
            !self.has(Word::Rate)
                && !self.has(Word::Minute)
                && self.any(Sentence::says_context_length)
        })
    }

    pub(super) fn say_credits_are_low(&self) -> bool {
        self.ask(Rule::CreditsAreLow, || self.any(Sentence::says_credits_are_low))
    }

    pub(super) fn say_key_is_bad(&self) -> bool {
        self.ask(Rule::KeyIsBad, || {
            use Word::*;
            self.any(|it| {
                it.has(Authenticate)
                    || it.has(ApiKey) && it.any(&[Invalid, Expired])
                    || it.all(&[ApiKey, Not]) && !it.has(Denied)
                    || it.has(Session) && it.any(&[Expired, Required])
            })
        })
    }

    pub(super) fn say_content_filter(&self) -> bool {
        self.ask(Rule::ContentFilter, || {
            use Word::*;
            self.any(|it| {
                let filter = it.has(Filter) && it.any(&[Content, Blocked, Input, Safety]);
                let policy = it.has(Policy) && (it.has(Content) || it.all(&[Blocked, Usage]));
                let safety = it.has(Safety) && it.any(&[Blocked, Content]);
                let blocked = it.all(&[Blocked, Content, Input]);
                (filter || policy || safety || blocked) && !it.has(Parameter)
            })
        })
    }

    /// Something that this account may not.
    pub(super) fn say_denied(&self) -> bool {
        self.ask(Rule::Denied, || {
            use Word::*;
            self.any(|it| {
                it.has(Denied)
                    || it.has(Not) && it.any(&[Access, Region])
                    || it.all(&[Blocked, Policy])
            })
        })
    }

    /// A cap, of whatever.
    pub(super) fn say_limit_is_reached(&self) -> bool {
        self.ask(Rule::LimitIsReached, || {
            use Word::*;
            !self.has(Minute)
                && self.any(|it| it.has(Limit) && it.any(&[Exceed, Reached]) && !it.has(Rate))
        })
    }

    /// A rate that was exceeded; a rate alone may be something else that one may not touch.
    pub(super) fn say_too_fast(&self) -> bool {
        self.ask(Rule::TooFast, || {
            use Word::*;
            self.any(|it| {
                it.has(Rate) && it.any(&[Exceed, Reached]) || it.all(&[Too, Many, Requests])
            })
        })
    }

    pub(super) fn say_model_is_missing(&self) -> bool {
        self.ask(Rule::ModelIsMissing, || {
            use Word::*;
            self.any(|it| {
                it.all(&[Not, Exist]) && it.any(&[Model, Worker]) || it.all(&[Model, Retired])
            })
        })
    }

    /// `Session not found`: whatever it is, but not the answer.
    pub(super) fn say_something_is_missing(&self) -> bool {
        self.ask(Rule::SomethingIsMissing, || {
            use Word::*;
            let of_answer = [Response, Content, Completion, Stream, Upstream, Server];
            self.any(|it| it.all(&[Not, Exist]) && !it.any(&of_answer))
        })
    }

    pub(super) fn say_rate_limit(&self) -> bool {
        self.ask(Rule::RateLimit, || {
            use Word::*;
            self.any(|it| {
                it.says_too_fast()
                    || it.all(&[Too, Many, Token, Again])
                    || it.all(&[Resource, Exhausted])
                    || it.any(&[Quota, Minute]) && it.any(&[Exceed, Reached, Exhausted])
                    || it.any(&[Request, Requests])
                        && (it.has(Limit) && it.any(&[Reached, Exceed])
                            || it.all(&[Maximum, Reached]))
            })
        })
    }

    pub(super) fn say_overloaded(&self) -> bool {
        self.ask(Rule::Overloaded, || {
            use Word::*;
            self.any(|it| {
                it.any(&[Overloaded, Busy])
                    || it.all(&[Model, Loading]) && !it.any(&[Error, Not])
                    || it.has(Capacity) && it.any(&[Again, Exceed, Reached, Not, Over])
                    || it.any(&[Degraded, Demand])
                    || it.all(&[Temporarily, Unable])
                    || it.any(&[Queue, Cache]) && it.any(&[Full, Exceed])
                    || it.all(&[Not, Available])
                        && (it.has(Upstream)
                            || it.any(&[Worker, Server, Service, Api])
                                && !it.any(&[Model, Region, Plan, ApiKey]))
            })
        })
    }

    /// Functions of NVIDIA's that are out of order.
    pub(super) fn say_degraded(&self) -> bool {
        self.ask(Rule::Degraded, || self.has(Word::Degraded))
    }

    pub(super) fn say_timeout(&self) -> bool {
        self.ask(Rule::Timeout, || {
            use Word::*;
            self.any(|it| {
                it.has(Timeout)
                    || it.all(&[Took, Too, Large])
                    || it.all(&[Not, Respond])
                    || it.all(&[Waiting, Exceed]) && !it.any(&[Limit, Rate])
            })
        })
    }

    /// A connection between others that broke.
    pub(super) fn say_network(&self) -> bool {
        self.ask(Rule::Network, || {
            use Word::*;
            let broken = [Reset, Ended, Eof, Blocked, Error, Terminated, Unexpected, Expired];
            self.any(|it| {
                let out_of_reach = it.has(Reach)
                    && it.any(&[Not, Unable, Error])
                    && !it.any(&[Limit, Maximum, Token]);
                it.has(Unreachable)
                    || out_of_reach
                    || it.has(Connection) && it.any(&broken)
                    || it.all(&[Host, Not])
                    || it.has(Eof) && !it.has(Unexpected)
            })
        })
    }

    pub(super) fn say_server_error(&self) -> bool {
        self.ask(Rule::ServerError, || {
            use Word::*;
            self.any(|it| {
                let failed = it.any(&[Internal, Server]) && it.has(Error);
                let service = it.all(&[Service, Error]) && !it.any(&[Policy, Denied]);
                // `an unexpected error has occurred`, but not one of the request.
                let of_request =
                    [Field, Format, Parameter, Input, Invalid, Unsupported, Token, Must];
                let occurred =
                    it.has(Error) && it.any(&[Unexpected, Encountered]) && !it.any(&of_request);
                it.has(Terminated)
                    || failed
                    || service && !it.any(&of_request)
                    || occurred
                    || it.has(Engine) && it.any(&[Error, Ended, Unexpected]) && !it.any(&of_request)
                    || it.any(&[Provider, Worker])
                        && it.has(Error)
                        && !it.any(&of_request)
                        && !it.any(&[Not, Bad])
                    || it.has(Empty) && it.any(&[Upstream, Response]) && !it.has(Format)
                    || it.has(Unexpected) && it.any(&[Ended, Eof])
                    || it.all(&[Bad, Gateway])
                    || it.has(Memory) && it.any(&[Exhausted, Required, Insufficient])
                    || it.says_stream_broke()
                    || it.says_upstream_failed()
            })
        })
    }

    /// What a gateway says of those behind it.
    pub(super) fn say_upstream_failed(&self) -> bool {
        self.ask(Rule::UpstreamFailed, || self.any(Sentence::says_upstream_failed))
    }

    /// A mistake in the request, where there is no status that says so.
    pub(super) fn say_request_is_bad(&self) -> bool {
        self.ask(Rule::RequestIsBad, || {
            use Word::*;
            self.any(|it| {
                let of_request = it.any(&[
                    Field, Format, Parameter, Input, Token, Model, Request, Unknown, Stream,
                ]);
                let is_wrong = it.has(Unsupported)
                    || of_request && it.any(&[Invalid, Must, Required])
                    || it.has(Unknown) && it.any(&[Parameter, Field])
                    || it.all(&[Parse, Error, Input])
                    || it.all(&[Must, Least]) && it.any(&[Completion, Maximum])
                    || it.all(&[Field, Expired])
                    || it.all(&[Reduce, Request])
                    || it.all(&[Bad, Request]);
                // What is wrong with an answer is no mistake of the request; `response_format` is.
                let of_answer = it.has(Response) && !it.has(Format);
                let of_others = it.any(&[Upstream, Connection])
                    // `is not supported by the server`
                    || it.has(Server) && !it.has(Unsupported);
                is_wrong && !of_answer && !of_others
            })
        })
    }

    /// The status that somebody behind a gateway gave, by its number or by its phrase alone.
    pub(super) fn status(&self) -> Option<u16> {
        self.read().status.or_else(|| reason_phrase::status(self.message))
    }
}

#[cfg(test)]
mod tests;
