//! Whether a text may hold a key, at a glance: nearly all hold none.
//!
//! Each form of key is looked for by a byte of it that is rare in prose, because a search for single
//! bytes passes over many at a time.

use memchr::{memchr2_iter, memchr3_iter};

use super::{MIN_HEX, MIN_KEY, begins_like_key, is_token};

/// Whether a key may stand in the text. If not, none does.
pub(super) fn may_hold_key(text: &[u8]) -> bool {
    if text.len() < MIN_KEY {
        return false;
    }
    let begins = |at: usize| begins_at(text, at);
    let may_begin = if text.len() < SHORT {
        let rare = text.iter().enumerate().filter(|(_, byte)| RARE[usize::from(**byte)]);
        rare.map(|(at, _)| at).any(begins)
    } else {
        memchr2_iter(b'_', b'-', text).any(begins)
            || memchr3_iter(b'A', b'J', b'9', text).any(begins)
            || memchr2_iter(b'b', b'B', text).any(begins)
    };
    may_begin || may_hold_hex(text)
}

/// A text below this length is gone through byte by byte: where a search begins often it is slower.
const SHORT: usize = 256;

/// The bytes that are looked for.
static RARE: [bool; 256] = {
    let mut table = [false; 256];
    let rare = b"_-AJ9bB";
    let mut at = 0;
    while at < rare.len() {
        table[rare[at] as usize] = true;
        at += 1;
    }
    table
};

/// Whether the rare byte at this place may belong to the beginning of a key.
fn begins_at(text: &[u8], at: usize) -> bool {
    match text[at] {
        b'_' | b'-' => is_end_of_prefix(text, at),
        b'b' | b'B' => is_bearer(text, at),
        // `AIza`, `AKIA`, `ASIA`, `AQ.`, `eyJ` and `ya29.` have no mark, but are never written otherwise.
        b'A' => {
            [&b"Iza"[..], b"KIA", b"SIA", b"Q."].iter().any(|end| text[at + 1..].starts_with(end))
        }
        b'J' => text[..at].ends_with(b"ey"),
        _ => text[..at].ends_with(b"ya2"),
    }
}

/// Most prefixes end in `_` or `-`, behind one of these letters: `sk_`, `hf_`, `r8_`, `ghp_`, `gho_`,
/// `fw_`, `lsv2_`, `key_`, `github_`, `xai-`, `pplx-`, `glpat-`, `pa-`, `xoxb-`.
fn is_end_of_prefix(text: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| text[before].to_ascii_lowercase());
    let may_end = matches!(
        before,
        Some(
            b'k' | b'f'
                | b'8'
                | b'p'
                | b'o'
                | b'w'
                | b'2'
                | b'y'
                | b'b'
                | b'i'
                | b'x'
                | b't'
                | b'a'
        )
    );
    may_end && {
        let before = text[..at].iter().rev().take(LONGEST);
        let len = before.take_while(|byte| is_token(**byte) && **byte != b'/').count();
        begins_like_key(&text[at - len..])
    }
}

/// The prefixes have no more letters before their mark.
const LONGEST: usize = 8;

/// `Bearer` or `Basic`, in any case, and white space.
fn is_bearer(text: &[u8], at: usize) -> bool {
    let begins = |word: &[u8]| {
        let rest = text.get(at + 1..at + 1 + word.len());
        let next = text.get(at + 1 + word.len());
        rest.is_some_and(|rest| rest.eq_ignore_ascii_case(word))
            && next.is_some_and(u8::is_ascii_whitespace)
    };
    begins(b"earer") || begins(b"asic")
}

/// So many hexadecimal digits that every so many bytes one of them stands.
fn may_hold_hex(text: &[u8]) -> bool {
    let places = (MIN_HEX - 1..text.len()).step_by(MIN_HEX);
    places.filter(|at| text[*at].is_ascii_hexdigit()).any(|at| {
        let before = text[..at].iter().rev().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let behind = text[at..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        before + behind >= MIN_HEX
    })
}

#[cfg(test)]
mod tests {
    use super::super::key_prefixes;
    use super::may_hold_key;

    #[test]
    fn each_prefix_is_seen_wherever_it_stands() {
        for prefix in (b'a'..=b'z').flat_map(key_prefixes).copied() {
            let written = match prefix {
                "aiza" => "AIza",
                "akia" => "AKIA",
                "asia" => "ASIA",
                "eyj" => "eyJ",
                "aq." => "AQ.",
                prefix => prefix,
            };
            let key = format!("{written}abcdef123456");
            for text in [
                key.clone(),
                format!("key {key}."),
                format!("https://h/v1/{key}"),
                format!("({key})"),
            ] {
                assert!(may_hold_key(text.as_bytes()), "{text}");
            }
        }
        for text in
            ["Bearer abcdefghijkl", "x bAsIc\tabcdefghijkl", &"0123456789abcdefABCDEF".repeat(2)]
        {
            assert!(may_hold_key(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_key_is_seen_in_texts_of_every_length() {
        for len in [0, 100, 230, 255, 256, 257, 1000] {
            for key in [
                "sk-abcdefghijkl0123",
                "Bearer abcdefghijkl",
                "AKIAabcdefghijkl",
                "eyJabcdefghijkl",
            ] {
                let text = format!("{} {key}", "o".repeat(len));
                assert!(may_hold_key(text.as_bytes()), "{text}");
            }
            assert!(!may_hold_key(format!("{} no key is here", "o".repeat(len)).as_bytes()));
        }
    }

    #[test]
    fn prose_is_passed_over() {
        for text in [
            "The messages.0.role field is required, and max_tokens has to be below 9000.",
            "A task-list, a risk-free day-to-day Japanese QUIZ with 1999 zebras.",
            "organization org-01kdyjjc50e6xb2qnxyj43kv66 on tokens per min (TPM): Limit 30000",
            "bearer",
            "0123456789abcdef0123456789abcdef0123456",
            "",
        ] {
            assert!(!may_hold_key(text.as_bytes()), "{text}");
        }
    }
}
