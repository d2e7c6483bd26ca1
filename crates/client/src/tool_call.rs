//! Calls of tools that a model asks for.

use std::fmt;

use resayil_core::{Error, Kind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// A call of a tool that the model asks for. Written by `serde` it is what came, so that it can go back in the
/// message of the model; whatever a service adds to it goes back, too.
#[derive(Clone, Default, PartialEq)]
pub struct ToolCall {
    fields: Map<String, Value>,
}

impl ToolCall {
    /// Some servers send the arguments as the object that they are; the API has a text.
    pub(crate) fn new(mut fields: Map<String, Value>) -> Self {
        if let Some(arguments) = fields.get_mut("function").and_then(|it| it.get_mut("arguments")) {
            if arguments.is_object() {
                *arguments = arguments.to_string().into();
            }
        }
        ToolCall { fields }
    }

    /// The id, which the result has to name; empty where a service gives none.
    pub fn id(&self) -> &str {
        self.text("id")
    }

    /// `function`, or another kind of tool that a service has, such as `custom`.
    pub fn kind(&self) -> &str {
        match self.text("type") {
            "" => "function",
            kind => kind,
        }
    }

    /// The name of the tool.
    pub fn name(&self) -> &str {
        self.of_kind("name")
    }

    /// The arguments as the model wrote them: JSON, if the model kept to it, and the text that a tool of the
    /// kind `custom` takes.
    pub fn arguments(&self) -> &str {
        self.of_kind(if self.kind() == "custom" { "input" } else { "arguments" })
    }

    /// The arguments as a type of the program's own, or a `serde_json::Value`. No text at all is taken for
    /// `{}`.
    ///
    /// # Errors
    ///
    /// [`Kind::Protocol`] if the model wrote what is no JSON, or not of this type. To tell the model what was
    /// wrong, as the result of the call, mends it often.
    pub fn parse_arguments<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let arguments = match self.arguments().trim() {
            "" => "{}",
            arguments => arguments,
        };
        serde_json::from_str(arguments).map_err(|error| {
            let problem = format!("the arguments for the tool {:?} cannot be used", self.name());
            Error::new(Kind::Protocol, &problem).with_source(error)
        })
    }

    /// Any member, such as one that only one service has; `None` if it is not there, or of another type.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        T::deserialize(self.fields.get(name)?).ok()
    }

    fn text(&self, name: &str) -> &str {
        self.fields.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn of_kind(&self, name: &str) -> &str {
        let tool = self.fields.get(self.kind());
        tool.and_then(|tool| tool.get(name)?.as_str()).unwrap_or_default()
    }

    pub(crate) fn fields_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.fields
    }
}

impl Serialize for ToolCall {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.fields.serialize(to)
    }
}

impl<'de> Deserialize<'de> for ToolCall {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(ToolCall::new(Map::deserialize(from)?))
    }
}

impl fmt::Debug for ToolCall {
    /// Without the arguments.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolCall")
            .field("id", &self.id())
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

/// The calls of a message.
pub(crate) fn calls_of(message: &Map<String, Value>) -> Vec<ToolCall> {
    let Some(Value::Array(calls)) = message.get("tool_calls") else { return Vec::new() };
    let objects = calls.iter().filter_map(Value::as_object);
    objects.map(|call| ToolCall::new(call.clone())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(json: Value) -> ToolCall {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_call_is_read_and_goes_back_with_all_that_it_has() {
        let json = json!({"id": "a", "type": "function", "extra_content": {"signature": "x"},
            "function": {"name": "weather", "arguments": "{\"city\": \"Kuwait\"}"}});
        let call = call(json.clone());
        assert_eq!((call.id(), call.kind(), call.name()), ("a", "function", "weather"));
        let arguments: Map<String, Value> = call.parse_arguments().unwrap();
        assert_eq!(arguments["city"], "Kuwait");
        assert_eq!(call.get::<Value>("extra_content").unwrap()["signature"], "x");
        assert_eq!((call.get::<u32>("id"), call.get::<Value>("none")), (None, None));
        assert_eq!(serde_json::to_value(&call).unwrap(), json);
        assert!(!format!("{call:?}").contains("Kuwait"), "{call:?}");
    }

    #[test]
    fn other_forms_are_borne() {
        let bare = call(json!({}));
        assert_eq!(
            (bare.id(), bare.kind(), bare.name(), bare.arguments()),
            ("", "function", "", "")
        );
        assert_eq!(bare.parse_arguments::<Value>().unwrap(), json!({}));
        let object = call(json!({"function": {"name": "f", "arguments": {"a": 1}}}));
        assert_eq!(object.arguments(), r#"{"a":1}"#);
        let custom =
            call(json!({"type": "custom", "custom": {"name": "sql", "input": "select 1"}}));
        assert_eq!((custom.name(), custom.arguments()), ("sql", "select 1"));
    }

    #[test]
    fn bad_arguments_are_an_error_that_names_the_tool() {
        for arguments in ["{\"city\": secret", "[\"secret\"]"] {
            let call = call(json!({"function": {"name": "f", "arguments": arguments}}));
            let error = call.parse_arguments::<Map<String, Value>>().unwrap_err();
            assert_eq!(error.kind(), Kind::Protocol);
            assert!(error.to_string().contains("\"f\""), "{error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
