//! Chat completions: the request, and the whole answer.

use resayil_core::{Error, Kind};
use serde_json::{Map, Value, json};

use crate::completion::Completion;
pub use crate::completion::Usage;
use crate::response::Response;

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
#[derive(Clone, PartialEq)]
pub struct ChatRequest {
    fields: Map<String, Value>,
}

impl ChatRequest {
    /// A request to this model, without messages yet.
    pub fn new(model: &str) -> Self {
        let mut fields = Map::new();
        fields.insert("model".to_owned(), model.into());
        fields.insert("messages".to_owned(), Value::Array(Vec::new()));
        ChatRequest { fields }
    }

    /// A request that was written as JSON.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`] if it is no JSON object.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text).map(|fields| ChatRequest { fields }).map_err(|error| {
            // Not the error's own text alone: it says where, and never quotes.
            let place = format!("line {}, column {}", error.line(), error.column());
            invalid(&format!("the request is no JSON object ({place})"))
        })
    }

    /// The request as JSON, as [`Client::chat`](crate::Client::chat) sends it.
    pub fn to_json(&self) -> String {
        Value::Object(self.fields.clone()).to_string()
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
        let messages = self.fields.entry("messages").or_insert(Value::Null);
        if !messages.is_array() {
            *messages = Value::Array(Vec::new());
        }
        if let Value::Array(messages) = messages {
            messages.push(json!({"role": role, "content": content}));
        }
        self
    }

    /// How freely the model chooses its words: from 0 to 2. What is no number is sent as `null`, and
    /// refused by the service.
    #[must_use]
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.fields.insert("temperature".to_owned(), json!(temperature));
        self
    }

    /// The longest answer, in tokens: 1 or more.
    #[must_use]
    pub fn max_tokens(mut self, tokens: u32) -> Self {
        self.fields.insert("max_tokens".to_owned(), tokens.into());
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
        self.fields.insert(name.to_owned(), value);
        Ok(self)
    }

    /// The model that the request names.
    pub fn model(&self) -> Option<&str> {
        self.fields.get("model").and_then(Value::as_str)
    }

    /// What to send.
    pub(crate) fn body(&self, stream: bool) -> Result<String, Error> {
        let mut fields = self.fields.clone();
        fields.shift_remove("stream");
        if stream {
            fields.insert("stream".to_owned(), true.into());
        }
        serde_json::to_string(&fields).map_err(|_| invalid("the request cannot be written as JSON"))
    }
}

impl std::fmt::Debug for ChatRequest {
    /// Without the prompt.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let messages = self.fields.get("messages").and_then(Value::as_array).map(Vec::len);
        f.debug_struct("ChatRequest")
            .field("model", &self.model())
            .field("messages", &messages.unwrap_or_default())
            .finish_non_exhaustive()
    }
}

fn invalid(problem: &str) -> Error {
    Error::new(Kind::Configuration, problem)
}

/// A whole answer.
#[derive(Clone)]
pub struct ChatCompletion {
    content: String,
    finish_reason: Option<String>,
    model: Option<String>,
    usage: Option<Usage>,
    request_id: Option<String>,
    attempts: u32,
    fallback: Option<usize>,
    json: String,
}

/// The text of the first choice of a chat completion.
pub(crate) fn content_of(body: &[u8]) -> Option<String> {
    let completion: Completion = serde_json::from_slice(without_bom(body)).ok()?;
    completion.choice.map(|choice| choice.message.content.unwrap_or_default())
}

/// A body without the mark of byte order that some put in front of UTF-8 (RFC 8259 section 8.1).
pub(crate) fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

impl ChatCompletion {
    /// Reads an answer that is no error.
    pub(crate) fn read(response: Response) -> Result<Self, Error> {
        let unreadable = |problem| Error::new(Kind::Protocol, problem).with_status(response.status);
        let completion: Completion = serde_json::from_slice(without_bom(&response.body))
            .map_err(|error| unreadable("the answer is no chat completion").with_source(error))?;
        let Some(choice) = completion.choice else {
            return Err(unreadable("the answer has no choices"));
        };
        let request_id = response.request_id().map(str::to_owned);
        let (attempts, fallback) = (response.attempts, response.fallback);
        let status = response.status;
        let mut json = String::from_utf8(response.body).map_err(|_| {
            Error::new(Kind::Protocol, "the answer is not UTF-8").with_status(status)
        })?;
        if json.starts_with('\u{feff}') {
            json.drain(..'\u{feff}'.len_utf8());
        }
        Ok(ChatCompletion {
            content: choice.message.content.unwrap_or_default(),
            finish_reason: choice.finish_reason,
            model: completion.model,
            usage: completion.usage,
            request_id,
            attempts,
            fallback,
            json,
        })
    }

    /// The text of the first choice; empty if the model only calls tools.
    pub fn content(&self) -> &str {
        &self.content
    }

    /// Why the model stopped: `stop`, `length` and others.
    pub fn finish_reason(&self) -> Option<&str> {
        self.finish_reason.as_deref()
    }

    /// The model that answered, as the service calls it.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// What the answer cost.
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// The whole answer as it came: JSON.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// How many requests were sent for this call.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Which target of the client's [`Fallback`](crate::call::Fallback) answered, counted from 0; `None` for
    /// the one that was asked first.
    pub fn fallback(&self) -> Option<usize> {
        self.fallback
    }

    /// The provider's id of the request.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

impl std::fmt::Debug for ChatCompletion {
    /// Without the answer.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChatCompletion")
            .field("model", &self.model)
            .field("finish_reason", &self.finish_reason)
            .field("usage", &self.usage)
            .field("attempts", &self.attempts)
            .field("bytes", &self.json.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<ChatCompletion, Error> {
        let body = body.as_bytes().to_vec();
        let headers = Vec::new();
        ChatCompletion::read(Response { status: 200, headers, body, attempts: 1, fallback: None })
    }

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
    fn a_message_can_follow_what_came_as_json() {
        let request = ChatRequest::from_json(r#"{"model":"m"}"#).unwrap().user("hi");
        assert_eq!(
            request.to_json(),
            r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#
        );
        assert!(!format!("{request:?}").contains("hi"));
    }

    #[test]
    fn gaps_in_an_answer_are_borne() {
        let answer = read(
            r#"{"choices":[{"message":{"content":null,"tool_calls":[]},"finish_reason":"tool_calls"}],"usage":"free"}"#,
        )
        .unwrap();
        assert_eq!((answer.content(), answer.usage()), ("", None));
        let marked = read("\u{feff}{\"choices\":[{\"message\":{\"content\":\"hi\"}},{}]}").unwrap();
        assert_eq!((marked.content(), &marked.json()[..1]), ("hi", "{"));
        for bad in ["{}", r#"{"choices":[]}"#, r#"{"choices":[{}]}"#] {
            assert_eq!(read(bad).unwrap_err().kind(), Kind::Protocol, "{bad}");
        }
    }
}
