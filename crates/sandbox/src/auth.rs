//! Who is asking.

use std::fmt;

use crate::log::Authorization;

/// A key, which debug output does not show.
#[derive(Clone)]
pub(crate) struct Key(pub(crate) String);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// What is wrong with a request's credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AuthProblem {
    Missing,
    Format,
    WrongKey,
}

/// Whether the key has a form that the provider's pages document: `sk_llmr_...`, or 64 hex digits.
pub(crate) fn is_documented_key(key: &str) -> bool {
    let long = key
        .strip_prefix("sk_llmr_")
        .is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace));
    long || (key.len() == 64 && key.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// What the log may say about the header.
pub(crate) fn describe(header: Option<&str>) -> Authorization {
    match header {
        None => Authorization::Absent,
        Some(value) => match value.strip_prefix("Bearer ") {
            Some(key) if is_documented_key(key) => Authorization::WellFormed,
            _ => Authorization::Malformed,
        },
    }
}

/// Checks the header as strictly as the server: `bearer` in lower case or a second space is refused.
pub(crate) fn check(header: Option<&str>, accepted: &Key) -> Result<(), AuthProblem> {
    let value = header.ok_or(AuthProblem::Missing)?;
    let key = value.strip_prefix("Bearer ").ok_or(AuthProblem::Format)?;
    if key == accepted.0 { Ok(()) } else { Err(AuthProblem::WrongKey) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_case_sensitive_and_takes_one_space() {
        let key = &Key("sk_llmr_k".to_owned());
        assert_eq!(check(Some("Bearer sk_llmr_k"), key), Ok(()));
        assert_eq!(check(None, key), Err(AuthProblem::Missing));
        assert_eq!(check(Some("bearer sk_llmr_k"), key), Err(AuthProblem::Format));
        assert_eq!(check(Some("Bearer  sk_llmr_k"), key), Err(AuthProblem::WrongKey));
        assert_eq!(check(Some("Bearer sk_llmr_x"), key), Err(AuthProblem::WrongKey));
        assert_eq!(describe(Some("Bearer sk_llmr_x")), Authorization::WellFormed);
        assert_eq!(describe(Some("Bearer  sk_llmr_x")), Authorization::Malformed);
        assert_eq!(describe(Some("Bearer")), Authorization::Malformed);
        assert_eq!(describe(None), Authorization::Absent);
        assert!(is_documented_key(&"0aF9".repeat(16)));
        assert!(!is_documented_key("sk_llmr_"));
    }
}
