//! Taking the program's own key out of an error.

use super::{Error, Part};
use crate::text::own_key::OwnKey;

impl Error {
    /// The same error without this key in any of its texts, its headers and its body: servers echo keys, and
    /// errors are logged and stored.
    #[must_use]
    pub fn masked(mut self, key: &OwnKey) -> Self {
        for part in [
            Part::Body,
            Part::Message,
            Part::Explanation,
            Part::Code,
            Part::Type,
            Part::Param,
            Part::RequestId,
        ] {
            let masked = self.0.store.get(part).map(|bytes| key.mask_bytes(bytes));
            if let Some(std::borrow::Cow::Owned(masked)) = masked {
                self.0.store.set(part, &masked);
            }
        }
        let headers: Vec<(Vec<u8>, Vec<u8>)> = self
            .headers()
            .iter()
            .map(|(name, value)| (name.into(), key.mask_bytes(value).into_owned()))
            .collect();
        let same = self.headers().iter().zip(&headers).all(|((_, old), (_, new))| old == new);
        if !same {
            self = self.with_headers(&headers);
        }
        if let Some(text) = self.0.partial_text.take() {
            self.0.partial_text = Some(key.mask(&text).into());
        }
        if self.0.field_errors.is_some() {
            let own = |text: &str| key.mask(text).into_owned();
            let fields: Vec<(String, Vec<String>)> = self
                .field_errors()
                .iter()
                .map(|it| (own(it.field), it.messages.iter().map(|text| own(text)).collect()))
                .collect();
            self.0.field_errors = None;
            for (field, messages) in &fields {
                let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
                self = self.with_field_error(field, &messages);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Timestamp, classify};

    #[test]
    fn an_echoed_key_is_in_no_part_of_the_error() {
        let secret = "correct-horse-battery-staple";
        let body = format!(
            r#"{{"error":{{"message":"bad {secret}","code":"{secret}","type":"t {secret}","param":"{secret}"}},
               "errors":{{"{secret}":["no {secret}"]}}}}"#
        );
        // Some servers write all of it with escapes.
        let escaped: String = secret.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
        let body = body.replacen(secret, &escaped, 1);
        let headers = [("x-request-id", secret), ("x-other", "y")];
        let error = classify(401, &headers, body.as_bytes(), Timestamp::UNIX_EPOCH).unwrap_err();
        assert_eq!(error.message(), Some("bad correct-horse-battery-staple"));
        let error = error.with_partial_text(secret);
        error.field_errors();
        let error = error.masked(&OwnKey::new(secret));
        assert_eq!((error.kind(), error.code()), (Kind::Authentication, Some("[redacted]")));
        assert_eq!(error.request_id(), Some("[redacted]"));
        assert_eq!(error.headers().get("x-other"), Some(&b"y"[..]));
        let whole = format!(
            "{error} {error:?} {} {:?} {:?} {}",
            error.to_json(),
            error.field_errors(),
            error.partial_text(),
            String::from_utf8_lossy(error.body())
        );
        assert!(!whole.contains("battery") && !whole.contains(&escaped[..48]), "{whole}");
        for (_, value) in error.headers().iter() {
            assert!(!String::from_utf8_lossy(value).contains("battery"));
        }
    }
}
