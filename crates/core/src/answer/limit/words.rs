//! What names and messages say of a limit: `on tokens per min (TPM)`, `GenerateRequestsPerDay`,
//! `limited to 1000 API calls / month`.

use std::time::Duration;

use super::Limit;
use super::vocabulary::{CHINESE, Word, word};
use crate::limit_scope::LimitScope;
use crate::text::words::{self, Key};

/// What a text says, and whether it speaks of money.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::answer) struct Said {
    pub(super) limit: Limit,
    pub(super) money: bool,
}

impl Said {
    pub(in crate::answer) const NOTHING: Said =
        Said { limit: Limit { scope: None, window: None }, money: false };

    pub(super) fn of(scope: LimitScope) -> Self {
        Said { limit: Limit { scope: Some(scope), window: None }, money: false }
    }
}

/// What the name of a quota tells, such as `GenerateRequestsPerDayPerProject`.
pub(crate) fn of_quota(name: &str) -> Limit {
    of_name(name).limit
}

/// Reads the name of a quota or of a code.
pub(super) fn of_name(name: &str) -> Said {
    let mut reader = Reader::default();
    reader.take_name(name.as_bytes());
    reader.said
}

/// So many words apart two of them are still about the same.
const NEAR: u32 = 4;

/// Goes through the words of a message or a name, which whoever reads it gives to it.
#[derive(Default)]
pub(in crate::answer) struct Reader {
    said: Said,
    /// The last word, if it tells of limits, and the number in front of it.
    before: (Option<Word>, Option<u32>),
    /// The number behind that word.
    number: Option<u32>,
    /// What is counted, as far as a word said it.
    counted: Option<LimitScope>,
    /// How many words ago that was.
    ago: u32,
    /// Several things are counted, so that nobody knows which of them it was.
    is_ambiguous: bool,
    /// `number of` stands in this part.
    is_number: bool,
    /// The rest of this part is about another limit.
    is_advice: bool,
}

impl Reader {
    /// What was said.
    pub(in crate::answer) fn said(&self) -> Said {
        self.said
    }

    /// The first limit that is told is the one.
    fn is_done(&self) -> bool {
        self.said.limit.is_known() && self.ago > NEAR
    }

    /// A sentence ends, or a part that stands for itself.
    pub(in crate::answer) fn end_part(&mut self) {
        // More words are too far away to belong to what is known.
        let ago = if self.said.limit.is_known() { NEAR + 1 } else { 0 };
        *self = Reader { said: self.said, ago, ..Reader::default() };
    }

    /// A word of prose.
    #[inline]
    pub(in crate::answer) fn take_key(&mut self, key: Key) {
        self.take(word(key));
    }

    /// A name of several words: `GenerateRequestsPerDay`, `rate_limit_tpm`, `models/x`.
    pub(in crate::answer) fn take_name(&mut self, name: &[u8]) {
        let mut at = 0;
        while let Some(byte) = name.get(at) {
            if byte.is_ascii_alphabetic() {
                let (key, end) = words::read_camel(name, at);
                self.take(word(key));
                at = end;
            } else {
                at += 1;
            }
        }
    }

    /// The digits of a number, which may have commas in it.
    pub(in crate::answer) fn take_number(&mut self, digits: &[u8]) {
        let add = |number: u32, digit: &u8| {
            let digit = u32::from(digit.wrapping_sub(b'0'));
            if digit < 10 { number.saturating_mul(10).saturating_add(digit) } else { number }
        };
        self.number = Some(digits.iter().fold(0, add));
    }

    /// The stroke in `calls / month`.
    pub(in crate::answer) fn take_per(&mut self) {
        self.take(Some(Word::Per));
    }

    /// A Chinese text, with whose beginning a phrase may begin.
    pub(in crate::answer) fn take_chinese(&mut self, text: &[u8]) {
        let found = CHINESE.iter().find(|(phrase, _)| text.starts_with(phrase.as_bytes()));
        if let Some((_, word)) = found {
            self.take(Some(*word));
        }
    }

    fn set_scope(&mut self, scope: LimitScope) {
        self.said.limit.scope = self.said.limit.scope.or(Some(scope));
    }

    fn set_window(&mut self, seconds: u32) {
        let window = Duration::from_secs(seconds.into());
        self.said.limit.window = self.said.limit.window.or(Some(window).filter(|it| !it.is_zero()));
    }

    /// Most words tell nothing, and only part those that do.
    #[inline]
    fn take(&mut self, word: Option<Word>) {
        match word {
            Some(word) => self.take_telling(word),
            None => {
                (self.number, self.before) = (None, (None, None));
                self.ago = self.ago.saturating_add(1);
            }
        }
    }

    fn take_telling(&mut self, word: Word) {
        let number = self.number.take();
        self.ago = self.ago.saturating_add(1);
        if self.is_advice || self.is_done() {
            return;
        }
        let word = Some(word);
        match word {
            Some(Word::Many(scope)) => self.count(scope, true),
            Some(Word::One(scope)) => self.count(scope, false),
            Some(Word::Parallel) => self.set_scope(LimitScope::Concurrency),
            Some(Word::Rate(scope, seconds)) => {
                // `3 RPM and 10K TPM`
                let another = self.said.limit.scope.is_some_and(|said| said != scope);
                if another && self.ago <= NEAR && self.counted == self.said.limit.scope {
                    self.said.limit.scope = None;
                    self.is_ambiguous = true;
                } else if !self.is_ambiguous {
                    self.set_scope(scope);
                }
                self.set_window(seconds);
                (self.counted, self.ago) = (Some(scope), 0);
            }
            Some(Word::Every(seconds)) => self.set_window(seconds),
            Some(Word::Period(seconds)) if self.before.0 == Some(Word::Per) => {
                self.set_window(number.unwrap_or(1).saturating_mul(seconds));
                // `requests per day`, `requests per model per day`
                if self.ago <= NEAR && !self.is_ambiguous {
                    self.counted.into_iter().for_each(|scope| self.set_scope(scope));
                }
            }
            Some(Word::Limit | Word::Speed) => {
                // `5-hour limit`
                if let (Some(Word::Period(seconds)), Some(number)) = self.before {
                    self.set_window(number.saturating_mul(seconds));
                }
                // `token limit`, `token rate limit`
                let rate = self.before.0 == Some(Word::Speed) && self.ago == 2;
                if word == Some(Word::Limit) && (self.ago == 1 || rate) {
                    self.counted.into_iter().for_each(|scope| self.set_scope(scope));
                }
            }
            Some(Word::Money) => self.said.money = true,
            Some(Word::Advice) => self.is_advice = true,
            Some(Word::Number) => self.is_number = true,
            Some(Word::Of(_) | Word::Period(_) | Word::Per | Word::On | Word::Too) | None => {}
        }
        self.before = (word, number);
    }

    fn count(&mut self, scope: LimitScope, is_many: bool) {
        let scope = match self.before.0 {
            Some(Word::Of(exact)) if scope == LimitScope::Tokens => exact,
            _ => scope,
        };
        // `on tokens`, `number of request tokens`, `too many tokens`; too many requests are what the
        // status says already.
        let too_many = self.before.0 == Some(Word::Too) && scope != LimitScope::Requests;
        if is_many && (self.before.0 == Some(Word::On) || self.is_number) || too_many {
            self.set_scope(scope);
        }
        // `6 queries and 1000 tokens per minute`
        let another = self.counted.is_some_and(|counted| counted != scope);
        self.is_ambiguous |= another && self.ago > 1 && self.ago <= NEAR;
        (self.counted, self.ago) = (Some(scope), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::vocabulary::{DAY, HOUR, MINUTE};
    use super::*;
    use crate::answer::verdict::of_message;
    use LimitScope::*;

    #[test]
    fn names_and_messages_tell_scope_and_window() {
        for (text, scope, window) in [
            (
                "Rate limit reached for gpt-4o in organization org-1 on tokens per min (TPM): Limit 30000",
                Some(Tokens),
                Some(MINUTE),
            ),
            (
                "Rate limit reached for x on requests per day (RPD): Limit 200",
                Some(Requests),
                Some(DAY),
            ),
            ("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", Some(Requests), Some(MINUTE)),
            ("GenerateContentInputTokensPerModelPerDay-FreeTier", Some(InputTokens), Some(DAY)),
            (
                "Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_input_token_count, limit: 0",
                Some(InputTokens),
                None,
            ),
            (
                "Quota exceeded for metric: generate_content_free_tier_requests, limit: 50",
                Some(Requests),
                None,
            ),
            (
                "Quota exceeded for quota metric 'Generate Content API requests per minute' and limit 'GenerateContent request limit per minute for a region'",
                Some(Requests),
                Some(MINUTE),
            ),
            (
                "This request would exceed the rate limit for your organization of 40,000 input tokens per minute.",
                Some(InputTokens),
                Some(MINUTE),
            ),
            (
                "This request would exceed your organization's rate limit of 8,000 output tokens per minute",
                Some(OutputTokens),
                Some(MINUTE),
            ),
            (
                "Number of request tokens has exceeded your per-minute rate limit.",
                Some(Tokens),
                Some(MINUTE),
            ),
            (
                "Number of request tokens has exceeded your daily rate limit",
                Some(Tokens),
                Some(DAY),
            ),
            (
                "You are using a Trial key, which is limited to 1000 API calls / month",
                Some(Requests),
                Some(30 * DAY),
            ),
            (
                "Requests to the X Operation have exceeded call rate limit of your current OpenAI S0 pricing tier",
                Some(Requests),
                None,
            ),
            (
                "Requests have exceeded token rate limit. Please retry after 20 seconds.",
                Some(Tokens),
                None,
            ),
            ("Requests rate limit exceeded, please try again later.", Some(Requests), None),
            ("Rate limit reached for requests", Some(Requests), None),
            ("Limit type: requests. Current limit: 10, Remaining: 0.", Some(Requests), None),
            ("Too many tokens, please wait before trying again.", Some(Tokens), None),
            ("Too many tokens per day, please wait before trying again.", Some(Tokens), Some(DAY)),
            (
                "request reached max organization concurrency: 1, please try again after 1 seconds",
                Some(Concurrency),
                None,
            ),
            (
                "request reached organization TPM rate limit, current: 1410, limit: 100",
                Some(Tokens),
                Some(MINUTE),
            ),
            ("ModelAccountIpmRateLimitExceeded", Some(Images), Some(MINUTE)),
            ("too_many_concurrent_requests", Some(Concurrency), None),
            ("Your rate limit is 60 queries per minute.", Some(Requests), Some(MINUTE)),
            ("50 requests every 3 hours", Some(Requests), Some(3 * HOUR)),
            ("budget of 1M tokens/min used", Some(Tokens), Some(MINUTE)),
            ("Open api qps request limit reached", Some(Requests), Some(1)),
            ("Open api daily request limit reached", Some(Requests), Some(DAY)),
            ("You have exceeded the 5-hour usage quota.", None, Some(5 * HOUR)),
            ("Rate limit exceeded: free-models-per-day", Some(Requests), Some(DAY)),
            ("Weekly limit reached, resets in 2 days", None, Some(7 * DAY)),
            ("您当前使用该API的并发数过高", Some(Concurrency), None),
            ("该API单日调用次数已达上限", Some(Requests), Some(DAY)),
            (
                "The limit for this model is 6.0 queries and 180000 tokens per minute.",
                None,
                Some(MINUTE),
            ),
            ("reduced rate limits of 3 RPM and 10K TPM.", None, Some(MINUTE)),
            ("Max parallel request limit reached", Some(Concurrency), None),
            (
                "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 requests",
                Some(Requests),
                Some(DAY),
            ),
            (
                "Prompt tokens limit exceeded: 2 > 1. To increase, create a key with a higher monthly limit",
                Some(InputTokens),
                None,
            ),
            ("每分钟请求次数超过限制", Some(Requests), Some(MINUTE)),
            ("on input-images per min: Limit 10", Some(Images), Some(MINUTE)),
            ("Too Many Requests", None, None),
            (
                "This request would exceed your account's rate limit. Please try again later.",
                None,
                None,
            ),
            ("try again in 1 minute", None, None),
            ("Limit 200000, used 197494 in 60 seconds", None, None),
            ("rate_limit_exceeded", None, None),
            ("", None, None),
        ] {
            let is_name = !text.contains(' ') && text.is_ascii();
            let said = if is_name { of_name(text) } else { of_message(text) }.limit;
            let seconds = said.window.map(|window| window.as_secs() as u32);
            assert_eq!((said.scope, seconds), (scope, window), "{text}");
        }
    }

    #[test]
    fn words_of_money() {
        for text in ["check your plan and billing details", "spend_limit_exceeded", "余额不足"]
        {
            assert!(of_message(text).money, "{text}");
        }
        assert!(!of_message("Rate limit exceeded").money);
    }
}
