//! What a request will cost, and what it has cost, by the bodies of requests and answers.

use super::Cost;
use crate::text::json::{self, Object, Text, Value};

/// So many bytes of text are taken for a token.
const BYTES: usize = 4;
/// A longer body is not looked into: it holds files more likely than text.
const MAX_BYTES: usize = 1024 * 1024;

impl Cost {
    /// What a request will cost by its body, as an estimate: a token for each four bytes of the texts of its
    /// messages, and the most that it allows the answer (`max_completion_tokens`, `max_output_tokens`,
    /// `max_tokens`, Gemini's `generationConfig.maxOutputTokens`), times `n`. What the body does not tell is
    /// unknown. Images and other files are left out, and so is a body of more than 1 MiB.
    ///
    /// ```
    /// use resayil_core::quota::Cost;
    ///
    /// let body = br#"{"messages": [{"role": "user", "content": "How are you today?"}], "max_tokens": 100}"#;
    /// let cost = Cost::estimate(body);
    /// assert_eq!((cost.input_tokens(), cost.output_tokens()), (Some(5), Some(100)));
    /// ```
    pub fn estimate(request: &[u8]) -> Cost {
        let request = Some(request).filter(|request| request.len() <= MAX_BYTES);
        let request = request.map(<[u8]>::trim_ascii_start).and_then(Object::unread);
        request.and_then(read).unwrap_or_default()
    }

    /// What an answer says that it has cost: `usage` as OpenAI and Anthropic have it, `usageMetadata` of
    /// Gemini; `None` if it says nothing. For a stream give the event that holds it. Of a prompt that
    /// Anthropic read from its cache only the rest counts, as for its limits.
    ///
    /// ```
    /// use resayil_core::quota::Cost;
    ///
    /// let body = br#"{"usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}}"#;
    /// assert_eq!(Cost::from_usage(body).and_then(|cost| cost.tokens()), Some(12));
    /// ```
    pub fn from_usage(answer: &[u8]) -> Option<Cost> {
        let answer = json::parse(answer)?.as_object()?;
        let [usage, metadata, message, response] =
            answer.get_all(["usage", "usageMetadata", "message", "response"]);
        // The first event of Anthropic's streams, and the last of OpenAI's Responses.
        let inner =
            [message, response].into_iter().flatten().find_map(|it| it.as_object()?.get("usage"));
        let usage = usage.or(metadata).or(inner)?.as_object()?;
        let number = |name: &str| usage.get(name).and_then(tokens);
        let input = number("prompt_tokens").or_else(|| number("promptTokenCount"));
        let input = input.or_else(|| {
            Some(
                number("input_tokens")?
                    .saturating_add(number("cache_creation_input_tokens").unwrap_or(0)),
            )
        });
        let output =
            number("completion_tokens").or_else(|| number("output_tokens")).or_else(|| {
                let thoughts = number("thoughtsTokenCount").unwrap_or(0);
                Some(number("candidatesTokenCount")?.saturating_add(thoughts))
            });
        // Embeddings have no tokens but those of their inputs.
        let output = output.or_else(|| number("total_tokens")?.checked_sub(input?));
        (input.is_some() || output.is_some())
            .then(|| Cost::default().with_input_tokens(input).with_output_tokens(output))
    }
}

/// Texts lie no deeper in the messages of any provider.
const DEEPEST: u32 = 6;

/// The members of a message, or of a part of one, that hold text.
const TEXTS: [&str; 5] = ["content", "text", "parts", "input_text", "arguments"];

/// What a request will cost, in one walk through it; `None` if it is no JSON.
fn read(request: Object<'_>) -> Option<Cost> {
    let (mut input, mut times) = (None, None);
    // By rank: the newer name before the older one.
    let (mut completion, mut output, mut most, mut of_config) = (None, None, None, None);
    let mut members = request.members();
    while let Some(name) = members.name() {
        let number = match name.raw() {
            b"messages" | b"contents" | b"prompt" | b"input" | b"system" => {
                let mut bytes = 0;
                if !members.texts(&TEXTS, DEEPEST, &mut |text| bytes += text_bytes(text)) {
                    return None;
                }
                *input.get_or_insert(0) += bytes;
                continue;
            }
            b"generationConfig" => {
                let config = members.value()?.as_object();
                of_config = config.and_then(|config| config.get("maxOutputTokens"));
                continue;
            }
            b"n" => &mut times,
            b"max_completion_tokens" => &mut completion,
            b"max_output_tokens" => &mut output,
            b"max_tokens" => &mut most,
            _ => {
                members.value()?;
                continue;
            }
        };
        *number = Some(members.value()?);
    }
    if !members.is_complete() {
        return None;
    }
    let most = [completion, output, most, of_config].into_iter().flatten().find_map(tokens);
    let times = times.and_then(tokens).unwrap_or(1).max(1);
    let input = input.map(|bytes: usize| bytes.div_ceil(BYTES) as u64);
    let output = most.map(|most| most.saturating_mul(times));
    Some(Cost::default().with_input_tokens(input).with_output_tokens(output))
}

/// How long a text is. `\u0627` stands for a letter that takes two bytes, or three.
fn text_bytes(text: Text<'_>) -> usize {
    /// So many fit into the one byte that counts them, which lets the compiler look at many at once.
    const COUNTED: usize = 255;
    let raw = text.raw();
    let next = raw.get(1..).unwrap_or_default();
    let pairs = raw.chunks(COUNTED).zip(next.chunks(COUNTED));
    let escapes = pairs.map(|(first, second)| {
        let pairs = first.iter().zip(second);
        usize::from(pairs.map(|pair| u8::from(pair == (&b'\\', &b'u'))).sum::<u8>())
    });
    raw.len() - 4 * escapes.sum::<usize>().min(raw.len() / 6)
}

/// A whole number that is not below zero.
fn tokens(value: Value<'_>) -> Option<u64> {
    let number = value.as_f64().filter(|number| *number >= 0.0 && number.is_finite())?;
    Some(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(body: &str) -> (Option<u64>, Option<u64>) {
        let cost = Cost::estimate(body.as_bytes());
        (cost.input_tokens(), cost.output_tokens())
    }

    #[test]
    fn requests_of_several_dialects_are_estimated() {
        let parts = r#"{"messages":[{"role":"user","content":[{"type":"text","text":"12345678"},
            {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAAAAAAAAAAAAAAAAAAAA"}}]}]}"#;
        assert_eq!(estimate(parts), (Some(2), None));
        let gemini = r#"{"contents":[{"parts":[{"text":"1234"}]}],"generationConfig":{"maxOutputTokens":9}}"#;
        assert_eq!(estimate(gemini), (Some(1), Some(9)));
        let anthropic = r#"{"system":"1234","messages":[{"content":"123"}],"max_tokens":7,"n":2}"#;
        assert_eq!(estimate(anthropic), (Some(2), Some(14)));
        assert_eq!(estimate(r#"{"prompt":["12345","123"]}"#), (Some(2), None));
        for bad in ["", "[]", "{}", r#"{"max_tokens":-1}"#, r#"{"max_tokens":"9"}"#] {
            assert_eq!(estimate(bad), (None, None), "{bad}");
        }
        // However its letters are written.
        let letters = |text: &str| estimate(&format!(r#"{{"prompt":"{text}"}}"#));
        assert_eq!(letters(r"\u0627\u0628\u0627\u0628"), letters("\u{627}\u{628}\u{627}\u{628}"));
        // Nothing is read without end.
        let deep = format!(r#"{{"messages":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(estimate(&deep), (Some(0), None));
    }

    #[test]
    fn answers_of_several_dialects_tell_what_they_cost() {
        let usage = |body: &str| {
            Cost::from_usage(body.as_bytes())
                .map(|cost| (cost.input_tokens(), cost.output_tokens()))
        };
        let anthropic = r#"{"usage":{"input_tokens":5,"cache_creation_input_tokens":2,
            "cache_read_input_tokens":100,"output_tokens":4}}"#;
        assert_eq!(usage(anthropic), Some((Some(7), Some(4))));
        let gemini = r#"{"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":4,"thoughtsTokenCount":3}}"#;
        assert_eq!(usage(gemini), Some((Some(5), Some(7))));
        let responses = r#"{"type":"response.completed","response":{"usage":{"input_tokens":1,"output_tokens":2}}}"#;
        assert_eq!(usage(responses), Some((Some(1), Some(2))));
        let delta = r#"{"type":"message_delta","usage":{"output_tokens":2}}"#;
        assert_eq!(usage(delta), Some((None, Some(2))));
        let embeddings = r#"{"usage":{"prompt_tokens":5,"total_tokens":5}}"#;
        assert_eq!(usage(embeddings), Some((Some(5), Some(0))));
        for nothing in [r#"{"usage":null}"#, r#"{"usage":{}}"#, "[]", ""] {
            assert_eq!(usage(nothing), None);
        }
    }
}
