//! One request and the way its answer goes.

use std::io;

use crate::clock::machine_now;
use crate::http::{BodyWriter, Head, Output, Response, reason};
use crate::log::{EntryId, LogEntry};
use crate::options::RateLimitHeaders;
use crate::server::Shared;
use crate::window;

/// What becomes of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    KeepAlive,
    Close,
}

/// Whether this response tells about the quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quota {
    /// The request has no account: control plane, bad key, unknown route.
    Unknown,
    /// An ordinary response.
    Known,
    /// A 429 that tells.
    Refused,
}

pub(crate) struct Exchange<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) head: &'a Head,
    /// `None` for the control plane.
    pub(crate) entry: Option<EntryId>,
    pub(crate) out: Output<'a>,
    pub(crate) quota: Quota,
    pub(crate) keep_alive: bool,
}

impl<'a> Exchange<'a> {
    /// Changes the log entry.
    pub(crate) fn note(&self, change: impl FnOnce(&mut LogEntry)) {
        if let Some(entry) = self.entry {
            self.shared.log.update(entry, change);
        }
    }

    /// Sends a whole response.
    pub(crate) fn send(&mut self, response: &Response) -> io::Result<After> {
        self.note_status(response.status);
        self.note_advice(response);
        let bodiless = matches!(response.status, 204 | 304);
        let length = (!bodiless).then_some(response.body.len());
        let mut wire = self.head_text(response.status, &response.headers, length, false);
        if bodiless || self.head.method == "HEAD" {
            self.out.write_head(&wire)?;
        } else if self.out.is_plain() {
            wire.extend_from_slice(&response.body);
            self.out.write_head(&wire)?;
        } else {
            self.out.write_head(&wire)?;
            self.out.write_body(&response.body)?;
        }
        Ok(self.after())
    }

    /// Sends a complete, right chat answer, and writes down that it was given. That is written down
    /// just before the last byte leaves, so that a client that has it finds it in the log.
    pub(crate) fn send_answer(&mut self, response: &Response) -> io::Result<After> {
        let most = response.body.len().saturating_sub(1);
        self.send_part(response, most)?;
        self.note(|entry| entry.answered = true);
        let result = self.out.write_body(&response.body[most..]);
        if result.is_err() {
            self.note(|entry| entry.answered = false);
        }
        result.map(|()| self.after())
    }

    /// Sends the head of a response whose body is to be written in pieces, its length undeclared.
    pub(crate) fn begin(
        &mut self,
        status: u16,
        headers: &[(String, String)],
    ) -> io::Result<BodyWriter<'_, 'a>> {
        self.note_status(status);
        let chunked = self.head.minor > 0;
        if !chunked {
            self.keep_alive = false;
        }
        let wire = self.head_text(status, headers, None, chunked);
        self.out.write_head(&wire)?;
        Ok(BodyWriter::new(&mut self.out, chunked))
    }

    /// Sends the head of a response of declared length, and the first part of its body only.
    pub(crate) fn send_part(&mut self, response: &Response, bytes: usize) -> io::Result<()> {
        self.note_status(response.status);
        let length = Some(response.body.len());
        let mut wire = self.head_text(response.status, &response.headers, length, false);
        let part = &response.body[..bytes.min(response.body.len())];
        if self.out.is_plain() {
            wire.extend_from_slice(part);
            return self.out.write_head(&wire);
        }
        self.out.write_head(&wire)?;
        self.out.write_body(part)
    }

    pub(crate) fn after(&self) -> After {
        if self.keep_alive { After::KeepAlive } else { After::Close }
    }

    fn note_status(&self, status: u16) {
        self.note(|entry| {
            entry.status = Some(status);
            entry.status_time = Some(machine_now().as_secs_f64());
            entry.refused = status == 429;
        });
    }

    /// Writes down what a failure says of another try.
    fn note_advice(&self, response: &Response) {
        if response.status < 400 {
            return;
        }
        let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap_or_default();
        let header = |wanted: &str| {
            let mut headers = response.headers.iter();
            headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
        };
        let by_header = || header("retry-after")?.trim().parse().ok();
        let retry_after = body["retry_after"].as_f64().or_else(by_header);
        let by_code = || USED_UP.contains(&body["error"]["code"].as_str()?).then_some(false);
        let should_retry = header("x-should-retry").and_then(|value| value.parse().ok());
        self.note(|entry| {
            entry.retry_after = retry_after.filter(|seconds| *seconds >= 0.0);
            entry.should_retry = should_retry.or_else(by_code);
        });
    }

    fn head_text(
        &self,
        status: u16,
        headers: &[(String, String)],
        length: Option<usize>,
        chunked: bool,
    ) -> Vec<u8> {
        let mut text = format!("HTTP/1.1 {status} {}\r\n", reason(status));
        let mut add = |name: &str, value: &str| {
            for part in [name, ": ", value, "\r\n"] {
                text.push_str(part);
            }
        };
        add("Date", &self.shared.clock.http_date());
        for (name, value) in headers {
            let own = ["date", "content-length", "transfer-encoding", "connection"];
            if !own.contains(&name.to_ascii_lowercase().as_str()) {
                add(name, value);
            }
        }
        for (name, value) in self.quota_headers() {
            if !headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name)) {
                add(name, &value.to_string());
            }
        }
        if let Some(length) = length {
            add("Content-Length", &length.to_string());
        }
        if chunked {
            add("Transfer-Encoding", "chunked");
        }
        add("Connection", if self.keep_alive { "keep-alive" } else { "close" });
        text.push_str("\r\n");
        text.into_bytes()
    }

    fn quota_headers(&self) -> Vec<(&'static str, u64)> {
        let options = &self.shared.options;
        let shown = match options.rate_limit_headers {
            RateLimitHeaders::Always => self.quota != Quota::Unknown,
            RateLimitHeaders::OnRefusal => self.quota == Quota::Refused,
            RateLimitHeaders::Never => false,
        };
        if !shown {
            return Vec::new();
        }
        let usage = self.shared.account.usage(options, &self.shared.clock);
        let remaining = match self.quota {
            Quota::Refused => 0,
            _ => usage.remaining(),
        };
        let now = self.shared.clock.now();
        vec![
            ("X-RateLimit-Limit", usage.limit.into()),
            ("X-RateLimit-Remaining", remaining.into()),
            ("X-RateLimit-Reset", options.behaviour.reset_time(now, options.window)),
        ]
    }
}

/// Codes of a 429 of an account that has nothing left: tomorrow's quota, or money, mends it.
const USED_UP: [&str; 2] = ["insufficient_quota", "billing_hard_limit_reached"];

/// Headers that carry credentials, which the log leaves out.
const SECRET_HEADERS: [&str; 5] =
    ["authorization", "proxy-authorization", "x-api-key", "api-key", "cookie"];

/// The log entry of a request that has just arrived.
pub(crate) fn arrival(shared: &Shared, head: &Head) -> LogEntry {
    let server_now = shared.clock.now();
    let mut headers = std::collections::BTreeMap::<String, String>::new();
    for (name, value) in head.headers() {
        if SECRET_HEADERS.contains(&name) {
            continue;
        }
        headers
            .entry(name.to_owned())
            .and_modify(|all| {
                all.push_str(", ");
                all.push_str(value);
            })
            .or_insert_with(|| value.to_owned());
    }
    LogEntry {
        index: 0,
        time: machine_now().as_secs_f64(),
        server_time: server_now.as_secs_f64(),
        method: head.method.clone(),
        path: head.path.clone(),
        status: None,
        status_time: None,
        retry_after: None,
        should_retry: None,
        window: window::index(server_now, shared.options.window),
        consumed: false,
        refused: false,
        answered: false,
        finished: false,
        fault: None,
        idempotency_key: head.header("idempotency-key").map(String::from),
        model: None,
        prompt: None,
        stream: false,
        authorization: crate::auth::describe(head.header("authorization")),
        headers,
    }
}
