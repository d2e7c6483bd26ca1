//! The error of somebody else that a gateway passes on as text.

use super::{Body, Format, read_owned};
use crate::timestamp::Timestamp;

/// Reads the JSON that stands behind the gateway's own words in the message, as in `ProviderException
/// - {"error":{…}}`. The message stays as it is.
pub(super) fn read_behind_message(body: &mut Body<'_>, now: Timestamp, nested: u32) {
    let Some(message) = body.message.as_deref() else { return };
    // A brace alone may be anything.
    let begins = |at: &usize| names_a_member(&message[at + 1..]);
    let Some(start) = memchr::memchr_iter(b'{', message.as_bytes()).find(begins) else { return };
    let Some(end) = message.rfind('}').filter(|end| *end > start) else { return };
    let json = message[start..=end].to_owned();
    if !read(&json, body, now, nested) && json.contains('\\') {
        read(&without_escapes(&json), body, now, nested);
    }
}

/// Whether a member's name stands first in the text, behind space that may be written as `\n`.
fn names_a_member(mut text: &str) -> bool {
    loop {
        text = text.trim_start();
        match text.strip_prefix(r"\n") {
            Some(rest) => text = rest,
            None => return text.starts_with(['"', '\'']) || text.starts_with("\\\""),
        }
    }
}

/// A text in which a program wrote another one, as Python's `repr` does.
fn without_escapes(text: &str) -> String {
    text.replace(r"\n", " ").replace(r"\'", "'").replace("\\\"", "\"")
}

/// Reads what a gateway was told, and takes from it what the gateway itself did not say; says
/// whether there was anything.
pub(super) fn read(json: &str, body: &mut Body<'_>, now: Timestamp, nested: u32) -> bool {
    if nested == 0 || !json.trim_ascii_start().starts_with(['{', '[']) {
        return false;
    }
    let inner = read_owned(json.as_bytes(), now, nested - 1);
    let tells = inner.format == Format::Json && (inner.has_error || inner.message.is_some());
    if tells {
        pass_on(inner, body);
    }
    tells
}

/// Takes from the error behind one what the one itself does not say.
pub(super) fn pass_on<'a>(inner: Body<'a>, body: &mut Body<'a>) {
    body.code = body.code.take().or(inner.code.clone());
    body.inner_code = body.inner_code.take().or(inner.inner_code).or(inner.code);
    body.error_type = body.error_type.take().or(inner.error_type);
    body.status = body.status.or(inner.status);
    body.retry_after = body.retry_after.or(inner.retry_after);
    body.quota = body.quota.or(inner.quota);
    body.cause = inner.cause.or(inner.message.clone()).or(body.cause.take());
    body.message = body.message.take().or(inner.message);
}

#[cfg(test)]
mod tests {
    use super::super::{Body, read};
    use crate::timestamp::Timestamp;

    fn parsed(text: &str) -> Body<'_> {
        read(text.as_bytes(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn json_behind_the_message_is_the_cause() {
        let body = parsed(
            r#"{"error":{"message":"XException - {\"error\":{\"message\":\"too long\",\"code\":\"c\"}}. Group=x","code":"400"}}"#,
        );
        assert_eq!(body.cause.as_deref(), Some("too long"));
        assert_eq!(body.inner_code.as_deref(), Some("c"));
        assert!(body.message.unwrap().starts_with("XException - {"));
    }

    #[test]
    fn json_that_was_printed_as_a_literal_is_the_cause() {
        let body = parsed(
            r#"{"error":{"message":"XException - b'{\\n  \"error\": {\\n \"message\": \"it\\'s spent\",\\n \"code\": \"c\"}}\\n'"}}"#,
        );
        assert_eq!(body.cause.as_deref(), Some("it's spent"));
        assert_eq!(body.inner_code.as_deref(), Some("c"));
    }

    #[test]
    fn an_echo_of_the_request_is_no_cause() {
        for text in [
            r#"{"error":{"message":"bad request: {\"model\":\"m\",\"code\":\"x\"}"}}"#,
            r#"{"error":{"message":"bad request: {\"model\": }"}}"#,
            r#"{"error":{"message":"unbalanced {\"a"}}"#,
        ] {
            let body = parsed(text);
            assert!(body.cause.is_none() && body.inner_code.is_none(), "{text}");
        }
    }

    #[test]
    fn a_gateway_may_keep_the_cause_in_its_metadata() {
        let body = parsed(
            r#"{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"type\":\"error\",\"error\":{\"type\":\"t\",\"message\":\"m\"}}"}}}"#,
        );
        assert_eq!((body.cause.as_deref(), body.inner_code.as_deref()), (Some("m"), Some("t")));
        assert_eq!(body.prose(), Some("m"));
    }
}
