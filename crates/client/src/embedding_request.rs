//! The request for embeddings.

use std::fmt;

use resayil_core::Error;
use serde::Serialize;
use serde_json::Value;

use crate::fields::{Field, Fields, unwritable};

/// A request for the vectors of texts. The service checks it; nothing is refused here but what cannot be sent
/// as JSON.
///
/// ```
/// use resayil::{EmbeddingRequest, EncodingFormat};
///
/// let request = EmbeddingRequest::new("text-embedding-3-small")
///     .inputs(["What is a quota?", "What is a window?"])
///     .dimensions(256)
///     .encoding_format(EncodingFormat::Base64);
/// assert!(request.to_json().contains(r#""input":["What is a quota?","What is a window?"]"#));
/// ```
#[derive(Clone, Default)]
pub struct EmbeddingRequest {
    fields: Fields,
    /// Tokens among the inputs, of which no text tells how many there are.
    tokens: u64,
}

/// How a service writes vectors. They are read either way, and told apart by how they look: what asks for
/// base64 may be answered with numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EncodingFormat {
    /// As numbers: the services' default.
    Float,
    /// As 32-bit numbers in base64, little-endian: less than half as long, and nothing is rounded.
    Base64,
}

impl EncodingFormat {
    /// `float` or `base64`.
    pub fn name(self) -> &'static str {
        match self {
            EncodingFormat::Float => "float",
            EncodingFormat::Base64 => "base64",
        }
    }
}

/// The field of the inputs.
const INPUT: &str = "input";

impl EmbeddingRequest {
    /// A request to this model, without inputs yet.
    pub fn new(model: &str) -> Self {
        let mut request = EmbeddingRequest::default();
        request.fields.insert("model", Field::Value(model.into()));
        request.fields.insert(INPUT, Field::Value(Value::Array(Vec::new())));
        request
    }

    /// A request that was written as JSON.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`](crate::Kind::Configuration) if it is no JSON object.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        Ok(EmbeddingRequest { fields: Fields::from_json(text)?, tokens: 0 })
    }

    /// A request that the program has as a type of its own, or of another crate.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`](crate::Kind::Configuration) if it does not become a JSON object.
    pub fn from_serialize(request: impl Serialize) -> Result<Self, Error> {
        Ok(EmbeddingRequest { fields: Fields::from_serialize(request)?, tokens: 0 })
    }

    /// Adds a text. Its vector has the place of the text: the first of 0.
    #[must_use]
    pub fn input(mut self, text: &str) -> Self {
        self.fields.push(INPUT, text.into());
        self
    }

    /// Adds texts. OpenAI takes 2,048 of them in a request.
    #[must_use]
    pub fn inputs<T: AsRef<str>>(self, texts: impl IntoIterator<Item = T>) -> Self {
        texts.into_iter().fold(self, |request, text| request.input(text.as_ref()))
    }

    /// Adds a text that is given as the tokens of the model.
    #[must_use]
    pub fn input_tokens(mut self, tokens: &[u32]) -> Self {
        self.tokens = self.tokens.saturating_add(tokens.len() as u64);
        self.fields.push(INPUT, tokens.iter().copied().map(Value::from).collect());
        self
    }

    /// How many numbers a vector has, where the model can make it shorter: 1 or more.
    #[must_use]
    pub fn dimensions(mut self, dimensions: u32) -> Self {
        self.fields.insert("dimensions", Field::Value(dimensions.into()));
        self
    }

    /// How the service writes the vectors. Without it the service's default is taken.
    #[must_use]
    pub fn encoding_format(mut self, format: EncodingFormat) -> Self {
        self.fields.insert("encoding_format", Field::Value(format.name().into()));
        self
    }

    /// Sets any field to any value: `field("input_type", "query")`.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`](crate::Kind::Configuration) if the value cannot be written as JSON.
    pub fn field(mut self, name: &str, value: impl Serialize) -> Result<Self, Error> {
        let value = serde_json::to_value(value)
            .map_err(|error| unwritable(&format!("the value of the field {name:?}"), error))?;
        self.fields.insert(name, Field::Value(value));
        Ok(self)
    }

    /// The model that the request names.
    pub fn model(&self) -> Option<&str> {
        self.fields.model()
    }

    /// The request as JSON, as [`Client::embeddings`](crate::Client::embeddings) sends it.
    pub fn to_json(&self) -> String {
        self.fields.to_json()
    }

    pub(crate) fn tokens(&self) -> u64 {
        self.tokens
    }
}

impl PartialEq for EmbeddingRequest {
    /// Whether both ask the same: how the JSON is written does not matter, nor in which order.
    fn eq(&self, other: &Self) -> bool {
        self.fields.to_map() == other.fields.to_map()
    }
}

impl fmt::Debug for EmbeddingRequest {
    /// Without the inputs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddingRequest")
            .field("model", &self.model())
            .field("inputs", &self.fields.get(INPUT).map_or(0, Field::count))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_written_as_the_api_has_them() {
        let request = EmbeddingRequest::new("m").input("a").input_tokens(&[1, 2]).dimensions(8);
        let request = request.encoding_format(EncodingFormat::Float).field("user", "u").unwrap();
        let written = r#"{"model":"m","input":["a",[1,2]],"dimensions":8,"encoding_format":"float","user":"u"}"#;
        assert_eq!((request.to_json().as_str(), request.tokens()), (written, 2));
        assert_eq!(request, EmbeddingRequest::from_json(written).unwrap());
        let own = serde_json::json!({"model": "m", "input": "one text"});
        let own = EmbeddingRequest::from_serialize(&own).unwrap();
        assert_eq!(own.to_json(), r#"{"model":"m","input":"one text"}"#);
        assert!(!format!("{own:?}").contains("text"), "{own:?}");
        assert!(EmbeddingRequest::from_serialize([1]).is_err());
    }
}
