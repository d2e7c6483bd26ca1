//! `POST {base}/chat/completions`: the checks in the server's order, then the upstream.

use std::io;

use crate::answer::{ChatRequest, Envelope};
use crate::behaviour::{Behaviour, Problem};
use crate::exchange::{After, Exchange, Quota};
use crate::fault::Fault;
use crate::http::Response;
use crate::quota::Refusal;
use crate::validation::{self, FieldErrors};
use crate::{auth, embeddings, inject, stream, window};

/// What a request is for. The checks before it are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upstream {
    Chat,
    Embeddings,
}

pub(crate) fn handle(ex: &mut Exchange<'_>, body: &[u8], to: Upstream) -> io::Result<After> {
    let shared = ex.shared;
    let options = &shared.options;
    let fields = validation::read_fields(ex.head.header("content-type"), body);
    let request = read(ex, &fields);
    if let Some(fault) = shared.account.take_front_fault() {
        return inject::carry_out(ex, &fault, &request);
    }
    if let Err(cause) = auth::check(ex.head.header("authorization"), &options.api_key) {
        return problem(ex, &Problem::Unauthenticated(cause));
    }
    ex.quota = Quota::Known;
    let errors = match to {
        Upstream::Chat => validation::check(&fields, options.openai_features),
        Upstream::Embeddings => embeddings::check(&fields),
    };
    if !errors.is_empty() {
        return invalid(ex, &errors);
    }
    let admission = match shared.account.admit(options, &shared.clock, &shared.stop, &request.model)
    {
        Ok(admission) => admission,
        Err(refusal) => return refuse(ex, refusal, &request),
    };
    ex.note(|entry| {
        entry.window = admission.window;
        entry.consumed = true;
    });
    shared.stop.sleep(options.latency);
    match admission.fault {
        Some(fault) => inject::carry_out(ex, &fault, &request),
        None if request.prompt_tokens() > options.context_tokens => {
            problem(ex, &Problem::Unavailable)
        }
        None => match to {
            Upstream::Chat => answer(ex, &request),
            Upstream::Embeddings => embeddings::answer(ex, &fields, &request),
        },
    }
}

/// Meets the request with this fault, whatever it is.
pub(crate) fn fail(ex: &mut Exchange<'_>, body: &[u8], fault: &Fault) -> io::Result<After> {
    let fields = validation::read_fields(ex.head.header("content-type"), body);
    let request = read(ex, &fields);
    inject::carry_out(ex, fault, &request)
}

fn read(ex: &Exchange<'_>, fields: &serde_json::Map<String, serde_json::Value>) -> ChatRequest {
    let request = ChatRequest::read(fields, ex.shared.options.openai_features);
    ex.note(|entry| {
        entry.model = Some(request.model.clone()).filter(|m| !m.is_empty());
        entry.prompt.clone_from(&request.prompt);
        entry.stream = request.stream;
    });
    request
}

/// Answers as the request deserves.
pub(crate) fn answer(ex: &mut Exchange<'_>, request: &ChatRequest) -> io::Result<After> {
    if request.stream {
        return stream::answer(ex, request, stream::Flaw::None);
    }
    let envelope = envelope(ex, request);
    let body = match &request.calls[..] {
        [] => envelope.whole(&request.content(), request.usage(&request.content())),
        calls => envelope.calls(calls, request.usage_of_calls()),
    };
    let response = envelope.behaviour.json(200, &body);
    ex.send_answer(&response)
}

/// A 200 with this content.
pub(crate) fn whole(ex: &Exchange<'_>, request: &ChatRequest, content: &str) -> Response {
    let envelope = envelope(ex, request);
    let body = envelope.whole(content, request.usage(content));
    envelope.behaviour.json(200, &body)
}

pub(crate) fn envelope(ex: &Exchange<'_>, request: &ChatRequest) -> Envelope {
    let behaviour = ex.shared.options.behaviour;
    Envelope {
        behaviour,
        id: format!("chatcmpl-sandbox-{}", ex.entry.map_or(0, |e| e.index)),
        created: ex.shared.clock.now().as_secs(),
        model: behaviour.answering_model(&request.model),
    }
}

pub(crate) fn problem(ex: &mut Exchange<'_>, problem: &Problem<'_>) -> io::Result<After> {
    let response = ex.shared.options.behaviour.problem(problem);
    ex.send(&response)
}

fn refuse(ex: &mut Exchange<'_>, refusal: Refusal, request: &ChatRequest) -> io::Result<After> {
    match refusal {
        Refusal::NoCredits { left } => problem(ex, &Problem::NoCredits { left }),
        Refusal::NoModel => problem(ex, &Problem::NoModel { model: &request.model }),
        Refusal::RateLimited => {
            let options = &ex.shared.options;
            let retry_after = window::retry_after(ex.shared.clock.now(), options.window);
            let bare = options.behaviour == Behaviour::Server && request.stream;
            if !bare {
                ex.quota = Quota::Refused;
            }
            let mut response = options
                .behaviour
                .problem(&Problem::RateLimited { retry_after, stream: request.stream });
            if !options.body_hint {
                response = without_body_hint(options.behaviour, &response);
            }
            ex.send(&response)
        }
    }
}

/// The same response, less the body's `retry_after`.
pub(crate) fn without_body_hint(behaviour: Behaviour, response: &Response) -> Response {
    match serde_json::from_slice(&response.body) {
        Ok(serde_json::Value::Object(mut map)) => {
            map.shift_remove("retry_after");
            behaviour.json(response.status, &map.into())
        }
        _ => response.clone(),
    }
}

/// A validation error; under `/v1` the server sends a browser back to where it came from, and takes
/// for a browser whoever does not ask for JSON.
fn invalid(ex: &mut Exchange<'_>, errors: &FieldErrors) -> io::Result<After> {
    let behaviour = ex.shared.options.behaviour;
    let asks_for_json = ex.head.header("accept").is_some_and(|accept| {
        let first = accept.split(',').next().unwrap_or_default();
        first.contains("/json") || first.contains("+json")
    });
    if behaviour != Behaviour::Server || asks_for_json || ex.head.path.starts_with("/api/") {
        return problem(ex, &Problem::Invalid(errors));
    }
    let root = format!("{}/", ex.shared.origin);
    let to = ex.head.header("referer").unwrap_or(&root);
    let response = inject::redirect(302, to);
    ex.send(&response)
}
