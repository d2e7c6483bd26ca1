//! Tools that a model may call.

use std::fmt;

use resayil_core::Error;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::fields::object;

/// A function that the model may call, as the API of OpenAI has it: `{"type": "function", "function": ..}`.
///
/// ```
/// use resayil::{ChatRequest, FunctionTool, ToolChoice};
/// use serde_json::json;
///
/// # fn main() -> Result<(), resayil::Error> {
/// let weather = FunctionTool::new("weather")
///     .description("The weather of today.")
///     .parameters(json!({
///         "type": "object",
///         "properties": {"city": {"type": "string"}},
///         "required": ["city"],
///     }))?;
/// let request = ChatRequest::new("gpt-4o-mini")
///     .user("What is the weather in Kuwait?")
///     .tool(&weather)
///     .tool_choice(ToolChoice::Required);
/// assert!(request.to_json().contains(r#""tools":[{"type":"function","function":{"name":"weather""#));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq)]
pub struct FunctionTool {
    function: Map<String, Value>,
}

impl FunctionTool {
    /// A function without a description and without parameters. OpenAI takes letters, digits, `_` and `-` in
    /// a name, at most 64 of them; the service checks it.
    pub fn new(name: &str) -> Self {
        let mut function = Map::new();
        function.insert("name".to_owned(), name.into());
        FunctionTool { function }
    }

    /// What the function does, and when the model is to call it.
    #[must_use]
    pub fn description(mut self, description: &str) -> Self {
        self.function.insert("description".to_owned(), description.into());
        self
    }

    /// What the function takes: a JSON schema, as a `json!({..})` or what a crate makes of a type.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`](crate::Kind::Configuration) if it does not become a JSON object.
    pub fn parameters(mut self, schema: impl Serialize) -> Result<Self, Error> {
        let schema = object(schema, "the schema of the parameters")?;
        self.function.insert("parameters".to_owned(), schema);
        Ok(self)
    }

    /// Whether the model has to keep to the schema in every point, where the service can enforce that.
    #[must_use]
    pub fn strict(mut self, is_strict: bool) -> Self {
        self.function.insert("strict".to_owned(), is_strict.into());
        self
    }

    /// The name of the function.
    pub fn name(&self) -> &str {
        self.function.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn to_value(&self) -> Value {
        json!({"type": "function", "function": self.function})
    }
}

impl Serialize for FunctionTool {
    /// As a request has it.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(to)
    }
}

impl fmt::Debug for FunctionTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionTool").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// Whether the model has to call a tool, and which.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ToolChoice {
    /// The model decides.
    Auto,
    /// It calls none.
    None,
    /// It calls at least one.
    Required,
    /// It calls the function of this name.
    Function(String),
}

impl ToolChoice {
    /// [`ToolChoice::Function`] of this name.
    pub fn function(name: &str) -> Self {
        ToolChoice::Function(name.to_owned())
    }

    pub(crate) fn to_value(&self) -> Value {
        match self {
            ToolChoice::Auto => "auto".into(),
            ToolChoice::None => "none".into(),
            ToolChoice::Required => "required".into(),
            ToolChoice::Function(name) => json!({"type": "function", "function": {"name": name}}),
        }
    }
}

impl Serialize for ToolChoice {
    /// As a request has it.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_written_as_the_api_has_them() {
        let tool = FunctionTool::new("f").description("d").strict(true);
        let tool = tool.parameters(json!({"type": "object"})).unwrap();
        let written = r#"{"type":"function","function":{"name":"f","description":"d","strict":true,"parameters":{"type":"object"}}}"#;
        assert_eq!(serde_json::to_string(&tool).unwrap(), written);
        assert_eq!(tool.name(), "f");
        let error = FunctionTool::new("f").parameters("secret").unwrap_err();
        assert_eq!(error.kind(), resayil_core::Kind::Configuration);
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }

    #[test]
    fn choices_are_words_or_name_a_function() {
        let all = [ToolChoice::Auto, ToolChoice::None, ToolChoice::Required];
        let all: Vec<_> = all.iter().map(ToolChoice::to_value).collect();
        assert_eq!(all, ["auto", "none", "required"]);
        let named = serde_json::to_string(&ToolChoice::function("f")).unwrap();
        assert_eq!(named, r#"{"type":"function","function":{"name":"f"}}"#);
    }
}
