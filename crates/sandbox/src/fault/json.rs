//! Faults as JSON: by name or as an object, fields left out taking their defaults.

use std::str::FromStr;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Fault, FaultError};
use crate::wire::WireKind;

/// What stands in `fault` for all faults of the wire; which one is in `kind`.
const WIRE: &str = "wire";

impl Fault {
    /// Reads a fault from JSON: an object, or its name as a string.
    pub(crate) fn from_value(value: &Value) -> Result<Self, FaultError> {
        let mut object = match value {
            Value::String(name) => json!({ "fault": name }),
            other => other.clone(),
        };
        if let Some(name) = object["fault"].as_str() {
            let wire = || WireKind::ALL.iter().map(|kind| kind.name());
            if wire().any(|known| known == name) {
                object["kind"] = name.into();
                object["fault"] = WIRE.into();
            } else if name != WIRE && !Self::NAMES.contains(&name) {
                let known: Vec<_> = Self::NAMES.iter().copied().chain(wire()).collect();
                return Err(FaultError(format!(
                    "unknown fault {name:?}: choose one of {}",
                    known.join(", ")
                )));
            }
        }
        let fault: Fault = serde_json::from_value(object).map_err(|error| {
            FaultError(format!(
                "{error}; a fault is a name or an object such as {{\"fault\": \"drop\"}}"
            ))
        })?;
        fault.validate()?;
        Ok(fault)
    }
}

impl Fault {
    /// Reads a fault as it stands in a path: `name~parameter=value`.
    pub(crate) fn from_path(text: &str) -> Result<Self, FaultError> {
        let mut parts = text.split('~');
        let mut object = serde_json::Map::new();
        object.insert("fault".to_owned(), parts.next().unwrap_or_default().into());
        for part in parts {
            let (name, value) = part.split_once('=').ok_or_else(|| {
                FaultError(format!("{part:?} is no parameter: it looks like name=value"))
            })?;
            let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
            object.insert(name.to_owned(), value);
        }
        Self::from_value(&object.into())
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    /// Reads a fault's name, or its JSON object.
    fn from_str(text: &str) -> Result<Self, FaultError> {
        let text = text.trim();
        if text.starts_with('{') {
            let value = serde_json::from_str(text).map_err(|e| FaultError(e.to_string()))?;
            Self::from_value(&value)
        } else {
            Self::from_value(&Value::String(text.to_owned()))
        }
    }
}

pub(super) fn default_1() -> usize {
    1
}
pub(super) fn default_16() -> usize {
    16
}
pub(super) fn default_200() -> u16 {
    200
}
pub(super) fn default_302() -> u16 {
    302
}
pub(super) fn default_500() -> u16 {
    500
}
pub(super) fn default_502() -> u16 {
    502
}
pub(super) fn default_huge() -> u64 {
    100 * 1024 * 1024
}
pub(super) fn default_interval() -> Duration {
    Duration::from_millis(100)
}
pub(super) fn default_location() -> String {
    "http://127.0.0.1:9/".to_owned()
}
pub(super) fn default_retry_after() -> u64 {
    1
}

/// A duration as a number of seconds.
pub(super) mod seconds {
    use std::time::Duration;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(time.as_secs_f64())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(from)?;
        Duration::try_from_secs_f64(seconds)
            .map_err(|_| D::Error::custom("a duration is a number of seconds, 0 or more"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_to_the_fault_of_that_name_and_survives_json() {
        for name in Fault::NAMES.iter().copied().chain(WireKind::ALL.iter().map(|kind| kind.name()))
        {
            let fault: Fault = name.parse().unwrap();
            assert_eq!(fault.name(), name);
            let json = serde_json::to_string(&fault).unwrap();
            assert!(json.contains(&format!("\":\"{name}\"")), "{json}");
            assert_eq!(json.parse::<Fault>().unwrap(), fault);
        }
    }

    #[test]
    fn a_path_names_a_fault_with_its_parameters() {
        let fault = Fault::from_path("raw_status~status=600").unwrap();
        assert_eq!(fault.name(), "raw_status");
        assert_eq!(serde_json::to_value(&fault).unwrap()["status"], 600);
        let fault = Fault::from_path("cut_stream~end=close~events=3").unwrap();
        assert_eq!(fault, Fault::CutStream { end: crate::CutEnd::Close, events: 3 });
        for bad in ["", "nonsense", "gzip~status", "gzip~a=1"] {
            assert!(Fault::from_path(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn bad_faults_say_what_is_wrong() {
        for (text, part) in [
            ("nonsense", "unknown fault \"nonsense\""),
            (r#"{"fault":"empty","status":99}"#, "status 99"),
            (r#"{"fault":"slow_drip","bytes":0}"#, "bytes"),
            (r#"{"fault":"slow_drip","interval":-1}"#, "seconds"),
            (r#"{"fault":"slow_drip","interval":1e9}"#, "3600"),
            (r#"{"fault":"rate_limited","retryafter":1}"#, "retryafter"),
            (r#"{"fault":"status","headers":[["a\nb","c"]]}"#, "header"),
            (r#"{"fault":"redirect","location":"x\r\ny"}"#, "location"),
            (r#"{"status":500}"#, "fault"),
            (r#"{"fault":"gzip","size":1}"#, "size"),
            (r#"{"fault":"raw_status","status":1000}"#, "999"),
            (r#"{"fault":"head_drip","seconds":1e9}"#, "3600"),
            ("{", "EOF"),
        ] {
            let error = text.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
