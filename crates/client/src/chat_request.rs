//! The request for a chat.

use std::fmt;

use resayil_core::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use crate::fields::{Field, Fields, invalid, object, unwritable};
use crate::tool::{FunctionTool, ToolChoice};

/// A request for a chat completion. The service checks it; nothing is refused here but what cannot
/// be sent as JSON.
///
/// ```
/// use resayil::ChatRequest;
///
/// # fn main() -> Result<(), resayil::Error> {
/// let request = ChatRequest::new("mistral")
///     .system("Answer in one word.")
///     .user("What colour is the sky?")
///     .temperature(0.2)
///     .max_tokens(20)
///     .field("top_p", 0.9)?;
/// assert!(request.to_json().starts_with(r#"{"model":"mistral","messages":[{"role":"system","#));
/// # Ok(())
/// # }
/// ```
///
/// Messages, fields and whole requests may be types of the program's own, or of another crate:
/// whatever `serde` writes.
///
/// ```
/// use resayil::ChatRequest;
/// use serde::Serialize;
///
/// #[derive(Serialize)]
/// struct Question<'a> {
///     model: &'a str,
///     messages: Vec<Message<'a>>,
///     temperature: f64,
/// }
///
/// #[derive(Serialize)]
/// struct Message<'a> {
///     role: &'a str,
///     content: &'a str,
/// }
///
/// # fn main() -> Result<(), resayil::Error> {
/// let hello = Message { role: "user", content: "Hello" };
/// let question = Question { model: "mistral", messages: vec![hello], temperature: 0.2 };
/// let request = ChatRequest::from_serialize(&question)?;
/// assert_eq!(request.model(), Some("mistral"));
///
/// let same = ChatRequest::new("mistral").messages(&question.messages)?.temperature(0.2);
/// assert_eq!(request, same);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct ChatRequest {
    fields: Fields,
    /// The request in place of fields, where these were not looked for yet.
    written: Option<Written>,
}

/// A request that a face of ours wrote as JSON: an object that names this model, and no `stream`.
#[derive(Clone)]
struct Written {
    json: String,
    model: String,
}

/// The field of the messages.
const MESSAGES: &str = "messages";

impl ChatRequest {
    /// A request to this model, without messages yet.
    pub fn new(model: &str) -> Self {
        let mut request = ChatRequest::default();
        request.fields.insert("model", Field::Value(model.into()));
        request.fields.insert(MESSAGES, Field::Value(Value::Array(Vec::new())));
        request
    }

    /// A request that was written as JSON.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`](crate::Kind::Configuration) if it is no JSON object.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        Ok(ChatRequest { fields: Fields::from_json(text)?, written: None })
    }

    /// A request that the program has as a type of its own, or of another crate. A field `stream` has no
    /// effect: the method of the client decides.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`](crate::Kind::Configuration) if it does not become a JSON object.
    pub fn from_serialize(request: impl Serialize) -> Result<Self, Error> {
        Ok(ChatRequest { fields: Fields::from_serialize(request)?, written: None })
    }

    /// A request that a face of ours has written, which need not be read again: the JSON of an object that is
    /// not empty, and has this model and no `stream`.
    #[doc(hidden)]
    pub fn from_written(json: String, model: &str) -> Self {
        debug_assert!(Self::from_json(&json).is_ok_and(|read| read.model() == Some(model)));
        let written = Written { json, model: model.to_owned() };
        ChatRequest { fields: Fields::default(), written: Some(written) }
    }

    /// The fields, looked for if that was not done yet.
    fn fields(&mut self) -> &mut Fields {
        if let Some(written) = self.written.take() {
            self.fields = Fields::from_json(&written.json).unwrap_or_default();
        }
        &mut self.fields
    }

    /// The request as JSON, as [`Client::chat`](crate::Client::chat) sends it.
    pub fn to_json(&self) -> String {
        match &self.written {
            Some(written) => written.json.clone(),
            None => self.fields.to_json(),
        }
    }

    /// Adds instructions to the model.
    #[must_use]
    pub fn system(self, content: &str) -> Self {
        self.push(json!({"role": "system", "content": content}))
    }

    /// Adds what the user says.
    #[must_use]
    pub fn user(self, content: &str) -> Self {
        self.push(json!({"role": "user", "content": content}))
    }

    /// Adds what the model answered before. An answer that calls tools goes back whole: see
    /// [`message`](Self::message).
    #[must_use]
    pub fn assistant(self, content: &str) -> Self {
        self.push(json!({"role": "assistant", "content": content}))
    }

    /// Adds what came of a call of a tool, which [`ToolCall::id`](crate::ToolCall::id) names. It follows the
    /// message of the model that called it.
    #[must_use]
    pub fn tool_result(self, tool_call_id: &str, content: &str) -> Self {
        self.push(json!({"role": "tool", "tool_call_id": tool_call_id, "content": content}))
    }

    /// Adds any message: a type of the program's own, a `json!({..})`, or the
    /// [`ChatMessage`](crate::ChatMessage) of an answer, which goes back with all that it has.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`](crate::Kind::Configuration) if it does not become a JSON object.
    pub fn message(self, message: impl Serialize) -> Result<Self, Error> {
        Ok(self.push(object(message, "the message")?))
    }

    /// Adds any messages, behind those that are there.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`](crate::Kind::Configuration) if they do not become a list of JSON objects.
    pub fn messages(mut self, messages: impl Serialize) -> Result<Self, Error> {
        let messages = serde_json::to_value(messages)
            .map_err(|error| unwritable("the list of messages", error))?;
        let Value::Array(messages) = messages else {
            return Err(invalid("the messages are no list"));
        };
        for message in messages {
            self = self.message(message)?;
        }
        Ok(self)
    }

    fn push(mut self, message: Value) -> Self {
        self.fields().push(MESSAGES, message);
        self
    }

    /// Adds a function that the model may call. Another kind of tool that a service has is given by
    /// [`field`](Self::field): `field("tools", ..)`.
    #[must_use]
    pub fn tool(mut self, tool: &FunctionTool) -> Self {
        self.fields().push("tools", tool.to_value());
        self
    }

    /// Whether the model has to call a tool, and which. Without it the model decides.
    #[must_use]
    pub fn tool_choice(mut self, choice: ToolChoice) -> Self {
        self.fields().insert("tool_choice", Field::Value(choice.to_value()));
        self
    }

    /// Whether the model may call several tools in one answer. Most services allow it by default.
    #[must_use]
    pub fn parallel_tool_calls(mut self, are_allowed: bool) -> Self {
        self.fields().insert("parallel_tool_calls", Field::Value(are_allowed.into()));
        self
    }

    /// How freely the model chooses its words: from 0 to 2. What is no number is sent as `null`, and
    /// refused by the service.
    #[must_use]
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.fields().insert("temperature", Field::Value(json!(temperature)));
        self
    }

    /// The longest answer, in tokens: 1 or more.
    #[must_use]
    pub fn max_tokens(mut self, tokens: u32) -> Self {
        self.fields().insert("max_tokens", Field::Value(tokens.into()));
        self
    }

    /// Sets any field to any value: `field("top_p", 0.9)`, `field("response_format", &schema)`. A field
    /// `stream` has no effect: the method of the client decides.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`](crate::Kind::Configuration) if the value cannot be written as JSON.
    pub fn field(mut self, name: &str, value: impl Serialize) -> Result<Self, Error> {
        let value = match name {
            // It is asked for again and again.
            "model" => Field::Value(
                serde_json::to_value(value).map_err(|error| unwritable("the model", error))?,
            ),
            _ => Field::new(value, &format!("the value of the field {name:?}"))?,
        };
        self.fields().insert(name, value);
        Ok(self)
    }

    /// Sets any field to a value that is written as JSON: `set("top_p", "0.9")`. A field `stream` has no
    /// effect: the method of the client decides.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`](crate::Kind::Configuration) if the value is no JSON.
    pub fn set(mut self, name: &str, json: &str) -> Result<Self, Error> {
        self.fields().insert_json(name, json)?;
        Ok(self)
    }

    /// The model that the request names.
    pub fn model(&self) -> Option<&str> {
        match &self.written {
            Some(written) => Some(&written.model),
            None => self.fields.model(),
        }
    }

    /// What to send.
    pub(crate) fn body(&self, stream: bool) -> Result<String, Error> {
        if let Some(Written { json, .. }) = &self.written {
            let open = json.trim_end().strip_suffix('}').unwrap_or(json);
            return Ok(if stream { format!("{open},\"stream\":true}}") } else { json.clone() });
        }
        self.fields.to_json_with_stream(stream)
    }
}

impl<'de> Deserialize<'de> for ChatRequest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(ChatRequest { fields: Fields::deserialize(from)?, written: None })
    }
}

impl PartialEq for ChatRequest {
    /// Whether both ask the same: how the JSON is written does not matter, nor in which order.
    fn eq(&self, other: &Self) -> bool {
        let values = |it: &Self| it.clone().fields().to_map();
        values(self) == values(other)
    }
}

impl fmt::Debug for ChatRequest {
    /// Without the prompt.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut read = self.clone();
        f.debug_struct("ChatRequest")
            .field("model", &self.model())
            .field("messages", &read.fields().get(MESSAGES).map_or(0, Field::count))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
