//! The answer to a chat request: an echo, the same for the same request.

use serde_json::{Map, Value, json};

use crate::behaviour::Behaviour;
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
}

impl ChatRequest {
    pub(crate) fn read(fields: &Map<String, Value>) -> Self {
        let messages: Vec<&Value> = match fields.get("messages") {
            Some(Value::Array(items)) => items.iter().collect(),
            Some(Value::Object(items)) => items.values().collect(),
            _ => Vec::new(),
        };
        let text = |message: &Value, name: &str| {
            message.get(name).and_then(Value::as_str).map(|t| t.trim().to_owned())
        };
        let contents = || messages.iter().filter_map(|m| text(m, "content"));
        Self {
            model: fields
                .get("model")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .trim()
                .to_owned(),
            prompt: messages
                .iter()
                .rev()
                .find(|m| text(m, "role").as_deref() == Some("user"))
                .and_then(|m| text(m, "content")),
            stream: fields.get("stream").and_then(truth).unwrap_or(false),
            characters: contents().map(|c| c.chars().count() as u64).sum(),
        }
    }

    /// Tokens of the messages: four characters count as one.
    pub(crate) fn prompt_tokens(&self) -> u64 {
        self.characters.div_ceil(4)
    }

    /// The answer's text.
    pub(crate) fn content(&self) -> String {
        format!("echo: {}", self.prompt.as_deref().unwrap_or_default())
    }

    pub(crate) fn usage(&self, content: &str) -> Value {
        if content.is_empty() {
            return json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0});
        }
        let prompt = self.prompt_tokens();
        let completion = (content.chars().count() as u64).div_ceil(4);
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
        let request = ChatRequest::read(fields.as_object().unwrap());
        assert_eq!(request.content(), "echo: second");
        assert_eq!((request.model.as_str(), request.stream), ("m", true));
        assert_eq!(request.prompt_tokens(), 5); // 4 + 5 + 6 + 4 characters
        let empty = ChatRequest::read(&Map::new());
        assert_eq!((empty.content().as_str(), empty.prompt), ("echo: ", None));
    }
}
