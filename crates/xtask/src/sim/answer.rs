//! What comes back, as bytes, so that it passes through the code that reads real answers.

use std::time::Duration;

/// The outcome of one request.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Answer(Answer),
    /// No answer within the time for one attempt.
    Timeout,
    /// The connection broke after the request was sent.
    Broken,
}

impl Outcome {
    pub(crate) fn is_success(&self) -> bool {
        matches!(self, Outcome::Answer(answer) if answer.status == 200)
    }

    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Outcome::Answer(answer) if answer.status == 429)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: &'static str,
    /// The body's own text where it differs from answer to answer.
    pub(crate) body_text: Option<String>,
}

impl Answer {
    pub(crate) fn body(&self) -> &[u8] {
        self.body_text.as_deref().unwrap_or(self.body).as_bytes()
    }

    /// The member `retry_after` of the body, as the guide's loop reads it.
    pub(crate) fn body_retry_after(&self) -> Option<Duration> {
        let body: serde_json::Value = serde_json::from_slice(self.body()).ok()?;
        body.get("retry_after")?.as_u64().map(Duration::from_secs)
    }

    /// A header as a number of seconds, as the OpenAI SDK reads `retry-after`.
    pub(crate) fn header_seconds(&self, name: &str) -> Option<f64> {
        let value = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        value?.1.parse().ok()
    }
}

/// Which answers carry the headers of the rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LimitHeaders {
    Always,
    OnRefusal,
    Never,
}

const SUCCESS: &str = r#"{"id":"1","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10}}"#;

/// An answer that the server wrote at this moment of its clock.
pub(crate) fn success(at: Duration) -> Answer {
    Answer { status: 200, headers: vec![date(at)], body: SUCCESS, body_text: None }
}

pub(crate) fn failure(status: u16, at: Duration) -> Answer {
    let body = match status {
        503 => r#"{"error":{"message":"Failed to connect to Ollama service","code":503}}"#,
        _ => r#"{"error":{"message":"An unexpected error occurred.","code":500}}"#,
    };
    Answer { status, headers: vec![date(at)], body, body_text: None }
}

/// A refusal; `hint` is the wait that the body names, if it names one.
pub(crate) fn refusal(hint: Option<Duration>, at: Duration) -> Answer {
    let plain = r#"{"error":{"message":"Rate limit exceeded","code":429}}"#;
    // Whole seconds, and never 0.
    let body_text = hint.map(|wait| {
        let seconds = wait.as_micros().div_ceil(1_000_000).max(1);
        format!(
            r#"{{"error":{{"message":"Rate limit exceeded","code":429}},"retry_after":{seconds}}}"#
        )
    });
    Answer { status: 429, headers: vec![date(at)], body: plain, body_text }
}

impl Answer {
    /// Adds the rate limit. As on the real server the reset is the moment plus 60 s, which is late.
    pub(crate) fn with_limit(mut self, limit: u32, remaining: u32, at: Duration) -> Self {
        self.headers.push(("X-RateLimit-Limit", limit.to_string()));
        self.headers.push(("X-RateLimit-Remaining", remaining.to_string()));
        self.headers.push(("X-RateLimit-Reset", (at.as_secs() + 60).to_string()));
        self
    }
}

/// `Date` has whole seconds.
fn date(at: Duration) -> (&'static str, String) {
    let whole = Duration::from_secs(at.as_secs());
    ("Date", httpdate::fmt_http_date(std::time::UNIX_EPOCH + whole))
}
