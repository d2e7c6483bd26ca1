//! What one JSON event of a stream means, in the dialects of all providers.

use std::borrow::Cow;

use crate::kind::Kind;
use crate::text::json::{Array, Object, Value};

/// What one event tells.
#[derive(Default)]
pub(super) struct Event<'a> {
    pub(super) text: Cow<'a, str>,
    /// Something other than text was delivered: a tool call, reasoning, audio.
    pub(super) other_content: bool,
    pub(super) finish: Option<Finish<'a>>,
    /// The event by which this protocol says that nothing follows.
    pub(super) last: bool,
    /// This protocol ends with an event of its own, so a reason alone is no end.
    pub(super) needs_last: bool,
    /// Nothing in the event is known to be of an answer.
    pub(super) is_unknown: bool,
    /// The event is nothing but a message.
    pub(super) is_message: bool,
}

/// How the model's answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finish<'a> {
    /// Its end, or the limit of tokens.
    Normal(Cow<'a, str>),
    ContentFilter,
    Failed(Kind),
}

/// Reads an event, whatever of an answer is in it.
pub(super) fn read(event: Object<'_>) -> Event<'_> {
    let [choices, kind, event_type] = event.get_all(["choices", "type", "event_type"]);
    if let Some(choices) = choices.and_then(Value::as_array) {
        return read_choices(choices.items());
    }
    let kind = kind.or(event_type).and_then(Value::as_text).unwrap_or_default();
    match &*kind {
        "message_start"
        | "content_block_start"
        | "content_block_delta"
        | "content_block_stop"
        | "message_delta"
        | "message_stop"
        | "ping" => read_anthropic(&kind, event),
        kind if kind.starts_with("response.") => read_responses(kind, event),
        "content-delta" | "message-end" | "text-generation" | "stream-end" | "tool-call-start"
        | "tool-call-delta" | "tool-plan-delta" => read_cohere(&kind, event),
        _ if event.get("candidates").is_some() || event.get("promptFeedback").is_some() => {
            read_gemini(event)
        }
        _ if event.get("done").is_some() => read_ollama(event),
        _ if event.get("token").is_some() => read_tgi(event),
        _ => read_by_members(event),
    }
}

fn text_of<'a>(object: Option<Object<'a>>, name: &str) -> Cow<'a, str> {
    object.and_then(|object| object.get(name)).and_then(Value::as_text).unwrap_or_default()
}

fn object_of<'a>(object: Object<'a>, name: &str) -> Option<Object<'a>> {
    object.get(name).and_then(Value::as_object)
}

/// OpenAI's chat and text completions, and what imitates them.
fn read_choices<'a>(choices: impl Iterator<Item = Value<'a>>) -> Event<'a> {
    let mut event = Event::default();
    for choice in choices.filter_map(Value::as_object) {
        // A whole answer has `message` where a chunk has `delta`; a last chunk's `delta` may be a list.
        let [delta, message, plain, reason] =
            choice.get_all(["delta", "message", "text", "finish_reason"]);
        let delta = delta.and_then(Value::as_object).or(message.and_then(Value::as_object));
        let [content, others @ ..] = delta.map_or([None; 7], |delta| {
            delta.get_all([
                "content",
                "tool_calls",
                "function_call",
                "reasoning_content",
                "reasoning",
                "refusal",
                "audio",
            ])
        });
        if event.text.is_empty() {
            let text = |value: Option<Value<'a>>| match value {
                Some(Value::Array(parts)) => Some(text_of_parts(parts)),
                value => value.and_then(Value::as_text),
            };
            event.text = text(content)
                .filter(|text| !text.is_empty())
                .or_else(|| text(plain))
                .unwrap_or_default();
        }
        event.other_content |= others.into_iter().flatten().any(|value| match value {
            Value::Text(text) => !text.raw().is_empty(),
            Value::Array(list) => list.items().next().is_some(),
            Value::Object(_) => true,
            _ => false,
        });
        if let Some(reason) = reason.and_then(Value::as_text) {
            event.finish = finish(reason).or(event.finish);
        }
    }
    event
}

/// A reason for the end, by any provider's name; an empty one is none.
fn finish(reason: Cow<'_, str>) -> Option<Finish<'_>> {
    let lower = reason.to_ascii_lowercase();
    // Gemini says the same of images.
    Some(match lower.strip_prefix("image_").unwrap_or(&lower) {
        "" | "null" | "finish_reason_unspecified" => return None,
        "other" => Finish::Failed(Kind::Server),
        "timeout" => Finish::Failed(Kind::Timeout),
        // DeepSeek, when it is out of machines.
        "insufficient_system_resource" => Finish::Failed(Kind::Overloaded),
        // Cohere, where others say `length`.
        "error_limit" => Finish::Normal(reason),
        "content_filter"
        | "safety"
        | "recitation"
        | "blocklist"
        | "prohibited_content"
        | "spii"
        | "refusal"
        | "content_filtered"
        | "sensitive"
        | "guardrail_intervened" => Finish::ContentFilter,
        // Whatever else a server calls it: `abort`, `network_error`, `MALFORMED_RESPONSE`.
        lower if lower.split(['_', '-', ' ']).any(|word| FAILURES.contains(&word)) => {
            Finish::Failed(Kind::Server)
        }
        _ => Finish::Normal(reason),
    })
}

/// Words in the name of an end that is a failure.
const FAILURES: [&str; 7] =
    ["error", "failed", "failure", "abort", "aborted", "malformed", "unexpected"];

fn read_anthropic<'a>(kind: &str, event: Object<'a>) -> Event<'a> {
    let delta = object_of(event, "delta");
    let stop = delta.and_then(|delta| delta.get_some("stop_reason")).and_then(Value::as_text);
    let has = |name: &str| delta.is_some_and(|delta| delta.get_some(name).is_some());
    Event {
        text: text_of(delta, "text"),
        other_content: has("partial_json") || has("thinking"),
        // A refusal is an answer, here.
        finish: stop.map(Finish::Normal),
        last: kind == "message_stop",
        needs_last: true,
        ..Event::default()
    }
}

/// OpenAI's Responses API.
fn read_responses<'a>(kind: &str, event: Object<'a>) -> Event<'a> {
    let delta = || event.get("delta").and_then(Value::as_text).unwrap_or_default();
    let mut read = Event { needs_last: true, ..Event::default() };
    match kind {
        "response.output_text.delta" => read.text = delta(),
        "response.completed" => {
            read.finish = Some(Finish::Normal(Cow::Borrowed("stop")));
            read.last = true;
        }
        "response.incomplete" => {
            let response = object_of(event, "response");
            let details = response.and_then(|response| object_of(response, "incomplete_details"));
            let reason = text_of(details, "reason");
            read.finish = finish(reason).or(Some(Finish::Normal(Cow::Borrowed("length"))));
            read.last = true;
        }
        "response.failed" => read.finish = Some(Finish::Failed(Kind::Server)),
        kind => read.other_content = kind.ends_with(".delta") && !delta().is_empty(),
    }
    read
}

fn read_cohere<'a>(kind: &str, event: Object<'a>) -> Event<'a> {
    let delta = object_of(event, "delta");
    let content = delta
        .and_then(|delta| object_of(delta, "message"))
        .and_then(|message| object_of(message, "content"));
    let reason = [text_of(delta, "finish_reason"), text_of(Some(event), "finish_reason")];
    let text = if kind == "text-generation" {
        text_of(Some(event), "text")
    } else {
        text_of(content, "text")
    };
    Event {
        text,
        other_content: kind.starts_with("tool-"),
        finish: reason.into_iter().find_map(finish),
        last: matches!(kind, "message-end" | "stream-end"),
        needs_last: true,
        ..Event::default()
    }
}

fn read_gemini(event: Object<'_>) -> Event<'_> {
    let mut read = Event::default();
    if object_of(event, "promptFeedback")
        .is_some_and(|feedback| feedback.get_some("blockReason").is_some())
    {
        read.finish = Some(Finish::ContentFilter);
    }
    let candidates = event.get("candidates").and_then(Value::as_array);
    if let Some(candidate) =
        candidates.and_then(|list| list.items().next()).and_then(Value::as_object)
    {
        let parts = object_of(candidate, "content")
            .and_then(|content| content.get("parts"))
            .and_then(Value::as_array);
        for part in parts.iter().flat_map(|parts| parts.items()).filter_map(Value::as_object) {
            read.other_content |= part.get("functionCall").is_some();
            // What the model thinks is no part of its answer.
            if matches!(part.get("thought"), Some(Value::Bool(true))) {
                read.other_content = true;
                continue;
            }
            let text = text_of(Some(part), "text");
            read.text = if read.text.is_empty() { text } else { read.text + text };
        }
        if let Some(reason) = candidate.get_some("finishReason").and_then(Value::as_text) {
            read.finish = finish(reason).or(read.finish);
        }
    }
    read
}

fn read_ollama(event: Object<'_>) -> Event<'_> {
    let message = object_of(event, "message");
    let has = |name: &str| match message.and_then(|message| message.get_some(name)) {
        Some(Value::Text(text)) => !text.raw().is_empty(),
        Some(Value::Array(list)) => list.items().next().is_some(),
        _ => false,
    };
    let chat = text_of(message, "content");
    let text = if chat.is_empty() { text_of(Some(event), "response") } else { chat };
    let done = matches!(event.get("done"), Some(Value::Bool(true)));
    let reason = text_of(Some(event), "done_reason");
    let normal = || Some(Finish::Normal(Cow::Borrowed("stop")));
    Event {
        text,
        other_content: has("tool_calls") || has("thinking"),
        finish: if done { finish(reason).or_else(normal) } else { None },
        last: done,
        needs_last: true,
        ..Event::default()
    }
}

fn read_tgi(event: Object<'_>) -> Event<'_> {
    let token = object_of(event, "token");
    let special = matches!(token.and_then(|token| token.get("special")), Some(Value::Bool(true)));
    let done = event.get_some("generated_text").is_some();
    Event {
        text: if special { Cow::Borrowed("") } else { text_of(token, "text") },
        finish: done.then_some(Finish::Normal(Cow::Borrowed("stop"))),
        last: done,
        ..Event::default()
    }
}

/// Events that only their members give away.
fn read_by_members(event: Object<'_>) -> Event<'_> {
    let [block, block_start, stop, stop_flag, content, reason, message, text] = event.get_all([
        "contentBlockDelta",
        "contentBlockStart",
        "messageStop",
        "stop",
        "content",
        "finish_reason",
        "message",
        "text",
    ]);
    match (stop_flag, content) {
        // The completions of llama.cpp.
        (Some(Value::Bool(stop)), Some(text)) => Event {
            text: text.as_text().unwrap_or_default(),
            finish: stop.then_some(Finish::Normal(Cow::Borrowed("stop"))),
            last: stop,
            needs_last: true,
            ..Event::default()
        },
        _ if block.or(block_start).or(stop).is_some() => read_bedrock(block, block_start, stop),
        _ => read_whole_answer(event, message, text, reason),
    }
}

/// A whole answer of Cohere's, or something else altogether.
fn read_whole_answer<'a>(
    event: Object<'a>,
    message: Option<Value<'a>>,
    text: Option<Value<'a>>,
    reason: Option<Value<'a>>,
) -> Event<'a> {
    let parts = message
        .and_then(Value::as_object)
        .and_then(|message| message.get("content"))
        .and_then(Value::as_array);
    let text = parts.map(text_of_parts).or_else(|| text?.as_text()).unwrap_or_default();
    let finish = reason.and_then(Value::as_text).and_then(finish);
    Event {
        is_unknown: text.is_empty() && finish.is_none(),
        is_message: is_bare_message(event),
        text,
        finish,
        ..Event::default()
    }
}

/// Whether an event is nothing but a message or a detail.
fn is_bare_message(event: Object<'_>) -> bool {
    let mut members = event.members();
    let is_message = members.next().is_some_and(|(name, value)| {
        matches!(name.raw(), b"message" | b"Message" | b"detail")
            && matches!(value, Value::Text(_))
            && value.holds_content()
    });
    is_message && members.next().is_none()
}

/// Amazon Bedrock's ConverseStream, as JSON.
fn read_bedrock<'a>(
    block: Option<Value<'a>>,
    block_start: Option<Value<'a>>,
    stop: Option<Value<'a>>,
) -> Event<'a> {
    let inside = |value: Option<Value<'a>>, name| {
        value.and_then(Value::as_object).and_then(|object| object_of(object, name))
    };
    let delta = inside(block, "delta");
    let holds = |object: Option<Object<'_>>, name: &str| {
        object.is_some_and(|object| object.get_some(name).is_some())
    };
    let reason = text_of(stop.and_then(Value::as_object), "stopReason");
    Event {
        text: text_of(delta, "text"),
        other_content: holds(delta, "toolUse")
            || holds(delta, "reasoningContent")
            || holds(inside(block_start, "start"), "toolUse"),
        finish: finish(reason),
        last: stop.is_some(),
        needs_last: true,
        ..Event::default()
    }
}

/// The texts of a content that is a list of parts.
fn text_of_parts(parts: Array<'_>) -> Cow<'_, str> {
    let texts = parts.items().filter_map(Value::as_object).map(|part| text_of(Some(part), "text"));
    texts.fold(Cow::Borrowed(""), |all, text| if all.is_empty() { text } else { all + text })
}
