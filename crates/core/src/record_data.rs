//! The error record and the name of a kind by way of serde, for any format.

use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};

use crate::error::Error;
use crate::kind::Kind;
use crate::messages::ENGLISH;
use crate::record::{Member, members, rate_limit_members};

/// As its name.
impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// As the error record, the same as [`Error::to_json`] writes.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = members(self, &ENGLISH);
        let mut record = serializer.serialize_struct("Error", members.len())?;
        for (name, member) in &members {
            record.serialize_field(name, member)?;
        }
        record.end()
    }
}

impl Serialize for Member<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Member::Null => serializer.serialize_none(),
            Member::Flag(flag) => serializer.serialize_bool(*flag),
            Member::Number(number) => serializer.serialize_u64(*number),
            Member::Text(text) => serializer.serialize_str(text),
            Member::Seconds(duration) => serializer.serialize_f64(duration.as_secs_f64()),
            Member::Time(time) => serializer.serialize_f64(time.unix_seconds_f64()),
            Member::Texts(texts) => serializer.collect_seq(texts),
            Member::RateLimit(limit) => {
                let members = rate_limit_members(limit);
                let mut object = serializer.serialize_struct("RateLimit", members.len())?;
                for (name, member) in &members {
                    object.serialize_field(name, member)?;
                }
                object.end()
            }
            Member::FieldErrors(error) => {
                let fields = error.field_errors();
                let mut map = serializer.serialize_map(None)?;
                for field in fields {
                    map.serialize_entry(field.field, &field.messages)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Kind, Timestamp, classify};

    #[test]
    fn the_record_is_the_same_by_way_of_serde() {
        let headers = [
            ("retry-after", "7.5"),
            ("x-ratelimit-limit", "20"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "784111800"),
        ];
        let limited =
            r#"{"error":{"message":"on tokens per min (TPM): Limit 9, \"slow\"","code":429}}"#;
        let invalid = r#"{"error":{"message":"Validation failed"},"errors":{"model":["The field is required."]}}"#;
        let dated = r#"{"error":{"message":"It resets at 1994-11-07 08:49:37 UTC"}}"#;
        for (status, body) in [(429, limited), (422, invalid), (429, dated), (503, ""), (401, "{}")]
        {
            let now = Timestamp::from_unix_seconds(784_111_777);
            let error = classify(status, &headers, body.as_bytes(), now).unwrap_err();
            let written: serde_json::Value = serde_json::from_str(&error.to_json()).unwrap();
            assert_eq!(serde_json::to_value(&error).unwrap(), written, "{body}");
            let names = |text: &str| -> Vec<String> {
                let value: serde_json::Value = serde_json::from_str(text).unwrap();
                value.as_object().unwrap().keys().cloned().collect()
            };
            let by_serde = serde_json::to_string(&error).unwrap();
            assert_eq!(names(&by_serde), names(&error.to_json()));
        }
        assert_eq!(serde_json::to_value(Kind::RateLimit).unwrap(), "rate_limit");
    }
}
