//! An answer as it came.

use resayil_core::Error;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::transport::Headers;

/// A successful answer: status, headers and body.
#[derive(Clone)]
pub struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
    pub(crate) attempts: u32,
    pub(crate) fallback: Option<usize>,
}

impl Response {
    /// The HTTP status, 200 to 299.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The headers in order; names in lower case, values as bytes.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// The value of the first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The body, unpacked.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body, without a copy.
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// The body as a type of the program's own, or of another crate.
    ///
    /// # Errors
    ///
    /// [`Kind::Protocol`](crate::Kind::Protocol) if it is no JSON, or not of this type.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, Error> {
        crate::members::whole(&self.body)
    }

    /// The text of the first choice, if this is a chat completion; empty if the model only calls
    /// tools. It is looked for anew each time.
    pub fn content(&self) -> Option<String> {
        crate::chat::content_of(&self.body)
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

    /// The provider's id of the request, to name when asking for support.
    pub fn request_id(&self) -> Option<&str> {
        request_id(&self.headers)
    }
}

impl std::fmt::Debug for Response {
    /// Without the body and the values of headers.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

pub(crate) fn request_id(headers: &Headers) -> Option<&str> {
    resayil_core::answer::request_id(headers, None)
}

/// The model that a request names.
pub(crate) fn model_of(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        model: String,
    }
    serde_json::from_slice::<Named>(body).ok().map(|named| named.model)
}
