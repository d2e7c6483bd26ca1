//! What a message says, by the words in it.
//!
//! Messages differ in wording more than in words, so a rule names words that stand together, in
//! any order. Text in quotation marks is the caller's own more often than not, and is left out.

use crate::swar;

/// Declares the words that count, each with its spellings.
macro_rules! words {
    ($($name:ident: $($spelling:literal)|+;)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        #[derive(Clone, Copy)]
        enum Word { $($name,)* }

        /// Each spelling with its word.
        const SPELLINGS: &[(Key, Word)] = &[$($((key_of($spelling.as_bytes()), Word::$name),)+)*];
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
    Requested: "requested";
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
    Used: "used";
    Window: "window";
}

/// A word of up to 15 letters in lower case, as two words of the machine: compared at once.
type Key = [u64; 2];

const fn key_of(letters: &[u8]) -> Key {
    assert!(letters.len() < 16);
    let mut key = 0u128;
    let mut at = letters.len();
    while at > 0 {
        at -= 1;
        key = key << 8 | letters[at] as u128;
    }
    [key as u64, (key >> 64) as u64]
}

/// A hash table of the spellings, with open addressing: the number of the spelling, from 1.
static SLOTS: [u8; SLOT_COUNT] = {
    let mut slots = [0; SLOT_COUNT];
    let mut number = 0;
    while number < SPELLINGS.len() {
        let mut slot = slot_of(SPELLINGS[number].0);
        while slots[slot] != 0 {
            slot = (slot + 1) % SLOT_COUNT;
        }
        number += 1;
        slots[slot] = number as u8;
    }
    slots
};
const SLOT_COUNT: usize = 1024;
const _: () = assert!(SPELLINGS.len() < 256);

const fn slot_of(key: Key) -> usize {
    // Fibonacci hashing: the highest bits of the product depend on all of the key.
    ((key[0] ^ key[1].rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize
}

/// The word that is spelled so.
fn word(key: Key) -> Option<Word> {
    let mut slot = slot_of(key);
    loop {
        let (known, word) = SPELLINGS.get(usize::from(SLOTS[slot]).checked_sub(1)?)?;
        if *known == key {
            return Some(*word);
        }
        slot = (slot + 1) % SLOT_COUNT;
    }
}

/// Only the beginning of a message is looked at, in bytes: what follows is an echo of the request.
const MAX_PROSE: usize = 1024;

/// The set of words in a message, and the numbers that two of them name.
#[derive(Default)]
pub(super) struct Words {
    set: u64,
    limit: Option<u64>,
    requested: Option<u64>,
}

impl Words {
    pub(super) fn of(message: &str) -> Self {
        let mut words = Words::default();
        let bytes = &message.as_bytes()[..message.len().min(MAX_PROSE)];
        let mut at = 0;
        // The word that a number right after it belongs to.
        let mut label = None;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' => {
                    let (key, end) = read_word(bytes, at);
                    label = word(key);
                    words.set |= label.map_or(0, |word| 1 << word as u64);
                    at = end;
                }
                b'0'..=b'9' => {
                    let end = end_of(bytes, at, |byte| byte.is_ascii_digit() || byte == b',');
                    words.number(label.take(), &bytes[at..end]);
                    at = end;
                }
                b'"' | b'\'' => match quoted(bytes, at) {
                    Some(end) => {
                        at = end;
                        label = None;
                    }
                    None => at += 1,
                },
                _ => at += 1,
            }
        }
        words
    }

    fn number(&mut self, label: Option<Word>, digits: &[u8]) {
        let value = || {
            let mut digits = digits.iter().filter(|byte| byte.is_ascii_digit());
            digits.try_fold(0u64, |sum, digit| {
                sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
            })
        };
        match label {
            Some(Word::Limit) => self.limit = self.limit.or_else(value),
            Some(Word::Requested) => self.requested = self.requested.or_else(value),
            _ => {}
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
        larger && !self.has(Word::Used)
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

/// The letters and digits from `start` on, and where they end. Longer words than any that counts
/// have the key of no word.
fn read_word(bytes: &[u8], start: usize) -> (Key, usize) {
    let mut key = Key::default();
    for part in 0..key.len() {
        let at = start + 8 * part;
        // Behind the end are zeros, which end the word.
        let word = swar::load_padded(bytes, at);
        let lower = word | swar::each(b'a' - b'A');
        let member = swar::mark_range(lower, b'a', b'z') | swar::mark_range(word, b'0', b'9');
        let len = swar::first(!member & swar::each(0x80));
        if len < 8 {
            key[part] = lower & ((1 << (8 * len)) - 1);
            return (key, at + len);
        }
        key[part] = lower;
    }
    (Key::default(), end_of(bytes, start, |byte| byte.is_ascii_alphanumeric()))
}

fn end_of(bytes: &[u8], start: usize, member: impl Fn(u8) -> bool) -> usize {
    bytes[start..].iter().position(|byte| !member(*byte)).map_or(bytes.len(), |len| start + len)
}

/// The end of the quotation that begins here, if one does. An apostrophe inside a word is none.
fn quoted(bytes: &[u8], start: usize) -> Option<usize> {
    let mark = bytes[start];
    if start > 0 && bytes[start - 1].is_ascii_alphanumeric() {
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
