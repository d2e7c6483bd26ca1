//! What a message says, by the words in it.
//!
//! Messages differ in wording more than in words, so a rule names words that stand together in one
//! sentence, in any order. Text in quotation marks is the caller's own more often than not, and is
//! left out; so are addresses.

use std::cell::OnceCell;

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
                    || it.all(&[Session, Expired])
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
            self.any(|it| it.has(Denied) || it.has(Not) && it.any(&[Access, Region]))
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
            self.any(|it| it.all(&[Not, Exist]) && it.any(&[Model, Worker]))
        })
    }

    pub(super) fn say_rate_limit(&self) -> bool {
        self.ask(Rule::RateLimit, || {
            use Word::*;
            self.any(|it| {
                it.says_too_fast()
                    || it.all(&[Too, Many, Token, Again])
                    || it.all(&[Resource, Exhausted])
                    || it.has(Quota) && it.any(&[Exceed, Reached, Exhausted])
                    || it.has(Limit)
                        && it.any(&[Minute, Request, Requests])
                        && it.any(&[Reached, Exceed])
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
                    || it.has(Queue) && it.any(&[Full, Exceed])
                    || it.all(&[Not, Available])
                        && it.any(&[Worker, Upstream, Server])
                        && !it.has(Model)
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
            self.any(|it| it.has(Timeout) || it.all(&[Took, Too, Large]) || it.all(&[Not, Respond]))
        })
    }

    /// A connection between others that broke.
    pub(super) fn say_network(&self) -> bool {
        self.ask(Rule::Network, || {
            use Word::*;
            let broken = [Reset, Ended, Eof, Blocked, Error, Terminated];
            self.any(|it| {
                it.has(Unreachable)
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
                it.has(Terminated)
                    || failed
                    || it.has(Unexpected) && it.any(&[Ended, Eof])
                    || it.all(&[Bad, Gateway])
                    || it.all(&[Memory, Exhausted])
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
                let of_request = it.any(&[Field, Format, Parameter, Input, Token, Model, Request]);
                let is_wrong = it.has(Unsupported)
                    || of_request && it.any(&[Invalid, Must, Required])
                    || it.all(&[Field, Expired])
                    || it.all(&[Bad, Request]);
                // What is wrong with an answer is no mistake of the request; `response_format` is.
                let of_answer = it.has(Response) && !it.has(Format);
                is_wrong && !of_answer && !it.any(&[Upstream, Connection, Server])
            })
        })
    }

    /// The status that somebody behind a gateway gave.
    pub(super) fn status(&self) -> Option<u16> {
        self.read().status
    }
}

impl Sentence {
    fn says_too_fast(&self) -> bool {
        use Word::*;
        self.has(Throttled)
            || self.has(Rate) && self.any(&[Limit, Exceed])
            || self.all(&[Too, Many, Requests])
    }

    /// That it broke, not that an option of it is wrong.
    fn says_stream_broke(&self) -> bool {
        use Word::*;
        self.has(Stream)
            && self.any(&[Ended, Eof, Unexpected, Terminated, Reset, Error])
            && !self.any(&[Parameter, Must, Required, Field, Invalid, Unsupported])
    }

    fn says_upstream_failed(&self) -> bool {
        use Word::*;
        let failed =
            [Error, Terminated, Ended, Eof, Unexpected, Reset, Blocked, Timeout, Overloaded];
        self.has(Upstream) && self.any(&failed)
    }

    fn says_usage_limit(&self) -> bool {
        use Word::*;
        let spent = self.any(&[Limit, Quota]) && self.any(&[Reached, Exceed]);
        // `Usage rate limit exceeded` is of a rate.
        self.has(Usage) && !self.has(Rate) && (spent || self.has(Exhausted))
    }

    fn says_credits_are_low(&self) -> bool {
        use Word::*;
        // `Please add a payment method`, but not a tool's parameter of that name.
        let unpaid = self.has(Payment)
            && !self.any(&[Field, Parameter, Input, Format, Unsupported, Content, Limit, Rate]);
        self.has(Arrears)
            || unpaid
            || self.any(&[Credit, Balance]) && self.any(&[Insufficient, Exhausted, Not])
            // `Extra usage is required for long context requests.`
            || self.has(Credit) && (self.has(Required) || self.has(Budget) && self.any(&SPENT))
    }

    fn says_context_length(&self) -> bool {
        use Word::*;
        // `max_tokens must be less than …, the maximum value for max_tokens is less than the
        // context_window`
        let of_option = self.all(&[Completion, Must, Field]) && !self.has(Input);
        let context =
            self.has(Context) && self.any(&[Length, Window, Size, Limit, Overflow]) && !of_option;
        // `requires a larger context`; but `context deadline exceeded`, and a plan's long context
        let unnamed = self.has(Exceed) && !self.has(Timeout)
            || self.all(&[Large, Required]) && !self.has(Credit);
        let context = context || self.has(Context) && unnamed;
        let too_much = self.has(Too) && self.any(&[Large, Many]);
        let bounded = self.has(Must) && !self.has(Least);
        let beyond = too_much
            || bounded
            || self.has(Exceed)
            || self.any(&[Large, Length]) && self.any(&[Maximum, Limit, Capacity]);
        // `reduce the length of max output tokens`: not of what was sent.
        let of_output = self.all(&[Completion, Token]) && !self.any(&[Input, Context]);
        let of_input = self.any(&[Input, Context])
            || self.has(Length) && !of_output
            || self.all(&[Too, Many, Exceed]);
        let at_most = self.all(&[Maximum, Input]) && !self.has(Completion);
        let fewer = self.all(&[Reduce, Input]);
        let tokens = self.has(Token) && (beyond || at_most || fewer) && of_input;
        // `Your request exceeded model token limit`, but not a quota's.
        let token_limit = self.all(&[Token, Exceed])
            && self.any(&[Limit, Maximum])
            && self.any(&[Request, Model])
            && !self.any(&[Day, Completion, Quota, Parameter])
            // `The maximum tokens you requested` are those of the answer.
            && !self.all(&[Maximum, Requested]);
        // `model max length exceeded`
        let model_length = self.all(&[Model, Maximum, Length])
            && self.any(&[Exceed, Large])
            && !self.any(&[Characters, Parameter]);
        let long_input = self.has(Input)
            && !self.any(&[Characters, Took])
            && (self.all(&[Too, Large])
                || self.has(Length) && (bounded || self.any(&[Exceed, Large, Maximum, Reduce])));
        let shorten = self.all(&[Reduce, Length]) && self.any(&[Input, Completion]) && !of_output;
        context || tokens || token_limit || model_length || long_input || shorten
    }
}

#[cfg(test)]
mod tests;
