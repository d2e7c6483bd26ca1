//! Taking secrets out of text before it leaves the library.

use crate::text::swar;

/// What stands in the place of a secret.
const MASK: &str = "[redacted]";

/// Beginnings of API keys that providers document, in lower case.
const KEY_PREFIXES: [Prefix; 29] = [
    Prefix::new(b"sk_"),
    Prefix::new(b"sk-"),
    Prefix::new(b"pk_"),
    Prefix::new(b"pk-"),
    Prefix::new(b"rk_"),
    Prefix::new(b"aiza"),
    Prefix::new(b"gsk_"),
    Prefix::new(b"hf_"),
    Prefix::new(b"xai-"),
    Prefix::new(b"nvapi-"),
    Prefix::new(b"r8_"),
    Prefix::new(b"pplx-"),
    Prefix::new(b"key-"),
    Prefix::new(b"eyj"),
    Prefix::new(b"ghp_"),
    Prefix::new(b"gho_"),
    Prefix::new(b"github_p"),
    Prefix::new(b"glpat-"),
    Prefix::new(b"csk-"),
    Prefix::new(b"tgp_"),
    Prefix::new(b"fw_"),
    Prefix::new(b"pa-"),
    Prefix::new(b"aq."),
    Prefix::new(b"lsv2_"),
    Prefix::new(b"key_"),
    Prefix::new(b"akia"),
    Prefix::new(b"asia"),
    Prefix::new(b"ya29."),
    Prefix::new(b"xoxb-"),
];

/// Up to eight bytes, compared at once.
struct Prefix {
    bytes: u64,
    mask: u64,
    len: usize,
}

impl Prefix {
    const fn new(text: &[u8]) -> Self {
        let (mut bytes, mut mask, mut len) = (0, 0, 0);
        while len < text.len() {
            bytes |= (text[len] as u64) << (8 * len);
            mask |= 0xff << (8 * len);
            len += 1;
        }
        Prefix { bytes, mask, len }
    }
}

/// Names whose value is a secret where `=` or `:` follows, in lower case.
const SECRET_NAMES: &[&str] = &[
    "key",
    "apikey",
    "api_key",
    "api-key",
    "x-api-key",
    "token",
    "access_token",
    "secret",
    "password",
    "sig",
    "signature",
    // `Incorrect API key provided: …`
    "key provided",
    "token provided",
    "credentials provided",
];

/// A key has at least this many characters behind its prefix.
const MIN_KEY: usize = 12;
/// No word has as many letters as this; keys without a digit have.
const MIN_RUN: usize = 24;
/// A run of hexadecimal digits of this length or more is an old LLM Resayil key, or as secret.
const MIN_HEX: usize = 40;

/// The text without keys, bearer tokens and the values of `?key=` and the like.
///
/// ```
/// use resayil_core::redact;
/// assert_eq!(redact("Bearer abcdefghijklmnop refused"), "Bearer [redacted] refused");
/// ```
pub fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    redact_into(text, |piece| out.push_str(piece));
    out
}

/// Gives the redacted text, piece by piece.
pub(crate) fn redact_into(text: &str, mut push: impl FnMut(&str)) {
    // Codes and names, mostly: too short for a key, and `=` would name a shorter secret.
    if text.len() < MIN_KEY && !text.as_bytes().contains(&b'=') {
        return push(text);
    }
    let may_hold_key = may_hold_key(text.as_bytes());
    let may_hold_name = memchr::memchr2(b'=', b':', text.as_bytes()).is_some();
    if !may_hold_key && !may_hold_name {
        return push(text);
    }
    let named = named_values(text);
    if !may_hold_key && named.is_empty() {
        return push(text);
    }
    let mut copied = 0;
    let mut mask = |start: usize, end: usize| {
        if start >= copied {
            push(&text[copied..start]);
            push(MASK);
            copied = end;
        }
    };
    // A named value may be short; a key that stands alone is long.
    let mut named = named.iter().copied().peekable();
    for_each_long_token(text.as_bytes(), |start, end| {
        while let Some((start, end)) = named.next_if(|(value, _)| *value < start) {
            mask(start, end);
        }
        if let Some(start) = key_within(text, start, end) {
            mask(start, end);
        }
    });
    named.for_each(|(start, end)| mask(start, end));
    push(&text[copied..]);
}

/// Whether a key may stand in the text: a glance tells that none does in most.
fn may_hold_key(bytes: &[u8]) -> bool {
    let mut may = false;
    for_each_run(bytes, |start, end| {
        if end - start >= MIN_KEY {
            may |= !is_plain(bytes, start, end);
        }
    });
    may
}

/// Whether a long run is certainly no key, such as `messages.0.content`.
#[inline(never)] // Few runs are long.
fn is_plain(bytes: &[u8], start: usize, end: usize) -> bool {
    let (before, run) = (bytes[..start].trim_ascii_end(), &bytes[start..end]);
    run.len() < MIN_HEX
        && !begins_like_key(run)
        && run.iter().all(|byte| is_token(*byte) && *byte != b'/')
        // As `bearer` and `basic` do.
        && !before.last().is_some_and(|last| matches!(last | 0x20, b'r' | b'c'))
}

/// Whether one of the prefixes begins with the first two characters.
fn begins_like_key(token: &[u8]) -> bool {
    let [first, second, ..] = token else { return false };
    let letter = usize::from((first | 0x20).wrapping_sub(b'a'));
    SECONDS.get(letter).is_some_and(|seconds| seconds >> (second & 0x1f) & 1 != 0)
}

/// For each letter that begins a prefix which characters may follow it, by their lowest five bits.
static SECONDS: [u32; 26] = {
    let mut table = [0; 26];
    let mut at = 0;
    while at < KEY_PREFIXES.len() {
        let [first, second, ..] = KEY_PREFIXES[at].bytes.to_le_bytes();
        table[(first - b'a') as usize] |= 1 << (second & 0x1f);
        at += 1;
    }
    table
};

/// Gives each run of characters among which no space and few other signs of prose are.
#[inline(always)]
fn for_each_run(bytes: &[u8], mut found: impl FnMut(usize, usize)) {
    // Where the run begins that goes on here, as far as whole words of the machine tell.
    let mut start = 0;
    let mut at = 0;
    let mut take = |word: u64| {
        // All token characters lie in this range, and few others that stand within prose.
        let gaps = !swar::mark_range(word, b'+', b'~') & swar::each(0x80);
        if gaps != 0 {
            found(start, at + swar::first(gaps));
            start = at + 8 - gaps.leading_zeros() as usize / 8;
        }
        at += 8;
    };
    let mut words = bytes.chunks_exact(8);
    words.by_ref().for_each(|word| take(swar::load_padded(word, 0)));
    // Behind the end is a gap.
    take(swar::load_padded(words.remainder(), 0));
}

/// Gives each run of token characters that is long enough for a key, in order.
fn for_each_long_token(bytes: &[u8], mut found: impl FnMut(usize, usize)) {
    for_each_run(bytes, |start, end| {
        if end - start >= MIN_KEY {
            tokens_within(bytes, start, end, &mut found);
        }
    });
}

/// Gives the long runs of token characters within a part that may hold others as well.
fn tokens_within(bytes: &[u8], start: usize, end: usize, found: &mut impl FnMut(usize, usize)) {
    let mut at = start;
    while end - at >= MIN_KEY {
        let len = bytes[at..end].iter().position(|byte| !is_token(*byte)).unwrap_or(end - at);
        if len >= MIN_KEY {
            found(at, at + len);
        }
        at = end.min(at + len + 1);
    }
}

/// The values of `key=…`, `"api_key": "…"` and the like.
fn named_values(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    for at in memchr::memchr2_iter(b'=', b':', bytes) {
        // Each of the names ends in one of these letters.
        let name = trim_quote(bytes[..at].trim_ascii_end());
        if !matches!(
            name.last(),
            Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'd' | b'D' | b'g' | b'G' | b'e' | b'E')
        ) {
            continue;
        }
        if !SECRET_NAMES.iter().any(|secret| ends_with_word(name, secret.as_bytes())) {
            continue;
        }
        let spaces = bytes[at + 1..]
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'"' | b'\'' | b'='))
            .count();
        let start = at + 1 + spaces;
        let len =
            bytes[start..].iter().take_while(|byte| is_token(**byte) || **byte == b'%').count();
        // In prose a short word behind a colon is a word.
        let least = if bytes[at] == b'=' { 1 } else { MIN_KEY };
        // What the provider itself has masked is no secret.
        let masked = bytes.get(start + len) == Some(&b'*');
        if len >= least && !masked {
            found.push((start, start + len));
        }
    }
    found
}

fn trim_quote(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"\"").or(text.strip_suffix(b"'")).unwrap_or(text)
}

/// Characters of keys and tokens; `=` is left out, so that `key=value` gives two words.
fn is_token(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

static TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let c = byte as u8;
        table[byte] =
            c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.' | b'~' | b'+' | b'/');
        byte += 1;
    }
    table
};

/// Where a key begins in this token: with it, or behind a slash, as the last part of a path.
fn key_within(text: &str, start: usize, end: usize) -> Option<usize> {
    if follows_bearer(&text.as_bytes()[..start]) {
        return Some(start);
    }
    let token = &text.as_bytes()[start..end];
    let parts = std::iter::once(0).chain(memchr::memchr_iter(b'/', token).map(|slash| slash + 1));
    parts.map(|part| start + part).find(|part| is_key(&text.as_bytes()[*part..end]))
}

fn is_key(token: &[u8]) -> bool {
    let token = match memchr::memchr(b'/', token) {
        Some(slash) => &token[..slash],
        None => token,
    };
    let head = swar::lowercase(swar::load_padded(token, 0));
    let begins =
        |prefix: &Prefix| head & prefix.mask == prefix.bytes && token.len() >= prefix.len + MIN_KEY;
    // A key is not made of words: in `sk-learn-compatible-things` is no digit, and no part is long.
    let is_random = || {
        token.iter().any(u8::is_ascii_digit)
            || token.split(|byte| !byte.is_ascii_alphanumeric()).any(|part| part.len() >= MIN_RUN)
    };
    if begins_like_key(token) && KEY_PREFIXES.iter().any(begins) && is_random() {
        return true;
    }
    // The full stop behind a key ends a sentence.
    let digits = token.strip_suffix(b".").unwrap_or(token);
    digits.len() >= MIN_HEX && digits.iter().all(u8::is_ascii_hexdigit)
}

fn follows_bearer(before: &[u8]) -> bool {
    let trimmed = before.trim_ascii_end();
    trimmed.len() < before.len()
        && (ends_with_word(trimmed, b"bearer") || ends_with_word(trimmed, b"basic"))
}

fn ends_with_word(text: &[u8], word: &[u8]) -> bool {
    let Some(rest) = text.len().checked_sub(word.len()) else { return false };
    text[rest..].eq_ignore_ascii_case(word)
        && !text[..rest].last().is_some_and(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn secrets_are_masked() {
        for (text, expected) in [
            ("key sk_llmr_0123456789abcdef refused", "key [redacted] refused"),
            (
                "Incorrect API key provided: sk-proj-abcDEF123456ghi.",
                "Incorrect API key provided: [redacted]",
            ),
            ("GET /v1?key=abcdefGHIJKL&alt=sse", "GET /v1?key=[redacted]&alt=sse"),
            ("authorization: BEARER  abc.def-ghi_jkl", "authorization: BEARER  [redacted]"),
            (r#"{"api_key": "abcdefghijklmnop"}"#, r#"{"api_key": "[redacted]"}"#),
            ("AIzaSyA1234567890abcdef", "[redacted]"),
            ("Basic dXNlcjpwYXNzd29yZDE=", "Basic [redacted]="),
            ("AKIAIOSFODNN7EXAMPLE and ghp_16C7e42F292c6912E7", "[redacted] and [redacted]"),
            (
                "/v1/models?key=abc&x=1 failed, token=t0",
                "/v1/models?key=[redacted]&x=1 failed, token=[redacted]",
            ),
            ("x=1 key=a sk-abcdefghijkl0123 key=b", "x=1 key=[redacted] [redacted] key=[redacted]"),
            (
                "old 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef key",
                "old [redacted] key",
            ),
            (
                "Wrong key 0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef.",
                "Wrong key [redacted]",
            ),
            (
                "Incorrect API key provided: wJalrXUtnFEMI/K7MDENG/bPxRfi. See",
                "Incorrect API key provided: [redacted] See",
            ),
            ("github_pat_11ABCDEFG0123456789_abc refused", "[redacted] refused"),
            ("(hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEf)", "([redacted])"),
            (
                "GET https://h.example/v1/sk-abcdefghijkl0123/x failed",
                "GET https://h.example/v1/[redacted] failed",
            ),
        ] {
            assert_eq!(redact(text), expected);
        }
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for text in [
            "Incorrect API key provided: sk-inval***-key.",
            "Incorrect API key provided: abcdefghijklmnop****wxyz.",
            "organization `org_01kdyjjc50e6xb2qnxyj43kv66` on tokens per day",
            "Model tiiuae/falcon-7b-instruct is currently loading",
            "see https://platform.openai.com/docs/guides/error-codes/api-errors.",
            "key: value, token: 12",
            "مفتاح غير صالح",
            "",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
