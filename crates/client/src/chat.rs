//! The whole answer to a chat.

use std::sync::{LazyLock, OnceLock};

use resayil_core::{Error, Kind};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::choice::{ChatMessage, Choice};
use crate::completion::Completion;
pub use crate::completion::Usage;
use crate::members;
use crate::response::Response;
use crate::tool_call::ToolCall;

/// A whole answer.
///
/// ```
/// use resayil::{ChatRequest, Client, FunctionTool, ToolChoice};
/// use resayil_sandbox::Sandbox;
/// use serde::Deserialize;
/// use serde_json::json;
///
/// #[derive(Deserialize)]
/// struct Place {
///     city: String,
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let sandbox = Sandbox::builder().openai_features(true).start()?;
/// # let client = Client::builder().base_url(&sandbox.base_url()).api_key(sandbox.api_key()).build()?;
/// let weather = FunctionTool::new("weather").parameters(json!({
///     "type": "object",
///     "properties": {"city": {"type": "string"}},
///     "required": ["city"],
/// }))?;
/// let request = ChatRequest::new("mistral").user("Kuwait").tool(&weather);
/// let answer = client.chat(&request.clone().tool_choice(ToolChoice::Required))?;
/// assert_eq!(answer.finish_reason(), Some("tool_calls"));
///
/// // Run the calls, and send what came of them behind the message that asked for it.
/// let mut next = request.message(answer.message())?;
/// for call in answer.tool_calls() {
///     let place: Place = call.parse_arguments()?;
///     next = next.tool_result(call.id(), &format!("It is hot in {}.", place.city));
/// }
/// assert!(client.chat(&next)?.content().contains("It is hot in Kuwait."));
/// # Ok(())
/// # }
/// ```
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
    /// Read when they are asked for: most programs want the text alone.
    choices: OnceLock<Vec<Choice>>,
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
            choices: OnceLock::new(),
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

    /// All answers that the model gave, in their order: as many as the request's field `n` asked for.
    pub fn choices(&self) -> &[Choice] {
        self.choices.get_or_init(|| self.read_choices())
    }

    fn read_choices(&self) -> Vec<Choice> {
        #[derive(Deserialize)]
        struct All<'a> {
            #[serde(borrow)]
            choices: Vec<&'a RawValue>,
        }
        let all = serde_json::from_str(&self.json).unwrap_or(All { choices: Vec::new() });
        let read = |json: &&RawValue| serde_json::from_str(json.get()).ok().map(Choice::new);
        all.choices.iter().map(|choice| read(choice).unwrap_or_default()).collect()
    }

    /// The message of the first choice, as it has to go back in the next request.
    pub fn message(&self) -> &ChatMessage {
        static NONE: LazyLock<ChatMessage> = LazyLock::new(ChatMessage::default);
        self.choices().first().map_or(&NONE, Choice::message)
    }

    /// The tools that the first choice calls; often none.
    pub fn tool_calls(&self) -> &[ToolCall] {
        self.message().tool_calls()
    }

    /// Any member of the answer, such as `system_fingerprint`, or all that `usage` holds; `None` if it is not
    /// there, or of another type.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        members::member(&self.json, name)
    }

    /// The whole answer as a type of the program's own, or of another crate.
    ///
    /// # Errors
    ///
    /// [`Kind::Protocol`] if it is not of this type.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, Error> {
        members::whole(self.json.as_bytes())
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
    fn choices_and_members_are_read_when_asked_for() {
        let answer = read(
            r#"{"id":"x","choices":[
                {"index":0,"message":{"role":"assistant","content":"a","reasoning_content":"r"},"finish_reason":"stop"},
                {"index":1,"message":{"content":null,"tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]},
                 "finish_reason":"tool_calls","logprobs":{"content":[]}},
                {"message":7},
                {"message":{"content":"b"},"score":1e999}],
            "usage":{"prompt_tokens":1,"prompt_tokens_details":{"cached_tokens":1}}}"#,
        )
        .unwrap();
        let [first, second, third, fourth] = answer.choices() else { panic!("{answer:?}") };
        assert_eq!((first.index(), first.finish_reason()), (Some(0), Some("stop")));
        assert_eq!(answer.message().get::<String>("reasoning_content").as_deref(), Some("r"));
        assert!(answer.tool_calls().is_empty());
        assert_eq!(second.message().tool_calls()[0].name(), "f");
        assert!(second.get::<serde_json::Value>("logprobs").is_some());
        assert_eq!((third.message().content(), third.finish_reason()), (None, None));
        assert_eq!(fourth.index(), None);
        let usage: serde_json::Value = answer.get("usage").unwrap();
        assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 1);
        assert_eq!((answer.get::<u8>("id"), answer.get::<u8>("none")), (None, None));
        assert_eq!(answer.deserialize::<Vec<u8>>().unwrap_err().kind(), Kind::Protocol);
        let whole: std::collections::BTreeMap<String, serde::de::IgnoredAny> =
            answer.deserialize().unwrap();
        assert_eq!(whole.len(), 3);
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
