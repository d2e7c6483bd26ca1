//! Carrying out a fault.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::answer::ChatRequest;
use crate::behaviour::{Problem, front_page};
use crate::chat;
use crate::clock::machine_now;
use crate::exchange::{After, Exchange, Quota};
use crate::fault::Fault;
use crate::http::Response;
use crate::stream::{self, Flaw};
use crate::wire::{self, Scene, WireFault};

/// The opening of a body that is made while it is sent, and its end.
const FILLER: (&[u8], &[u8]) = (b"{\"filler\":\"", b"\"}");

pub(crate) fn carry_out(
    ex: &mut Exchange<'_>,
    fault: &Fault,
    request: &ChatRequest,
) -> io::Result<After> {
    let behaviour = ex.shared.options.behaviour;
    ex.note(|entry| entry.fault = Some(fault.name().to_owned()));
    if let Err(error) = fault.validate() {
        let text = format!("the sandbox cannot carry out {}: {error}", fault.name());
        return ex.send(&behaviour.json(500, &json!({ "message": text })));
    }
    match fault {
        Fault::Status { status, body, headers } => {
            ex.send(&scripted(ex, *status, body.as_deref(), headers))
        }
        Fault::ServerError => chat::problem(ex, &Problem::Internal),
        Fault::Unavailable => chat::problem(ex, &Problem::Unavailable),
        Fault::HtmlBadGateway => ex.send(&front_page(502)),
        Fault::Empty { status } => ex.send(&Response::empty(*status)),
        Fault::Maintenance => maintenance(ex),
        Fault::Drop => Ok(After::Close),
        Fault::Hang => {
            ex.out.wait_for_end();
            Ok(After::Close)
        }
        Fault::DropMidBody if request.stream => stream::answer(ex, request, Flaw::Broken),
        Fault::CutStream { end, events } if request.stream => {
            let (end, events) = (*end, *events);
            stream::answer(ex, request, Flaw::Cut { end, events })
        }
        Fault::DropMidBody | Fault::CutStream { .. } => {
            let response = chat::whole(ex, request, &request.content());
            ex.send_part(&response, response.body.len() / 2)?;
            Ok(After::Close)
        }
        Fault::StreamError if request.stream => stream::answer(ex, request, Flaw::Error),
        Fault::StreamError => {
            let error =
                json!({"error": {"message": "The model stopped unexpectedly", "code": 500}});
            ex.send(&behaviour.json(200, &error))
        }
        Fault::SlowDrip { bytes, interval } => {
            ex.out.set_drip(*bytes, *interval);
            chat::answer(ex, request)
        }
        Fault::HugeBody { bytes, status } => {
            let headers = [("Content-Type".to_owned(), "application/json".to_owned())];
            let mut body = ex.begin(*status, &headers)?;
            fill(&mut body, *bytes, b'a')?;
            body.finish()?;
            Ok(ex.after())
        }
        Fault::GzipBomb { bytes, status } => {
            let headers = [("Content-Type", "application/json"), ("Content-Encoding", "gzip")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()));
            let mut gzip = GzEncoder::new(ex.begin(*status, &headers)?, Compression::fast());
            fill(&mut gzip, *bytes, b'a')?;
            gzip.finish()?.finish()?;
            Ok(ex.after())
        }
        Fault::Redirect { location, status } => ex.send(&redirect(*status, location)),
        Fault::BadJson if request.stream => stream::answer(ex, request, Flaw::BadJson),
        Fault::BadJson => {
            let mut response = chat::whole(ex, request, &request.content());
            response.body.truncate(response.body.len() / 2);
            ex.send(&response)
        }
        Fault::RateLimited { retry_after } => {
            ex.quota = Quota::Refused;
            let mut response = behaviour
                .problem(&Problem::RateLimited { retry_after: *retry_after, stream: false });
            // The pages' family has the wait in its text only; a script's is meant to be read.
            if let Ok(serde_json::Value::Object(mut map)) = serde_json::from_slice(&response.body) {
                map.insert("retry_after".to_owned(), json!(retry_after));
                response = behaviour.json(429, &map.into());
            }
            ex.send(&response)
        }
        Fault::EmptyAnswer if request.stream => stream::answer(ex, request, Flaw::Empty),
        Fault::EmptyAnswer => ex.send(&chat::whole(ex, request, "")),
        Fault::Wire(fault) => on_the_wire(ex, fault, request),
        Fault::BadRetryAfter => {
            ex.quota = Quota::Unknown;
            let response =
                behaviour.problem(&Problem::RateLimited { retry_after: 1, stream: false });
            let response = chat::without_body_hint(behaviour, &response);
            ex.send(&response.with("Retry-After", "in a little while"))
        }
    }
}

fn on_the_wire(
    ex: &mut Exchange<'_>,
    fault: &WireFault,
    request: &ChatRequest,
) -> io::Result<After> {
    let authorization = ex.head.header("authorization").unwrap_or_default();
    let key = authorization.strip_prefix("Bearer ").unwrap_or(authorization).to_owned();
    let answer = chat::whole(ex, request, &request.content()).body;
    let steps = Scene { fault, answer, stream: request.stream, key }.steps();
    let is_right = fault.kind.is_readable() && fault.status.is_none();
    ex.note(|entry| {
        entry.status = fault.status;
        entry.status_time = Some(machine_now().as_secs_f64());
        entry.answered = is_right;
    });
    wire::carry_out(ex, steps)
}

/// A redirect with the page that frameworks send along.
pub(crate) fn redirect(status: u16, location: &str) -> Response {
    Response::html(
        status,
        "<!DOCTYPE html>\n<html><head><title>Redirecting</title></head><body>Redirecting.</body></html>\n",
    )
    .with("Location", location)
}

fn scripted(
    ex: &Exchange<'_>,
    status: u16,
    body: Option<&str>,
    headers: &[(String, String)],
) -> Response {
    let mut response = match body {
        None => ex.shared.options.behaviour.status(status),
        Some(body) => {
            let looks_json = body.trim_start().starts_with(['{', '[']);
            if looks_json {
                Response::json(status, body.as_bytes().to_vec())
            } else {
                Response::html(status, body)
            }
        }
    };
    for (name, value) in headers {
        if name.eq_ignore_ascii_case("content-type") {
            response.headers.retain(|(n, _)| !n.eq_ignore_ascii_case("content-type"));
        }
        response = response.with(name, value);
    }
    response
}

fn maintenance(ex: &mut Exchange<'_>) -> io::Result<After> {
    let response = if ex.head.path.starts_with("/api/") {
        let body = json!({"message": "Service Unavailable"});
        ex.shared.options.behaviour.json(503, &body)
    } else {
        let page = "<!DOCTYPE html>\n<html><head><title>Service Unavailable</title></head>\
                    <body>503 Service Unavailable</body></html>\n";
        Response::html(503, page).with("Retry-After", "60")
    };
    ex.send(&response)
}

/// Writes a JSON object of `bytes` bytes (or as many as an empty one takes) in pieces.
fn fill(to: &mut impl Write, bytes: u64, with: u8) -> io::Result<()> {
    let piece = [with; 64 * 1024];
    let (open, close) = FILLER;
    let mut left = bytes.saturating_sub((open.len() + close.len()) as u64);
    to.write_all(open)?;
    while left > 0 {
        let size = usize::try_from(left).map_or(piece.len(), |left| left.min(piece.len()));
        to.write_all(&piece[..size])?;
        left -= size as u64;
    }
    to.write_all(close)
}
