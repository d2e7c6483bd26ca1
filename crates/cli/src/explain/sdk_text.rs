//! Reading the text of an SDK's exception, which has the status and the body in it: `Error code: 429 -
//! {'error': …}`, `429 RESOURCE_EXHAUSTED. {…}`, `RateLimitError: 429 You exceeded …`.

use super::captured::Captured;

/// No more than this many bytes are looked at: an exception's text is short.
const MAX_TEXT: usize = 64 * 1024;

/// Finds the status and the body; `None` if the text has no status.
pub(super) fn parse(text: &str) -> Option<Captured> {
    if text.len() > MAX_TEXT || text.trim_start().starts_with(['{', '[', '<']) {
        return None;
    }
    let (status, rest) = after_words(text).or_else(|| first_status(text))?;
    let body = match (rest.find('{'), rest.rfind('}')) {
        (Some(start), Some(end)) if start < end => &rest[start..=end],
        // The rest of the line is the message.
        _ => {
            let line = rest.lines().next().unwrap_or_default();
            let line = line.split("' for url").next().unwrap_or_default();
            line.trim_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '-' | ',' | '\''))
        }
    };
    Some(Captured { status: Some(status), headers: Vec::new(), body: body.as_bytes().to_vec() })
}

/// The status behind the words that OpenAI's and Anthropic's SDKs use.
fn after_words(text: &str) -> Option<(u16, &str)> {
    let rest = &text[text.find("Error code: ")? + "Error code: ".len()..];
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Some((status(&rest[..digits])?, &rest[digits..]))
}

/// The first number that is a status of an error, standing for itself.
fn first_status(text: &str) -> Option<(u16, &str)> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '/' | '-');
    let starts = text.char_indices().filter(|(_, c)| matches!(c, '4' | '5')).map(|(at, _)| at);
    starts.into_iter().find_map(|at| {
        let number = status(text.get(at..at + 3)?)?;
        let (before, rest) = (&text[..at], &text[at + 3..]);
        let stands_alone = !before.ends_with(is_word)
            && !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '/');
        stands_alone.then_some((number, rest))
    })
}

fn status(digits: &str) -> Option<u16> {
    digits.parse().ok().filter(|status| (400..600).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_and_the_body_are_found() {
        for (text, status, body) in [
            ("Error code: 429 - {'error': {'code': None}}", 429, "{'error': {'code': None}}"),
            (
                "litellm.RateLimitError: OpenAIException - Error code: 429 - {'a': 1}\n",
                429,
                "{'a': 1}",
            ),
            ("429 RESOURCE_EXHAUSTED. {'error': {'code': 429}}", 429, "{'error': {'code': 429}}"),
            ("RateLimitError: 429 You exceeded your quota", 429, "You exceeded your quota"),
            (
                "httpx.HTTPStatusError: Client error '429 Too Many Requests' for url 'https://x'",
                429,
                "Too Many Requests",
            ),
            ("API Error: 529 {\"type\":\"error\"}", 529, "{\"type\":\"error\"}"),
        ] {
            let captured = parse(text).unwrap();
            assert_eq!(captured.status, Some(status), "{text}");
            assert_eq!(String::from_utf8(captured.body).unwrap(), body, "{text}");
        }
        for other in ["gpt-4 failed", "Connection error.", "429abc", "{\"a\": 429}", "1.429"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
