//! The answer to a request for embeddings.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use resayil_core::{Error, Kind};
use serde::de::{DeserializeOwned, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::completion::Usage;
use crate::members;
use crate::response::Response;

/// The vectors of all inputs, and what they cost.
#[derive(Clone)]
pub struct EmbeddingResponse {
    data: Vec<Embedding>,
    model: Option<String>,
    usage: Option<Usage>,
    request_id: Option<String>,
    attempts: u32,
    json: String,
}

/// The vector of one input.
#[derive(Clone, PartialEq, Deserialize)]
pub struct Embedding {
    #[serde(rename = "embedding", deserialize_with = "vector")]
    vector: Vec<f32>,
    #[serde(default)]
    index: Option<u64>,
}

impl Embedding {
    /// The numbers.
    pub fn vector(&self) -> &[f32] {
        &self.vector
    }

    /// The numbers, without a copy.
    pub fn into_vector(self) -> Vec<f32> {
        self.vector
    }

    /// The place of its input in the request, counted from 0, where the service tells it.
    pub fn index(&self) -> Option<u64> {
        self.index
    }
}

impl fmt::Debug for Embedding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedding")
            .field("index", &self.index)
            .field("dimensions", &self.vector.len())
            .finish()
    }
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Embedding>,
    model: Option<String>,
    #[serde(default, deserialize_with = "crate::completion::usage")]
    usage: Option<Usage>,
}

impl EmbeddingResponse {
    /// Reads an answer that is no error.
    pub(crate) fn read(response: Response) -> Result<Self, Error> {
        let status = response.status;
        let unreadable = |problem| Error::new(Kind::Protocol, problem).with_status(status);
        let request_id = response.request_id().map(str::to_owned);
        let attempts = response.attempts;
        let json = String::from_utf8(response.body)
            .map_err(|error| unreadable("the answer is not UTF-8").with_source(error))?;
        let json = match json.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => json,
        };
        let mut answer: Answer = serde_json::from_str(&json)
            .map_err(|error| unreadable("the answer holds no embeddings").with_source(error))?;
        if answer.data.is_empty() {
            return Err(unreadable("the answer has no embedding"));
        }
        // Who tells the places may send them in any order.
        if answer.data.iter().all(|embedding| embedding.index.is_some()) {
            answer.data.sort_by_key(|embedding| embedding.index);
        }
        let Answer { data, model, usage } = answer;
        Ok(EmbeddingResponse { data, model, usage, request_id, attempts, json })
    }

    /// The vectors in the order of the inputs.
    pub fn data(&self) -> &[Embedding] {
        &self.data
    }

    /// The vectors in the order of the inputs, without a copy.
    pub fn into_data(self) -> Vec<Embedding> {
        self.data
    }

    /// The model that answered, as the service calls it.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// What they cost: tokens of the inputs alone.
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// How many requests were sent for this call.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The provider's id of the request.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Any member of the answer; `None` if it is not there, or of another type.
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
}

impl fmt::Debug for EmbeddingResponse {
    /// Without the vectors.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddingResponse")
            .field("model", &self.model)
            .field("embeddings", &self.data.len())
            .field("usage", &self.usage)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

/// A list of numbers, or 32-bit numbers in base64.
fn vector<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f32>, D::Error> {
    struct VectorVisitor;

    impl<'de> Visitor<'de> for VectorVisitor {
        type Value = Vec<f32>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of numbers, or 32-bit numbers in base64")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut vector = Vec::new();
            while let Some(number) = list.next_element()? {
                vector.push(number);
            }
            Ok(vector)
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
            let unusable = || E::custom("a vector is no 32-bit numbers in base64");
            let bytes = STANDARD.decode(text).map_err(|_| unusable())?;
            let numbers = bytes.chunks_exact(4);
            if !numbers.remainder().is_empty() {
                return Err(unusable());
            }
            let number = |bytes: &[u8]| bytes.try_into().map(f32::from_le_bytes).ok();
            Ok(numbers.filter_map(number).collect())
        }
    }

    from.deserialize_any(VectorVisitor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<EmbeddingResponse, Error> {
        let body = body.as_bytes().to_vec();
        let headers = Vec::new();
        EmbeddingResponse::read(Response {
            status: 200,
            headers,
            body,
            attempts: 1,
            fallback: None,
        })
    }

    #[test]
    fn numbers_and_base64_are_the_same() {
        let answer = read(
            "\u{feff}{\"object\":\"list\",\"data\":[{\"index\":1,\"embedding\":[1,-2.5]},\
             {\"index\":0,\"embedding\":\"AACAPwAAIMA=\"}],\"model\":\"m\",\
             \"usage\":{\"prompt_tokens\":3,\"total_tokens\":3}}",
        )
        .unwrap();
        let [first, second] = answer.data() else { panic!("{answer:?}") };
        assert_eq!((first.index(), second.index()), (Some(0), Some(1)));
        assert_eq!((first.vector(), second.vector()), (&[1.0, -2.5][..], &[1.0, -2.5][..]));
        assert_eq!((answer.model(), answer.usage().unwrap().total_tokens), (Some("m"), 3));
        assert_eq!(answer.get::<String>("object").as_deref(), Some("list"));
        assert!(!format!("{answer:?}").contains("2.5"), "{answer:?}");
    }

    #[test]
    fn without_their_places_they_keep_their_order() {
        let answer = read(r#"{"data":[{"embedding":[2]},{"index":0,"embedding":[1]}]}"#).unwrap();
        let vectors: Vec<_> = answer.into_data().into_iter().map(Embedding::into_vector).collect();
        assert_eq!(vectors, [[2.0], [1.0]]);
    }

    #[test]
    fn what_holds_no_vectors_is_an_error() {
        for bad in [
            "[]",
            "{}",
            r#"{"data":[]}"#,
            r#"{"data":[{}]}"#,
            r#"{"data":[{"embedding":"AACAPwA="}]}"#,
            r#"{"data":[{"embedding":"secret!"}]}"#,
            r#"{"data":[{"embedding":[null]}]}"#,
        ] {
            let error = read(bad).unwrap_err();
            assert_eq!(error.kind(), Kind::Protocol, "{bad}");
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
    }
}
