//! Calls of tools, which compatible services have and LLM Resayil has not.
//!
//! Which tools are called is decided by the request alone: those that the last user message names, or, if one
//! has to be called, the first.

use serde_json::{Map, Value, json};

/// A call that the model asks for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    name: String,
    /// JSON.
    arguments: String,
}

/// The calls that the answer to these fields makes.
pub(crate) fn calls(fields: &Map<String, Value>, prompt: &str) -> Vec<Call> {
    let functions = || {
        let tools = fields.get("tools").and_then(Value::as_array).into_iter().flatten();
        tools.filter_map(|tool| tool.get("function"))
    };
    let name = |function: &Value| function.get("name").and_then(Value::as_str).map(str::to_owned);
    let choice = fields.get("tool_choice").unwrap_or(&Value::Null);
    let forced = choice.pointer("/function/name").and_then(Value::as_str);
    let is_named = |function: &&Value| match forced {
        Some(forced) => name(function).as_deref() == Some(forced),
        None => name(function).is_some_and(|name| !name.is_empty() && prompt.contains(&name)),
    };
    if choice == "none" {
        return Vec::new();
    }
    let mut called: Vec<&Value> = functions().filter(is_named).collect();
    if called.is_empty() && choice == "required" {
        called.extend(functions().next());
    }
    if fields.get("parallel_tool_calls") == Some(&Value::Bool(false)) {
        called.truncate(1);
    }
    let call = |function: &Value| {
        let arguments = arguments(function.get("parameters").unwrap_or(&Value::Null), prompt);
        Some(Call { name: name(function)?, arguments: arguments.to_string() })
    };
    called.into_iter().filter_map(call).collect()
}

/// What fits a schema: the prompt for each text, its length for each number.
fn arguments(schema: &Value, prompt: &str) -> Value {
    let properties = schema.get("properties").and_then(Value::as_object);
    let value = |schema: &Value| match schema.get("type").and_then(Value::as_str) {
        Some("string") => match schema.pointer("/enum/0") {
            Some(first) => first.clone(),
            None => prompt.into(),
        },
        Some("integer" | "number") => prompt.chars().count().into(),
        Some("boolean") => true.into(),
        Some("array") => json!([]),
        Some("object") => json!({}),
        _ => Value::Null,
    };
    let members = properties.into_iter().flatten();
    members.map(|(name, schema)| (name.clone(), value(schema))).collect::<Map<_, _>>().into()
}

impl Call {
    fn id(index: usize, of: &str) -> String {
        format!("call_{index}_{of}")
    }

    /// As a whole answer has it.
    pub(crate) fn whole(&self, index: usize, of: &str) -> Value {
        json!({
            "id": Self::id(index, of),
            "type": "function",
            "function": {"name": self.name, "arguments": self.arguments},
        })
    }

    /// As a stream has it: the name first, then the arguments in two pieces.
    pub(crate) fn deltas(&self, index: usize, of: &str) -> [Value; 3] {
        let half = self.arguments.len() / 2;
        let half = (half..).find(|at| self.arguments.is_char_boundary(*at)).unwrap_or(0);
        let (first, second) = self.arguments.split_at(half);
        let mut begin = self.whole(index, of);
        begin["index"] = index.into();
        begin["function"]["arguments"] = "".into();
        let piece = |text: &str| json!({"index": index, "function": {"arguments": text}});
        [begin, piece(first), piece(second)].map(|call| json!({"tool_calls": [call]}))
    }

    /// Characters that it costs.
    pub(crate) fn characters(&self) -> usize {
        self.name.chars().count() + self.arguments.chars().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(tool_choice: Value, parallel: bool, prompt: &str) -> Vec<String> {
        let tool = |name: &str| json!({"type": "function", "function": {"name": name}});
        let fields = json!({"tools": [tool("weather"), tool("time")], "tool_choice": tool_choice,
            "parallel_tool_calls": parallel});
        calls(fields.as_object().unwrap(), prompt).into_iter().map(|call| call.name).collect()
    }

    #[test]
    fn the_prompt_or_the_choice_says_what_is_called() {
        let none: [&str; 0] = [];
        assert_eq!(names(json!("auto"), true, "hello"), none);
        assert_eq!(names(json!(null), true, "time and weather"), ["weather", "time"]);
        assert_eq!(names(json!(null), false, "time and weather"), ["weather"]);
        assert_eq!(names(json!("none"), true, "time"), none);
        assert_eq!(names(json!("required"), true, "hello"), ["weather"]);
        let forced = json!({"type": "function", "function": {"name": "time"}});
        assert_eq!(names(forced, true, "weather"), ["time"]);
        assert_eq!(calls(&Map::new(), "x"), []);
    }

    #[test]
    fn arguments_fit_the_schema() {
        let schema = json!({"properties": {"a": {"type": "string"}, "b": {"type": "integer"},
            "c": {"type": "string", "enum": ["x"]}, "d": {}}});
        let filled = arguments(&schema, "äb");
        assert_eq!(filled, json!({"a": "äb", "b": 2, "c": "x", "d": null}));
        let call = Call { name: "f".to_owned(), arguments: "{\"ä\":1}".to_owned() };
        let text: String = call.deltas(0, "x")[1..]
            .iter()
            .filter_map(|it| it.pointer("/tool_calls/0/function/arguments")?.as_str())
            .collect();
        assert_eq!(text, call.arguments);
    }
}
