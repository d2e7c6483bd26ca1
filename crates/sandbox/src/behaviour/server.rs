//! Bodies as the server sends them.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Problem;
use super::guide::fields;
use crate::auth::AuthProblem;
use crate::http::reason;
use crate::validation::Rule;

pub(super) fn body(problem: &Problem<'_>) -> (u16, Value) {
    match problem {
        Problem::Unauthenticated(cause) => {
            let error = match cause {
                AuthProblem::Missing => "Authorization header required.",
                AuthProblem::Format => "Invalid authorization header format.",
                AuthProblem::WrongKey => "Invalid API key.",
            };
            (401, json!({"message": "Unauthenticated.", "error": error}))
        }
        Problem::NoCredits { left } => (
            402,
            json!({
                "error": {"message": "Insufficient credits", "code": 402},
                "top_up_url": "/dashboard/topup",
                "current_credits": number(*left),
            }),
        ),
        Problem::Forbidden => {
            (403, json!({"message": "Forbidden.", "error": "Permission 'chat' required."}))
        }
        Problem::NoModel { model } => error(404, &format!("Model '{model}' not found.")),
        Problem::Invalid(errors) => {
            (422, json!({"message": "Validation failed.", "errors": fields(errors, arabic)}))
        }
        Problem::RateLimited { retry_after, stream } => {
            let (status, mut body) = error(429, "Rate limit exceeded");
            // The streaming route gives no hint.
            if !stream {
                body["retry_after"] = json!(retry_after);
            }
            (status, body)
        }
        Problem::Internal => (500, json!({"message": "Server error."})),
        Problem::Unavailable => error(503, "Failed to connect to Ollama service"),
        Problem::Other(status) => (*status, json!({"message": reason(*status)})),
    }
}

fn error(status: u16, message: &str) -> (u16, Value) {
    (status, json!({"error": {"message": message, "code": status}}))
}

/// A whole number without a fraction, as the server's encoder writes it.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 { json!(value as i64) } else { json!(value) }
}

/// A broken rule in Arabic, the locale of the server's API routes.
fn arabic(path: &str, rule: &Rule) -> String {
    match rule {
        Rule::Required => format!("لا بد من إرسال الحقل {path}."),
        Rule::String => format!("ينبغي أن تكون قيمة {path} نصًا."),
        Rule::Array => format!("ينبغي أن تكون قيمة {path} قائمة."),
        Rule::Boolean => format!("ينبغي أن تكون قيمة {path} صوابًا أو خطأً."),
        Rule::Number => format!("ينبغي أن تكون قيمة {path} رقمًا."),
        Rule::Integer => format!("ينبغي أن تكون قيمة {path} عددًا صحيحًا."),
        Rule::Choice => format!("القيمة المختارة في {path} غير مقبولة."),
        Rule::Between(low, high) => format!("ينبغي أن تقع قيمة {path} بين {low} و{high}."),
        Rule::Least(least) => format!("ينبغي ألا تقل قيمة {path} عن {least}."),
    }
}

/// Escapes JSON text as PHP does by default: `/` as `\/`, everything beyond ASCII as `\uXXXX`.
/// Both can stand within strings only.
pub(super) fn escape(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '/' => text.push_str("\\/"),
            c if c.is_ascii() => text.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_json_is_ascii_and_says_the_same() {
        let value = json!({"مفتاح/1": "نص 😀 \" \\ / é"});
        let text = escape(&value.to_string());
        assert!(text.is_ascii());
        assert!(text.contains("\\ud83d\\ude00") && text.contains("\\/"));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
