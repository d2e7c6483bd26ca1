//! The list of models.

use resayil_core::{Error, Kind};
use serde::Deserialize;

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

#[derive(Deserialize)]
struct List {
    data: Vec<Model>,
}

pub(crate) fn read(body: &[u8]) -> Result<Vec<Model>, Error> {
    serde_json::from_slice::<List>(body).map(|list| list.data).map_err(|error| {
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
    }
}
