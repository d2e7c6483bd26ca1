//! Reason phrases: what programs write in place of a message when they know nothing but a status, and
//! other messages of two or three words.

/// The statuses of errors with the phrases of RFC 9110 section 15, and what else servers write.
const PHRASES: &[(&str, u16)] = &[
    ("bad request", 400),
    ("unauthorized", 401),
    ("invalid token", 401),
    ("payment required", 402),
    ("forbidden", 403),
    ("not found", 404),
    ("method not allowed", 405),
    ("not acceptable", 406),
    ("proxy authentication required", 407),
    ("request timeout", 408),
    ("request time-out", 408),
    ("conflict", 409),
    ("content too large", 413),
    ("payload too large", 413),
    ("request entity too large", 413),
    ("unsupported media type", 415),
    ("unprocessable content", 422),
    ("unprocessable entity", 422),
    ("too many requests", 429),
    ("limit reached", 429),
    ("limit exceeded", 429),
    ("internal server error", 500),
    ("not implemented", 501),
    ("bad gateway", 502),
    ("service unavailable", 503),
    ("service temporarily unavailable", 503),
    ("gateway timeout", 504),
    ("gateway time-out", 504),
];

/// The status that the message is the phrase of, and nothing else.
pub(super) fn status(message: &str) -> Option<u16> {
    let message = message.trim_matches(|c: char| c.is_whitespace() || c == '.');
    PHRASES.iter().find(|(phrase, _)| message.eq_ignore_ascii_case(phrase)).map(|it| it.1)
}

#[cfg(test)]
mod tests {
    use super::status;

    #[test]
    fn a_phrase_has_to_be_the_whole_message() {
        assert_eq!(status("Not Found"), Some(404));
        assert_eq!(status(" gateway Time-out. "), Some(504));
        assert_eq!(status("The image was not found"), None);
        assert_eq!(status(""), None);
    }
}
