//! The control plane, and what the log tells through it.

mod common;

use std::time::Duration;

use common::*;
use resayil_sandbox::{Authorization, Fault, LogEntry, Sandbox};
use serde_json::json;

fn control(s: &Sandbox, method: &str, action: &str, body: &str) -> Reply {
    // Without a key.
    let text = format!(
        "{method} /_sandbox/{action} HTTP/1.1\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    send(s, &text).unwrap()
}

#[test]
fn the_log_tells_what_came_without_secrets() {
    let s = Sandbox::builder().start().unwrap();
    let text =
        request(&s, "POST", "/v1/chat/completions?key=sekret", &chat_body(" hi ").to_string())
            .replace(
                "Host:",
                "Idempotency-Key: k-1\r\nCookie: c=sekret\r\nX-Two: a\r\nX-Two: b\r\nHost:",
            );
    assert_eq!(send(&s, &text).unwrap().status, 200);
    let no_key = "GET /v1/models HTTP/1.1\r\nAuthorization: Basic c2VrcmV0\r\n\r\n";
    Connection::open(&s).send(no_key.as_bytes()).unwrap();
    get(&s, "/v1/nothing");
    let reply = control(&s, "GET", "log", "");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    for secret in [s.api_key(), "sekret", "c2VrcmV0", "Bearer"] {
        assert!(!reply.text().contains(secret), "{secret}");
    }
    let log: Vec<LogEntry> = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(log.len(), 3, "the control plane is not logged");
    let first = &log[0];
    assert_eq!((first.index, first.method.as_str()), (0, "POST"));
    assert_eq!(first.path, "/v1/chat/completions");
    assert_eq!(first.prompt.as_deref(), Some("hi"));
    assert_eq!(first.model.as_deref(), Some("mistral"));
    assert_eq!(first.idempotency_key.as_deref(), Some("k-1"));
    assert_eq!(first.headers["x-two"], "a, b");
    assert_eq!(first.headers["accept"], "application/json");
    assert!(first.answered && first.consumed && !first.refused && !first.stream);
    assert_eq!(first.authorization, Authorization::WellFormed);
    assert_eq!(log[1].authorization, Authorization::Malformed);
    assert_eq!((log[1].status, log[2].status), (Some(401), Some(404)));
    assert_eq!(reply.json()[0]["authorization"], "well_formed");
}

#[test]
fn faults_come_by_name_or_object() {
    let s = Sandbox::builder().start().unwrap();
    let list = json!(["server_error", {"fault": "rate_limited", "retry_after": 3}]);
    let reply = control(&s, "POST", "faults", &list.to_string());
    assert_eq!((reply.status, reply.json()), (200, json!({"pushed": 2, "waiting": 2})));
    let reply = control(&s, "POST", "faults", "{\"fault\": \"empty\", \"status\": 520}");
    assert_eq!(reply.json(), json!({"pushed": 1, "waiting": 3}));
    let statuses: Vec<_> = (0..4).map(|_| chat(&s, "x").status).collect();
    assert_eq!(statuses, [500, 429, 520, 200]);
}

#[test]
fn bad_orders_change_nothing_and_say_why() {
    let s = Sandbox::builder().max_script(2).start().unwrap();
    for (action, body, part) in [
        ("faults", "[", "not JSON"),
        ("faults", "[\"drop\", \"nonsense\"]", "fault 1: unknown fault"),
        ("faults", "[\"drop\", {\"fault\": \"empty\", \"status\": 1}]", "fault 1: status 1"),
        ("faults", "[\"drop\", \"drop\", \"drop\"]", "at most 2"),
        ("state", "{\"limits\": 1}", "limits"),
        ("state", "{\"limit\": -1}", "invalid"),
        ("state", "[1e999]", "number out of range"),
    ] {
        let reply = control(&s, "POST", action, body);
        assert_eq!(reply.status, 400, "{body}");
        let error = reply.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(part), "{body}: {error}");
    }
    assert_eq!(control(&s, "PUT", "faults", "").status, 405);
    assert_eq!(control(&s, "GET", "nothing", "").status, 404);
    let state = s.state();
    assert_eq!((state.script, state.limit), (0, 20));
}

#[test]
fn state_shows_and_changes() {
    let s = Sandbox::builder()
        .limit(5)
        .credits(Some(3.0))
        .frozen_at(Duration::from_secs(120))
        .start()
        .unwrap();
    chat(&s, "x");
    let state = control(&s, "GET", "state", "").json();
    for (name, value) in [
        ("base_url", json!(s.base_url())),
        ("behaviour", json!("server")),
        ("limit", json!(5)),
        ("window_seconds", json!(60.0)),
        ("window", json!(2)),
        ("used", json!(1)),
        ("remaining", json!(4)),
        ("server_time", json!(120.0)),
        ("credits", json!(2.0)),
        ("script", json!(0)),
        ("log_forgotten", json!(0)),
    ] {
        assert_eq!(state[name], value, "{name}");
    }
    let change = json!({"limit": 1, "credits": null, "advance_clock": 60.5});
    let state = control(&s, "POST", "state", &change.to_string()).json();
    assert_eq!(
        (&state["limit"], &state["used"], &state["credits"], &state["server_time"]),
        (&json!(1), &json!(0), &json!(null), &json!(180.5))
    );
    assert_eq!((chat(&s, "x").status, chat(&s, "x").status), (200, 429));
}

#[test]
fn reset_starts_over() {
    let s = Sandbox::builder()
        .limit(1)
        .credits(Some(1.0))
        .frozen_at(Duration::from_secs(120))
        .script(vec![Fault::Empty { status: 500 }])
        .start()
        .unwrap();
    assert_eq!(chat(&s, "x").status, 500);
    assert_eq!(chat(&s, "x").status, 200);
    assert_eq!(chat(&s, "x").status, 429);
    s.push_fault(Fault::Drop);
    s.set_limit(9);
    s.advance_clock(60.0);
    assert_eq!(control(&s, "POST", "reset", "").json(), json!({"reset": true}));
    assert!(s.log().is_empty());
    let state = s.state();
    assert_eq!((state.limit, state.used, state.script), (1, 0, 0));
    assert_eq!((state.credits, state.server_time), (Some(1.0), 120.0));
    assert_eq!(chat(&s, "x").status, 200);
    assert_eq!(s.log()[0].index, 0);
}
