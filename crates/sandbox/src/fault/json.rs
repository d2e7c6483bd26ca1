//! Faults as JSON: by name or as an object, fields left out taking their defaults.

use std::str::FromStr;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Fault, FaultError};

impl Fault {
    /// Reads a fault from JSON: an object, or its name as a string.
    pub(crate) fn from_value(value: &Value) -> Result<Self, FaultError> {
        let object = match value {
            Value::String(name) => json!({ "fault": name }),
            other => other.clone(),
        };
        if let Some(name) = object["fault"].as_str() {
            if !Self::NAMES.contains(&name) {
                return Err(FaultError(format!(
                    "unknown fault {name:?}: choose one of {}",
                    Self::NAMES.join(", ")
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
        for name in Fault::NAMES {
            let fault: Fault = name.parse().unwrap();
            assert_eq!(fault.name(), *name);
            let json = serde_json::to_string(&fault).unwrap();
            assert!(json.contains(&format!("\"fault\":\"{name}\"")), "{json}");
            assert_eq!(json.parse::<Fault>().unwrap(), fault);
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
            ("{", "EOF"),
        ] {
            let error = text.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
