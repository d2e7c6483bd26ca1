//! Members of an answer by name, for what has no type of ours.

use std::collections::HashMap;

use resayil_core::{Error, Kind};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::chat::without_bom;

/// A member of an object; `None` if it is not there, or of another type.
pub(crate) fn member<T: DeserializeOwned>(json: &str, name: &str) -> Option<T> {
    let members: HashMap<String, &RawValue> = serde_json::from_str(json).ok()?;
    serde_json::from_str(members.get(name)?.get()).ok()
}

/// A whole answer as a type of the program's own.
pub(crate) fn whole<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(without_bom(body)).map_err(|error| {
        let problem = "the answer cannot be read as the type that was asked for";
        Error::new(Kind::Protocol, problem).with_source(error)
    })
}
