//! Taking secrets out of text before it leaves the library.

/// What stands in the place of a secret.
const MASK: &str = "[redacted]";

/// Beginnings of API keys that providers document, in lower case.
const KEY_PREFIXES: &[&str] = &[
    "sk_", "sk-", "pk_", "pk-", "rk_", "aiza", "gsk_", "hf_", "xai-", "nvapi-", "r8_", "pplx-",
    "key-", "eyj",
];

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
];

/// A key has at least this many characters behind its prefix.
const MIN_KEY: usize = 12;
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
    redact_into(text, &mut out);
    out
}

/// Appends the redacted text.
pub(crate) fn redact_into(text: &str, out: &mut String) {
    let bytes = text.as_bytes();
    let mut copied = 0;
    let mut at = 0;
    while at < bytes.len() {
        if !is_token(bytes[at]) {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && is_token(bytes[at]) {
            at += 1;
        }
        // Short words cannot be secrets; most of a message ends here.
        if at - start >= MIN_KEY && is_secret(text, start, at) {
            out.push_str(&text[copied..start]);
            out.push_str(MASK);
            copied = at;
        }
    }
    out.push_str(&text[copied..]);
}

/// Characters of keys and tokens; `=` is left out, so that `key=value` gives two words.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'~' | b'+' | b'/')
}

fn is_secret(text: &str, start: usize, end: usize) -> bool {
    let token = &text.as_bytes()[start..end];
    let begins = |prefix: &&str| {
        token.len() >= prefix.len() + MIN_KEY
            && token[..prefix.len()].eq_ignore_ascii_case(prefix.as_bytes())
            // A key is not made of words: `sk-` in `sk-learn-compatible-things` has no digit.
            && token.iter().any(u8::is_ascii_digit)
    };
    if KEY_PREFIXES.iter().any(begins) {
        return true;
    }
    if token.len() >= MIN_HEX && token.iter().all(u8::is_ascii_hexdigit) {
        return true;
    }
    let before = &text.as_bytes()[..start];
    follows_bearer(before) || follows_secret_name(before)
}

fn follows_bearer(before: &[u8]) -> bool {
    let trimmed = before.trim_ascii_end();
    trimmed.len() < before.len() && ends_with_word(trimmed, b"bearer")
}

fn follows_secret_name(before: &[u8]) -> bool {
    let before = before.trim_ascii_end();
    let before =
        before.strip_suffix(b"\"").or(before.strip_suffix(b"'")).unwrap_or(before).trim_ascii_end();
    let Some(before) = before.strip_suffix(b"=").or(before.strip_suffix(b":")) else {
        return false;
    };
    let before = before.trim_ascii_end();
    let before = before.strip_suffix(b"\"").or(before.strip_suffix(b"'")).unwrap_or(before);
    SECRET_NAMES.iter().any(|name| ends_with_word(before, name.as_bytes()))
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
            (
                "old 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef key",
                "old [redacted] key",
            ),
        ] {
            assert_eq!(redact(text), expected);
        }
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for text in [
            "Incorrect API key provided: sk-inval***-key.",
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
