//! The server's rules for the fields of a chat request.

use serde_json::{Map, Value};

/// Deepest nesting that the server reads; a deeper body is no JSON to it.
const MAX_DEPTH: usize = 512;

/// Broken rules by field, in the order in which the server checks fields.
pub(crate) type FieldErrors = Vec<(String, Vec<Rule>)>;

/// A rule that a field breaks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Rule {
    Required,
    String,
    Array,
    Boolean,
    Number,
    Integer,
    Choice,
    Between(f64, f64),
    Least(i64),
}

/// The fields of a body. Whatever is not a JSON object sent as JSON has no fields, as on the server:
/// bad JSON, a byte-order mark, too deep a nesting or another content type.
pub(crate) fn read_fields(content_type: Option<&str>, body: &[u8]) -> Map<String, Value> {
    let is_json = content_type.is_some_and(|t| {
        let t = t.to_ascii_lowercase();
        t.contains("/json") || t.contains("+json")
    });
    if !is_json || depth(body) > MAX_DEPTH {
        return Map::new();
    }
    let mut parser = serde_json::Deserializer::from_slice(body);
    // The depth is known to be small enough for the stack.
    parser.disable_recursion_limit();
    let value: Result<Value, _> = serde::Deserialize::deserialize(&mut parser);
    match (value, parser.end()) {
        (Ok(Value::Object(map)), Ok(())) => map,
        _ => Map::new(),
    }
}

/// The deepest nesting of brackets outside strings.
fn depth(json: &[u8]) -> usize {
    let (mut now, mut most, mut in_string, mut escaped) = (0usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                now += 1;
                most = most.max(now);
            }
            b']' | b'}' if !in_string => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// Checks all fields. Empty when the request is valid. `has_tools` says whether the sandbox knows of tools and
/// what comes with them.
pub(crate) fn check(fields: &Map<String, Value>, has_tools: bool) -> FieldErrors {
    let mut known = has_tools.then(Vec::new);
    let mut errors = FieldErrors::new();
    let mut report = |path: &str, rule: Option<Rule>| {
        if let Some(rule) = rule {
            errors.push((path.to_owned(), vec![rule]));
        }
    };
    report("model", required_string(fields.get("model")));
    match fields.get("messages") {
        value if is_blank(value) => report("messages", Some(Rule::Required)),
        // An object is an array with names for places to the server.
        Some(Value::Array(items)) => {
            for (at, item) in items.iter().enumerate() {
                check_message(&format!("messages.{at}"), item, &mut known, &mut report);
            }
        }
        Some(Value::Object(items)) => {
            for (at, item) in items {
                check_message(&format!("messages.{at}"), item, &mut known, &mut report);
            }
        }
        _ => report("messages", Some(Rule::Array)),
    }
    if has_tools {
        check_tools(fields.get("tools"), &mut report);
    }
    if let Some(value) = fields.get("stream") {
        report("stream", truth(value).is_none().then_some(Rule::Boolean));
    }
    for (name, low, high) in [("temperature", 0.0, 2.0), ("top_p", 0.0, 1.0)] {
        report(name, between(fields.get(name), low, high));
    }
    if let Some(value) = fields.get("max_tokens") {
        report(
            "max_tokens",
            match number(value) {
                Some(n) if n.fract() != 0.0 => Some(Rule::Integer),
                Some(n) if n < 1.0 => Some(Rule::Least(1)),
                Some(_) => None,
                None => Some(Rule::Integer),
            },
        );
    }
    for name in ["frequency_penalty", "presence_penalty"] {
        report(name, between(fields.get(name), -2.0, 2.0));
    }
    errors
}

/// `known` are the ids of the tools' calls so far; `None` where there are no tools.
fn check_message<'a>(
    path: &str,
    item: &'a Value,
    known: &mut Option<Vec<&'a str>>,
    report: &mut impl FnMut(&str, Option<Rule>),
) {
    let role = item.get("role");
    let role_name = role.and_then(Value::as_str).map(str::trim).unwrap_or_default();
    let role_rule = match role {
        value if is_blank(value) => Some(Rule::Required),
        _ if ["system", "user", "assistant"].contains(&role_name) => None,
        _ if known.is_some() && ["tool", "developer"].contains(&role_name) => None,
        _ => Some(Rule::Choice),
    };
    report(&format!("{path}.role"), role_rule);
    let content = item.get("content");
    let Some(known) = known else {
        return report(&format!("{path}.content"), required_string(content));
    };
    let calls = item.get("tool_calls").and_then(Value::as_array);
    let calls = calls.into_iter().flatten().filter_map(|call| call.get("id")?.as_str());
    let before = known.len();
    known.extend(calls);
    let calls_tools = known.len() > before;
    if role_name == "tool" {
        let id = item.get("tool_call_id");
        // A result follows the message that asked for it.
        let is_known = || id.and_then(Value::as_str).is_some_and(|id| known.contains(&id));
        let rule = required_string(id).or_else(|| (!is_known()).then_some(Rule::Choice));
        report(&format!("{path}.tool_call_id"), rule);
    }
    let is_list =
        content.is_some_and(|content| content.as_array().is_some_and(|it| !it.is_empty()));
    let may_be_absent = calls_tools && is_blank(content);
    if !is_list && !may_be_absent {
        report(&format!("{path}.content"), required_string(content));
    }
}

fn check_tools(tools: Option<&Value>, report: &mut impl FnMut(&str, Option<Rule>)) {
    let Some(tools) = tools else { return };
    let Some(tools) = tools.as_array() else { return report("tools", Some(Rule::Array)) };
    for (at, tool) in tools.iter().enumerate() {
        let kind = tool.get("type").and_then(Value::as_str);
        report(&format!("tools.{at}.type"), (kind != Some("function")).then_some(Rule::Choice));
        let name = tool.get("function").and_then(|function| function.get("name"));
        report(&format!("tools.{at}.function.name"), required_string(name));
    }
}

/// Whether the rule `required` fails: absent, null, or empty after trimming.
fn is_blank(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(items)) => items.is_empty(),
        Some(_) => false,
    }
}

fn required_string(value: Option<&Value>) -> Option<Rule> {
    match value {
        value if is_blank(value) => Some(Rule::Required),
        Some(Value::String(_)) => None,
        _ => Some(Rule::String),
    }
}

fn between(value: Option<&Value>, low: f64, high: f64) -> Option<Rule> {
    match number(value?) {
        None => Some(Rule::Number),
        Some(n) if n < low || n > high => Some(Rule::Between(low, high)),
        Some(_) => None,
    }
}

/// A number, also one written as a string, which the server takes too.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => n.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|n: &f64| n.is_finite()),
        _ => None,
    }
}

/// What the server takes for a truth value.
pub(crate) fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(b) => Some(*b),
        Value::Number(n) => match n.as_u64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Value::String(text) => match text.trim() {
            "0" => Some(false),
            "1" => Some(true),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn broken(body: Value) -> Vec<(String, Rule)> {
        let fields = read_fields(Some("application/json"), body.to_string().as_bytes());
        check(&fields, false).into_iter().map(|(path, mut rules)| (path, rules.remove(0))).collect()
    }

    fn with(name: &str, value: Value) -> Vec<(String, Rule)> {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
        body[name] = value;
        broken(body)
    }

    #[test]
    fn each_rule_is_checked() {
        let required = |p: &str| (p.to_owned(), Rule::Required);
        assert_eq!(broken(json!({})), [required("model"), required("messages")]);
        assert_eq!(with("model", json!(5)), [("model".into(), Rule::String)]);
        assert_eq!(with("model", json!("  ")), [required("model")]);
        assert_eq!(with("messages", json!([])), [required("messages")]);
        assert_eq!(with("messages", json!(1)), [("messages".into(), Rule::Array)]);
        assert_eq!(
            with("messages", json!([{"role": "tool", "content": null}])),
            [("messages.0.role".into(), Rule::Choice), required("messages.0.content")]
        );
        assert_eq!(
            with("messages", json!({"a": {"role": "user", "content": ["x"]}})),
            [("messages.a.content".into(), Rule::String)]
        );
        assert_eq!(
            with("messages", json!(["hi"])),
            [required("messages.0.role"), required("messages.0.content")]
        );
        for (name, good, bad, rule) in [
            ("temperature", json!(2), json!(2.1), Rule::Between(0.0, 2.0)),
            ("temperature", json!("0.5"), json!("warm"), Rule::Number),
            ("top_p", json!(0), json!(-0.1), Rule::Between(0.0, 1.0)),
            ("max_tokens", json!(1), json!(0), Rule::Least(1)),
            ("max_tokens", json!(5.0), json!(1.5), Rule::Integer),
            ("frequency_penalty", json!(-2), json!(3), Rule::Between(-2.0, 2.0)),
            ("presence_penalty", json!(2), json!(null), Rule::Number),
            ("stream", json!(1), json!(null), Rule::Boolean),
            ("stream", json!(false), json!("true"), Rule::Boolean),
        ] {
            assert_eq!(with(name, good), [], "{name}");
            assert_eq!(with(name, bad), [(name.to_owned(), rule)]);
        }
    }

    #[test]
    fn what_the_server_cannot_read_has_no_fields() {
        let good = br#"{"model":"m"}"#;
        assert_eq!(read_fields(Some("application/json; charset=utf-8"), good).len(), 1);
        assert!(read_fields(Some("text/plain"), good).is_empty());
        assert!(read_fields(None, good).is_empty());
        assert!(read_fields(Some("application/json"), b"\xef\xbb\xbf{\"model\":\"m\"}").is_empty());
        assert!(read_fields(Some("application/json"), b"{\"model\":").is_empty());
        assert!(read_fields(Some("application/json"), b"{\"a\":1} x").is_empty());
        let nested = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        assert_eq!(read_fields(Some("application/json"), nested(511).as_bytes()).len(), 1);
        assert!(read_fields(Some("application/json"), nested(512).as_bytes()).is_empty());
        assert!(read_fields(Some("application/json"), "[".repeat(1 << 20).as_bytes()).is_empty());
    }
}
