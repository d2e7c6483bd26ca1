//! What a message says, by the words in it.
//!
//! Messages differ in wording more than in words, so a rule names words that stand together, in
//! any order. Text in quotation marks is the caller's own more often than not, and is left out.

/// Declares the words that count, each with its spellings.
macro_rules! words {
    ($($name:ident: $($spelling:literal)|+;)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        #[derive(Clone, Copy)]
        enum Word { $($name,)* }

        /// The word that is spelled so, in lower case.
        fn word(lower: &[u8]) -> Option<Word> {
            $($(const _: () = assert!($spelling.len() <= MAX_WORD);)+)*
            Some(match std::str::from_utf8(lower).ok()? {
                $($($spelling)|+ => Word::$name,)*
                _ => return None,
            })
        }
    };
}

words! {
    Again: "again";
    Allowed: "allowed";
    Api: "api";
    Authenticate: "unauthorized" | "unauthenticated" | "authentication" | "authenticate";
    Balance: "balance";
    Billing: "billing";
    Blocked: "blocked" | "flagged" | "rejected" | "violates" | "violation" | "refused" | "triggered";
    Busy: "busy";
    Capacity: "capacity";
    Characters: "characters" | "string";
    Completion: "completion" | "output";
    Content: "content";
    Context: "context";
    Credit: "credit" | "credits" | "funds";
    Day: "day" | "days" | "daily" | "tpd" | "rpd";
    Exceed: "exceed" | "exceeds" | "exceeded" | "exceeding";
    Exhausted: "exhausted" | "depleted";
    Exist: "exist" | "exists" | "found";
    Expired: "expired" | "incorrect" | "missing" | "revoked";
    Filter: "filter" | "filtered" | "filtering" | "moderation" | "safety" | "policy" | "policies" | "inappropriate" | "management" | "injection" | "sensitive";
    Given: "given" | "got";
    Input: "input" | "inputs" | "prompt" | "prompts" | "request" | "messages";
    Insufficient: "insufficient" | "low" | "enough" | "purchase" | "arrears";
    Internal: "internal";
    Invalid: "invalid" | "valid" | "provide";
    Key: "key";
    Large: "large" | "long" | "longer" | "larger" | "greater" | "big";
    Length: "length";
    Limit: "limit" | "limits" | "limited";
    Loading: "loading";
    Many: "many";
    Maximum: "maximum" | "max";
    Minute: "minute" | "minutes" | "tpm" | "rpm";
    Model: "model";
    Month: "month" | "months" | "monthly" | "week" | "weekly" | "year";
    Must: "must" | "should" | "less";
    Not: "not" | "no" | "doesn" | "nonexistent";
    Overflow: "overflow" | "overflows" | "truncated" | "shift";
    Overloaded: "overloaded" | "overload" | "unavailable";
    Plan: "plan";
    Quota: "quota" | "quotas";
    Rate: "rate";
    Reached: "reached" | "hit";
    Reduce: "reduce" | "shorten" | "shorter";
    Requests: "requests" | "calls";
    Server: "server" | "upstream" | "backend";
    Error: "error" | "exception" | "failure" | "failed";
    Size: "size";
    Spend: "spend" | "spending" | "budget";
    Throttled: "throttled" | "throttling";
    Timeout: "timeout" | "timed";
    Token: "token" | "tokens";
    Too: "too";
    Usage: "usage";
    Window: "window";
}

const MAX_WORD: usize = 16;
/// Only the beginning of a message is looked at, in bytes: what follows is an echo of the request.
const MAX_PROSE: usize = 1024;

/// The set of words in a message, and the numbers that two of them name.
#[derive(Default)]
pub(super) struct Words {
    set: u64,
    limit: Option<u64>,
    requested: Option<u64>,
    used: bool,
}

impl Words {
    pub(super) fn of(message: &str) -> Self {
        let mut words = Words::default();
        let bytes = &message.as_bytes()[..message.len().min(MAX_PROSE)];
        let mut at = 0;
        // The word that a number right after it belongs to.
        let mut label = Label::None;
        while at < bytes.len() {
            let byte = bytes[at];
            if let Some(end) = quoted(bytes, at) {
                at = end;
                label = Label::None;
            } else if byte.is_ascii_digit() {
                let end = end_of(bytes, at, |byte| byte.is_ascii_digit() || byte == b',');
                words.number(label, &bytes[at..end]);
                label = Label::None;
                at = end;
            } else if byte.is_ascii_alphabetic() {
                let end = end_of(bytes, at, |byte| byte.is_ascii_alphanumeric());
                label = words.add(&bytes[at..end]);
                at = end;
            } else {
                at += 1;
            }
        }
        words
    }

    fn add(&mut self, letters: &[u8]) -> Label {
        let mut lower = [0; MAX_WORD];
        let Some(lower) = lower.get_mut(..letters.len()) else { return Label::None };
        lower.copy_from_slice(letters);
        lower.make_ascii_lowercase();
        match &*lower {
            b"used" => self.used = true,
            b"requested" => return Label::Requested,
            _ => {}
        }
        let Some(word) = word(lower) else { return Label::None };
        self.set |= 1 << word as u64;
        if matches!(word, Word::Limit) { Label::Limit } else { Label::None }
    }

    fn number(&mut self, label: Label, digits: &[u8]) {
        let value = digits
            .iter()
            .filter(|byte| byte.is_ascii_digit())
            .try_fold(0u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
        match label {
            Label::Limit => self.limit = self.limit.or(value),
            Label::Requested => self.requested = self.requested.or(value),
            Label::None => {}
        }
    }

    fn has(&self, word: Word) -> bool {
        self.set & (1 << word as u64) != 0
    }

    fn any(&self, words: &[Word]) -> bool {
        words.iter().any(|word| self.has(*word))
    }

    /// `Limit 30000, Requested 40000`, or that the request is too large.
    pub(super) fn say_request_exceeds_limit(&self) -> bool {
        let larger = matches!((self.requested, self.limit), (Some(requested), Some(limit)) if requested > limit);
        larger && !self.used
            || (self.has(Word::Input) && self.has(Word::Too) && self.has(Word::Large))
    }

    /// `limit: 0`: this account may not at all.
    pub(super) fn say_limit_is_zero(&self) -> bool {
        self.limit == Some(0)
    }

    /// A cap that no short wait lifts: of a day, a month, of spending or credits.
    pub(super) fn say_quota_exhausted(&self) -> bool {
        use Word::*;
        let period = self.any(&[Day, Month]) && !self.has(Minute);
        let spent = self.any(&[Limit, Exceed, Reached, Exhausted, Many]);
        let money = self.any(&[Credit, Balance, Spend, Billing]);
        let out_of_money = money && self.any(&[Insufficient, Exhausted, Reached, Exceed]);
        period && spent
            || out_of_money
            || (self.has(Quota) && self.any(&[Billing, Plan]) && !self.any(&[Minute, Rate]))
            || (self.has(Usage)
                && self.has(Limit)
                && self.any(&[Reached, Exceed])
                && !self.has(Minute))
    }

    pub(super) fn say_context_length(&self) -> bool {
        use Word::*;
        if self.has(Rate) || self.has(Minute) {
            return false;
        }
        let context = self.has(Context) && self.any(&[Length, Window, Size, Limit, Overflow]);
        let too_large =
            self.has(Too) && self.any(&[Large, Many]) || self.has(Large) && self.has(Maximum);
        let beyond =
            too_large || self.any(&[Exceed]) || (self.has(Maximum) && self.any(&[Input, Length]));
        let tokens = self.has(Token)
            && beyond
            && (self.any(&[Input, Context, Length]) || !self.has(Completion));
        let long_input = self.has(Input)
            && !self.has(Characters)
            && (self.has(Too) && self.has(Large)
                || self.has(Length) && self.any(&[Exceed, Large, Maximum, Reduce]));
        let bounded = self.has(Token) && self.has(Input) && self.has(Must) && self.has(Given);
        context || tokens || long_input || bounded
    }

    pub(super) fn say_credits_are_low(&self) -> bool {
        use Word::*;
        self.any(&[Credit, Balance]) && self.any(&[Insufficient, Exhausted, Not])
    }

    pub(super) fn say_key_is_bad(&self) -> bool {
        use Word::*;
        self.has(Authenticate)
            || (self.has(Api) && self.any(&[Key, Token]) && self.any(&[Invalid, Expired, Not]))
    }

    pub(super) fn say_content_filter(&self) -> bool {
        use Word::*;
        (self.has(Filter) && self.any(&[Content, Blocked, Input]))
            || (self.has(Blocked) && self.any(&[Content, Filter]))
    }

    pub(super) fn say_model_is_missing(&self) -> bool {
        self.has(Word::Model) && self.has(Word::Not) && self.has(Word::Exist)
    }

    pub(super) fn say_rate_limit(&self) -> bool {
        use Word::*;
        (self.has(Rate) && self.any(&[Limit, Exceed]))
            || (self.has(Too) && self.has(Many) && self.has(Requests))
            || self.has(Throttled)
            || (self.has(Quota) && self.any(&[Exceed, Reached, Exhausted]))
            || (self.has(Limit) && self.any(&[Minute, Requests]) && self.any(&[Reached, Exceed]))
    }

    pub(super) fn say_overloaded(&self) -> bool {
        use Word::*;
        self.any(&[Overloaded, Busy, Loading])
            || (self.has(Capacity) && self.any(&[Again, Exceed, Reached, Not]))
    }

    pub(super) fn say_timeout(&self) -> bool {
        self.has(Word::Timeout)
    }

    pub(super) fn say_server_error(&self) -> bool {
        use Word::*;
        self.any(&[Internal, Server]) && self.has(Error)
    }
}

#[derive(Clone, Copy)]
enum Label {
    None,
    Limit,
    Requested,
}

fn end_of(bytes: &[u8], start: usize, member: impl Fn(u8) -> bool) -> usize {
    bytes[start..].iter().position(|byte| !member(*byte)).map_or(bytes.len(), |len| start + len)
}

/// The end of the quotation that begins here, if one does. An apostrophe inside a word is none.
fn quoted(bytes: &[u8], start: usize) -> Option<usize> {
    let mark = bytes[start];
    let inside_word = start > 0 && bytes[start - 1].is_ascii_alphanumeric();
    if !matches!(mark, b'"' | b'\'') || inside_word {
        return None;
    }
    let closes = |at: usize| {
        bytes[at] == mark && !bytes.get(at + 1).is_some_and(|next| next.is_ascii_alphanumeric())
    };
    // A quotation that does not end soon is an apostrophe or cut off; reading on costs no more
    // than this, however many marks there are.
    const LONGEST: usize = 512;
    (start + 1..bytes.len().min(start + LONGEST)).find(|at| closes(*at)).map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::Words;

    #[test]
    fn the_words_fit_into_the_set() {
        assert!((super::Word::Window as u32) < 64);
    }

    #[test]
    fn context_overflow_in_all_wordings() {
        for message in [
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
            "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
            "Input length (100500 tokens) exceeds the maximum allowed length (99999 tokens).",
            "prompt is too long: 208310 tokens > 200000 maximum",
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
            "input is too long for requested model",
            "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
            "the request exceeds the available context size. try increasing the context size",
            "`inputs` tokens + `max_new_tokens` must be <= 100000. Given: 99500 `inputs` tokens",
            "Trying to keep the first 6269 tokens when context the overflows.",
            "too many tokens: size limit exceeded by 11 tokens.",
            "Please reduce the length of the messages or completion.",
            "The decoder prompt (length 4000) is longer than the maximum model length of 2048",
        ] {
            assert!(Words::of(message).say_context_length(), "{message}");
        }
        for message in [
            "temperature exceeds maximum allowed value",
            "Invalid 'user': string too long. Expected a string with maximum length 64, but got a string with length 93 instead.",
            "Number of request tokens has exceeded your per-minute rate limit.",
            "Invalid value for messages[0]: 'the prompt is too long, the context window too small'",
        ] {
            assert!(!Words::of(message).say_context_length(), "{message}");
        }
    }

    #[test]
    fn a_request_larger_than_the_limit() {
        let never =
            "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 40000.";
        assert!(Words::of(never).say_request_exceeds_limit());
        let later = "Rate limit reached on tokens per min (TPM): Limit 200000, Used 199821, Requested 2295.";
        assert!(!Words::of(later).say_request_exceeds_limit());
        assert!(Words::of("Quota exceeded for metric: x, limit: 0, model: y").say_limit_is_zero());
        assert!(!Words::of("limit: 20").say_limit_is_zero());
    }

    #[test]
    fn caps_of_a_day_a_month_or_of_money() {
        for message in [
            "limited to 1000 API calls / month",
            "Monthly usage limit reached. Resets in 3 days.",
            "Rate limit reached on tokens per day (TPD): Limit 200000",
            "You exceeded your current quota, please check your plan and billing details.",
            "Your credit balance is insufficient",
        ] {
            assert!(Words::of(message).say_quota_exhausted(), "{message}");
        }
        for message in [
            "You are using a Trial key, which is limited to 40 API calls / minute.",
            "Rate limit exceeded",
            "Upgrade to Dev Tier today at https://console.groq.com/settings/billing",
        ] {
            assert!(!Words::of(message).say_quota_exhausted(), "{message}");
        }
    }

    #[test]
    fn quotations_are_left_out() {
        assert!(!Words::of("bad value 'rate limit exceeded' here").say_rate_limit());
        assert!(Words::of("you've hit the rate limit, don't retry").say_rate_limit());
        assert!(Words::of("\"rate limit").say_rate_limit());
    }

    #[test]
    fn many_marks_cost_no_more() {
        let message = "'a".repeat(10_000);
        assert!(!Words::of(&message).say_rate_limit());
    }
}
