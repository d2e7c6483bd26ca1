//! Reading a message: the words of each of its sentences, and the numbers that rules ask for.

use super::vocabulary::{CHINESE, CHINESE_ENDS, Word, word};
use crate::answer::limit::words::{Reader, Said};
use crate::text::words::{self, MAX_WORD, end_of};

/// Only the beginning of a message is looked at, in bytes: what follows is an echo of the request.
const MAX_PROSE: usize = 1024;

/// More sentences than this are taken for one.
const MAX_SENTENCES: usize = 8;

/// What a message says, sentence by sentence, and of a limit.
#[derive(Default)]
pub(super) struct Sentences {
    /// Which limit it speaks of.
    pub(super) told: Said,
    words: [Sentence; MAX_SENTENCES],
    count: usize,
    pub(super) limit: Option<u64>,
    pub(super) requested: Option<u64>,
    /// The HTTP status that somebody else gave: `status code 503`, `HTTP 429`.
    pub(super) status: Option<u16>,
}

/// The set of words in one sentence.
#[derive(Clone, Copy, Default)]
pub(super) struct Sentence(u128);

/// What an empty message says.
pub(super) static NOTHING: Sentences = Sentences {
    told: Said::NOTHING,
    words: [Sentence(0); MAX_SENTENCES],
    count: 1,
    limit: None,
    requested: None,
    status: None,
};

impl Sentences {
    /// Reads the beginning of a message.
    pub(super) fn of(message: &str) -> Self {
        let mut words = Sentences { count: 1, ..Sentences::default() };
        let bytes = &message.as_bytes()[..message.len().min(MAX_PROSE)];
        let mut at = 0;
        // The word before, and what a number right after it belongs to.
        let mut label = None;
        // What is quoted, up to here, tells of limits, but is no sentence.
        let mut quoted_until = 0;
        let mut limit = Reader::default();
        while let Some(byte) = bytes.get(at) {
            let is_quoted = at < quoted_until;
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' => {
                    let (key, end) = words::read(bytes, at);
                    let next = bytes.get(end);
                    // An address is no prose.
                    if next == Some(&b':') && bytes[end..].starts_with(b"://") {
                        at = end_of(bytes, end, |byte| !byte.is_ascii_whitespace());
                        label = None;
                        continue;
                    }
                    label = match word(key) {
                        _ if is_quoted => label,
                        // `the token has expired`, `the limit is 0`
                        Some(Word::Is) => label,
                        word => word.map(|word| words.add(word, label, &bytes[..at])),
                    };
                    // `EngineDeadError`: a name whose parts tell more than it does.
                    if !is_quoted && label.is_none() && is_camel(&bytes[at..end]) {
                        words.add_parts(&bytes[at..end]);
                    }
                    // `GenerateRequestsPerDayPerProjectPerModel`, `UserByModelByDay`
                    if end - at > MAX_WORD {
                        limit.take_name(&bytes[at..end]);
                    } else {
                        limit.take_key(key);
                    }
                    at = end + usize::from(next == Some(&b' '));
                }
                b'0'..=b'9' => {
                    let end = end_of(bytes, at, |byte| byte.is_ascii_digit() || byte == b',');
                    if !is_quoted {
                        // `404 Not Found`
                        let label = label.take().or((at == 0).then_some(Word::Status));
                        words.number(label, &bytes[at..end]);
                    }
                    limit.take_number(&bytes[at..end]);
                    at = end;
                }
                b'/' => {
                    limit.take_per();
                    at += 1;
                }
                // `quota metric 'Requests per day'`: a name of the provider's own.
                b'"' | b'\'' if is_quoted || matches!(label, Some(Word::Metric | Word::Limit)) => {
                    at += 1;
                }
                b'"' | b'\'' => {
                    if let Some(end) = quoted(bytes, at) {
                        quoted_until = end;
                        label = None;
                    }
                    at += 1;
                }
                b'.' | b';' | b'!' | b'?' | b'\n' => {
                    let ends = bytes.get(at + 1).is_none_or(|next| next.is_ascii_whitespace());
                    if ends && !is_quoted {
                        words.end_sentence();
                    }
                    limit.end_part();
                    at += 1;
                }
                // The first byte of Chinese marks.
                0xe3 | 0xef => {
                    let ends =
                        || CHINESE_ENDS.iter().any(|end| bytes[at..].starts_with(end.as_bytes()));
                    if !is_quoted && ends() {
                        words.end_sentence();
                    }
                    at += 3;
                    label = None;
                }
                // The first byte of most Chinese characters.
                0xe4..=0xe9 => {
                    limit.take_chinese(&bytes[at..]);
                    let phrase = CHINESE.iter().find(|it| bytes[at..].starts_with(it.0.as_bytes()));
                    let phrase = phrase.filter(|_| !is_quoted);
                    for word in phrase.map_or(&[][..], |it| it.1) {
                        words.add(*word, None, &[]);
                    }
                    at += phrase.map_or(3, |it| it.0.len());
                    label = None;
                }
                _ => at += 1,
            }
        }
        words.told = limit.said();
        words
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Sentence> {
        self.words[..self.count].iter()
    }

    fn end_sentence(&mut self) {
        if self.count < MAX_SENTENCES && self.last().0 != 0 {
            self.count += 1;
        }
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
            (Word::Key | Word::Token, Some(Word::Api)) | (Word::Token, Some(Word::Access)) => {
                Word::ApiKey
            }
            // `used up your allocation`, `used all available credits`
            (Word::All, Some(Word::Used)) => Word::Exhausted,
            // `out of quota`, `run out of credits`
            (Word::Of, Some(Word::Out)) => Word::Exhausted,
            (Word::Than, Some(Word::More)) => Word::Exceed,
            // `too quickly`, `slow down`
            (Word::Fast, Some(Word::Too)) | (Word::Down, Some(Word::Slow)) => Word::Throttled,
            // `all backends are down`, `temporarily down`
            (
                Word::Down,
                Some(Word::Worker | Word::Server | Word::Upstream | Word::Temporarily),
            ) => Word::Overloaded,
            // `the payload is not completed`: its end never came.
            (Word::Completed, Some(Word::Not)) => Word::Eof,
            (Word::Disabled, Some(Word::Key | Word::ApiKey | Word::Token)) => Word::Authenticate,
            (Word::Disabled, Some(Word::Account)) => Word::Denied,
            (Word::Authorized, Some(Word::Not)) => Word::Denied,
            (Word::Authenticated, Some(Word::Not)) => Word::Authenticate,
            (Word::Expired, Some(Word::Token)) => Word::Authenticate,
            // `the key is not allowed to use`, but `extra inputs are not permitted`
            (Word::Allowed, Some(Word::Not)) if self.last().any(&[Word::Model, Word::ApiKey]) => {
                Word::Denied
            }
            (Word::Allowed, Some(Word::Not)) => Word::Unsupported,
            // `max_tokens`, which are those of the answer.
            (Word::Token, Some(Word::Maximum)) if before.ends_with(b"_") => Word::Completion,
            // `the model is at capacity`, `under heavy load`
            (Word::Capacity, Some(Word::At)) | (Word::Load, Some(Word::High)) => Word::Busy,
            // `object has no attribute`, `index out of range`: a fault of a program.
            (Word::Attribute, Some(Word::Not)) | (Word::Range, Some(Word::Exhausted)) => {
                Word::Terminated
            }
            // `no response`, `execution expired`, `time limit`
            (Word::Response, Some(Word::Not))
            | (Word::Expired, Some(Word::Execution))
            | (Word::Limit, Some(Word::Time)) => Word::Timeout,
            // `no such model`
            (Word::Such, Some(Word::Not)) => Word::Exist,
            (Word::Ready, Some(Word::Not)) => Word::Overloaded,
            // `fetch failed`, `context canceled`: of who asked in between.
            (Word::Error, Some(Word::Fetch)) | (Word::Resolution, Some(Word::Name)) => {
                Word::Unreachable
            }
            (Word::Ended, Some(Word::Context)) => Word::Unreachable,
            // `the model has been deprecated`, but not a parameter of it.
            (Word::Deprecated, Some(Word::Model)) => Word::Retired,
            // `is not supported`, `cannot access`
            (Word::Support, Some(Word::Not)) => Word::Unsupported,
            // `extra usage`, which is bought
            (Word::Usage, Some(Word::Extra)) => Word::Credit,
            (word, _) => word,
        };
        self.last().0 |= 1u128.checked_shl(word as u32).unwrap_or(0);
        word
    }

    /// Adds what a name that is longer than any word consists of: `ServiceUnavailableError`.
    fn add_parts(&mut self, name: &[u8]) {
        if memmem(name, b"PerDay") || memmem(name, b"ByDay") {
            self.add(Word::Day, None, &[]);
            return;
        }
        let (mut at, mut label) = (0, None);
        while at < name.len() {
            let (key, end) = words::read_camel(name, at);
            label = word(key).map(|word| self.add(word, label, &[]));
            // Digits, which stand in names, too.
            at = end.max(at + 1);
        }
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
            // `API Error: 403`, `NVIDIA API 429: …`
            Some(Word::Status | Word::Error | Word::Api) => {
                let status = value().and_then(|number| u16::try_from(number).ok());
                self.status = self.status.or(status.filter(|it| (400..600).contains(it)));
            }
            _ => {}
        }
    }
}

// A rule's words are known when it is compiled: inlined, each question is one mask.
impl Sentence {
    #[inline(always)]
    pub(super) fn has(&self, word: Word) -> bool {
        self.0 & mask(&[word]) != 0
    }

    #[inline(always)]
    pub(super) fn any(&self, words: &[Word]) -> bool {
        self.0 & mask(words) != 0
    }

    #[inline(always)]
    pub(super) fn all(&self, words: &[Word]) -> bool {
        self.0 & mask(words) == mask(words)
    }
}

#[inline(always)]
fn mask(words: &[Word]) -> u128 {
    words.iter().fold(0, |mask, word| mask | 1 << *word as u32)
}

/// Whether a capital follows a small letter, or the name is longer than any word.
fn is_camel(name: &[u8]) -> bool {
    let capital = |pair: &[u8]| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase();
    name.len() > MAX_WORD || name.windows(2).any(capital)
}

/// Whether the part stands anywhere in the text.
fn memmem(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
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
