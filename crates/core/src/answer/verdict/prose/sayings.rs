//! What one sentence says, where several rules ask for it.

use super::SPENT;
use crate::answer::verdict::sentences::Sentence;
use crate::answer::verdict::vocabulary::Word;

impl Sentence {
    pub(super) fn says_too_fast(&self) -> bool {
        use Word::*;
        self.has(Throttled)
            || self.has(Rate) && self.any(&[Limit, Exceed])
            || self.all(&[Too, Many]) && self.any(&[Requests, Rate])
    }

    /// That it broke, not that an option of it is wrong.
    pub(super) fn says_stream_broke(&self) -> bool {
        use Word::*;
        self.has(Stream)
            && self.any(&[Ended, Eof, Unexpected, Terminated, Reset, Error])
            && !self.any(&[Parameter, Must, Required, Field, Invalid, Unsupported])
    }

    pub(super) fn says_upstream_failed(&self) -> bool {
        use Word::*;
        let failed =
            [Error, Terminated, Ended, Eof, Unexpected, Reset, Blocked, Timeout, Overloaded];
        self.has(Upstream) && self.any(&failed)
    }

    pub(super) fn says_usage_limit(&self) -> bool {
        use Word::*;
        let spent = self.any(&[Limit, Quota]) && self.any(&[Reached, Exceed]);
        // `Usage rate limit exceeded` is of a rate.
        self.has(Usage) && !self.has(Rate) && (spent || self.has(Exhausted))
    }

    pub(super) fn says_credits_are_low(&self) -> bool {
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

    pub(super) fn says_context_length(&self) -> bool {
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
