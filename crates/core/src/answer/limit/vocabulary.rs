//! The words that tell of a limit.

use crate::limit_scope::LimitScope;

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

/// The word that is spelled so, in lower case.
#[rustfmt::skip]
pub(super) fn word(letters: &[u8]) -> Option<Word> {
    use LimitScope::*;
    use Word::*;
    Some(match letters {
        b"requests" | b"calls" | b"queries" => Many(Requests),
        b"request" | b"call" | b"query" => One(Requests),
        b"tokens" => Many(Tokens),
        b"token" => One(Tokens),
        b"models" => One(Requests),
        b"images" => Many(Images),
        b"image" => One(Images),
        b"input" | b"prompt" => Of(InputTokens),
        b"output" | b"completion" | b"generated" => Of(OutputTokens),
        b"concurrent" | b"concurrency" | b"simultaneous" | b"parallel" => Parallel,
        b"rps" | b"qps" => Rate(Requests, 1),
        b"rpm" | b"qpm" => Rate(Requests, MINUTE),
        b"rph" => Rate(Requests, HOUR),
        b"rpd" | b"qpd" => Rate(Requests, DAY),
        b"tps" => Rate(Tokens, 1),
        b"tpm" => Rate(Tokens, MINUTE),
        b"tph" => Rate(Tokens, HOUR),
        b"tpd" => Rate(Tokens, DAY),
        b"itpm" => Rate(InputTokens, MINUTE),
        b"otpm" => Rate(OutputTokens, MINUTE),
        b"ipm" => Rate(Images, MINUTE),
        b"ipd" => Rate(Images, DAY),
        b"second" | b"seconds" | b"sec" => Period(1),
        b"minute" | b"minutes" | b"min" => Period(MINUTE),
        b"hour" | b"hours" => Period(HOUR),
        b"day" | b"days" => Period(DAY),
        b"week" => Period(7 * DAY),
        b"month" => Period(30 * DAY),
        b"minutely" => Every(MINUTE),
        b"hourly" => Every(HOUR),
        b"daily" | b"today" => Every(DAY),
        b"weekly" => Every(7 * DAY),
        b"monthly" => Every(30 * DAY),
        b"per" | b"every" | b"each" => Per,
        b"on" | b"for" | b"type" => On,
        b"limit" | b"limits" | b"quota" | b"count" => Limit,
        b"rate" | b"usage" => Speed,
        b"many" => Too,
        b"number" => Number,
        b"increase" | b"upgrade" | b"unlock" | b"higher" => Advice,
        b"credit" | b"credits" | b"spend" | b"spending" | b"budget" | b"billing" | b"balance" | b"funds" => Money,
        _ => return None,
    })
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

/// No word that tells is longer.
const LONGEST: usize = 12;

/// The letters of the word that begins here, in lower case as far as they matter, and how many they
/// are. A capital behind a small letter begins the next word: `PerDay`.
pub(super) fn letters(bytes: &[u8]) -> ([u8; LONGEST], usize) {
    let mut letters = [0; LONGEST];
    let mut len = 0;
    let mut before_is_small = false;
    for byte in bytes {
        if !byte.is_ascii_alphabetic() || before_is_small && byte.is_ascii_uppercase() {
            break;
        }
        before_is_small = byte.is_ascii_lowercase();
        if let Some(place) = letters.get_mut(len) {
            *place = byte.to_ascii_lowercase();
        }
        len += 1;
    }
    (letters, len)
}
