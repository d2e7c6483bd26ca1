//! The API key, which nothing prints.

use std::fmt;

use resayil_core::redaction::OwnKey;
use resayil_core::{Error, Kind};

/// A key whose form is good. All clones are one text in memory.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ApiKey(OwnKey);

impl ApiKey {
    /// Checks the form. The message never shows the key.
    pub(crate) fn new(key: &str) -> Result<Self, Error> {
        let problem = if key.is_empty() {
            "the API key is empty"
        } else if key.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("bearer ")) {
            "the API key starts with \"Bearer \": give the key alone, the client adds the rest"
        } else if key.bytes().any(|byte| byte.is_ascii_whitespace()) {
            "the API key contains a space or a line end: remove it"
        } else if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            "the API key contains characters that no key has: copy it again"
        } else {
            return Ok(ApiKey(OwnKey::new(key)));
        };
        Err(Error::new(Kind::Configuration, problem))
    }

    /// The key as what is looked for in texts.
    pub(crate) fn own(&self) -> &OwnKey {
        &self.0
    }

    /// The value of `Authorization`.
    pub(crate) fn authorization(&self) -> String {
        format!("Bearer {}", self.0.expose())
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_good_forms_are_taken_and_none_is_shown() {
        for bad in
            ["", "Bearer abcdef", "bearer abcdef", "abc def", "abcdef\n", "abc\u{7f}", "ключ"]
        {
            let error = ApiKey::new(bad).unwrap_err();
            assert_eq!(error.kind(), Kind::Configuration);
            assert!(bad.is_empty() || !format!("{error}{error:?}").contains(bad), "{bad}");
        }
        let key = ApiKey::new("sk_llmr_secret").unwrap();
        assert!(!format!("{key:?}").contains("secret"));
    }
}
