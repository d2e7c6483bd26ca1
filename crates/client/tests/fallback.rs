//! Other models and services that take a chat over.

mod common;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{builder, finished_log, hello, quick, sandbox};
use resayil::call::{Fallback, FallbackTarget};
use resayil::retry::{Budget, BudgetOptions, RetryReason};
use resayil::{CallOptions, ChatRequest, ClientBuilder, Kind, Policy};
use resayil_sandbox::{CutEnd, Fault, Sandbox};

const MISSING: &str = "no such model";

/// The key of the second service alone.
const OTHER_KEY: &str = "sk_llmr_0123456789abcdef0123456789abcdef";

fn other_sandbox() -> Sandbox {
    Sandbox::builder().limit(1000).api_key(OTHER_KEY).start().unwrap()
}

fn there(sandbox: &Sandbox) -> FallbackTarget {
    FallbackTarget::new().with_base_url(&sandbox.base_url()).with_api_key(sandbox.api_key())
}

fn to(target: impl Into<FallbackTarget>) -> Fallback {
    Fallback::builder().target(target).build().unwrap()
}

fn overloaded(sandbox: &Sandbox, times: usize, retry_after: Option<&str>) {
    for _ in 0..times {
        let headers = retry_after.map(|wait| ("retry-after".to_owned(), wait.to_owned()));
        let headers = headers.into_iter().collect();
        sandbox.push_fault(Fault::Status { status: 503, body: Some("busy".into()), headers });
    }
}

fn told(builder: ClientBuilder) -> (ClientBuilder, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&told);
    let tell = move |event: &resayil::observe::CallEvent<'_>| {
        list.lock().unwrap().push(format!("{} {}", event.action.name(), event.reason().unwrap()));
    };
    (builder.observer(tell), told)
}

fn models(sandbox: &Sandbox) -> Vec<String> {
    finished_log(sandbox).into_iter().filter_map(|entry| entry.model).collect()
}

#[test]
fn a_missing_model_is_replaced_at_once_by_another_request() {
    let sandbox = sandbox();
    let fallback = Fallback::models(["neither is this", "mistral"]).unwrap();
    let (builder, told) = told(builder(&sandbox).fallback(fallback));
    let client = builder.build().unwrap();
    let answer = client.chat(&ChatRequest::new(MISSING).user("Hello")).unwrap();
    assert_eq!((answer.fallback(), answer.attempts()), (Some(1), 3));
    assert_eq!(models(&sandbox), [MISSING, "neither is this", "mistral"]);

    let log = finished_log(&sandbox);
    let keys: Vec<_> = log.iter().map(|entry| entry.idempotency_key.clone().unwrap()).collect();
    assert_eq!(keys[1..], [format!("{}-1", keys[0]), format!("{}-2", keys[0])]);
    assert_eq!(log[2].prompt.as_deref(), Some("Hello"));
    assert_eq!(*told.lock().unwrap(), ["retry fallback"; 2]);
    let stats = client.stats();
    assert_eq!((stats.calls, stats.attempts, stats.retries, stats.answered), (1, 3, 2, 1));
    assert_eq!(stats.retries_by_reason, [(RetryReason::Fallback, 2)]);
    // The next call begins anew at its own model.
    let answer = client.chat(&hello()).unwrap();
    assert_eq!((answer.fallback(), answer.attempts()), (None, 1));
}

#[test]
fn nothing_falls_back_by_default() {
    let sandbox = sandbox();
    let client = builder(&sandbox).build().unwrap();
    assert!(client.fallback().is_none());
    let error = client.chat(&ChatRequest::new(MISSING).user("Hello")).unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (Kind::NotFound, 1));
}

#[test]
fn an_overloaded_service_is_left_for_another_with_its_own_key() {
    let (sandbox, other) = (sandbox(), other_sandbox());
    assert_ne!(sandbox.api_key(), other.api_key());
    overloaded(&sandbox, 2, None);
    let (builder, told) =
        told(builder(&sandbox).fallback(to(there(&other).with_model("llama3.2:3b"))));
    let client = builder.build().unwrap();
    let answer = client.chat(&hello()).unwrap();
    assert_eq!((answer.fallback(), answer.attempts()), (Some(0), 3));
    // Each takes its own key only: another one would have been a 401.
    assert_eq!(models(&sandbox), ["mistral", "mistral"]);
    assert_eq!(models(&other), ["llama3.2:3b"]);
    assert_eq!(finished_log(&other)[0].status, Some(200));
    assert_eq!(*told.lock().unwrap(), ["retry backoff", "retry fallback"]);
    assert_eq!(client.stats().attempts, 3);
    // The quota of the first saw the requests of the first alone.
    assert_eq!(client.quota_state().unwrap().admitted, 2);
}

#[test]
fn a_long_wait_is_not_waited() {
    let sandbox = sandbox();
    overloaded(&sandbox, 1, Some("20"));
    let client = builder(&sandbox).fallback(to("llama3.2:3b")).build().unwrap();
    let start = Instant::now();
    assert_eq!(client.chat(&hello()).unwrap().attempts(), 2);
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
}

#[test]
fn when_all_fail_the_last_error_is_given_with_the_attempts_of_all() {
    let (sandbox, other) = (sandbox(), other_sandbox());
    overloaded(&sandbox, 2, None);
    overloaded(&other, 2, None);
    other.push_fault(Fault::Status { status: 403, body: None, headers: Vec::new() });
    let fallback = to(there(&other).with_model("llama3.2:3b"));
    let (builder, told) = told(builder(&sandbox).fallback(fallback));
    let error = builder.build().unwrap().chat(&hello()).unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (Kind::Permission, 5));
    assert_eq!(error.model(), Some("llama3.2:3b"));
    assert_eq!(told.lock().unwrap().last().unwrap(), "stop not_retryable");
}

#[test]
fn a_closed_budget_leads_to_another_service_and_its_own_budget() {
    let (sandbox, other) = (sandbox(), other_sandbox());
    sandbox.push_fault(Fault::ServerError);
    let mut options = BudgetOptions::default();
    (options.ratio, options.reserve) = (0.0, 0.0);
    let fallback = Fallback::builder().target("llama3.2:3b").target(there(&other)).build().unwrap();
    let client = builder(&sandbox).budget(Budget::new(options)).fallback(fallback).build().unwrap();
    let answer = client.chat(&hello()).unwrap();
    assert_eq!((answer.fallback(), answer.attempts()), (Some(1), 2));
    assert_eq!(models(&other), ["mistral"]);
}

#[test]
fn an_attempt_that_may_have_run_moves_on_only_if_the_policy_lets_it() {
    for (allowed, attempts) in [(true, 2), (false, 1)] {
        let sandbox = sandbox();
        sandbox.push_fault(Fault::Drop);
        let fallback = Fallback::builder().target("llama3.2:3b").on([Kind::Network]);
        let policy = quick().max_attempts(1).retry_ambiguous(allowed).build().unwrap();
        let client =
            builder(&sandbox).policy(policy).fallback(fallback.build().unwrap()).build().unwrap();
        let result = client.chat(&hello());
        assert_eq!(result.is_ok(), allowed);
        assert_eq!(finished_log(&sandbox).len(), attempts);
    }
}

#[test]
fn a_stream_moves_on_before_its_first_piece_and_never_after() {
    let sandbox = sandbox();
    let fallback = Fallback::builder()
        .target("llama3.2:3b")
        .on([Kind::NotFound, Kind::Network])
        .build()
        .unwrap();
    let policy = quick().max_attempts(1).build().unwrap();
    let client = builder(&sandbox).policy(policy).fallback(fallback).build().unwrap();
    let mut stream = client.chat_stream(&ChatRequest::new(MISSING).user("Hello")).unwrap();
    let text: Result<String, _> = stream.by_ref().collect();
    assert!(!text.unwrap().is_empty());
    assert_eq!((stream.fallback(), stream.attempts()), (Some(0), 2));

    for (events, attempts) in [(0, 2), (1, 1)] {
        sandbox.reset();
        sandbox.set_limit(1000);
        sandbox.push_fault(Fault::CutStream { end: CutEnd::Done, events });
        let mut stream = client.chat_stream(&hello()).unwrap();
        let text: Result<String, _> = stream.by_ref().collect();
        assert_eq!(text.is_ok(), attempts == 2, "{events} {text:?}");
        assert_eq!(finished_log(&sandbox).len(), attempts);
    }
}

#[test]
fn a_posted_chat_moves_on_and_nothing_else_does() {
    let sandbox = sandbox();
    let client = builder(&sandbox).fallback(to("mistral")).build().unwrap();
    let body = ChatRequest::new(MISSING).user("Hello").to_json();
    let post = |path, body: &str| client.post(path, body.as_bytes(), &CallOptions::new());
    let answer = post("chat/completions", &body).unwrap();
    assert_eq!((answer.fallback(), answer.attempts()), (Some(0), 2));
    let error = post("embeddings", &body).unwrap_err();
    assert_eq!((error.attempts(), error.model()), (1, Some(MISSING)));
    overloaded(&sandbox, 5, None);
    assert_eq!(post("chat/completions", "[]").unwrap_err().attempts(), 5);
}

#[test]
fn the_deadline_holds_for_all_targets() {
    let (sandbox, other) = (sandbox(), other_sandbox());
    overloaded(&sandbox, 1, Some("20"));
    other.push_fault(Fault::Hang);
    let client = builder(&sandbox).fallback(to(there(&other))).build().unwrap();
    let options = CallOptions::new().deadline(Duration::from_secs(1));
    let error = client.chat_with(&hello(), &options).unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (Kind::Deadline, 2));
}

#[test]
fn targets_of_one_account_share_its_quota_and_budget() {
    let sandbox = sandbox();
    // The same service by its other address.
    let target = FallbackTarget::new().with_base_url(&format!("{}/api/v1", sandbox.origin()));
    let (builder, told) = told(builder(&sandbox).fallback(to(target.with_model("mistral"))));
    let client = builder.build().unwrap();
    let answer = client.chat(&ChatRequest::new(MISSING).user("Hello")).unwrap();
    assert_eq!(answer.fallback(), Some(0));
    assert_eq!(finished_log(&sandbox)[1].path, "/api/v1/chat/completions");
    assert_eq!(client.quota_state().unwrap().admitted, 2);
    assert_eq!(*told.lock().unwrap(), ["retry fallback"]);
}

#[test]
fn no_key_goes_where_it_was_not_given_for() {
    let sandbox = sandbox();
    for (url, problem) in [
        ("https://other.example/v1", "API key of its own"),
        ("http://other.example/v1", "plain http"),
        ("other", "whole"),
    ] {
        let target = FallbackTarget::new().with_base_url(url);
        let error = builder(&sandbox).fallback(to(target)).build().unwrap_err();
        assert_eq!(error.kind(), Kind::Configuration);
        assert!(error.message().unwrap().contains(problem), "{error}");
        assert!(error.message().unwrap().starts_with("fallback target 0: "), "{error}");
    }
    let target = FallbackTarget::from("mistral").with_api_key("with a space");
    let error = builder(&sandbox).policy(Policy::default()).fallback(to(target)).build();
    assert!(!format!("{:?}", error.unwrap_err()).contains("with a space"));
    assert_eq!(sandbox.log().len(), 0);
}
