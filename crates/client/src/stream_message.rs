//! The message of a stream, put together from its events.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::choice::ChatMessage;
use crate::completion::Usage;
use crate::tool_call::ToolCall;

/// What the events of a stream add up to, as far as they were given.
#[derive(Default)]
pub(crate) struct StreamMessage {
    content: String,
    tool_calls: Vec<ToolCall>,
    /// Where the call of each `index` is.
    places: HashMap<u64, usize>,
    usage: Option<Usage>,
}

/// An event, as far as it is read.
#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    choices: Vec<EventChoice>,
    #[serde(default, deserialize_with = "crate::completion::usage")]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct EventChoice {
    #[serde(default)]
    index: u64,
    /// Some servers send `[]` for nothing.
    #[serde(default)]
    delta: Value,
    /// Some send the whole message, and so does who does not stream.
    #[serde(default)]
    message: Value,
}

impl StreamMessage {
    /// Takes in an event: the text that it adds, and its JSON.
    pub(crate) fn add(&mut self, text: &str, data: &str) {
        self.content.push_str(text);
        // Most events hold a piece of text, and need not be read for it again.
        if !data.contains("\"tool_calls\"") && !has_usage(data) {
            return;
        }
        let Ok(event) = serde_json::from_str::<Event>(data) else { return };
        self.usage = event.usage.or(self.usage);
        for choice in event.choices.into_iter().filter(|choice| choice.index == 0) {
            for mut part in [choice.delta, choice.message] {
                if let Some(Value::Array(calls)) = part.get_mut("tool_calls").map(Value::take) {
                    calls.into_iter().for_each(|call| self.add_call(call));
                }
            }
        }
    }

    /// Takes in a piece of a call. `index` says of which; without it a new id begins a new call. Some servers
    /// send whole calls, all of them with the index 0.
    fn add_call(&mut self, piece: Value) {
        let Value::Object(mut piece) = piece else { return };
        let index = piece.remove("index").and_then(|index| index.as_u64());
        let piece = ToolCall::new(piece);
        let known = match index {
            Some(index) => self.places.get(&index).copied(),
            None => self.tool_calls.len().checked_sub(1),
        };
        let call = known.and_then(|place| self.tool_calls.get_mut(place));
        match call.filter(|call| piece.id().is_empty() || [piece.id(), ""].contains(&call.id())) {
            Some(call) => merge(call.fields_mut(), piece),
            None => {
                if let Some(index) = index {
                    self.places.insert(index, self.tool_calls.len());
                }
                self.tool_calls.push(piece);
            }
        }
    }

    pub(crate) fn tool_calls(&self) -> &[ToolCall] {
        &self.tool_calls
    }

    pub(crate) fn usage(&self) -> Option<Usage> {
        self.usage
    }

    pub(crate) fn message(&self) -> ChatMessage {
        ChatMessage::put_together(&self.content, &self.tool_calls)
    }
}

/// Whether an event tells what the answer cost: most say `null`, or nothing.
fn has_usage(data: &str) -> bool {
    let mut rest = data.split("\"usage\"").skip(1);
    rest.any(|rest| rest.trim_start_matches([' ', ':']).starts_with('{'))
}

/// Adds a later piece to a call: texts grow, all else is replaced.
fn merge(call: &mut Map<String, Value>, mut piece: ToolCall) {
    for (name, value) in std::mem::take(piece.fields_mut()) {
        match (call.get_mut(&name), value) {
            (_, Value::Null) => {}
            (Some(Value::Object(known)), Value::Object(more)) => {
                for (name, value) in more {
                    add_text(known, name, value);
                }
            }
            // An id that is repeated, or empty.
            (Some(Value::String(known)), Value::String(_)) if !known.is_empty() => {}
            (_, value) => {
                call.insert(name, value);
            }
        }
    }
}

/// The arguments come in pieces. The name comes once, or whole each time.
fn add_text(known: &mut Map<String, Value>, name: String, value: Value) {
    match (known.get_mut(&name), value) {
        (_, Value::Null) => {}
        (Some(Value::String(text)), Value::String(more)) => {
            if name != "name" || *text != more {
                text.push_str(&more);
            }
        }
        (_, value) => {
            known.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(deltas: &[Value]) -> StreamMessage {
        let mut message = StreamMessage::default();
        for delta in deltas {
            let event = json!({"choices": [{"index": 0, "delta": {"tool_calls": delta}}]});
            message.add("", &event.to_string());
        }
        message
    }

    fn calls(deltas: &[Value]) -> Vec<(String, String, String)> {
        let text = |text: &str| text.to_owned();
        let message = of(deltas);
        let calls = message.tool_calls().iter();
        calls.map(|it| (text(it.id()), text(it.name()), text(it.arguments()))).collect()
    }

    fn call(id: &str, name: &str, arguments: &str) -> (String, String, String) {
        (id.to_owned(), name.to_owned(), arguments.to_owned())
    }

    #[test]
    fn pieces_go_to_the_call_of_their_index() {
        let deltas = [
            json!([{"index": 0, "id": "a", "type": "function",
                "function": {"name": "f", "arguments": ""}}]),
            json!([{"index": 0, "function": {"arguments": "{\"x\""}}]),
            json!([{"index": 1, "id": "b", "type": "function",
                "function": {"name": "g", "arguments": "{"}}]),
            json!([{"index": 1, "function": {"arguments": "}"}},
                {"index": 0, "id": null, "type": null, "function": {"name": null, "arguments": ":1}"}}]),
        ];
        assert_eq!(calls(&deltas), [call("a", "f", "{\"x\":1}"), call("b", "g", "{}")]);
        let message = of(&deltas).message();
        assert_eq!((message.role(), message.content()), ("assistant", None));
        let written = serde_json::to_value(&message).unwrap();
        assert_eq!(
            written["tool_calls"][0],
            json!({"id": "a", "type": "function",
            "function": {"name": "f", "arguments": "{\"x\":1}"}})
        );
    }

    #[test]
    fn ids_and_names_that_are_repeated_are_taken_once() {
        let piece = |arguments: &str| {
            json!([{"index": 0, "id": "a", "type": "function",
                "function": {"name": "f", "arguments": arguments}}])
        };
        assert_eq!(calls(&[piece("{"), piece("}")]), [call("a", "f", "{}")]);
        let later = json!([{"index": 0, "id": "", "function": {"name": "", "arguments": "}"}}]);
        assert_eq!(calls(&[piece("{"), later]), [call("a", "f", "{}")]);
        let split = json!([{"index": 0, "function": {"name": "_2"}}]);
        assert_eq!(calls(&[piece("{}"), split]), [call("a", "f_2", "{}")]);
    }

    #[test]
    fn whole_calls_without_their_index_are_told_apart_by_id() {
        let whole = |index: Option<u64>, id: &str| {
            let mut call = json!({"id": id, "function": {"name": "f", "arguments": {"id": id}}});
            if let Some(index) = index {
                call["index"] = index.into();
            }
            json!([call])
        };
        for index in [None, Some(0)] {
            let deltas = [whole(index, "a"), whole(index, "b")];
            let expected = [call("a", "f", "{\"id\":\"a\"}"), call("b", "f", "{\"id\":\"b\"}")];
            assert_eq!(calls(&deltas), expected);
        }
        let rest = json!([{"function": {"arguments": " "}}]);
        assert_eq!(calls(&[whole(None, "a"), rest])[0].2, "{\"id\":\"a\"} ");
        assert_eq!(calls(&[json!({}), json!([7, null]), json!("x")]), []);
        let far = json!([{"index": u64::MAX, "id": "z", "function": {"name": "f"}}]);
        assert_eq!(calls(&[far]), [call("z", "f", "")]);
    }

    #[test]
    fn whole_messages_and_other_choices_are_told_apart() {
        let mut message = StreamMessage::default();
        let event = json!({"choices": [
            {"index": 0, "message": {"tool_calls": [{"id": "a", "function": {"name": "f"}}]}},
            {"index": 1, "delta": {"tool_calls": [{"index": 0, "id": "b"}]}},
        ]});
        message.add("hi", &event.to_string());
        message.add(" there", r#"{"choices":[{"delta":[]}],"note":"no \"tool_calls\" here"}"#);
        assert_eq!(message.tool_calls().len(), 1);
        assert_eq!(message.message().content(), Some("hi there"));
    }

    #[test]
    fn the_last_event_tells_what_it_cost() {
        let mut message = StreamMessage::default();
        message.add("a", r#"{"choices":[],"usage":null}"#);
        assert_eq!(message.usage(), None);
        message.add("", r#"{"choices":[],"usage" : {"prompt_tokens":1,"total_tokens":3}}"#);
        message.add("", r#"{"choices":[],"usage":null}"#);
        assert_eq!(message.usage().map(|usage| usage.total_tokens), Some(3));
    }
}
