//! Headers, query parameters and time-outs that the program adds.

mod common;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{ANSWER, builder, finished_log, hello, read_request, sandbox, serve, write_json};
use resayil::call::{Fallback, FallbackTarget};
use resayil::{CallOptions, Client, Kind, Policy};
use resayil_sandbox::{Fault, Sandbox};

#[test]
fn what_is_added_is_sent_and_what_a_call_adds_counts() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let requests = Arc::clone(&seen);
    let base = serve(move |_, mut stream| {
        loop {
            let request = read_request(&mut stream);
            if request.is_empty() {
                return;
            }
            requests.lock().unwrap().push(request.to_ascii_lowercase());
            write_json(&mut stream, 200, ANSWER);
        }
    });
    let client = Client::builder()
        .api_key("sk_llmr_example")
        .base_url(&format!("{base}?api-version=2026-01-01"))
        .default_header("X-Team", "blue")
        .default_query("a", "1")
        .build()
        .unwrap();
    let options = CallOptions::new().header("x-team", "red").header("Authorization", "other");
    client.chat(&hello()).unwrap();
    client.chat_with(&hello(), &options.query("a", "2 3")).unwrap();
    client.post("embeddings", b"{}", &CallOptions::new().query("api-version", "1")).unwrap();
    client.get("files?limit=2", &CallOptions::new()).unwrap();
    let seen = seen.lock().unwrap();
    let first = |index: usize| seen[index].lines().next().unwrap().to_owned();
    assert_eq!(first(0), "post /v1/chat/completions?api-version=2026-01-01&a=1 http/1.1");
    assert_eq!(first(1), "post /v1/chat/completions?api-version=2026-01-01&a=2%203 http/1.1");
    assert_eq!(first(2), "post /v1/embeddings?a=1&api-version=1 http/1.1");
    assert_eq!(first(3), "get /v1/files?limit=2&api-version=2026-01-01&a=1 http/1.1");
    assert!(seen[0].contains("x-team: blue") && seen[0].contains("authorization: bearer sk_"));
    assert!(seen[1].contains("x-team: red") && !seen[1].contains("blue"));
    assert!(seen[1].contains("authorization: other") && !seen[1].contains("bearer"));
}

#[test]
fn another_origin_is_not_told_what_was_meant_for_the_first() {
    let key = "sk_llmr_0123456789abcdef0123456789abcdef";
    let (first, other) = (sandbox(), Sandbox::builder().api_key(key).start().unwrap());
    first.push_fault(Fault::Status { status: 404, body: None, headers: Vec::new() });
    let elsewhere =
        FallbackTarget::new().with_base_url(&other.base_url()).with_api_key(other.api_key());
    let client = builder(&first)
        .default_header("x-team", "blue")
        .fallback(Fallback::builder().target(elsewhere).build().unwrap())
        .build()
        .unwrap();
    client.chat_with(&hello(), &CallOptions::new().header("x-user", "me")).unwrap();
    let (here, there) = (finished_log(&first), finished_log(&other));
    assert_eq!(here[0].headers.get("x-team").map(String::as_str), Some("blue"));
    assert_eq!(here[0].headers.get("x-user").map(String::as_str), Some("me"));
    assert_eq!(there.len(), 1);
    assert!(!there[0].headers.contains_key("x-team") && !there[0].headers.contains_key("x-user"));
}

#[test]
fn bad_ones_are_configuration_errors_and_nothing_is_sent() {
    let sandbox = sandbox();
    let client = builder(&sandbox).build().unwrap();
    for options in [
        CallOptions::new().header("content-length", "3"),
        CallOptions::new().header("x", "a\r\nb"),
        CallOptions::new().attempt_timeout(Duration::ZERO),
    ] {
        assert_eq!(client.chat_with(&hello(), &options).unwrap_err().kind(), Kind::Configuration);
    }
    let bad = builder(&sandbox).default_header("host", "elsewhere").build();
    assert_eq!(bad.unwrap_err().kind(), Kind::Configuration);
    assert!(sandbox.log().is_empty());
}

#[test]
fn one_call_may_have_less_time_for_an_attempt() {
    let sandbox = sandbox();
    sandbox.push_fault(Fault::Hang);
    let client = builder(&sandbox).policy(Policy::none()).build().unwrap();
    let start = Instant::now();
    let options = CallOptions::new().attempt_timeout(Duration::from_millis(300));
    let error = client.chat_with(&hello(), &options).unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout);
    assert!(start.elapsed() < Duration::from_secs(10));
}
