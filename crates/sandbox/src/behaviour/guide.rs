//! Bodies as the provider's error guide shows them.

use serde_json::{Map, Value, json};

use super::Problem;
use crate::http::reason;
use crate::validation::{FieldErrors, Rule};

pub(super) fn body(problem: &Problem<'_>) -> (u16, Value) {
    match problem {
        Problem::Unauthenticated(_) => error(401, "Unauthenticated."),
        Problem::NoCredits { .. } => {
            error(402, "Insufficient credits. Please top up your balance to continue.")
        }
        Problem::Forbidden => error(403, "You do not have permission to access this resource."),
        Problem::NoModel { .. } => error(404, "Model not found."),
        Problem::Invalid(errors) => {
            let (status, mut body) = error(422, "Validation failed");
            body["errors"] = fields(errors, english);
            (status, body)
        }
        Problem::RateLimited { retry_after, .. } => {
            let (status, mut body) = error(429, "Rate limit exceeded");
            body["retry_after"] = json!(retry_after);
            (status, body)
        }
        Problem::Internal => error(500, "An unexpected error occurred. Please try again later."),
        Problem::Unavailable => error(503, "Failed to connect to Ollama service"),
        Problem::Other(status) => error(*status, reason(*status)),
    }
}

fn error(status: u16, message: &str) -> (u16, Value) {
    (status, json!({"error": {"message": message, "code": status}}))
}

/// The `errors` object, each message made by `text`.
pub(super) fn fields(errors: &FieldErrors, text: fn(&str, &Rule) -> String) -> Value {
    let mut map = Map::new();
    for (path, rules) in errors.iter() {
        let messages = rules.iter().map(|rule| Value::String(text(path, rule)));
        map.insert(path.clone(), messages.collect());
    }
    Value::Object(map)
}

/// A broken rule in English.
pub(super) fn english(path: &str, rule: &Rule) -> String {
    match rule {
        Rule::Required => format!("The {path} field is required."),
        Rule::String => format!("The {path} field must be a string."),
        Rule::Array => format!("The {path} field must be an array."),
        Rule::Boolean => format!("The {path} field must be true or false."),
        Rule::Number => format!("The {path} field must be a number."),
        Rule::Integer => format!("The {path} field must be an integer."),
        Rule::Choice => format!("The selected {path} is invalid."),
        Rule::Between(low, high) => {
            format!("The {path} field must be between {low} and {high}.")
        }
        Rule::Least(least) => format!("The {path} field must be at least {least}."),
    }
}
