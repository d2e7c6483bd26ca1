//! Status and body of every answer in each of the three families.

mod common;

use std::time::Duration;

use common::*;
use resayil_sandbox::{Behaviour, Builder, Fault, Sandbox};
use serde_json::{Value, json};

/// 2025-03-06 23:59:15 UTC: 45 seconds before the minute.
const NOW: Duration = Duration::from_secs(1_741_305_555);

fn start(behaviour: Behaviour, change: impl FnOnce(Builder) -> Builder) -> Sandbox {
    let builder = Sandbox::builder().behaviour(behaviour).frozen_at(NOW);
    change(builder).start().unwrap()
}

/// Status and body for each case, in one family.
fn cases(behaviour: Behaviour) -> Vec<(&'static str, u16, Value)> {
    let mut out = Vec::new();
    let mut add = |name, reply: Reply| out.push((name, reply.status, reply.json()));

    let s = start(behaviour, |b| b.limit(1).credits(Some(0.0)));
    let with_auth = request(&s, "POST", "/v1/chat/completions", &chat_body("x").to_string());
    let key = format!("Authorization: Bearer {}\r\n", s.api_key());
    add("401 missing", send(&s, &with_auth.replace(&key, "")).unwrap());
    let lower = key.replace("Bearer", "bearer");
    add("401 format", send(&s, &with_auth.replace(&key, &lower)).unwrap());
    let spaced = key.replace("Bearer ", "Bearer  ");
    add("401 key", send(&s, &with_auth.replace(&key, &spaced)).unwrap());
    add("422", post(&s, &json!({"messages": "hi", "model": ""})).unwrap());
    add("402", chat(&s, "x"));
    let s = start(behaviour, |b| b);
    let mut unknown = chat_body("x");
    unknown["model"] = json!("gpt");
    add("404", post(&s, &unknown).unwrap());
    for fault in [
        Fault::ServerError,
        Fault::Unavailable,
        Fault::Status { status: 403, body: None, headers: vec![] },
    ] {
        let name = match fault {
            Fault::ServerError => "500",
            Fault::Unavailable => "503",
            _ => "403",
        };
        s.push_fault(fault);
        add(name, chat(&s, "x"));
    }
    let s = start(behaviour, |b| b.limit(0));
    add("429", chat(&s, "x"));
    add("429 stream", stream(&s, "x"));
    out
}

fn check(behaviour: Behaviour, expected: &[(&str, u16, Value)]) {
    let got = cases(behaviour);
    assert_eq!(got.len(), expected.len());
    for (got, expected) in got.iter().zip(expected) {
        assert_eq!(got, expected);
    }
}

#[test]
fn the_guides_bodies() {
    let error = |message: &str, code: u16| json!({"error": {"message": message, "code": code}});
    let mut invalid = error("Validation failed", 422);
    invalid["errors"] = json!({
        "model": ["The model field is required."],
        "messages": ["The messages field must be an array."],
    });
    let mut limited = error("Rate limit exceeded", 429);
    limited["retry_after"] = json!(45);
    let no_key = error("Unauthenticated.", 401);
    check(
        Behaviour::Guide,
        &[
            ("401 missing", 401, no_key.clone()),
            ("401 format", 401, no_key.clone()),
            ("401 key", 401, no_key),
            ("422", 422, invalid),
            (
                "402",
                402,
                error("Insufficient credits. Please top up your balance to continue.", 402),
            ),
            ("404", 404, error("Model not found.", 404)),
            ("500", 500, error("An unexpected error occurred. Please try again later.", 500)),
            ("503", 503, error("Failed to connect to Ollama service", 503)),
            ("403", 403, error("You do not have permission to access this resource.", 403)),
            ("429", 429, limited.clone()),
            ("429 stream", 429, limited),
        ],
    );
}

#[test]
fn the_other_pages_bodies() {
    let got = cases(Behaviour::Pages);
    let short: Vec<_> = got
        .iter()
        .map(|(name, status, body)| (*name, *status, body["error"]["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        short,
        [
            ("401 missing", 401, "unauthorized"),
            ("401 format", 401, "unauthorized"),
            ("401 key", 401, "unauthorized"),
            ("422", 400, "invalid_request"),
            ("402", 402, "insufficient_credits"),
            ("404", 404, "not_found"),
            ("500", 500, "internal_server_error"),
            ("503", 503, "service_unavailable"),
            ("403", 403, "forbidden"),
            ("429", 429, "rate_limit_exceeded"),
            ("429 stream", 429, "rate_limit_exceeded"),
        ]
    );
    for (name, _, body) in &got {
        assert_eq!(body.as_object().unwrap().len(), 1, "{name}: {body}");
    }
    let message = got[9].2["error"]["message"].as_str().unwrap();
    assert!(message.contains("45 seconds"), "{message}");
}

#[test]
fn the_servers_bodies() {
    let mut got = cases(Behaviour::Server);
    let invalid = got.remove(3).2;
    assert_eq!(invalid["message"], "Validation failed.");
    assert!(invalid.get("error").is_none());
    for field in ["model", "messages"] {
        let text = invalid["errors"][field][0].as_str().unwrap();
        assert!(text.contains(field), "{text}");
        let arabic = text.chars().any(|c| ('\u{0600}'..='\u{06ff}').contains(&c));
        assert!(arabic, "{text}");
    }
    let no_key = |error: &str| json!({"message": "Unauthenticated.", "error": error});
    let error = |message: &str, code: u16| json!({"error": {"message": message, "code": code}});
    let mut limited = error("Rate limit exceeded", 429);
    let bare = limited.clone();
    limited["retry_after"] = json!(45);
    let mut broke = error("Insufficient credits", 402);
    broke["top_up_url"] = json!("/dashboard/topup");
    broke["current_credits"] = json!(0);
    assert_eq!(
        got,
        [
            ("401 missing", 401, no_key("Authorization header required.")),
            ("401 format", 401, no_key("Invalid authorization header format.")),
            ("401 key", 401, no_key("Invalid API key.")),
            ("402", 402, broke),
            ("404", 404, error("Model 'gpt' not found.", 404)),
            ("500", 500, json!({"message": "Server error."})),
            ("503", 503, error("Failed to connect to Ollama service", 503)),
            ("403", 403, json!({"message": "Forbidden.", "error": "Permission 'chat' required."})),
            ("429", 429, limited),
            ("429 stream", 429, bare),
        ]
    );
}

#[test]
fn a_good_request_is_echoed_with_usage() {
    for behaviour in [Behaviour::Guide, Behaviour::Pages, Behaviour::Server] {
        let s = start(behaviour, |b| b);
        for base in ["/v1", "/api/v1"] {
            let path = format!("{base}/chat/completions");
            let body = chat_body("  hello مرحبا / \u{1f600} ").to_string();
            let reply = call(&s, "POST", &path, &body).unwrap();
            assert_eq!(reply.status, 200);
            assert_eq!(reply.header("date"), Some("Thu, 06 Mar 2025 23:59:15 GMT"));
            let answer = reply.json();
            let choice = &answer["choices"][0];
            assert_eq!(choice["message"]["content"], "echo: hello مرحبا / \u{1f600}");
            assert_eq!(choice["finish_reason"], "stop");
            let usage = &answer["usage"];
            let total = usage["prompt_tokens"].as_u64().unwrap()
                + usage["completion_tokens"].as_u64().unwrap();
            assert!(total > 0 && usage["total_tokens"] == total);
            assert_eq!(reply.body.is_ascii(), behaviour == Behaviour::Server);
            let named = if behaviour == Behaviour::Server { "mistral:latest" } else { "mistral" };
            assert_eq!(answer["model"], named);
            assert!(
                !reply.headers.iter().any(|(n, _)| n.to_ascii_lowercase().contains("request-id")),
                "the server sends no request id"
            );
        }
        assert!(s.log().iter().all(|e| e.answered && e.consumed));
    }
}

#[test]
fn models_and_balance() {
    let s = start(Behaviour::Server, |b| b.credits(Some(2.5)).tier(resayil_sandbox::Tier::Pro));
    for path in ["/v1/models", "/api/v1/models", "/v1/models?key=x"] {
        let models = get(&s, path).json();
        assert_eq!(models["object"], "list");
        assert_eq!(models["data"][0]["id"], "llama3.2:3b");
        assert_eq!(models["data"][0]["object"], "model");
        assert!(models["data"][0]["created"].is_u64() && models["data"][0]["owned_by"].is_string());
    }
    let balance = get(&s, "/api/billing/subscription").json();
    assert_eq!((&balance["tier"], &balance["status"]), (&json!("pro"), &json!("active")));
    assert_eq!(balance["credits"], json!(2.5));
    assert!(balance["expires_at"].is_string());
    assert_eq!(get(&s, "/v1/billing/subscription").status, 404);

    let no_key = "GET /v1/models HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert_eq!(send(&s, no_key).unwrap().status, 401);
    let head = call(&s, "HEAD", "/v1/models", "");
    // The client here waits for a body that HEAD does not have, so only the status counts.
    assert_eq!(head.map(|r| (r.status, r.body.len())), Some((200, 0)));

    let broken = start(Behaviour::Server, |b| b.balance_fails(true));
    let reply = get(&broken, "/api/billing/subscription");
    assert_eq!((reply.status, reply.json()), (500, json!({"message": "Server error."})));
    // Neither endpoint consumes quota.
    assert_eq!(s.state().used, 0);
}

#[test]
fn wrong_paths_and_methods() {
    let s = start(Behaviour::Server, |b| b);
    let reply = get(&s, "/v2/x");
    assert_eq!(reply.status, 404);
    assert_eq!(reply.json(), json!({"message": "The route v2/x could not be found."}));
    let reply = get(&s, "/v1/chat/completions");
    assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")));
    let message = reply.json()["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("The GET method is not supported for route v1/chat/completions."));
    assert_eq!(call(&s, "POST", "/v1/models", "").unwrap().status, 405);
}

#[test]
fn without_accept_the_server_redirects_a_bad_request() {
    let s = start(Behaviour::Server, |b| b);
    let good = request(&s, "POST", "/v1/chat/completions", "{}");
    assert_eq!(send(&s, &good).unwrap().status, 422);
    let without = good.replace("Accept: application/json\r\n", "");
    let reply = send(&s, &without).unwrap();
    assert_eq!(reply.status, 302);
    assert_eq!(reply.header("location"), Some(format!("{}/", s.origin()).as_str()));
    let referer = good.replace("Accept: application/json", "Accept: */*\r\nReferer: http://a/b");
    let reply = send(&s, &referer).unwrap();
    assert_eq!((reply.status, reply.header("location")), (302, Some("http://a/b")));
    let api = without.replace("/v1/chat", "/api/v1/chat");
    assert_eq!(send(&s, &api).unwrap().status, 422);
    let guide = start(Behaviour::Guide, |b| b.api_key(s.api_key()));
    assert_eq!(send(&guide, &without).unwrap().status, 422);
}

#[test]
fn unreadable_bodies_are_missing_fields() {
    let s = start(Behaviour::Server, |b| b);
    let good = chat_body("x").to_string();
    let deep = format!("{{\"a\":{}{},{}", "[".repeat(600), "]".repeat(600), &good[1..]);
    for body in ["{", "\u{feff}{}", "", "[]", deep.as_str()] {
        let reply = call(&s, "POST", "/v1/chat/completions", body).unwrap();
        assert_eq!(reply.status, 422, "{body}");
        assert!(reply.json()["errors"]["model"].is_array());
    }
    let form = request(&s, "POST", "/v1/chat/completions", &good)
        .replace("Content-Type: application/json", "Content-Type: text/plain");
    assert_eq!(send(&s, &form).unwrap().status, 422);
    assert_eq!(call(&s, "POST", "/v1/chat/completions", &good).unwrap().status, 200);
}

#[test]
fn a_prompt_beyond_the_context_is_a_503_that_consumes() {
    let s = start(Behaviour::Server, |b| b.context_tokens(10));
    assert_eq!(chat(&s, &"x".repeat(40)).status, 200);
    assert_eq!(chat(&s, &"x".repeat(41)).status, 503);
    assert_eq!(s.state().used, 2);
    assert_eq!(s.log()[1].fault, None);
}
