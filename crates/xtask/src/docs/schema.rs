//! The error record as a JSON Schema, made from the record itself and the tables in core.

use resayil_core::error::{HintSource, LimitScope, Severity};
use resayil_core::retry::StopReason;
use resayil_core::{Error, Kind};
use serde_json::{Map, Value, json};

/// The schema as text.
pub(super) fn page() -> Result<String, String> {
    let mut text = serde_json::to_string_pretty(&schema()?).map_err(|error| error.to_string())?;
    text.push('\n');
    Ok(text)
}

fn schema() -> Result<Value, String> {
    // The members and their order are the record's own; what each may be is said once, below.
    let record: Map<String, Value> = serde_json::from_str(&Error::new(Kind::Unknown, "").to_json())
        .map_err(|error| error.to_string())?;
    let mut properties = Map::new();
    for name in record.keys() {
        let kind = member(name).ok_or_else(|| format!("the schema does not know `{name}`"))?;
        properties.insert(name.clone(), kind);
    }
    let required: Vec<&String> = record.keys().collect();
    Ok(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "resayil error record",
        "description": "The same from every language. A newer version may add names to an enumeration.",
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    }))
}

/// What a member of the record is.
fn member(name: &str) -> Option<Value> {
    let said = |text: &str, mut value: Value| {
        value["description"] = json!(text);
        Some(value)
    };
    let text = || json!({"type": ["string", "null"]});
    let count = || json!({"type": ["integer", "null"], "minimum": 0});
    let seconds = || json!({"type": ["number", "null"], "minimum": 0});
    let names = |all: Vec<&'static str>, or_null: bool| {
        let mut all: Vec<Value> = all.into_iter().map(Value::from).collect();
        if or_null {
            all.push(Value::Null);
        }
        json!({"enum": all})
    };
    match name {
        "kind" => {
            let all = Kind::table().iter().map(|row| row.name).collect();
            said("the kind of error", names(all, false))
        }
        "status" => said("the HTTP status; null where there was no answer", count()),
        "severity" => {
            let all = Severity::ALL.iter().map(|it| it.name()).collect();
            said("how serious it is", names(all, false))
        }
        "retryable" => said("whether another try may succeed", json!({"type": "boolean"})),
        "message" => said("the provider's message, with keys masked", text()),
        "code" => said("the provider's code, always as a text", text()),
        "type" => said("the provider's type", text()),
        "param" => said("the parameter that is wrong", text()),
        "request_id" => said("the provider's id of the request", text()),
        "retry_after" => said("seconds to wait", seconds()),
        "retry_after_source" => {
            let all = HintSource::ALL.iter().map(|it| it.name()).collect();
            said("where the wait was read", names(all, true))
        }
        "rate_limit" => said(
            "the limit, as headers or the body tell it",
            json!({
                "type": ["object", "null"],
                "properties": {"limit": count(), "remaining": count(), "reset_after": seconds()},
                "required": ["limit", "remaining", "reset_after"],
                "additionalProperties": false,
            }),
        ),
        "limit_scope" => {
            let all = LimitScope::ALL.iter().map(|it| it.name()).collect();
            said("which limit it was", names(all, true))
        }
        "limit_window" => said("the length of its window in seconds", seconds()),
        "retry_at" => said(
            "the time that the server names, in seconds since 1970",
            json!({"type": ["number", "null"]}),
        ),
        "field_errors" => said(
            "each invalid field with its messages",
            json!({"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}}),
        ),
        "provider" => said("whose answer it is", text()),
        "user_message" => said("a sentence to show to users", json!({"type": "string"})),
        "advice" => {
            said("steps for developers", json!({"type": "array", "items": {"type": "string"}}))
        }
        "help_url" => said("the provider's page about it", text()),
        "attempts" => {
            said("requests that were sent for the call", json!({"type": "integer", "minimum": 0}))
        }
        "exhausted" => said("whether retries were used up below", json!({"type": "boolean"})),
        "stop_reason" => {
            let all = StopReason::ALL.iter().map(|it| it.name()).collect();
            said("which rule ended the call", names(all, true))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_has_a_type() {
        let schema = schema().unwrap();
        assert_eq!(schema["required"].as_array().unwrap().len(), 23);
        assert_eq!(schema["properties"]["kind"]["enum"][0], "unknown");
        assert!(member("nothing").is_none());
    }
}
