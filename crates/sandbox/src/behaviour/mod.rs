//! The three families of bodies that one API answers with.

mod front;
mod guide;
mod pages;
mod server;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;

use crate::auth::AuthProblem;
use crate::error::UnknownName;
use crate::http::Response;
use crate::validation::FieldErrors;
use crate::window::{self, ceil_seconds};

pub(crate) use front::page as front_page;

/// The family of bodies to answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Behaviour {
    /// What the provider's error guide says: `{"error": {"message", "code": 429}}`.
    Guide,
    /// What the provider's other pages say: `{"error": {"code": "rate_limit_exceeded", "message"}}`,
    /// the wait of a 429 in its message only, and 400 for a bad request.
    Pages,
    /// What the server sends: Laravel's shapes, validation messages in Arabic, a redirect without
    /// `Accept: application/json`, a bare 429 on the streaming route, `X-RateLimit-Reset` too late.
    #[default]
    Server,
}

/// What is to be told to the client, whatever the shape.
#[derive(Debug)]
pub(crate) enum Problem<'a> {
    Unauthenticated(AuthProblem),
    NoCredits {
        left: f64,
    },
    Forbidden,
    NoModel {
        model: &'a str,
    },
    Invalid(&'a FieldErrors),
    /// `retry_after` in seconds.
    RateLimited {
        retry_after: u64,
        stream: bool,
    },
    Internal,
    Unavailable,
    /// Any other status that comes from the application.
    Other(u16),
}

impl Behaviour {
    /// `guide`, `pages` or `server`.
    pub fn name(self) -> &'static str {
        match self {
            Behaviour::Guide => "guide",
            Behaviour::Pages => "pages",
            Behaviour::Server => "server",
        }
    }

    /// The response that tells of a problem.
    pub(crate) fn problem(self, problem: &Problem<'_>) -> Response {
        let (status, body) = match self {
            Behaviour::Guide => guide::body(problem),
            Behaviour::Pages => pages::body(problem),
            Behaviour::Server => server::body(problem),
        };
        self.json(status, &body)
    }

    /// The response for a bare status: the application's shape, or a page of the server in front.
    pub(crate) fn status(self, status: u16) -> Response {
        match status {
            200..=399 => Response::empty(status),
            401 => self.problem(&Problem::Unauthenticated(AuthProblem::WrongKey)),
            402 => self.problem(&Problem::NoCredits { left: 0.0 }),
            403 => self.problem(&Problem::Forbidden),
            404 => self.problem(&Problem::NoModel { model: "unknown" }),
            429 => self.problem(&Problem::RateLimited { retry_after: 1, stream: false }),
            500 => self.problem(&Problem::Internal),
            503 => self.problem(&Problem::Unavailable),
            501.. => front_page(status),
            other => self.problem(&Problem::Other(other)),
        }
    }

    /// A JSON response, written as the family writes JSON.
    pub(crate) fn json(self, status: u16, body: &Value) -> Response {
        Response::json(status, self.encode(body).into_bytes())
    }

    /// JSON text. The server's encoder escapes everything beyond ASCII, and slashes.
    pub(crate) fn encode(self, body: &Value) -> String {
        let text = body.to_string();
        match self {
            Behaviour::Guide | Behaviour::Pages => text,
            Behaviour::Server => server::escape(&text),
        }
    }

    /// The `delta` of the last chunk of a stream.
    pub(crate) fn last_delta(self) -> Value {
        match self {
            Behaviour::Guide | Behaviour::Pages => serde_json::json!({}),
            Behaviour::Server => serde_json::json!([]),
        }
    }

    /// The value of `X-RateLimit-Reset` in Unix seconds: the end of the window, but for the server,
    /// which says a whole window from now.
    pub(crate) fn reset_time(self, now: Duration, window: Duration) -> u64 {
        match self {
            Behaviour::Guide | Behaviour::Pages => ceil_seconds(now + window::left(now, window)),
            Behaviour::Server => now.as_secs() + ceil_seconds(window),
        }
    }

    /// The name of the model in an answer: the server shows its upstream's.
    pub(crate) fn answering_model(self, model: &str) -> String {
        match self {
            Behaviour::Server if !model.contains(':') => format!("{model}:latest"),
            _ => model.to_owned(),
        }
    }
}

impl FromStr for Behaviour {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        match text {
            "guide" => Ok(Behaviour::Guide),
            "pages" => Ok(Behaviour::Pages),
            "server" => Ok(Behaviour::Server),
            other => Err(UnknownName {
                what: "behaviour",
                given: other.to_owned(),
                choices: "guide, pages, server",
            }),
        }
    }
}

impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_response_of_that_status() {
        for behaviour in [Behaviour::Guide, Behaviour::Pages, Behaviour::Server] {
            assert_eq!(behaviour.name().parse(), Ok(behaviour));
            for status in 200..=599 {
                let response = behaviour.status(status);
                assert_eq!(response.status, status, "{behaviour}");
                assert_eq!(response.body.is_empty(), status < 400, "{behaviour} {status}");
            }
        }
        let unknown = "laravel".parse::<Behaviour>().unwrap_err().to_string();
        assert!(unknown.contains("guide, pages, server"), "{unknown}");
    }
}
