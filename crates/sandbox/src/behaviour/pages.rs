//! Bodies as the provider's other pages show them: a code in words, and no number to wait for.
//!
//! The pages show no 403, 404 or 422. A bad request is their 400 `invalid_request`; the codes of the
//! other two are ours, in their style.

use serde_json::{Value, json};

use super::Problem;
use super::guide::english;
use crate::http::reason;

pub(super) fn body(problem: &Problem<'_>) -> (u16, Value) {
    match problem {
        Problem::Unauthenticated(_) => error(401, "unauthorized", "Invalid or missing API key"),
        Problem::NoCredits { .. } => {
            error(402, "insufficient_credits", "Your credit balance is too low for this request")
        }
        Problem::Forbidden => error(403, "forbidden", "You may not use this resource"),
        Problem::NoModel { .. } => error(404, "not_found", "No such model"),
        Problem::Invalid(errors) => {
            let first = errors
                .iter()
                .find_map(|(path, rules)| Some(english(path, rules.first()?)))
                .unwrap_or_default();
            error(400, "invalid_request", &first)
        }
        Problem::RateLimited { retry_after, .. } => error(
            429,
            "rate_limit_exceeded",
            &format!("Rate limit exceeded. Please retry after {retry_after} seconds."),
        ),
        Problem::Internal => error(500, "internal_server_error", "Something went wrong"),
        Problem::Unavailable => {
            error(503, "service_unavailable", "Failed to connect to Ollama service")
        }
        Problem::Other(status) => {
            let name = reason(*status);
            let code = name.to_ascii_lowercase().replace(' ', "_");
            error(*status, &code, name)
        }
    }
}

fn error(status: u16, code: &str, message: &str) -> (u16, Value) {
    (status, json!({"error": {"code": code, "message": message}}))
}
