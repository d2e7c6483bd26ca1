//! Decisions as events, calls as spans, in the words of OpenTelemetry.
//!
//! Where its conventions have a name it is used; the others begin with `resayil.`.

use http::Uri;
use resayil_core::call::WaitReason;
use resayil_core::observe::{CallAction, CallEvent, LogLevel};
use resayil_core::{Error, Kind};
use tracing::field::Empty;
use tracing::{Level, Span};

use crate::chat::ChatCompletion;
use crate::endpoint::Endpoint;

macro_rules! event {
    ($level:ident, $name:literal, $event:expr) => {{
        let event = $event;
        tracing::event!(
            name: $name,
            target: "resayil",
            Level::$level,
            "resayil.action" = event.action.name(),
            "resayil.reason" = event.reason(),
            "resayil.attempt" = event.attempt,
            "resayil.delay" = event.delay.map(|delay| delay.as_secs_f64()),
            "error.type" = event.kind().map(Kind::name),
            "resayil.error.code" = event.code(),
            "resayil.request_id" = event.request_id(),
            "http.response.status_code" = event.status(),
            "http.request.resend_count" = resend_count(event),
            "{event}"
        )
    }};
}

macro_rules! by_level {
    ($name:literal, $event:expr) => {
        match $event.level() {
            LogLevel::Warn => event!(WARN, $name, $event),
            LogLevel::Info => event!(INFO, $name, $event),
            LogLevel::Debug => event!(DEBUG, $name, $event),
            _ => event!(TRACE, $name, $event),
        }
    };
}

/// Makes an event of a decision, within the current span. Its level is core's; `tracing` wants a
/// place in the code for each.
pub(crate) fn emit(event: &CallEvent<'_>) {
    match event.action {
        CallAction::Retry(_) => by_level!("resayil.retry", event),
        CallAction::Stop(_) => by_level!("resayil.stop", event),
        CallAction::Wait(WaitReason::Quota) => by_level!("resayil.quota_wait", event),
        CallAction::Warning(_) => by_level!("resayil.warning", event),
        _ => {}
    }
}

/// Which repetition the request was that the decision is about; absent for the first.
fn resend_count(event: &CallEvent<'_>) -> Option<u32> {
    event.error?;
    event.attempt.checked_sub(1).filter(|count| *count > 0)
}

/// One call, from its beginning to its answer or error; a stream's to its end.
#[derive(Clone)]
pub(crate) struct CallSpan {
    span: Span,
    is_chat: bool,
}

impl CallSpan {
    /// A call that names a model is a chat.
    pub(crate) fn new(endpoint: &Endpoint, model: Option<&str>) -> Self {
        let span = tracing::info_span!(
            target: "resayil",
            "resayil.call",
            "otel.name" = Empty,
            "otel.kind" = "client",
            "otel.status_code" = Empty,
            "gen_ai.operation.name" = model.map(|_| "chat"),
            "gen_ai.provider.name" = endpoint.provider().map(|provider| provider.otel_name()),
            "gen_ai.request.model" = model,
            "gen_ai.response.model" = Empty,
            "gen_ai.usage.input_tokens" = Empty,
            "gen_ai.usage.output_tokens" = Empty,
            "http.request.method" = Empty,
            "http.response.status_code" = Empty,
            "server.address" = Empty,
            "server.port" = Empty,
            "error.type" = Empty,
            "resayil.attempts" = Empty,
        );
        let span = CallSpan { span, is_chat: model.is_some() };
        span.moved(endpoint);
        if let Some(model) = model.filter(|_| !span.span.is_disabled()) {
            span.span.record("otel.name", format!("chat {model}"));
        }
        span
    }

    /// The call is at this endpoint now.
    pub(crate) fn moved(&self, endpoint: &Endpoint) {
        let span = &self.span;
        if span.is_disabled() {
            return;
        }
        let url = &endpoint.url;
        span.record("server.address", url.host().trim_matches(['[', ']']));
        if let Ok(origin) = url.origin().parse::<Uri>() {
            let usual = if origin.scheme_str() == Some("http") { 80 } else { 443 };
            span.record("server.port", origin.port_u16().unwrap_or(usual));
        }
        span.record("gen_ai.provider.name", endpoint.provider().map(|it| it.otel_name()));
    }

    /// A request of this method is sent.
    pub(crate) fn attempt(&self, method: &'static str) {
        self.span.record("http.request.method", method);
        if !self.is_chat {
            self.span.record("otel.name", method);
        }
    }

    /// Does something that is told as part of the call.
    pub(crate) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        self.span.in_scope(work)
    }

    /// What a whole answer says of itself.
    pub(crate) fn answer(&self, answer: &ChatCompletion) {
        if let Some(model) = answer.model() {
            self.span.record("gen_ai.response.model", model);
        }
        if let Some(usage) = answer.usage() {
            self.span.record("gen_ai.usage.input_tokens", usage.prompt_tokens);
            self.span.record("gen_ai.usage.output_tokens", usage.completion_tokens);
        }
    }

    /// The call is over.
    pub(crate) fn end(&self, attempts: u32, error: Option<&Error>) {
        self.span.record("resayil.attempts", attempts);
        if let Some(error) = error {
            self.span.record("otel.status_code", "ERROR");
            self.span.record("error.type", error.kind().name());
            if let Some(status) = error.status() {
                self.span.record("http.response.status_code", status);
            }
        }
    }
}
