//! The fields of a request: JSON values by name, in their order, each name once.

use std::fmt;

use resayil_core::{Error, Kind};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The fields of a request.
#[derive(Clone, Default)]
pub(crate) struct Fields(Vec<(String, Field)>);

/// The value of a field. What came as JSON stays as it is, for a prompt may be long.
#[derive(Clone)]
pub(crate) enum Field {
    Json(Box<RawValue>),
    Value(Value),
}

impl Field {
    /// `what` says whose value it is, for the error.
    pub(crate) fn new(value: impl Serialize, what: &str) -> Result<Self, Error> {
        let value = serde_json::value::to_raw_value(&value);
        value.map(Field::Json).map_err(|error| unwritable(what, error))
    }

    pub(crate) fn to_value(&self) -> Value {
        match self {
            Field::Json(json) => serde_json::from_str(json.get()).unwrap_or_default(),
            Field::Value(value) => value.clone(),
        }
    }

    /// How many items a list has.
    pub(crate) fn count(&self) -> usize {
        match self {
            Field::Value(Value::Array(items)) => items.len(),
            Field::Value(_) => 0,
            Field::Json(json) => {
                serde_json::from_str::<Vec<IgnoredAny>>(json.get()).map_or(0, |list| list.len())
            }
        }
    }
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Field::Json(json) => json.serialize(to),
            Field::Value(value) => value.serialize(to),
        }
    }
}

impl Fields {
    /// Those of a request that was written as JSON.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`] if it is no JSON object.
    pub(crate) fn from_json(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text).map_err(|error| {
            // Not the error's own text alone: it says where, and never quotes.
            let place = format!("line {}, column {}", error.line(), error.column());
            invalid(&format!("the request is no JSON object ({place})"))
        })
    }

    /// Those of a request that a program has as a type of its own.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`] if it does not become a JSON object.
    pub(crate) fn from_serialize(request: impl Serialize) -> Result<Self, Error> {
        let text =
            serde_json::to_string(&request).map_err(|error| unwritable("the request", error))?;
        Self::from_json(&text)
    }

    pub(crate) fn insert(&mut self, name: &str, value: Field) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// # Errors
    ///
    /// [`Kind::Configuration`] if the value is no JSON.
    pub(crate) fn insert_json(&mut self, name: &str, json: &str) -> Result<(), Error> {
        let value = serde_json::from_str(json)
            .map_err(|_| invalid(&format!("the value of the field {name:?} is not JSON")))?;
        self.insert(name, Field::Value(value));
        Ok(())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Field> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Adds an item to a list; makes one of whatever else is there.
    pub(crate) fn push(&mut self, name: &str, item: Value) {
        let known = self.0.iter_mut().find(|(known, _)| known == name);
        if let Some((_, Field::Value(Value::Array(items)))) = known {
            items.push(item);
            return;
        }
        let mut items = match self.get(name).map(Field::to_value) {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        };
        items.push(item);
        self.insert(name, Field::Value(Value::Array(items)));
    }

    /// The model that they name.
    pub(crate) fn model(&self) -> Option<&str> {
        match self.get("model") {
            Some(Field::Value(model)) => model.as_str(),
            _ => None,
        }
    }

    /// As a JSON object.
    pub(crate) fn to_json(&self) -> String {
        // There is nothing in it that has no JSON.
        serde_json::to_string(&Members { fields: self, stream: None }).unwrap_or_default()
    }

    /// As a JSON object that says itself whether it is streamed.
    pub(crate) fn to_json_with_stream(&self, stream: bool) -> Result<String, Error> {
        serde_json::to_string(&Members { fields: self, stream: Some(stream) })
            .map_err(|error| unwritable("the request", error))
    }

    pub(crate) fn to_map(&self) -> Map<String, Value> {
        self.0.iter().map(|(name, value)| (name.clone(), value.to_value())).collect()
    }
}

/// The fields as an object. Whether it is streamed says who sends it, if anybody.
struct Members<'a> {
    fields: &'a Fields,
    stream: Option<bool>,
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        for (name, value) in &self.fields.0 {
            if self.stream.is_none() || name != "stream" {
                map.serialize_entry(name, value)?;
            }
        }
        if self.stream == Some(true) {
            map.serialize_entry("stream", &true)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;

        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Fields::default();
                while let Some(name) = map.next_key::<String>()? {
                    // It is asked for again and again.
                    let value = match name.as_str() {
                        "model" => Field::Value(map.next_value()?),
                        _ => Field::Json(map.next_value()?),
                    };
                    fields.insert(&name, value);
                }
                Ok(fields)
            }
        }

        from.deserialize_map(FieldsVisitor)
    }
}

/// What a program gave as a JSON object.
///
/// # Errors
///
/// [`Kind::Configuration`] if it is none.
pub(crate) fn object(value: impl Serialize, what: &str) -> Result<Value, Error> {
    match serde_json::to_value(value).map_err(|error| unwritable(what, error))? {
        object @ Value::Object(_) => Ok(object),
        _ => Err(invalid(&format!("{what} is no JSON object"))),
    }
}

pub(crate) fn invalid(problem: &str) -> Error {
    Error::new(Kind::Configuration, problem)
}

pub(crate) fn unwritable(what: &str, error: serde_json::Error) -> Error {
    invalid(&format!("{what} cannot be written as JSON")).with_source(error)
}
