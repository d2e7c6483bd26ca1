//! What comes back, as bytes, so that it passes through the code that reads real answers.

use std::borrow::Cow;
use std::time::Duration;

use super::cost::{Counts, JobCost};

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

/// Whose answers the server's are like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Dialect {
    /// LLM Resayil: a window of the clock, `retry_after` in the body, `X-RateLimit-*`.
    Resayil,
    /// OpenAI: headers for requests and tokens, the wait in `retry-after` and in the message.
    OpenAi,
    /// Anthropic: headers for requests, input and output tokens, with dates for resets.
    Anthropic,
    /// Nothing but the status.
    Bare,
}

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Cow<'static, str>,
}

impl Answer {
    pub(crate) fn body(&self) -> &[u8] {
        self.body.as_bytes()
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
pub(crate) fn success(cost: Option<&JobCost>, at: Duration) -> Answer {
    let body = cost.map_or(Cow::Borrowed(SUCCESS), |cost| {
        format!(
            r#"{{"id":"1","choices":[{{"index":0,"message":{{"role":"assistant","content":"Hello"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{}}}}}"#,
            cost.input,
            cost.output,
            cost.input + cost.output
        )
        .into()
    });
    Answer { status: 200, headers: vec![date(at)], body }
}

pub(crate) fn failure(status: u16, at: Duration) -> Answer {
    let body = match status {
        503 => r#"{"error":{"message":"Failed to connect to Ollama service","code":503}}"#,
        _ => r#"{"error":{"message":"An unexpected error occurred.","code":500}}"#,
    };
    Answer { status, headers: vec![date(at)], body: body.into() }
}

/// Which limit refuses, and what it tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused {
    /// What is counted, how much there may be, and in what time; `None` for requests at once.
    pub(crate) by: Option<(Counts, u64, Duration)>,
    /// The wait until it admits one again, if it tells.
    pub(crate) hint: Option<Duration>,
}

pub(crate) fn refusal(dialect: Dialect, refused: &Refused, at: Duration) -> Answer {
    let mut headers = vec![date(at)];
    let body = match (dialect, refused.hint) {
        (Dialect::Bare, _) => Cow::Borrowed(r#"{"error":"Too many requests"}"#),
        (Dialect::Resayil, None) => {
            r#"{"error":{"message":"Rate limit exceeded","code":429}}"#.into()
        }
        (Dialect::Resayil, Some(wait)) => {
            // Whole seconds, and never 0.
            let seconds = wait.as_micros().div_ceil(1_000_000).max(1);
            format!(
                r#"{{"error":{{"message":"Rate limit exceeded","code":429}},"retry_after":{seconds}}}"#
            )
            .into()
        }
        (Dialect::OpenAi | Dialect::Anthropic, hint) => {
            if let Some(wait) = hint {
                let seconds = wait.as_micros().div_ceil(1_000_000).max(1);
                headers.push(("retry-after", seconds.to_string()));
            }
            match dialect {
                Dialect::OpenAi => of_openai(refused).into(),
                _ => r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your organization's rate limit."}}"#.into(),
            }
        }
    };
    Answer { status: 429, headers, body }
}

fn of_openai(refused: &Refused) -> String {
    let Some((counts, limit, window)) = refused.by else {
        return r#"{"error":{"message":"Too many concurrent requests","type":"requests","code":"concurrency_limit_exceeded"}}"#.to_owned();
    };
    let (what, short) = match counts {
        Counts::Requests => ("requests", 'R'),
        Counts::Tokens | Counts::Input | Counts::Output => ("tokens", 'T'),
    };
    let (period, letter) = match window.as_secs() {
        86_400.. => ("day", 'D'),
        _ => ("min", 'M'),
    };
    let wait = refused.hint.map_or_else(String::new, |wait| {
        format!(" Please try again in {:.3}s.", wait.as_secs_f64() + 0.0005)
    });
    format!(
        r#"{{"error":{{"message":"Rate limit reached for model in organization org on {what} per {period} ({short}P{letter}): Limit {limit}.{wait}","type":"{what}","param":null,"code":"rate_limit_exceeded"}}}}"#
    )
}

/// The rate limit as LLM Resayil tells it. As on the real server the reset is the moment plus 60 s,
/// which is late.
pub(crate) fn resayil_headers(
    limit: u64,
    remaining: u64,
    at: Duration,
) -> Vec<(&'static str, String)> {
    vec![
        ("X-RateLimit-Limit", limit.to_string()),
        ("X-RateLimit-Remaining", remaining.to_string()),
        ("X-RateLimit-Reset", (at.as_secs() + 60).to_string()),
    ]
}

/// A limit as OpenAI tells it.
pub(crate) fn openai_headers(
    counts: Counts,
    limit: u64,
    remaining: u64,
    reset: Duration,
) -> [(&'static str, String); 3] {
    let names = match counts {
        Counts::Requests => [
            "x-ratelimit-limit-requests",
            "x-ratelimit-remaining-requests",
            "x-ratelimit-reset-requests",
        ],
        _ => {
            ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"]
        }
    };
    let [a, b, c] = names;
    [(a, limit.to_string()), (b, remaining.to_string()), (c, format!("{}ms", reset.as_millis()))]
}

/// A limit as Anthropic tells it.
pub(crate) fn anthropic_headers(
    counts: Counts,
    limit: u64,
    remaining: u64,
    reset_at: Duration,
) -> [(&'static str, String); 3] {
    macro_rules! names {
        ($what:literal) => {
            ["limit", "remaining", "reset"].map(|part| match part {
                "limit" => concat!("anthropic-ratelimit-", $what, "-limit"),
                "remaining" => concat!("anthropic-ratelimit-", $what, "-remaining"),
                _ => concat!("anthropic-ratelimit-", $what, "-reset"),
            })
        };
    }
    let [a, b, c] = match counts {
        Counts::Requests => names!("requests"),
        Counts::Tokens => names!("tokens"),
        Counts::Input => names!("input-tokens"),
        Counts::Output => names!("output-tokens"),
    };
    [(a, limit.to_string()), (b, remaining.to_string()), (c, rfc3339(reset_at))]
}

/// `2025-10-09T09:34:00Z`, the whole second after this time.
fn rfc3339(at: Duration) -> String {
    let seconds = at.as_micros().div_ceil(1_000_000) as u64;
    let date = httpdate::fmt_http_date(std::time::UNIX_EPOCH + Duration::from_secs(seconds));
    // `Thu, 09 Oct 2025 09:34:00 GMT`
    let parts: Vec<&str> = date.split(' ').collect();
    let months =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|month| *month == parts[2]).unwrap_or_default() + 1;
    format!("{}-{month:02}-{}T{}Z", parts[3], parts[1], parts[4])
}

/// `Date` has whole seconds.
fn date(at: Duration) -> (&'static str, String) {
    let whole = Duration::from_secs(at.as_secs());
    ("Date", httpdate::fmt_http_date(std::time::UNIX_EPOCH + whole))
}
