//! The list of models.

use std::fmt;

use resayil_core::{Error, Kind};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::chat::without_bom;

/// A model that the key may use.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Model {
    /// The name to use in requests.
    pub id: String,
    /// What the object is; `model`.
    #[serde(default)]
    pub object: Option<String>,
    /// When it was made, in seconds since 1970.
    #[serde(default)]
    pub created: Option<i64>,
    /// Whose it is.
    #[serde(default)]
    pub owned_by: Option<String>,
}

/// No service has more; a list without end would fill the memory.
const MAX_MODELS: usize = 10_000;

#[derive(Deserialize)]
struct List {
    #[serde(deserialize_with = "bounded")]
    data: Vec<Model>,
}

fn bounded<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Model>, D::Error> {
    struct Models;

    impl<'de> Visitor<'de> for Models {
        type Value = Vec<Model>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MAX_MODELS} models")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut models = Vec::new();
            while let Some(model) = list.next_element()? {
                if models.len() == MAX_MODELS {
                    return Err(serde::de::Error::invalid_length(MAX_MODELS + 1, &self));
                }
                models.push(model);
            }
            Ok(models)
        }
    }

    from.deserialize_seq(Models)
}

pub(crate) fn read(body: &[u8]) -> Result<Vec<Model>, Error> {
    serde_json::from_slice::<List>(without_bom(body)).map(|list| list.data).map_err(|error| {
        Error::new(Kind::Protocol, "the answer is no list of models").with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_and_gaps_are_borne() {
        let body = br#"{"object":"list","data":[{"id":"m","created":3,"more":{}},{"id":"n","owned_by":null}]}"#;
        let models = read(body).unwrap();
        assert_eq!((models[0].id.as_str(), models[0].created), ("m", Some(3)));
        assert_eq!(models[1].owned_by, None);
        assert_eq!(read(b"[]").unwrap_err().kind(), Kind::Protocol);
        let list = |count| {
            format!("\u{feff}{{\"data\":[{}{{\"id\":\"m\"}}]}}", r#"{"id":"m"},"#.repeat(count))
        };
        assert_eq!(read(list(MAX_MODELS - 1).as_bytes()).unwrap().len(), MAX_MODELS);
        assert_eq!(read(list(MAX_MODELS).as_bytes()).unwrap_err().kind(), Kind::Protocol);
    }
}
