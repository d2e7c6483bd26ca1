//! What a message says, by the words in it.
//!
//! Messages differ in wording more than in words, so a rule names words that stand together in one
//! sentence, in any order. Text in quotation marks is the caller's own more often than not, and is
//! left out; so are addresses.

use std::cell::OnceCell;

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
    ApiKey: "apikey";
    Arrears: "arrears" | "recharge" | "overdue" | "unpaid";
    Authenticate: "unauthorized" | "unauthenticated" | "authentication" | "authenticate";
    Balance: "balance";
    Billing: "billing";
    Blocked: "blocked" | "flagged" | "rejected" | "violates" | "violation" | "refused" | "triggered";
    Budget: "budget";
    Busy: "busy";
    Capacity: "capacity";
    Characters: "characters" | "string";
    Completion: "completion" | "output";
    Content: "content";
    Context: "context";
    Credit: "credit" | "credits" | "funds";
    Day: "daily" | "tpd" | "rpd";
    Exceed: "exceed" | "exceeds" | "exceeded" | "exceeding" | "above" | "beyond" | "surpasses";
    Exhausted: "exhausted" | "depleted";
    Exist: "exist" | "exists" | "found";
    Expired: "expired" | "incorrect" | "missing" | "revoked";
    Filter: "filter" | "filtered" | "filtering" | "moderation" | "inappropriate" | "injection" | "sensitive" | "guardrail" | "guardrails" | "risk" | "risky";
    Input: "input" | "inputs" | "prompt" | "prompts" | "message" | "messages" | "question";
    Insufficient: "insufficient" | "low" | "enough" | "purchase";
    Internal: "internal";
    Invalid: "invalid" | "valid" | "provide";
    Large: "large" | "long" | "longer" | "larger" | "greater" | "big";
    Least: "least";
    Length: "length";
    Limit: "limit" | "limits" | "limited";
    Loading: "loading";
    Many: "many";
    Maximum: "maximum" | "max";
    Minute: "minute" | "minutes" | "hourly" | "tpm" | "rpm" | "qpm" | "rps" | "qps";
    Model: "model";
    Month: "monthly" | "weekly" | "yearly";
    Must: "must" | "should" | "less";
    Not: "not" | "no" | "doesn" | "nonexistent";
    Overflow: "overflow" | "overflows" | "truncated" | "shift";
    Overloaded: "overloaded" | "overload" | "unavailable";
    Parameter: "parameter" | "parameters" | "argument" | "unknown" | "unrecognized";
    Plan: "plan" | "subscription";
    Policy: "policy" | "policies" | "management";
    Quota: "quota" | "quotas";
    Rate: "rate" | "concurrency" | "concurrent";
    Reached: "reached" | "reaching" | "hit";
    Reduce: "reduce" | "shorten" | "shorter";
    Request: "request";
    Requested: "requested";
    Requests: "requests" | "calls";
    Required: "required";
    Safety: "safety";
    Server: "server" | "upstream" | "backend";
    Error: "error" | "exception" | "failure" | "failed";
    Size: "size";
    Spend: "spend" | "spending";
    Terminated: "terminated" | "crashed" | "stopped" | "disconnected" | "cuda";
    Throttled: "throttled" | "throttling";
    Timeout: "timeout" | "timed";
    Token: "token" | "tokens";
    Too: "too";
    Usage: "usage";
    Used: "used";
    Window: "window";
    // These only change what the word behind them means, so they have no place in the set.
    Access: "access";
    All: "all" | "up";
    Api: "api";
    DayOrMonth: "day" | "month" | "week" | "year";
    Each: "per" | "a" | "this" | "each" | "every" | "the";
    Key: "key";
    Metric: "metric";
    MinuteOrHour: "min" | "hour";
    More: "more";
    Of: "of";
    Out: "out";
    Than: "than";
    Today: "today";
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

/// What stands in Chinese messages, which have no spaces between words.
#[rustfmt::skip]
const CHINESE: &[(&str, &[Word])] = &[
    ("欠费", &[Word::Arrears]),
    ("充值", &[Word::Arrears]),
    ("预扣费", &[Word::Arrears]),
    ("余额", &[Word::Balance]),
    ("不足", &[Word::Insufficient]),
    ("每日", &[Word::Day]),
    ("单日", &[Word::Day]),
    ("当日", &[Word::Day]),
    ("每月", &[Word::Month]),
    ("上限", &[Word::Limit, Word::Reached]),
    ("限额", &[Word::Limit, Word::Reached]),
    ("限制", &[Word::Limit]),
    ("限流", &[Word::Throttled]),
    ("达到", &[Word::Reached]),
    ("超出", &[Word::Exceed]),
    ("超过", &[Word::Exceed]),
    ("超长", &[Word::Too, Word::Large]),
    ("过长", &[Word::Too, Word::Large]),
    ("过高", &[Word::Exceed]),
    ("频繁", &[Word::Rate, Word::Exceed]),
    ("频率", &[Word::Rate]),
    ("速率", &[Word::Rate]),
    ("并发", &[Word::Rate]),
    ("每分钟", &[Word::Minute]),
    ("繁忙", &[Word::Busy]),
    ("过载", &[Word::Overloaded]),
    ("超时", &[Word::Timeout]),
    ("内部错误", &[Word::Internal, Word::Error]),
    ("输入", &[Word::Input]),
    ("上下文", &[Word::Context]),
    ("长度", &[Word::Length]),
    ("模型", &[Word::Model]),
    ("不存在", &[Word::Not, Word::Exist]),
    ("密钥", &[Word::ApiKey]),
    ("令牌", &[Word::ApiKey]),
    ("无效", &[Word::Invalid]),
    ("过期", &[Word::Expired]),
    ("敏感", &[Word::Filter, Word::Content]),
];

/// Only the beginning of a message is looked at, in bytes: what follows is an echo of the request.
const MAX_PROSE: usize = 1024;

/// More sentences than this are taken for one.
const MAX_SENTENCES: usize = 8;

/// What a message says. It is read when a rule first asks: most answers are decided before.
#[derive(Default)]
pub(super) struct Words<'a> {
    message: &'a str,
    read: OnceCell<Sentences>,
}

/// What a message says, sentence by sentence.
#[derive(Default)]
struct Sentences {
    words: [Sentence; MAX_SENTENCES],
    count: usize,
    limit: Option<u64>,
    requested: Option<u64>,
}

/// The set of words in one sentence.
#[derive(Clone, Copy, Default)]
struct Sentence(u64);

static NOTHING: Sentences =
    Sentences { words: [Sentence(0); MAX_SENTENCES], count: 1, limit: None, requested: None };

impl Sentences {
    fn of(message: &str) -> Self {
        let mut words = Sentences { count: 1, ..Sentences::default() };
        let bytes = &message.as_bytes()[..message.len().min(MAX_PROSE)];
        let mut at = 0;
        // The word before, and what a number right after it belongs to.
        let mut label = None;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' => {
                    let (key, end) = read_word(bytes, at);
                    let next = bytes.get(end);
                    // An address is no prose.
                    if next == Some(&b':') && bytes[end..].starts_with(b"://") {
                        at = end_of(bytes, end, |byte| !byte.is_ascii_whitespace());
                        label = None;
                        continue;
                    }
                    label = word(key).map(|word| words.add(word, label, &bytes[..at]));
                    // `GenerateRequestsPerDayPerProjectPerModel`
                    if end - at > MAX_WORD && memmem(&bytes[at..end], b"PerDay") {
                        words.add(Word::Day, None, &[]);
                    }
                    at = end + usize::from(next == Some(&b' '));
                }
                b'0'..=b'9' => {
                    let end = end_of(bytes, at, |byte| byte.is_ascii_digit() || byte == b',');
                    words.number(label.take(), &bytes[at..end]);
                    at = end;
                }
                // `quota metric 'Requests per day'`: a name of the provider's own.
                b'"' | b'\'' if matches!(label, Some(Word::Metric | Word::Limit)) => at += 1,
                b'"' | b'\'' => match quoted(bytes, at) {
                    Some(end) => {
                        at = end;
                        label = None;
                    }
                    None => at += 1,
                },
                b'.' | b';' | b'!' | b'?' | b'\n' => {
                    let ends = bytes.get(at + 1).is_none_or(|next| next.is_ascii_whitespace());
                    if ends && words.count < MAX_SENTENCES && words.last().0 != 0 {
                        words.count += 1;
                    }
                    at += 1;
                }
                // The first byte of most Chinese characters.
                0xe4..=0xe9 => {
                    let phrase = CHINESE.iter().find(|it| bytes[at..].starts_with(it.0.as_bytes()));
                    for word in phrase.map_or(&[][..], |it| it.1) {
                        words.add(*word, None, &[]);
                    }
                    at += phrase.map_or(3, |it| it.0.len());
                    label = None;
                }
                _ => at += 1,
            }
        }
        words
    }

    fn last(&mut self) -> &mut Sentence {
        &mut self.words[self.count - 1]
    }

    /// Adds a word that stands behind the word `label` and the text `before`; says what it means
    /// there.
    fn add(&mut self, word: Word, label: Option<Word>, before: &[u8]) -> Word {
        let word = match (word, label) {
            // `per day`, `this month`, `calls / month`: another day is just a day.
            (Word::DayOrMonth, Some(Word::Each)) => Word::Day,
            (Word::DayOrMonth, _) if before.trim_ascii_end().ends_with(b"/") => Word::Day,
            // `exceeded today's quota`, `used up for today`, but not `upgrade today`.
            (Word::Today, Some(Word::Exceed | Word::Reached | Word::Exhausted)) => Word::Day,
            (Word::Today, _) if before.trim_ascii_end().ends_with(b"for") => Word::Day,
            // `tokens per min`, `1M tokens/min`: a 5-hour window is no rate.
            (Word::MinuteOrHour, Some(Word::Each)) => Word::Minute,
            (Word::MinuteOrHour, _) if before.trim_ascii_end().ends_with(b"/") => Word::Minute,
            (Word::Key, Some(Word::Api)) | (Word::Token, Some(Word::Access)) => Word::ApiKey,
            // `used up your allocation`, `used all available credits`
            (Word::All, Some(Word::Used)) => Word::Exhausted,
            // `out of quota`, `run out of credits`
            (Word::Of, Some(Word::Out)) => Word::Exhausted,
            (Word::Than, Some(Word::More)) => Word::Exceed,
            (word, _) => word,
        };
        self.last().0 |= 1u64.checked_shl(word as u32).unwrap_or(0);
        word
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

    /// Whether a sentence says so.
    fn any(&self, says: impl Fn(&Sentence) -> bool) -> bool {
        let read = self.read();
        read.words[..read.count].iter().any(says)
    }

    /// Whether the word stands anywhere.
    fn has(&self, word: Word) -> bool {
        self.any(|sentence| sentence.has(word))
    }

    /// `Limit 30000, Requested 40000`, or that the request is too large.
    pub(super) fn say_request_exceeds_limit(&self) -> bool {
        use Word::*;
        let Sentences { requested, limit, .. } = self.read();
        let larger =
            matches!((requested, limit), (Some(requested), Some(limit)) if requested > limit);
        larger && !self.has(Used)
            || self.any(|it| it.any(&[Input, Request]) && it.all(&[Too, Large]))
    }

    /// `limit: 0`: this account may not at all.
    pub(super) fn say_limit_is_zero(&self) -> bool {
        self.read().limit == Some(0)
    }

    /// A cap of a day or longer.
    pub(super) fn say_daily_cap(&self) -> bool {
        use Word::*;
        let spent = [Limit, Exceed, Reached, Exhausted, Many];
        !self.has(Minute) && self.any(|it| it.any(&[Day, Month]) && it.any(&spent))
    }

    /// A cap of spending, credits or use, which a short wait does not lift.
    pub(super) fn say_quota_exhausted(&self) -> bool {
        use Word::*;
        if self.has(Minute) {
            return false;
        }
        self.any(|it| {
            let money = it.any(&[Credit, Spend, Budget, Billing])
                && it.any(&[Insufficient, Exhausted, Reached, Exceed])
                // `Concurrency budget exceeded`
                && !it.all(&[Budget, Rate]);
            let unpaid = it.all(&[Billing, Not]) && !it.any(&[Limit, Rate]);
            let quota = it.has(Quota) && it.any(&[Billing, Plan]) && !it.has(Rate);
            // `Extra usage is required for long context requests.`
            let more = it.all(&[Usage, Required]);
            money || unpaid || more || quota || it.says_credits_are_low() || it.says_usage_limit()
        })
    }

    /// A plan that has run out, or does not hold what was asked for.
    pub(super) fn say_plan_lacks_it(&self) -> bool {
        use Word::*;
        let of_a_rate = [Limit, Rate, Minute, Quota, Usage, Requests];
        self.any(|it| it.has(Plan) && it.any(&[Not, Expired]) && !it.any(&of_a_rate))
    }

    /// A cap of spending or use, in words that a mistake in the request does not share.
    pub(super) fn say_spend_or_usage_limit(&self) -> bool {
        use Word::*;
        let spend =
            |it: &Sentence| it.all(&[Spend, Limit]) && it.any(&[Reached, Exceed, Exhausted]);
        !self.has(Minute) && self.any(|it| spend(it) || it.says_usage_limit())
    }

    /// A quota that is used up, whatever it is of.
    pub(super) fn say_quota_is_used_up(&self) -> bool {
        use Word::*;
        let used_up =
            |it: &Sentence| it.has(Quota) && it.any(&[Reached, Exceed, Exhausted]) && !it.has(Rate);
        !self.has(Minute) && self.any(used_up)
    }

    pub(super) fn say_context_length(&self) -> bool {
        !self.has(Word::Rate) && !self.has(Word::Minute) && self.any(Sentence::says_context_length)
    }

    pub(super) fn say_credits_are_low(&self) -> bool {
        self.any(Sentence::says_credits_are_low)
    }

    pub(super) fn say_key_is_bad(&self) -> bool {
        use Word::*;
        self.any(|it| it.has(Authenticate) || it.has(ApiKey) && it.any(&[Invalid, Expired, Not]))
    }

    pub(super) fn say_content_filter(&self) -> bool {
        use Word::*;
        self.any(|it| {
            let filter = it.has(Filter) && it.any(&[Content, Blocked, Input]);
            let policy = it.has(Policy) && (it.has(Content) || it.all(&[Blocked, Usage]));
            let safety = it.has(Safety) && it.any(&[Blocked, Content]);
            let blocked = it.all(&[Blocked, Content, Input]);
            (filter || policy || safety || blocked) && !it.has(Parameter)
        })
    }

    pub(super) fn say_model_is_missing(&self) -> bool {
        self.any(|it| it.all(&[Word::Model, Word::Not, Word::Exist]))
    }

    pub(super) fn say_rate_limit(&self) -> bool {
        use Word::*;
        self.any(|it| {
            it.has(Throttled)
                || it.has(Rate) && it.any(&[Limit, Exceed])
                || it.all(&[Too, Many, Requests])
                || it.has(Quota) && it.any(&[Exceed, Reached, Exhausted])
                || it.has(Limit)
                    && it.any(&[Minute, Request, Requests])
                    && it.any(&[Reached, Exceed])
        })
    }

    pub(super) fn say_overloaded(&self) -> bool {
        use Word::*;
        self.any(|it| {
            it.any(&[Overloaded, Busy])
                || it.all(&[Model, Loading]) && !it.any(&[Error, Not])
                || it.has(Capacity) && it.any(&[Again, Exceed, Reached, Not])
        })
    }

    pub(super) fn say_timeout(&self) -> bool {
        self.has(Word::Timeout)
    }

    pub(super) fn say_server_error(&self) -> bool {
        use Word::*;
        self.any(|it| it.has(Terminated) || it.any(&[Internal, Server]) && it.has(Error))
    }
}

impl Sentence {
    fn has(&self, word: Word) -> bool {
        self.0 & (1 << word as u64) != 0
    }

    fn any(&self, words: &[Word]) -> bool {
        words.iter().any(|word| self.has(*word))
    }

    fn all(&self, words: &[Word]) -> bool {
        words.iter().all(|word| self.has(*word))
    }

    fn says_usage_limit(&self) -> bool {
        use Word::*;
        let spent = self.any(&[Limit, Quota]) && self.any(&[Reached, Exceed]);
        self.has(Usage) && (spent || self.has(Exhausted))
    }

    fn says_credits_are_low(&self) -> bool {
        use Word::*;
        self.has(Arrears)
            || self.any(&[Credit, Balance]) && self.any(&[Insufficient, Exhausted, Not])
    }

    fn says_context_length(&self) -> bool {
        use Word::*;
        let context = self.has(Context) && self.any(&[Length, Window, Size, Limit, Overflow]);
        let too_much = self.has(Too) && self.any(&[Large, Many]);
        let bounded = self.has(Must) && !self.has(Least);
        let beyond = too_much
            || bounded
            || self.has(Exceed)
            || self.any(&[Large, Length]) && self.any(&[Maximum, Limit, Capacity]);
        let of_input = self.any(&[Input, Context, Length]) || self.all(&[Too, Many, Exceed]);
        let at_most = self.all(&[Maximum, Input]) && !self.has(Completion);
        let fewer = self.all(&[Reduce, Input]);
        let tokens = self.has(Token) && (beyond || at_most || fewer) && of_input;
        // `Your request exceeded model token limit`, but not a quota's.
        let token_limit = self.all(&[Token, Exceed])
            && self.any(&[Limit, Maximum])
            && self.any(&[Request, Model])
            && !self.any(&[Day, Completion, Quota]);
        let long_input = self.has(Input)
            && !self.has(Characters)
            && (self.all(&[Too, Large])
                || self.has(Length) && (bounded || self.any(&[Exceed, Large, Maximum, Reduce])));
        let shorten = self.all(&[Reduce, Length]) && self.any(&[Input, Completion]);
        context || tokens || token_limit || long_input || shorten
    }
}

/// Whether the part stands anywhere in the text.
fn memmem(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Words of more letters count for nothing as such.
const MAX_WORD: usize = 15;

/// The letters and digits from `start` on, and where they end. Longer words than any that counts
/// have the key of no word.
#[inline]
fn read_word(bytes: &[u8], start: usize) -> (Key, usize) {
    let (first, len) = read_letters(bytes, start);
    if len < 8 {
        return ([first, 0], start + len);
    }
    let (second, len) = read_letters(bytes, start + 8);
    if len < 8 {
        return ([first, second], start + 8 + len);
    }
    (Key::default(), end_of(bytes, start, |byte| byte.is_ascii_alphanumeric()))
}

/// Up to eight letters and digits, in lower case, and how many there are.
#[inline]
fn read_letters(bytes: &[u8], start: usize) -> (u64, usize) {
    // Behind the end are zeros, which end the word.
    let word = swar::load_padded(bytes, start);
    let lower = word | swar::each(b'a' - b'A');
    let member = swar::mark_range(lower, b'a', b'z') | swar::mark_range(word, b'0', b'9');
    let others = !member & swar::each(0x80);
    (lower & swar::before_first(others), swar::first(others))
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
        assert!(super::Word::Access as u32 == super::Word::Window as u32 + 1);
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
            "Your request exceeded model token limit: 131072 (requested: 140000)",
            "tokens in request more than max tokens allowed",
            "Your input has 20000 tokens which is above the model limit of 16384 tokens.",
            "Request prompt has 9000 tokens in total, larger than the model capacity 8192.",
            "the input token count is 4 but model only supports up to 3. Reduce the input token count",
            "the max length of current question is 2000",
        ] {
            assert!(Words::of(message).say_context_length(), "{message}");
        }
        for message in [
            "temperature exceeds maximum allowed value",
            "Invalid 'user': string too long. Expected a string with maximum length 64, but got a string with length 93 instead.",
            "Number of request tokens has exceeded your per-minute rate limit.",
            "logit_bias has too many tokens; max 300",
            "Too many stop sequences: stop tokens",
            "Image URL in the request is too long",
            "`max_tokens` must be greater than `thinking.budget_tokens`. See https://x.y/#max-tokens-and-context-window-size",
            "`max_new_tokens` must be strictly positive. Given: 0 `inputs`",
            "max_tokens is too large: 100000. This model supports at most 16384 completion tokens.",
            "Invalid value for messages[0]: 'the prompt is too long, the context window too small'",
            "Could not finish the message because max_tokens or model output limit was reached.",
            "The maximum tokens you requested exceeds the output limit of the model",
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
            "You have exceeded the 5-hour usage quota.",
            "you have used up your daily free allocation",
            "You have used all your free usage.",
            "Your account is in arrears",
            "You have run out of credits.",
            "You have exceeded today's quota for this model.",
            "Your limit for today is reached",
            "Quota exceeded for quota metric 'Generate Content API requests per day'",
            "Quota exceeded: GenerateRequestsPerDayPerProjectPerModel",
            "Extra usage is required for long context requests.",
            "You have not yet added a payment method in the billing page",
            "您的账户已欠费，请充值后重试",
            "预扣费额度失败, 用户剩余额度: 0.3",
            "该API单日调用次数已达上限",
        ] {
            let words = Words::of(message);
            assert!(words.say_quota_exhausted() || words.say_daily_cap(), "{message}");
        }
        for message in [
            "Too many requests. Have a nice day.",
            "Rate limit exceeded. Add credits to raise your limits.",
            "Rate limit exceeded while we balance load",
            "Concurrent request limit exceeded for your plan. Quota: 5",
            "Rate limit reached: budget of 1M tokens/min used. Please slow down.",
            "You reached the free usage limit (reset hourly).",
            "Upgrade today for higher limits",
            "Concurrency budget exceeded for basic tier",
            "Without a payment method in the billing page the rate limits are not raised",
            "Rate limit reached on requests per min (RPM): Limit 30. See https://console.groq.com/settings/billing",
            "You are using a Trial key, which is limited to 40 API calls / minute.",
            "Rate limit exceeded",
            "Upgrade to Dev Tier today at https://console.groq.com/settings/billing",
        ] {
            let words = Words::of(message);
            assert!(!words.say_quota_exhausted() && !words.say_daily_cap(), "{message}");
        }
    }

    #[test]
    fn messages_in_chinese() {
        let says = |message, says: fn(&Words<'static>) -> bool| {
            assert!(says(&Words::of(message)), "{message}");
        };
        says("您的账户已达到速率限制", Words::say_rate_limit);
        says("请求过于频繁，请稍后再试", Words::say_rate_limit);
        says("您当前使用该API的并发数过高", Words::say_rate_limit);
        says("服务器繁忙", Words::say_overloaded);
        says("模型不存在", Words::say_model_is_missing);
        says("令牌已过期", Words::say_key_is_bad);
        says("服务内部错误", Words::say_server_error);
        says("请求超时", Words::say_timeout);
        says("Prompt 超长", Words::say_context_length);
        says("输入过长", Words::say_context_length);
        says("上下文长度超出限制", Words::say_context_length);
        says("输入长度超过模型最大限制", Words::say_context_length);
    }

    #[test]
    fn a_plan_without_what_was_asked_for() {
        for message in [
            "Your current subscription plan does not yet include access to this model",
            "The model is not available on the free plan.",
            "Your plan has expired",
        ] {
            assert!(Words::of(message).say_plan_lacks_it(), "{message}");
        }
        for message in [
            "Your plan does not allow more than 5 concurrent requests",
            "Rate limit reached. Please try again, or upgrade your plan.",
        ] {
            assert!(!Words::of(message).say_plan_lacks_it(), "{message}");
        }
    }

    #[test]
    fn words_that_only_look_like_a_cause() {
        for message in [
            "Request blocked by resource policy: user is not authorized",
            "not allowed due to your organization's policy on request data",
            "the Content-Type was rejected",
            "Unknown parameter: safety_settings for this content type",
        ] {
            assert!(!Words::of(message).say_content_filter(), "{message}");
        }
        assert!(
            Words::of("The response was filtered due to the content management policy")
                .say_content_filter()
        );
        assert!(
            Words::of("flagged as potentially violating our usage policy").say_content_filter()
        );
        assert!(
            !Words::of("Tool 'x' not found in tools; the model cannot call it")
                .say_model_is_missing()
        );
        assert!(!Words::of("The argument key was not specified for this API").say_key_is_bad());
        assert!(Words::of("API key not valid. Please pass a valid API key.").say_key_is_bad());
        assert!(
            !Words::of("Too many requests. Large volume of input traffic")
                .say_request_exceeds_limit()
        );
        assert!(!Words::of("Internal error while loading configuration").say_overloaded());
        assert!(!Words::of("could not load model: failed loading model").say_overloaded());
        assert!(Words::of("User input or prompt contains blocked content").say_content_filter());
        assert!(Words::of("Content Exists Risk").say_content_filter());
        assert!(!Words::of("Large requests are at risk of a timeout").say_content_filter());
        assert!(
            Words::of("Out of call volume quota. Replenished in 12 hours.").say_quota_is_used_up()
        );
        assert!(!Words::of("Quota per minute exceeded").say_quota_is_used_up());
        assert!(!Words::of("您的请求频率过高，请每分钟再试").say_quota_exhausted());
        assert!(Words::of("llama runner process has terminated").say_server_error());
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
