//! Answers that came well and that the caller does not take.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use common::{builder, finished_log, hello, quick, sandbox};
use resayil::{CallOptions, Kind, Response};
use resayil_sandbox::Fault;

/// An answer of empty text that the server charges for, so that it is no failure of the server's.
fn empty() -> Fault {
    answer("")
}

fn answer(text: &str) -> Fault {
    let body = format!(
        r#"{{"choices":[{{"message":{{"role":"assistant","content":"{text}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}}}"#
    );
    Fault::Status {
        status: 200,
        body: Some(body),
        headers: vec![("x-request-id".into(), "r1".into())],
    }
}

fn is_empty(answer: &Response) -> bool {
    answer.content().is_none_or(|text| text.is_empty())
}

#[test]
fn an_empty_answer_is_an_answer_unless_the_caller_says_no() {
    let sandbox = sandbox();
    sandbox.push_fault(empty());
    let client = builder(&sandbox).build().unwrap();
    assert_eq!(client.chat(&hello()).unwrap().content(), "");

    for _ in 0..2 {
        sandbox.push_fault(empty());
    }
    let answer = client.chat_with(&hello(), &CallOptions::new().retry_if_result(is_empty)).unwrap();
    assert!(!answer.content().is_empty());
    assert_eq!(answer.attempts(), 3);
    // A server that keeps answers by their keys would only repeat the empty one.
    let log = finished_log(&sandbox);
    let keys: Vec<_> = log[1..].iter().map(|entry| entry.idempotency_key.as_deref()).collect();
    let first = keys[0].unwrap();
    assert_eq!(keys[1..], [Some(&*format!("{first}-1")), Some(&*format!("{first}-2"))]);
    let stats = client.stats();
    assert_eq!((stats.retries, stats.answered), (2, 2));
    assert_eq!(stats.retries_by_kind, [(Kind::Protocol, 2)]);
}

#[test]
fn an_answer_that_is_rejected_to_the_last_is_an_error_that_still_has_it() {
    let sandbox = sandbox();
    for text in ["a", "b", "c"] {
        sandbox.push_fault(answer(text));
    }
    let policy = quick().max_attempts(3).build().unwrap();
    let client = builder(&sandbox).policy(policy).retry_if_result(|_| true).build().unwrap();
    let error = client.chat(&hello()).unwrap_err();
    assert_eq!((error.kind(), error.status(), error.attempts()), (Kind::Protocol, Some(200), 3));
    assert!(error.is_rejected() && error.is_exhausted() && !error.is_ambiguous());
    assert!(error.body().windows(13).any(|part| part == br#""content":"c""#));
    assert_eq!((error.request_id(), error.model()), (Some("r1"), Some("mistral")));
    // The service answered: its budget is as full as before.
    assert_eq!((client.budget().remaining(), client.budget().health()), (10.0, 1.0));
    assert_eq!(client.stats().failed, 1);
}

#[test]
fn the_call_s_predicate_replaces_the_client_s_and_questions_are_not_asked_about() {
    let sandbox = sandbox();
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let client = builder(&sandbox)
        .retry_if_result(move |_| count.fetch_add(1, Ordering::Relaxed) < 1)
        .build()
        .unwrap();
    client.models().unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    let lenient = CallOptions::new().retry_if_result(|_| false);
    assert_eq!(client.chat_with(&hello(), &lenient).unwrap().attempts(), 1);
    let body = hello().to_json();
    let response = client.post("chat/completions", body.as_bytes(), &CallOptions::new()).unwrap();
    assert_eq!((response.attempts(), asked.load(Ordering::Relaxed)), (2, 2));
    assert!(response.content().is_some_and(|text| !text.is_empty()));
}
