//! Events that only their members give away, and those of no known shape.

use super::finish::Finish;
use super::{Event, Passage, Shape, Telling, Usage, bedrock, choices, gemini, servers};
use crate::text::json::{Array, Object, Value};

/// The members that tell one dialect from another.
#[derive(Default)]
struct Signs<'a> {
    gemini: bool,
    done: bool,
    token: bool,
    choices: Option<Value<'a>>,
    results: Option<Array<'a>>,
    response: Option<Object<'a>>,
    /// An answer of Gemini's that a gateway has wrapped.
    wrapped: Option<Object<'a>>,
    output: Option<Object<'a>>,
    meta: Option<Object<'a>>,
    stop: Option<Value<'a>>,
    message: Option<Object<'a>>,
    block: [Option<Value<'a>>; 3],
    content: Option<Value<'a>>,
    text: Option<Value<'a>>,
    reason: Option<Value<'a>>,
    /// A flag that says whether this is the last event.
    is_last: Option<bool>,
}

/// Reads an event that its type, which may be empty, does not tell.
pub(super) fn read<'a>(kind: &str, event: Object<'a>, usage: Option<Value<'a>>) -> Event<'a> {
    let mut signs = Signs::default();
    for (name, value) in event.members() {
        match name.raw() {
            name if gemini::is_sign(name) => signs.gemini = true,
            b"done" => signs.done = true,
            b"token" => signs.token = true,
            b"Choices" => signs.choices = Some(value),
            b"results" => signs.results = value.as_array(),
            b"Response" => signs.response = value.as_object(),
            b"output" if value.as_object().is_some() => signs.output = value.as_object(),
            b"meta_info" => signs.meta = value.as_object(),
            b"stop" => signs.stop = Some(value),
            b"message" => signs.message = value.as_object(),
            b"contentBlockDelta" => signs.block[0] = Some(value),
            b"contentBlockStart" => signs.block[1] = Some(value),
            b"messageStop" => signs.block[2] = Some(value),
            b"content" => signs.content = Some(value),
            b"response" if value.as_object().is_some() => signs.wrapped = value.as_object(),
            b"text" | b"result" | b"response" | b"completion" | b"generation" | b"outputText"
            | b"output_text" | b"output" => signs.text = signs.text.or(Some(value)),
            b"finish_reason" | b"stop_reason" | b"stopReason" | b"completionReason" => {
                signs.reason = signs.reason.or(Some(value));
            }
            b"is_end" | b"is_finished" => {
                if let Value::Bool(is_last) = value {
                    signs.is_last = Some(is_last);
                }
            }
            _ => {}
        }
    }
    signs.read(kind, event, usage)
}

impl<'a> Signs<'a> {
    fn read(self, kind: &str, event: Object<'a>, usage: Option<Value<'a>>) -> Event<'a> {
        // Hunyuan: an answer as a whole is wrapped.
        let inside = self.response.and_then(|response| response.get("Choices"));
        if let Some(list) = self.choices.or(inside).and_then(Value::as_array) {
            return choices::read(list, usage, &choices::CAPITAL);
        }
        let [block, block_start, stop] = self.block;
        match (self.stop, self.content) {
            (Some(Value::Bool(stop)), Some(text)) => servers::llama_cpp(stop, text),
            _ if self.gemini => gemini::read(event),
            _ if self.wrapped.is_some_and(gemini::is_one) => {
                self.wrapped.map_or_else(Event::default, gemini::read)
            }
            _ if self.done => servers::ollama(event),
            _ if self.token => servers::tgi(event),
            _ if self.results.is_some_and(servers::are_watsonx) => {
                self.results.map_or_else(Event::default, servers::watsonx)
            }
            _ if block.or(block_start).or(stop).is_some() => {
                bedrock::read(block, block_start, stop)
            }
            _ => match (self.output, self.meta) {
                (Some(output), _) => self.read_output(output, event, usage),
                (_, Some(meta)) => servers::sglang(meta, self.text),
                _ => self.read_plain(kind, event, usage),
            },
        }
    }

    /// DashScope's `output`, which may hold all of the answer so far, and Amazon's, of Converse.
    fn read_output(
        self,
        output: Object<'a>,
        event: Object<'a>,
        usage: Option<Value<'a>>,
    ) -> Event<'a> {
        let [list, text, reason, message] =
            output.get_all(["choices", "text", "finish_reason", "message"]);
        if let Some(list) = list.and_then(Value::as_array) {
            return choices::read(list, None, &choices::SMALL);
        }
        let message = message.and_then(Value::as_object);
        let parts = message.and_then(|message| message.get("content")).and_then(Value::as_array);
        let text = match parts {
            Some(parts) => Passage::of_parts(parts),
            None => text.map_or(Passage::Empty, Passage::of),
        };
        let finish = reason.or(self.reason).and_then(Value::as_text).and_then(Finish::named);
        let is_unknown = text.is_empty() && finish.is_none();
        Event {
            other_content: text.is_empty() && holds_data(output),
            shape: if is_unknown { shape_of_unknown(event) } else { Shape::Known },
            telling: Telling::SoFar,
            usage: usage.and_then(Usage::read),
            text,
            finish,
            ..Event::default()
        }
    }

    /// A text, and a reason for the end, under any of the usual names; or something else altogether.
    fn read_plain(self, kind: &str, event: Object<'a>, usage: Option<Value<'a>>) -> Event<'a> {
        // Of another type it may be anything.
        const TEXTS: [&str; 8] =
            ["", "text", "content", "answer", "token", "chunk", "completion", "text_delta"];
        let parts =
            self.message.and_then(|message| message.get("content")).and_then(Value::as_array);
        let is_text = TEXTS.contains(&kind) || parts.is_some();
        let text = match parts {
            _ if !is_text => Passage::Empty,
            Some(parts) => Passage::of_parts(parts),
            None => self.text.or(self.content).map_or(Passage::Empty, Passage::of),
        };
        let finish = self.reason.and_then(Value::as_text).and_then(Finish::named);
        let is_last = self.is_last == Some(true);
        let is_unknown = text.is_empty() && finish.is_none() && self.is_last.is_none();
        Event {
            text: text.or_else(|| text_of_transcript(kind, event)),
            finish: finish.or_else(|| is_last.then(Finish::stop)),
            last: is_last,
            needs_last: self.is_last.is_some(),
            usage: usage.and_then(Usage::read),
            shape: if is_unknown { shape_of_unknown(event) } else { Shape::Known },
            ..Event::default()
        }
    }
}

/// OpenAI's transcriptions: `transcript.text.delta`.
fn text_of_transcript<'a>(kind: &str, event: Object<'a>) -> Passage<'a> {
    let is_piece = kind == "transcript.text.delta";
    event.get("delta").filter(|_| is_piece).map_or(Passage::Empty, Passage::of)
}

/// Whether an event is nothing but a message or a detail.
fn shape_of_unknown(event: Object<'_>) -> Shape {
    let mut members = event.members();
    let is_message = members.next().is_some_and(|(name, value)| {
        matches!(name.raw(), b"message" | b"Message" | b"detail")
            && matches!(value, Value::Text(_))
            && value.holds_content()
    });
    if is_message && members.next().is_none() { Shape::Message } else { Shape::Unknown }
}

/// How deep data is looked for.
const MAX_DEPTH: u32 = 4;

/// Whether an event of no known shape holds any text that is not about the event itself: its ids,
/// its type, its status. If so, it may be a piece of the answer.
pub(in crate::stream) fn holds_data(event: Object<'_>) -> bool {
    holds_data_within(event, MAX_DEPTH)
}

fn holds_data_within(object: Object<'_>, depth: u32) -> bool {
    let is_data = |value: Value<'_>| match value {
        Value::Text(text) => text.raw().iter().any(|byte| !byte.is_ascii_whitespace()),
        Value::Object(inner) => depth > 0 && holds_data_within(inner, depth - 1),
        _ => false,
    };
    object.members().filter(|(name, _)| !is_about_the_event(name.raw())).any(|(_, value)| {
        match value {
            Value::Array(list) => list.items().any(is_data),
            value => is_data(value),
        }
    })
}

/// Whether a member of this name says something of the event, not of the answer.
fn is_about_the_event(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 27] = [
        b"id",
        b"object",
        b"type",
        b"event",
        b"event_type",
        b"model",
        b"modelVersion",
        b"created",
        b"status",
        b"state",
        b"phase",
        b"role",
        b"provider",
        b"system_fingerprint",
        b"service_tier",
        b"timestamp",
        b"ts",
        b"time",
        b"version",
        b"metadata",
        b"meta",
        b"code",
        b"usage",
        b"Usage",
        b"object_type",
        b"Note",
        b"name",
    ];
    const ENDS: [&[u8]; 7] = [b"_id", b"Id", b"ID", b"_at", b"At", b"_type", b"_name"];
    NAMES.contains(&name)
        || ENDS.iter().any(|end| name.ends_with(end))
        || name.starts_with(b"usage")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::json;

    #[test]
    fn data_is_told_from_words_about_the_event() {
        for (event, expected) in [
            (r#"{"foo":"bar"}"#, true),
            (r#"{"a":{"b":[{"c":"x"}]}}"#, true),
            (r#"{"type":"status","id":"1","created_at":"now","request_id":"r"}"#, false),
            (r#"{"progress":0.5,"done":false,"text":" "}"#, false),
            (r#"{"usageMetadata":{"modality":"TEXT"}}"#, false),
        ] {
            let event = json::parse(event.as_bytes()).unwrap().as_object().unwrap();
            assert_eq!(holds_data(event), expected, "{event:?}");
        }
    }
}
