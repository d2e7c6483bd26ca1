//! The words that tell of a limit.

use crate::limit_scope::LimitScope;
use crate::text::words::{Key, Slots, key_of};

pub(super) const MINUTE: u32 = 60;
pub(super) const HOUR: u32 = 60 * MINUTE;
pub(super) const DAY: u32 = 24 * HOUR;

/// A word that tells of limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// What is counted; said of many.
    Many(LimitScope),
    /// `request`, which most often is a mere word: the request at hand.
    One(LimitScope),
    /// Of which tokens: those of the prompt or of the answer.
    Of(LimitScope),
    /// `concurrent`, which says it all.
    Parallel,
    /// `TPM`: what is counted, and the window.
    Rate(LimitScope, u32),
    /// `minute`. Seconds.
    Period(u32),
    /// `daily`. Seconds.
    Every(u32),
    /// `per`
    Per,
    /// `on`, `for`
    On,
    /// `limit`, `quota`
    Limit,
    /// `rate`, which may stand between what is counted and the limit.
    Speed,
    Too,
    /// `number of`
    Number,
    Money,
    /// `to increase`, `upgrade`: what follows is said of another limit.
    Advice,
}

/// The word that is spelled so.
pub(super) fn word(key: Key) -> Option<Word> {
    SLOTS.find(SPELLINGS, key).copied()
}

static SLOTS: Slots<256> = Slots::of(SPELLINGS);

/// Declares spellings with what they tell.
macro_rules! spellings {
    ($($($spelling:literal)|+ => $word:expr,)*) => {
        const SPELLINGS: &[(Key, Word)] = {
            use LimitScope::*;
            use Word::*;
            &[$($((key_of($spelling.as_bytes()), $word),)+)*]
        };
    };
}

spellings! {
    "requests" | "calls" | "queries" => Many(Requests),
    "request" | "call" | "query" => One(Requests),
    "tokens" => Many(Tokens),
    "token" => One(Tokens),
    "models" => One(Requests),
    "images" => Many(Images),
    "image" => One(Images),
    "input" | "prompt" => Of(InputTokens),
    "output" | "completion" | "generated" => Of(OutputTokens),
    "concurrent" | "concurrency" | "simultaneous" | "parallel" => Parallel,
    "rps" | "qps" => Rate(Requests, 1),
    "rpm" | "qpm" => Rate(Requests, MINUTE),
    "rph" => Rate(Requests, HOUR),
    "rpd" | "qpd" => Rate(Requests, DAY),
    "tps" => Rate(Tokens, 1),
    "tpm" => Rate(Tokens, MINUTE),
    "tph" => Rate(Tokens, HOUR),
    "tpd" => Rate(Tokens, DAY),
    "itpm" => Rate(InputTokens, MINUTE),
    "otpm" => Rate(OutputTokens, MINUTE),
    "ipm" => Rate(Images, MINUTE),
    "ipd" => Rate(Images, DAY),
    "second" | "seconds" | "sec" | "s" => Period(1),
    "minute" | "minutes" | "min" => Period(MINUTE),
    "hour" | "hours" => Period(HOUR),
    "day" | "days" => Period(DAY),
    "week" => Period(7 * DAY),
    "month" => Period(30 * DAY),
    "minutely" => Every(MINUTE),
    "hourly" => Every(HOUR),
    "daily" | "today" => Every(DAY),
    "weekly" => Every(7 * DAY),
    "monthly" => Every(30 * DAY),
    "per" | "every" | "each" => Per,
    "on" | "for" | "type" => On,
    "limit" | "limits" | "quota" | "count" => Limit,
    "rate" | "usage" => Speed,
    "many" => Too,
    "number" => Number,
    "increase" | "upgrade" | "unlock" | "higher" => Advice,
    "credit" | "credits" | "spend" | "spending" | "budget" | "billing" | "balance" | "funds" => Money,
}

/// What a Chinese message says, which has no spaces between words.
pub(super) const CHINESE: [(&str, Word); 15] = [
    ("并发", Word::Parallel),
    ("每秒", Word::Every(1)),
    ("每分钟", Word::Every(MINUTE)),
    ("每小时", Word::Every(HOUR)),
    ("每日", Word::Every(DAY)),
    ("每天", Word::Every(DAY)),
    ("单日", Word::Every(DAY)),
    ("当日", Word::Every(DAY)),
    ("每月", Word::Every(30 * DAY)),
    ("请求频率", Word::Rate(LimitScope::Requests, 0)),
    ("请求次数", Word::Rate(LimitScope::Requests, 0)),
    ("调用次数", Word::Rate(LimitScope::Requests, 0)),
    ("余额", Word::Money),
    ("欠费", Word::Money),
    ("充值", Word::Money),
];
