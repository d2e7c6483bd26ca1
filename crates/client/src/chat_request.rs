//! The request for a chat.

use std::fmt;

use resayil_core::{Error, Kind};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

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
///     .set("top_p", "0.9")?;
/// assert!(request.to_json().starts_with(r#"{"model":"mistral","messages":[{"role":"system","#));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct ChatRequest {
    /// In their order; each name once.
    fields: Vec<(String, Field)>,
    /// The request in place of fields, where these were not looked for yet.
    written: Option<Written>,
}

/// A request that a face of ours wrote as JSON: an object that names this model, and no `stream`.
#[derive(Clone)]
struct Written {
    json: String,
    model: String,
}

/// The value of a field. What came as JSON stays as it is, for a prompt may be long.
#[derive(Clone)]
enum Field {
    Json(Box<RawValue>),
    Value(Value),
}

impl Field {
    fn to_value(&self) -> Value {
        match self {
            Field::Json(json) => serde_json::from_str(json.get()).unwrap_or_default(),
            Field::Value(value) => value.clone(),
        }
    }
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Field::Json(json) => json.serialize(to),
            Field::Value(value) => value.serialize(to),
        }
    }
}

impl ChatRequest {
    /// A request to this model, without messages yet.
    pub fn new(model: &str) -> Self {
        let mut request = ChatRequest::default();
        request.insert("model", Field::Value(model.into()));
        request.insert("messages", Field::Value(Value::Array(Vec::new())));
        request
    }

    /// A request that was written as JSON.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`] if it is no JSON object.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text).map_err(|error| {
            // Not the error's own text alone: it says where, and never quotes.
            let place = format!("line {}, column {}", error.line(), error.column());
            invalid(&format!("the request is no JSON object ({place})"))
        })
    }

    /// A request that a face of ours has written, which need not be read again: the JSON of an object that is
    /// not empty, and has this model and no `stream`.
    #[doc(hidden)]
    pub fn from_written(json: String, model: &str) -> Self {
        debug_assert!(Self::from_json(&json).is_ok_and(|read| read.model() == Some(model)));
        let written = Written { json, model: model.to_owned() };
        ChatRequest { fields: Vec::new(), written: Some(written) }
    }

    /// Looks for the fields, if that was not done yet.
    fn read(&mut self) {
        if let Some(written) = self.written.take() {
            *self = Self::from_json(&written.json).unwrap_or_default();
        }
    }

    /// The request as JSON, as [`Client::chat`](crate::Client::chat) sends it.
    pub fn to_json(&self) -> String {
        if let Some(written) = &self.written {
            return written.json.clone();
        }
        // There is nothing in it that has no JSON.
        serde_json::to_string(&Members { fields: &self.fields, stream: None }).unwrap_or_default()
    }

    fn insert(&mut self, name: &str, value: Field) {
        self.read();
        match self.fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => self.fields.push((name.to_owned(), value)),
        }
    }

    fn get(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Adds instructions to the model.
    #[must_use]
    pub fn system(self, content: &str) -> Self {
        self.message("system", content)
    }

    /// Adds what the user says.
    #[must_use]
    pub fn user(self, content: &str) -> Self {
        self.message("user", content)
    }

    /// Adds what the model answered before.
    #[must_use]
    pub fn assistant(self, content: &str) -> Self {
        self.message("assistant", content)
    }

    fn message(mut self, role: &str, content: &str) -> Self {
        self.read();
        let message = json!({"role": role, "content": content});
        let name = "messages";
        if let Some((_, Field::Value(Value::Array(messages)))) =
            self.fields.iter_mut().find(|(known, _)| known == name)
        {
            messages.push(message);
            return self;
        }
        let mut messages = match self.get(name).map(Field::to_value) {
            Some(Value::Array(messages)) => messages,
            _ => Vec::new(),
        };
        messages.push(message);
        self.insert(name, Field::Value(Value::Array(messages)));
        self
    }

    /// How freely the model chooses its words: from 0 to 2. What is no number is sent as `null`, and
    /// refused by the service.
    #[must_use]
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.insert("temperature", Field::Value(json!(temperature)));
        self
    }

    /// The longest answer, in tokens: 1 or more.
    #[must_use]
    pub fn max_tokens(mut self, tokens: u32) -> Self {
        self.insert("max_tokens", Field::Value(tokens.into()));
        self
    }

    /// Sets any field to a value that is written as JSON. A field `stream` has no effect: the method
    /// of the client decides.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`] if the value is no JSON.
    pub fn set(mut self, name: &str, json: &str) -> Result<Self, Error> {
        let value = serde_json::from_str(json)
            .map_err(|_| invalid(&format!("the value of the field {name:?} is not JSON")))?;
        self.insert(name, Field::Value(value));
        Ok(self)
    }

    /// The model that the request names.
    pub fn model(&self) -> Option<&str> {
        if let Some(written) = &self.written {
            return Some(&written.model);
        }
        match self.get("model") {
            Some(Field::Value(model)) => model.as_str(),
            _ => None,
        }
    }

    /// What to send.
    pub(crate) fn body(&self, stream: bool) -> Result<String, Error> {
        if let Some(Written { json, .. }) = &self.written {
            let open = json.trim_end().strip_suffix('}').unwrap_or(json);
            return Ok(if stream { format!("{open},\"stream\":true}}") } else { json.clone() });
        }
        serde_json::to_string(&Members { fields: &self.fields, stream: Some(stream) })
            .map_err(|_| invalid("the request cannot be written as JSON"))
    }
}

/// The fields as an object. Whether it is streamed says who sends it, if anybody.
struct Members<'a> {
    fields: &'a [(String, Field)],
    stream: Option<bool>,
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        for (name, value) in self.fields {
            if self.stream.is_none() || name != "stream" {
                map.serialize_entry(name, value)?;
            }
        }
        if self.stream == Some(true) {
            map.serialize_entry("stream", &true)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for ChatRequest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = ChatRequest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut request = ChatRequest::default();
        while let Some(name) = map.next_key::<String>()? {
            // It is asked for again and again.
            let value = match name.as_str() {
                "model" => Field::Value(map.next_value()?),
                _ => Field::Json(map.next_value()?),
            };
            request.insert(&name, value);
        }
        Ok(request)
    }
}

impl PartialEq for ChatRequest {
    /// Whether both ask the same: how the JSON is written does not matter, nor in which order.
    fn eq(&self, other: &Self) -> bool {
        let values = |it: &Self| -> Map<String, Value> {
            let mut it = it.clone();
            it.read();
            it.fields.iter().map(|(name, value)| (name.clone(), value.to_value())).collect()
        };
        values(self) == values(other)
    }
}

impl fmt::Debug for ChatRequest {
    /// Without the prompt.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut read = self.clone();
        read.read();
        let messages = match read.get("messages") {
            Some(Field::Value(Value::Array(messages))) => messages.len(),
            Some(Field::Json(json)) => {
                serde_json::from_str::<Vec<IgnoredAny>>(json.get()).map_or(0, |list| list.len())
            }
            _ => 0,
        };
        f.debug_struct("ChatRequest")
            .field("model", &self.model())
            .field("messages", &messages)
            .finish_non_exhaustive()
    }
}

fn invalid(problem: &str) -> Error {
    Error::new(Kind::Configuration, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_field_follows_the_method() {
        let request = ChatRequest::new("m").set("stream", "true").unwrap();
        assert!(!request.body(false).unwrap().contains("stream"));
        assert!(request.body(true).unwrap().ends_with(r#""stream":true}"#));
    }

    #[test]
    fn bad_json_is_refused_without_showing_it() {
        for error in [
            ChatRequest::from_json("[\"secret\"]").unwrap_err(),
            ChatRequest::from_json("{\"a\": secret}").unwrap_err(),
            ChatRequest::new("m").set("x", "secret").unwrap_err(),
        ] {
            assert_eq!(error.kind(), Kind::Configuration);
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
    }

    #[test]
    fn what_was_written_is_sent_as_it_is() {
        let text = r#"{"model": "m", "messages": [{"role":"user","content":"hi"}]}"#;
        let request = ChatRequest::from_written(text.to_owned(), "m");
        assert_eq!(request, ChatRequest::from_json(text).unwrap());
        assert_eq!((request.model(), request.to_json().as_str()), (Some("m"), text));
        assert_eq!(request.body(false).unwrap(), text);
        let streamed: Value = serde_json::from_str(&request.body(true).unwrap()).unwrap();
        assert_eq!(streamed["stream"], true);
        let longer = request.user("and?").temperature(0.5);
        assert_eq!(longer.to_json().matches("role").count(), 2);
        assert!(format!("{longer:?}").contains("messages: 2"), "{longer:?}");
    }

    #[test]
    fn a_message_can_follow_what_came_as_json() {
        let request = ChatRequest::from_json(r#"{"model":"m"}"#).unwrap().user("hi");
        assert_eq!(
            request.to_json(),
            r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#
        );
        assert!(!format!("{request:?}").contains("hi"));
    }

    #[test]
    fn json_is_sent_as_it_was_written_each_field_once() {
        let text =
            r#"{"a":1,"messages": [{"role":"user","content":"\u00e4 \n"}],"model":"m\n","a":1e2}"#;
        let request = ChatRequest::from_json(text).unwrap();
        assert_eq!(request.model(), Some("m\n"));
        let sent = r#"{"a":1e2,"messages":[{"role":"user","content":"\u00e4 \n"}],"model":"m\n"}"#;
        assert_eq!(request.to_json(), sent);
        let other = r#"{"model":"m\n","a":100.0,"messages":[{"content":"ä \n","role":"user"}]}"#;
        assert_eq!(request, ChatRequest::from_json(other).unwrap());
        assert_ne!(request, ChatRequest::from_json("{}").unwrap());
        assert!(format!("{request:?}").contains("messages: 1"), "{request:?}");
        let longer = request.user("more").to_json();
        assert!(longer.contains(r#""ä \n"},{"role":"user","content":"more"}"#), "{longer}");
        assert_eq!(ChatRequest::from_json(r#"{"model":7}"#).unwrap().model(), None);
    }
}
