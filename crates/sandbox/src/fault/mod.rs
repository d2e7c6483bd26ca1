//! The ways in which the sandbox can misbehave.

mod json;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::http::is_header;
use crate::wire::WireFault;
#[cfg(doc)]
use crate::wire::WireKind;

/// The longest time that a fault may name, in seconds: one hour.
const MAX_FAULT_SECONDS: f64 = 3600.0;

/// One way of answering wrongly.
///
/// In JSON a fault is an object with its name in `fault` and its fields beside it, or just the name
/// as a string; a field that is left out has the default given below. Durations are seconds.
///
/// ```
/// use resayil_sandbox::Fault;
///
/// let fault: Fault = r#"{"fault": "rate_limited", "retry_after": 2}"#.parse()?;
/// assert_eq!(fault, Fault::RateLimited { retry_after: 2 });
/// assert_eq!("drop".parse::<Fault>()?.name(), "drop");
/// # Ok::<(), resayil_sandbox::FaultError>(())
/// ```
///
/// A scripted fault of a [front](Fault::is_upstream) kind replaces the answer to the very next chat
/// request, before any check, and consumes no quota. A scripted fault of an upstream kind befalls the
/// next chat request that passes the checks, and consumes quota. A fault drawn by rate befalls
/// admitted requests only and consumes quota, whatever its kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fault {
    /// Any status. Without a body, the one that the behaviour gives to this status. Front.
    Status {
        /// 200 to 599; 500 by default.
        #[serde(default = "json::default_500")]
        status: u16,
        /// The body as it is sent; JSON if it looks so, HTML otherwise, unless `headers` say.
        #[serde(default)]
        body: Option<String>,
        /// Further headers. `Date`, `Content-Length`, `Transfer-Encoding` and `Connection` are the server's own.
        #[serde(default)]
        headers: Vec<(String, String)>,
    },
    /// A 500 in the behaviour's shape. Upstream.
    ServerError,
    /// A 503 that says `Failed to connect to Ollama service`. Upstream.
    Unavailable,
    /// A 502 with the HTML page of the web server in front. Upstream.
    HtmlBadGateway,
    /// A status with an empty body. Front.
    Empty {
        /// 200 to 599; 502 by default.
        #[serde(default = "json::default_502")]
        status: u16,
    },
    /// Maintenance mode: a 503, JSON under `/api`, HTML with `Retry-After` elsewhere. Front.
    Maintenance,
    /// The connection is closed without an answer. Front.
    Drop,
    /// The connection is closed in the middle of a 200's body. Upstream.
    DropMidBody,
    /// The stream ends without a `finish_reason`; an answer that is not streamed ends as with
    /// [`Fault::DropMidBody`]. Upstream.
    CutStream {
        /// How it ends; `done` by default.
        #[serde(default)]
        end: CutEnd,
        /// Content events before the end; 1 by default.
        #[serde(default = "json::default_1")]
        events: usize,
    },
    /// An error object inside a 200: as an event of the stream, or as the whole body. Upstream.
    StreamError,
    /// The right answer, its body a few bytes at a time. Upstream.
    SlowDrip {
        /// Bytes a piece, at least 1; 16 by default.
        #[serde(default = "json::default_16")]
        bytes: usize,
        /// Time between pieces, at most an hour; 0.1 s by default.
        #[serde(default = "json::default_interval", with = "json::seconds")]
        interval: Duration,
    },
    /// No answer, until the client leaves or the server stops. Front.
    Hang,
    /// A body of undeclared length, made while it is sent. Upstream.
    HugeBody {
        /// Length of the body; 100 MiB by default.
        #[serde(default = "json::default_huge")]
        bytes: u64,
        /// 200 to 599; 200 by default.
        #[serde(default = "json::default_200")]
        status: u16,
    },
    /// A small gzip body that grows to a large one when it is unpacked. Upstream.
    GzipBomb {
        /// Length when unpacked; 100 MiB by default.
        #[serde(default = "json::default_huge")]
        bytes: u64,
        /// 200 to 599; 200 by default.
        #[serde(default = "json::default_200")]
        status: u16,
    },
    /// A redirect. Front.
    Redirect {
        /// Where to; `http://127.0.0.1:9/` (where nobody listens) by default.
        #[serde(default = "json::default_location")]
        location: String,
        /// 300 to 399; 302 by default. 307 and 308 ask a client to send the prompt again.
        #[serde(default = "json::default_302")]
        status: u16,
    },
    /// A 200 whose JSON breaks off, the framing intact. Upstream.
    BadJson,
    /// A 429 with this `retry_after` in the body, whatever the behaviour. Front.
    RateLimited {
        /// Seconds; 1 by default.
        #[serde(default = "json::default_retry_after")]
        retry_after: u64,
    },
    /// A 200 with empty content and zero usage. Upstream.
    EmptyAnswer,
    /// A 429 whose only hint is a `Retry-After` header that means nothing. Front.
    BadRetryAfter,
    /// An answer that breaks HTTP, or stretches it; in JSON its own name may stand in `fault`, too. Front.
    Wire(WireFault),
}

/// How a stream is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CutEnd {
    /// With `data: [DONE]`, as the real server does when its upstream dies.
    #[default]
    Done,
    /// With a proper end of the body, but no `[DONE]`.
    End,
    /// With the connection closed before the end of the body.
    Close,
}

/// A fault that cannot be read or carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FaultError(String);

impl Fault {
    /// The names of the faults of the API, as used in JSON, on the command line and in the log. Those of the
    /// wire are in [`WireKind::ALL`].
    pub const NAMES: &'static [&'static str] = &[
        "status",
        "server_error",
        "unavailable",
        "html_bad_gateway",
        "empty",
        "maintenance",
        "drop",
        "drop_mid_body",
        "cut_stream",
        "stream_error",
        "slow_drip",
        "hang",
        "huge_body",
        "gzip_bomb",
        "redirect",
        "bad_json",
        "rate_limited",
        "empty_answer",
        "bad_retry_after",
    ];

    /// The faults that are drawn from when a fault rate is set and no list is given: a 500, a 503, a
    /// dropped connection and an HTML 502.
    pub const COMMON: &'static [Fault] =
        &[Fault::ServerError, Fault::Unavailable, Fault::Drop, Fault::HtmlBadGateway];

    /// The fault's name.
    pub fn name(&self) -> &'static str {
        match self {
            Fault::Status { .. } => "status",
            Fault::ServerError => "server_error",
            Fault::Unavailable => "unavailable",
            Fault::HtmlBadGateway => "html_bad_gateway",
            Fault::Empty { .. } => "empty",
            Fault::Maintenance => "maintenance",
            Fault::Drop => "drop",
            Fault::DropMidBody => "drop_mid_body",
            Fault::CutStream { .. } => "cut_stream",
            Fault::StreamError => "stream_error",
            Fault::SlowDrip { .. } => "slow_drip",
            Fault::Hang => "hang",
            Fault::HugeBody { .. } => "huge_body",
            Fault::GzipBomb { .. } => "gzip_bomb",
            Fault::Redirect { .. } => "redirect",
            Fault::BadJson => "bad_json",
            Fault::RateLimited { .. } => "rate_limited",
            Fault::EmptyAnswer => "empty_answer",
            Fault::BadRetryAfter => "bad_retry_after",
            Fault::Wire(fault) => fault.kind.name(),
        }
    }

    /// What it does, in a sentence.
    pub fn summary(&self) -> &'static str {
        match self {
            Fault::Status { .. } => "Any `status`, `body` and `headers`; a 500.",
            Fault::ServerError => "A 500.",
            Fault::Unavailable => "A 503 of the API.",
            Fault::HtmlBadGateway => "A 502 with the web page of the server in front.",
            Fault::Empty { .. } => "A `status` (502) with an empty body.",
            Fault::Maintenance => "A 503 that asks to come back in a minute.",
            Fault::Drop => "The connection is closed without an answer.",
            Fault::DropMidBody => "The connection is closed inside the body.",
            Fault::CutStream { .. } => {
                "A stream that ends without a reason: `end` is done, end or close."
            }
            Fault::StreamError => "An error inside a success.",
            Fault::SlowDrip { .. } => {
                "The right answer, `bytes` (16) at a time, `interval` (0.1) seconds apart."
            }
            Fault::Hang => "No answer.",
            Fault::HugeBody { .. } => "A body of `bytes` (100 MiB).",
            Fault::GzipBomb { .. } => "A small gzip that grows to `bytes` (100 MiB).",
            Fault::Redirect { .. } => "A redirect to `location`, with `status` (302).",
            Fault::BadJson => "JSON that breaks off, the framing intact.",
            Fault::RateLimited { .. } => "A 429 that asks to wait `retry_after` (1) seconds.",
            Fault::EmptyAnswer => "An answer without content that used no tokens.",
            Fault::BadRetryAfter => "A 429 with a wait that means nothing.",
            Fault::Wire(fault) => fault.kind.summary(),
        }
    }

    /// Whether the fault happens behind the checks, where quota has been consumed. The others happen
    /// in front of them.
    pub fn is_upstream(&self) -> bool {
        matches!(
            self,
            Fault::ServerError
                | Fault::Unavailable
                | Fault::HtmlBadGateway
                | Fault::DropMidBody
                | Fault::CutStream { .. }
                | Fault::StreamError
                | Fault::SlowDrip { .. }
                | Fault::HugeBody { .. }
                | Fault::GzipBomb { .. }
                | Fault::BadJson
                | Fault::EmptyAnswer
        )
    }

    /// Whether the upstream did its work, so that the request is billed though the answer is lost.
    pub(crate) fn is_billed(&self) -> bool {
        matches!(
            self,
            Fault::DropMidBody | Fault::CutStream { .. } | Fault::SlowDrip { .. } | Fault::BadJson
        )
    }

    /// Checks ranges and header syntax.
    ///
    /// # Errors
    /// Says which field is out of range.
    pub fn validate(&self) -> Result<(), FaultError> {
        let in_range = |status: u16, from: u16, to: u16| {
            if (from..=to).contains(&status) {
                Ok(())
            } else {
                Err(FaultError(format!("status {status} is not between {from} and {to}")))
            }
        };
        match self {
            Fault::Status { status, headers, .. } => {
                in_range(*status, 200, 599)?;
                for (name, value) in headers {
                    if !is_header(name, value) {
                        return Err(FaultError(format!("{name:?} is not a legal header")));
                    }
                }
                Ok(())
            }
            Fault::Empty { status }
            | Fault::HugeBody { status, .. }
            | Fault::GzipBomb { status, .. } => in_range(*status, 200, 599),
            Fault::Redirect { location, status } => {
                in_range(*status, 300, 399)?;
                if is_header("location", location) {
                    Ok(())
                } else {
                    Err(FaultError("location is not a legal header value".into()))
                }
            }
            Fault::SlowDrip { bytes, interval } => {
                if *bytes == 0 {
                    Err(FaultError("bytes must be at least 1".into()))
                } else if interval.as_secs_f64() > MAX_FAULT_SECONDS {
                    Err(FaultError("interval must be at most 3600 seconds".into()))
                } else {
                    Ok(())
                }
            }
            Fault::Wire(fault) => {
                fault.problem().map_or(Ok(()), |problem| Err(FaultError(problem)))
            }
            _ => Ok(()),
        }
    }

    /// Whether it strikes before the body of the request is read.
    pub(crate) fn is_early(&self) -> bool {
        matches!(self, Fault::Wire(fault) if fault.is_early())
    }
}
