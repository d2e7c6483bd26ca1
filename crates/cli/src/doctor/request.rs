//! The parameters of a request, before anything is sent.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::findings::Findings;
use super::nearest::nearest;

const CHECK: &str = "request";
/// No larger file is read, in bytes.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// The parameters of chat completions that services share.
const PARAMETERS: [&str; 28] = [
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "n",
    "parallel_tool_calls",
    "presence_penalty",
    "reasoning_effort",
    "response_format",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_k",
    "top_logprobs",
    "top_p",
    "user",
    "functions",
];

const ROLES: [&str; 6] = ["system", "developer", "user", "assistant", "tool", "function"];

/// Numbers with their ranges.
const RANGES: [(&str, f64, f64); 6] = [
    ("temperature", 0.0, 2.0),
    ("top_p", 0.0, 1.0),
    ("frequency_penalty", -2.0, 2.0),
    ("presence_penalty", -2.0, 2.0),
    ("max_tokens", 1.0, 1e9),
    ("n", 1.0, 128.0),
];

/// Reads the request in a file, and checks it. None if it cannot be sent as it is.
pub(super) fn read(path: &Path, findings: &mut Findings) -> Option<Value> {
    let shown = path.display();
    let text = match fs::metadata(path).and_then(|it| Ok((it.len(), fs::read(path)?))) {
        Ok((length, _)) if length > MAX_BYTES => {
            findings.problem(CHECK, &format!("{shown} is larger than {MAX_BYTES} bytes"), "");
            return None;
        }
        Ok((_, text)) => text,
        Err(error) => {
            findings.problem(
                CHECK,
                &format!("{shown} cannot be read: {error}"),
                "name a JSON file",
            );
            return None;
        }
    };
    let request: Value = match serde_json::from_slice(&text) {
        Ok(request) => request,
        Err(error) => {
            findings.problem(CHECK, &format!("{shown} is not JSON: {error}"), "mend that place");
            return None;
        }
    };
    let complaints = complaints(&request);
    match complaints.first() {
        None => {
            findings.ok(CHECK, &format!("{shown}: its parameters are as they should be"));
            Some(request)
        }
        Some((found, advice)) => {
            findings.problem(CHECK, &format!("{shown}: {found}"), advice);
            None
        }
    }
}

/// What is wrong, the gravest first, each with what to do.
fn complaints(request: &Value) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut add = |found: String, advice: &str| out.push((found, advice.to_owned()));
    let Some(members) = request.as_object() else {
        add("it is not an object".to_owned(), "write {\"model\": ..., \"messages\": [...]}");
        return out;
    };
    match members.get("model") {
        None => add("`model` is missing".to_owned(), "name a model"),
        Some(Value::String(name)) if !name.trim().is_empty() => {}
        Some(_) => add("`model` is not the name of a model".to_owned(), "write it as a text"),
    }
    match members.get("messages") {
        None => add("`messages` is missing".to_owned(), "write a list of messages"),
        Some(Value::Array(list)) if !list.is_empty() => {
            for (index, message) in list.iter().enumerate() {
                let role = message.get("role").and_then(Value::as_str);
                if !role.is_some_and(|role| ROLES.contains(&role)) {
                    let found = format!("`messages[{index}].role` is none of {}", ROLES.join(", "));
                    add(found, "most messages are of `user`");
                    break;
                }
                let has_content =
                    message.get("content").is_some() || message.get("tool_calls").is_some();
                if !has_content {
                    let found = format!("`messages[{index}].content` is missing");
                    add(found, "write what is said as its `content`");
                    break;
                }
            }
        }
        Some(_) => add(
            "`messages` is not a list with messages".to_owned(),
            "write [{\"role\": \"user\", \"content\": \"...\"}]",
        ),
    }
    for (name, least, most) in RANGES {
        match members.get(name) {
            None | Some(Value::Null) => {}
            Some(value) if value.as_f64().is_some_and(|it| (least..=most).contains(&it)) => {}
            Some(value) => {
                let found = format!("`{name}` is {value}");
                add(found, &format!("it has to be a number from {least} to {most}"));
            }
        }
    }
    if members.get("stream").is_some_and(|stream| !stream.is_boolean() && !stream.is_null()) {
        add("`stream` is neither true nor false".to_owned(), "write it without quotes");
    }
    for name in members.keys().filter(|name| !PARAMETERS.contains(&name.as_str())) {
        // Services have parameters of their own; only what looks like a slip is one.
        if let Some(known) = nearest(name, PARAMETERS) {
            add(format!("`{name}` is not a parameter"), &format!("did you mean `{known}`?"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        for (text, found) in [
            ("[]", "not an object"),
            (r#"{"messages":[{"role":"user","content":"a"}]}"#, "`model` is missing"),
            (r#"{"model":"m"}"#, "`messages` is missing"),
            (r#"{"model":"m","messages":"hi"}"#, "`messages` is not a list"),
            (r#"{"model":"m","messages":[{"role":"usr","content":"a"}]}"#, "messages[0].role"),
            (r#"{"model":"m","messages":[{"role":"user"}]}"#, "messages[0].content"),
            (
                r#"{"model":"m","messages":[{"role":"user","content":"a"}],"temperature":9}"#,
                "`temperature` is 9",
            ),
            (
                r#"{"model":"m","messages":[{"role":"user","content":"a"}],"temprature":1}"#,
                "`temprature`",
            ),
            (
                r#"{"model":"m","messages":[{"role":"user","content":"a"}],"stream":"yes"}"#,
                "`stream`",
            ),
        ] {
            let complaints = complaints(&serde_json::from_str(text).unwrap());
            assert!(
                complaints.first().is_some_and(|it| it.0.contains(found)),
                "{text}: {complaints:?}"
            );
        }
    }

    #[test]
    fn what_services_add_is_left_alone() {
        let text = r#"{"model":"m","messages":[{"role":"user","content":"a"}],"safe_prompt":true}"#;
        assert_eq!(complaints(&serde_json::from_str(text).unwrap()), []);
    }
}
