//! Words in a stream that are no JSON, and the names of events.

/// Whether an event of this name is an error.
pub(super) fn name_an_error(name: &[u8]) -> bool {
    matches!(
        name,
        b"error"
            | b"exception"
            | b"fail"
            | b"failed"
            | b"failure"
            | b"fatal"
            // OpenAI's Responses, whose event may lack the type.
            | b"response.failed"
            | b"response.error"
    )
}

/// Whether an event is named after one of Amazon's exceptions: `throttlingException`.
pub(super) fn name_an_exception(name: &[u8]) -> bool {
    name.ends_with(b"Exception") && name.iter().all(u8::is_ascii_alphanumeric)
}

/// The message of an error that a gateway writes as text: `[ERROR] upstream closed`, `error: …`,
/// `[ERROR]:{…}`.
pub(super) fn message_of_error(data: &[u8]) -> Option<&[u8]> {
    const HEADS: [&[u8]; 2] = [b"[error]", b"error:"];
    let begins = |head: &&&[u8]| {
        data.get(..head.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(head))
    };
    let message = &data[HEADS.iter().find(begins)?.len()..];
    Some(message.strip_prefix(b":").unwrap_or(message).trim_ascii())
}

/// Whether an event only keeps the connection alive.
pub(super) fn keep_alive(name: &[u8], data: &[u8]) -> bool {
    const WORDS: [&str; 12] = [
        "ping",
        "pong",
        "keepalive",
        "keep-alive",
        "keep_alive",
        "heartbeat",
        "heart-beat",
        "processing",
        "openrouter processing",
        "connected",
        "waiting",
        "ok",
    ];
    let word = data.strip_prefix(b"[").and_then(|word| word.strip_suffix(b"]")).unwrap_or(data);
    let word = word.strip_prefix(b":").unwrap_or(word).trim_ascii();
    let is_known =
        |word: &[u8]| WORDS.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()));
    is_known(name) || is_known(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_apart() {
        assert_eq!(message_of_error(b"[ERROR] it broke"), Some(&b"it broke"[..]));
        assert_eq!(message_of_error(b"Error: it broke"), Some(&b"it broke"[..]));
        assert_eq!(message_of_error(b"[ERROR]:{}"), Some(&b"{}"[..]));
        assert_eq!(message_of_error(b"no error: it works"), None);
        assert!(keep_alive(b"", b"[HEARTBEAT]") && keep_alive(b"ping", b"2026-01-01"));
        assert!(!keep_alive(b"message", b"Hello"));
    }
}
