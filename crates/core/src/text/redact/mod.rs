//! Taking secrets out of text before it leaves the library.

mod glance;

use glance::may_hold_key;

/// What stands in the place of a secret.
const MASK: &str = "[redacted]";

/// Beginnings of API keys that providers document, in lower case, by their first letter.
fn key_prefixes(first: u8) -> &'static [&'static str] {
    match first.to_ascii_lowercase() {
        b'a' => &["aiza", "akia", "asia", "aq."],
        b'c' => &["csk-"],
        b'e' => &["eyj"],
        b'f' => &["fw_"],
        b'g' => &["gsk_", "ghp_", "gho_", "github_p", "glpat-"],
        b'h' => &["hf_"],
        b'k' => &["key-", "key_"],
        b'l' => &["lsv2_"],
        b'n' => &["nvapi-"],
        b'p' => &["pk_", "pk-", "pplx-", "pa-"],
        b'r' => &["rk_", "r8_"],
        b's' => &["sk_", "sk-"],
        b't' => &["tgp_"],
        b'x' => &["xai-", "xoxb-"],
        b'y' => &["ya29."],
        _ => &[],
    }
}

/// Names whose value is a secret where `=` or `:` follows, by their last letter, in lower case: the
/// words in which they end, as `api_key` and `x-api-key` do.
fn secret_names(last: u8) -> &'static [&'static str] {
    match last.to_ascii_lowercase() {
        b'y' => &["key", "apikey"],
        b'n' => &["token"],
        b't' => &["secret"],
        b'g' => &["sig"],
        b'e' => &["signature"],
        // `Incorrect API key provided: …`
        b'd' => &["password", "key provided", "token provided", "credentials provided"],
        _ => &[],
    }
}

/// A key has at least this many characters behind its prefix.
const MIN_KEY: usize = 12;
/// No word has as many letters as this; keys without a digit have.
const MIN_RUN: usize = 24;
/// A run of hexadecimal digits of this length or more is an old LLM Resayil key, or as secret.
const MIN_HEX: usize = 40;

/// The text without keys, bearer tokens and the values of `?key=` and the like.
///
/// ```
/// use resayil_core::redaction::redact;
/// assert_eq!(redact("Bearer abcdefghijklmnop refused"), "Bearer [redacted] refused");
/// ```
pub fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    redact_into(text, |piece| out.push_str(piece));
    out
}

/// Whether a glance tells that the text holds no secret, as most do not.
pub(crate) fn has_no_secret(text: &str) -> bool {
    let may_hold_name = || memchr::memchr2(b'=', b':', text.as_bytes()).is_some();
    !may_hold_key(text.as_bytes()) && (!may_hold_name() || named_values(text).is_empty())
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

/// Gives each run of token characters that is long enough for a key, in order.
fn for_each_long_token(bytes: &[u8], mut found: impl FnMut(usize, usize)) {
    let mut at = 0;
    while at < bytes.len() {
        let len = bytes[at..].iter().take_while(|byte| is_token(**byte)).count();
        if len >= MIN_KEY {
            found(at, at + len);
        }
        at += len + 1;
    }
}

/// The values of `key=…`, `"api_key": "…"` and the like.
fn named_values(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    for at in memchr::memchr2_iter(b'=', b':', bytes) {
        let name = trim_quote(bytes[..at].trim_ascii_end());
        let names = name.last().map_or(&[][..], |last| secret_names(*last));
        if !names.iter().any(|secret| ends_with_word(name, secret.as_bytes())) {
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
    // A key is not made of words: in `sk-learn-compatible-things` is no digit, and no part is long.
    let is_random = || {
        token.iter().any(u8::is_ascii_digit)
            || token.split(|byte| !byte.is_ascii_alphanumeric()).any(|part| part.len() >= MIN_RUN)
    };
    if begins_like_key(token) && is_random() {
        return true;
    }
    // The full stop behind a key ends a sentence.
    let digits = token.strip_suffix(b".").unwrap_or(token);
    digits.len() >= MIN_HEX && digits.iter().all(u8::is_ascii_hexdigit)
}

/// Whether a token begins with one of the prefixes, and is long enough.
fn begins_like_key(token: &[u8]) -> bool {
    let begins = |prefix: &&str| {
        let head = token.get(..prefix.len()).filter(|_| token.len() >= prefix.len() + MIN_KEY);
        head.is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes()))
    };
    token.first().is_some_and(|first| key_prefixes(*first).iter().any(begins))
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
