//! One case of `explain --jsonl`.

use std::borrow::Cow;
use std::fmt;

use resayil::messages::Messages;
use resayil::{Error, Kind, Provider, Timestamp};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Value};

use super::answer::{Answer, Content};

/// An answer to explain.
pub(super) struct Case {
    id: Value,
    answer: Answer,
    now: Option<Timestamp>,
    provider: Option<String>,
}

/// A line that is no case.
#[derive(Debug)]
pub(super) struct BadCase {
    /// Its id, if it has one.
    id: Value,
    /// What is wrong, to be said of the line.
    pub(super) problem: String,
}

impl BadCase {
    /// The line of output that stands for the case: an error record that names the line.
    pub(super) fn record(&self, number: u64, messages: &Messages) -> String {
        let message = format!("line {number} {}", self.problem);
        let error = Error::new(Kind::Configuration, &message);
        with_id(&self.id, &error.to_json_in(messages))
    }
}

impl Case {
    /// Reads a case from a line of JSON.
    pub(super) fn parse(line: &str) -> Result<Case, BadCase> {
        let bad = |id, problem| BadCase { id, problem };
        let Members(mut members) = serde_json::from_str(line).map_err(|error| {
            let problem = match error.classify() {
                Category::Data => "is not a JSON object".to_owned(),
                _ => format!("is not JSON: {error}"),
            };
            bad(Value::Null, problem)
        })?;
        let id = members.remove("id").unwrap_or_default();
        match Self::of_members(members) {
            Ok(case) => Ok(Case { id, ..case }),
            Err(problem) => Err(bad(id, problem)),
        }
    }

    /// The case without its id, or what is wrong with it.
    fn of_members(mut members: Map<String, Value>) -> Result<Case, String> {
        let content = take_content(&mut members)?;
        let status = match members.remove("status") {
            None | Some(Value::Null) if matches!(content, Content::Stream(_)) => 200,
            Some(status) => status
                .as_u64()
                .and_then(|status| u16::try_from(status).ok())
                .ok_or("has a status that is not a number from 0 to 65535")?,
            None => return Err("has no status".to_owned()),
        };
        let now = match members.remove("now") {
            None | Some(Value::Null) => None,
            Some(now) => Some(Timestamp::from_unix_seconds_f64(
                now.as_f64().ok_or("has a now that is not a number")?,
            )),
        };
        let provider = match members.remove("provider") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name),
            Some(_) => return Err("has a provider that is not text".to_owned()),
        };
        let headers = take_headers(members.remove("headers"))?;
        Ok(Case { id: Value::Null, answer: Answer { status, headers, content }, now, provider })
    }

    /// The provider that the case names, if it names one.
    pub(super) fn provider_name(&self) -> Option<&str> {
        self.provider.as_deref().filter(|name| *name != "auto")
    }

    /// Explains the case, in one line of JSON.
    pub(super) fn explain(
        &self,
        provider: Option<Provider>,
        now: Timestamp,
        messages: &Messages,
    ) -> String {
        let outcome = self.answer.read(provider, self.now.unwrap_or(now));
        with_id(&self.id, &outcome.to_json(messages))
    }
}

/// What a case consists of. Other members, such as the record that is expected, may be large, and are passed
/// over.
const MEMBERS: [&str; 8] =
    ["id", "status", "headers", "body", "body_b64", "stream", "now", "provider"];

/// The members of a line that a case consists of.
struct Members(Map<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Map::new();
                while let Some(name) = map.next_key::<Cow<'de, str>>()? {
                    if MEMBERS.contains(&&*name) {
                        members.insert(name.into_owned(), map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Members(members))
            }
        }

        from.deserialize_map(Reader)
    }
}

/// A record, which is a JSON object, with an id in front.
fn with_id(id: &Value, record: &str) -> String {
    format!("{{\"id\": {id}, {}", &record[1..])
}

fn take_content(members: &mut Map<String, Value>) -> Result<Content, String> {
    let text = |value: Value| match value {
        Value::String(text) => text.into_bytes(),
        Value::Null => Vec::new(),
        // A body that was pasted as JSON.
        other => other.to_string().into_bytes(),
    };
    match (members.remove("body"), members.remove("body_b64"), members.remove("stream")) {
        (body, None, None) => Ok(Content::Body(text(body.unwrap_or_default()))),
        (None | Some(Value::Null), Some(Value::String(encoded)), None) => {
            use base64::Engine;
            let decoded = base64::engine::general_purpose::STANDARD.decode(encoded.trim());
            decoded
                .map(Content::Body)
                .map_err(|error| format!("has a body_b64 that is not base64: {error}"))
        }
        (None | Some(Value::Null), None, Some(stream)) => Ok(Content::Stream(text(stream))),
        _ => Err("has more than one of body, body_b64 and stream".to_owned()),
    }
}

pub(super) fn take_headers(value: Option<Value>) -> Result<Vec<(String, String)>, String> {
    const WRONG: &str = "has headers that are neither an object nor a list of pairs of texts";
    let scalar = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null => Some(String::new()),
        _ => None,
    };
    let mut headers = Vec::new();
    match value {
        None | Some(Value::Null) => {}
        Some(Value::Object(members)) => {
            for (name, value) in members {
                // A list stands for several lines of one header.
                let lines = if let Value::Array(lines) = value { lines } else { vec![value] };
                for line in &lines {
                    headers.push((name.clone(), scalar(line).ok_or(WRONG)?));
                }
            }
        }
        Some(Value::Array(pairs)) => {
            for pair in &pairs {
                let [name, value] = pair.as_array().map(Vec::as_slice).unwrap_or_default() else {
                    return Err(WRONG.to_owned());
                };
                headers.push((scalar(name).ok_or(WRONG)?, scalar(value).ok_or(WRONG)?));
            }
        }
        Some(_) => return Err(WRONG.to_owned()),
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explain(line: &str) -> Value {
        let case = Case::parse(line).unwrap();
        let provider = case.provider_name().and_then(|name| name.parse().ok());
        let line = case.explain(provider, Timestamp::UNIX_EPOCH, &resayil::messages::ENGLISH);
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn a_case_gives_a_record_with_its_id() {
        let record =
            explain(r#"{"id":7,"status":429,"headers":[["Retry-After","5"]],"body":"{}"}"#);
        assert_eq!(record["id"], 7);
        assert_eq!(record["kind"], "rate_limit");
        assert_eq!(record["retry_after"], 5.0);
        let record =
            explain(r#"{"id":"a","status":401,"headers":{"X":["1","2"]},"body_b64":"e30="}"#);
        assert_eq!(record["kind"], "authentication");
    }

    #[test]
    fn a_success_is_ok() {
        assert_eq!(
            explain(r#"{"id":"a","status":200,"body":"{}"}"#),
            serde_json::json!({"id": "a", "ok": true})
        );
    }

    #[test]
    fn a_stream_tells_its_end() {
        let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
        let line = serde_json::json!({"id": "s", "stream": stream}).to_string();
        let expected = serde_json::json!(
            {"id": "s", "ok": true, "terminal": "complete", "partial_text": "Hi", "safe_to_replay": false});
        assert_eq!(explain(&line), expected);
        let refused = explain(r#"{"id":"s","status":429,"stream":"{}"}"#);
        assert_eq!(
            (&refused["terminal"], &refused["kind"]),
            (&"error".into(), &"rate_limit".into())
        );
    }

    #[test]
    fn a_bad_case_says_what_is_wrong() {
        for (line, part) in [
            ("{", "not JSON"),
            ("[]", "not a JSON object"),
            ("{}", "no status"),
            (r#"{"status":"x"}"#, "status"),
            (r#"{"status":1,"headers":3}"#, "headers"),
            (r#"{"status":1,"headers":[["a"]]}"#, "headers"),
            (r#"{"status":1,"body":"","stream":""}"#, "more than one"),
            (r#"{"status":1,"body_b64":"?"}"#, "base64"),
            (r#"{"status":1,"now":"x"}"#, "now"),
        ] {
            let problem = Case::parse(line).err().unwrap().problem;
            assert!(problem.contains(part), "{line}: {problem}");
        }
    }
}
