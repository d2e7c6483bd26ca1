//! What a model said: the choices of an answer and their messages.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::tool_call::{ToolCall, calls_of};

/// A message of the model. Written by `serde` it is what came, so that it can go back in the next request:
/// see [`ChatRequest::message`](crate::ChatRequest::message).
#[derive(Clone, Default, PartialEq)]
pub struct ChatMessage {
    fields: Map<String, Value>,
    tool_calls: Vec<ToolCall>,
}

impl ChatMessage {
    pub(crate) fn new(fields: Map<String, Value>) -> Self {
        ChatMessage { tool_calls: calls_of(&fields), fields }
    }

    /// Of the pieces of a stream.
    pub(crate) fn put_together(content: &str, tool_calls: &[ToolCall]) -> Self {
        let mut fields = Map::new();
        fields.insert("role".to_owned(), "assistant".into());
        let content = Some(content).filter(|text| !text.is_empty() || tool_calls.is_empty());
        fields.insert("content".to_owned(), content.into());
        if !tool_calls.is_empty() {
            let calls = tool_calls.iter().filter_map(|call| serde_json::to_value(call).ok());
            fields.insert("tool_calls".to_owned(), calls.collect());
        }
        ChatMessage { fields, tool_calls: tool_calls.to_vec() }
    }

    /// Who says it: `assistant`.
    pub fn role(&self) -> &str {
        self.text("role").unwrap_or("assistant")
    }

    /// The text; `None` where the model only calls tools.
    pub fn content(&self) -> Option<&str> {
        self.text("content")
    }

    /// Why the model will not answer, where it says so apart from the text.
    pub fn refusal(&self) -> Option<&str> {
        self.text("refusal")
    }

    /// The tools that the model calls; often none.
    pub fn tool_calls(&self) -> &[ToolCall] {
        &self.tool_calls
    }

    /// Any member, such as one that only one service has; `None` if it is not there, or of another type.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        T::deserialize(self.fields.get(name)?).ok()
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str)
    }
}

impl Serialize for ChatMessage {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.fields.serialize(to)
    }
}

impl<'de> Deserialize<'de> for ChatMessage {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(ChatMessage::new(Map::deserialize(from)?))
    }
}

impl fmt::Debug for ChatMessage {
    /// Without what was said.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatMessage")
            .field("role", &self.role())
            .field("bytes", &self.content().map_or(0, str::len))
            .field("tool_calls", &self.tool_calls)
            .finish_non_exhaustive()
    }
}

/// One of the answers that the model gave: there are as many as the request's field `n` asked for.
#[derive(Clone, Default, PartialEq)]
pub struct Choice {
    fields: Map<String, Value>,
    message: ChatMessage,
}

impl Choice {
    /// A choice as it came, whatever is missing.
    pub(crate) fn new(mut fields: Map<String, Value>) -> Self {
        let message = match fields.remove("message") {
            Some(Value::Object(message)) => ChatMessage::new(message),
            _ => ChatMessage::default(),
        };
        Choice { fields, message }
    }

    /// Its place among the choices, counted from 0, where the service tells it.
    pub fn index(&self) -> Option<u64> {
        self.fields.get("index").and_then(Value::as_u64)
    }

    /// What the model said.
    pub fn message(&self) -> &ChatMessage {
        &self.message
    }

    /// Why the model stopped: `stop`, `length`, `tool_calls` and others.
    pub fn finish_reason(&self) -> Option<&str> {
        self.fields.get("finish_reason").and_then(Value::as_str)
    }

    /// Any other member, such as `logprobs`; `None` if it is not there, or of another type.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        T::deserialize(self.fields.get(name)?).ok()
    }
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Choice")
            .field("message", &self.message)
            .field("finish_reason", &self.finish_reason())
            .finish_non_exhaustive()
    }
}
