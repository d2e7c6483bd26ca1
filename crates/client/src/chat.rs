//! The whole answer to a chat.

use resayil_core::{Error, Kind};

use crate::completion::Completion;
pub use crate::completion::Usage;
use crate::response::Response;

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
