//! The answer to a chat request: an echo, the same for the same request.

use serde_json::{Map, Value, json};

use crate::behaviour::Behaviour;
use crate::tools::{self, Call};
use crate::validation::truth;

/// What of a chat request matters to the answer. Read from any fields, valid or not.
#[derive(Debug)]
pub(crate) struct ChatRequest {
    pub(crate) model: String,
    /// The last user message, trimmed; `None` when there is none.
    pub(crate) prompt: Option<String>,
    pub(crate) stream: bool,
    /// Characters of all messages together.
    characters: u64,
    /// What came of the tools, if the last messages tell that.
    results: Vec<String>,
    /// The tools that the answer calls.
    pub(crate) calls: Vec<Call>,
}

impl ChatRequest {
    /// `has_tools` says whether the sandbox knows of tools.
    pub(crate) fn read(fields: &Map<String, Value>, has_tools: bool) -> Self {
        let messages: Vec<&Value> = match fields.get("messages") {
            Some(Value::Array(items)) => items.iter().collect(),
            Some(Value::Object(items)) => items.values().collect(),
            _ => Vec::new(),
        };
        let text = |message: &Value, name: &str| match message.get(name)? {
            Value::String(text) => Some(text.trim().to_owned()),
            Value::Array(parts) if has_tools => {
                Some(parts.iter().filter_map(|part| part.get("text")?.as_str()).collect())
            }
            _ => None,
        };
        let contents = || messages.iter().filter_map(|m| text(m, "content"));
        let prompt = messages
            .iter()
            .rev()
            .find(|m| text(m, "role").as_deref() == Some("user"))
            .and_then(|m| text(m, "content"));
        let last = messages.iter().rev();
        let results = last.take_while(|m| has_tools && text(m, "role").as_deref() == Some("tool"));
        let mut results: Vec<_> = results.filter_map(|m| text(m, "content")).collect();
        results.reverse();
        let calls = if has_tools && results.is_empty() {
            tools::calls(fields, prompt.as_deref().unwrap_or_default())
        } else {
            Vec::new()
        };
        Self {
            model: fields
                .get("model")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .trim()
                .to_owned(),
            prompt,
            stream: fields.get("stream").and_then(truth).unwrap_or(false),
            characters: contents().map(|c| c.chars().count() as u64).sum(),
            results,
            calls,
        }
    }

    /// Tokens of the messages: four characters count as one.
    pub(crate) fn prompt_tokens(&self) -> u64 {
        self.characters.div_ceil(4)
    }

    /// The answer's text.
    pub(crate) fn content(&self) -> String {
        match &self.results[..] {
            [] => format!("echo: {}", self.prompt.as_deref().unwrap_or_default()),
            results => format!("echo: {}", results.join(" ")),
        }
    }

    /// What an answer costs that calls tools.
    pub(crate) fn usage_of_calls(&self) -> Value {
        let characters: usize = self.calls.iter().map(Call::characters).sum();
        self.cost(characters)
    }

    pub(crate) fn usage(&self, content: &str) -> Value {
        if content.is_empty() {
            return json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0});
        }
        self.cost(content.chars().count())
    }

    fn cost(&self, characters: usize) -> Value {
        let prompt = self.prompt_tokens();
        let completion = (characters as u64).div_ceil(4);
        json!({
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        })
    }
}

/// What all parts of one answer share.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    pub(crate) behaviour: Behaviour,
    pub(crate) id: String,
    /// Unix seconds.
    pub(crate) created: u64,
    pub(crate) model: String,
}

impl Envelope {
    /// A whole answer.
    pub(crate) fn whole(&self, content: &str, usage: Value) -> Value {
        json!({
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [{
                "index": 0,
                "message": {"role": "assistant", "content": content},
                "finish_reason": "stop",
            }],
            "usage": usage,
        })
    }

    /// A whole answer that calls tools.
    pub(crate) fn calls(&self, calls: &[Call], usage: Value) -> Value {
        let calls = calls.iter().enumerate();
        let calls: Vec<Value> = calls.map(|(index, call)| call.whole(index, &self.id)).collect();
        let mut body = self.whole("", usage);
        body["choices"][0]["message"]["content"] = Value::Null;
        body["choices"][0]["message"]["tool_calls"] = calls.into();
        body["choices"][0]["finish_reason"] = "tool_calls".into();
        body
    }

    /// A chunk of a streamed answer, as an event.
    pub(crate) fn event(&self, delta: Value, finish: Option<&str>, usage: Option<Value>) -> String {
        let mut chunk = json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        });
        if let Some(usage) = usage {
            chunk["usage"] = usage;
        }
        format!("data: {}\n\n", self.behaviour.encode(&chunk))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_user_message_is_echoed_trimmed() {
        let fields = json!({"model": " m ", "stream": 1, "messages": [
            {"role": "system", "content": "four"},
            {"role": "user", "content": " first "},
            {"role": "user", "content": "  second\n"},
            {"role": "assistant", "content": "last"},
        ]});
        let request = ChatRequest::read(fields.as_object().unwrap(), false);
        assert_eq!(request.content(), "echo: second");
        assert_eq!((request.model.as_str(), request.stream), ("m", true));
        assert_eq!(request.prompt_tokens(), 5); // 4 + 5 + 6 + 4 characters
        let empty = ChatRequest::read(&Map::new(), false);
        assert_eq!((empty.content().as_str(), empty.prompt), ("echo: ", None));
    }
}
