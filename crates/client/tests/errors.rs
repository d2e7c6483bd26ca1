//! Each failure of the guide, as it reaches the caller: kind, retries, fields.

mod common;

use std::time::{Duration, Instant};

use common::{builder, client, finished_log, hello, quick, sandbox};
use resayil::error::HintSource;
use resayil::retry::{Budget, BudgetOptions};
use resayil::{CallOptions, ChatRequest, Client, Kind, Policy, Provider};
use resayil_sandbox::{Behaviour, Fault, Sandbox};

#[test]
fn a_refusal_is_waited_for_as_its_body_says() {
    for behaviour in [Behaviour::Guide, Behaviour::Pages, Behaviour::Server] {
        let sandbox = Sandbox::builder().behaviour(behaviour).start().unwrap();
        sandbox.push_fault(Fault::RateLimited { retry_after: 1 });
        let client = client(&sandbox);
        let start = Instant::now();
        let answer = client.chat(&hello()).unwrap();
        assert!(start.elapsed() >= Duration::from_secs(1));
        assert_eq!(answer.attempts(), 2);
        let stats = client.stats();
        assert_eq!((stats.refused, stats.retries, stats.answered, stats.failed), (1, 1, 1, 0));
        assert_eq!(finished_log(&sandbox).iter().filter(|entry| entry.answered).count(), 1);
    }
}

#[test]
fn a_bad_key_is_not_retried() {
    let sandbox = sandbox();
    let client = builder(&sandbox).api_key("sk_llmr_not_the_one_123456").build().unwrap();
    let error = client.chat(&hello()).unwrap_err();
    assert_eq!((error.kind(), error.status()), (Kind::Authentication, Some(401)));
    assert_eq!((error.attempts(), error.is_exhausted()), (1, false));
    assert_eq!(finished_log(&sandbox).len(), 1);
    assert!(!format!("{error} {error:?}").contains("not_the_one"));
}

#[test]
fn no_credits_is_not_retried() {
    let sandbox = Sandbox::builder().credits(Some(0.0)).start().unwrap();
    let error = client(&sandbox).chat(&hello()).unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (Kind::PaymentRequired, 1));
    assert!(!error.advice().is_empty());
}

#[test]
fn an_unknown_model_is_named() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let error = client.chat(&ChatRequest::new("gone").user("Hello")).unwrap_err();
    assert_eq!((error.kind(), error.model()), (Kind::NotFound, Some("gone")));
    let body = br#"{"model":"gone","messages":[{"role":"user","content":"Hello"}]}"#;
    let error = client.post("chat/completions", body, &CallOptions::new()).unwrap_err();
    assert_eq!((error.kind(), error.model()), (Kind::NotFound, Some("gone")));
}

#[test]
fn invalid_fields_are_listed() {
    for behaviour in [Behaviour::Guide, Behaviour::Server] {
        let sandbox = Sandbox::builder().behaviour(behaviour).start().unwrap();
        let request = hello().set("temperature", "7").unwrap();
        let error = client(&sandbox).chat(&request).unwrap_err();
        assert_eq!((error.kind(), error.status()), (Kind::Validation, Some(422)));
        assert_eq!(error.field_errors()[0].field, "temperature");
        assert_eq!(error.attempts(), 1);
    }
}

#[test]
fn passing_failures_are_retried_with_one_idempotency_key() {
    for behaviour in [Behaviour::Guide, Behaviour::Pages, Behaviour::Server] {
        let sandbox = Sandbox::builder().behaviour(behaviour).start().unwrap();
        let client = client(&sandbox);
        let faults =
            [Fault::ServerError, Fault::Unavailable, Fault::HtmlBadGateway, Fault::DropMidBody];
        for (index, fault) in faults.into_iter().enumerate() {
            sandbox.push_fault(fault);
            assert_eq!(client.chat(&hello()).unwrap().attempts(), 2);
            let log = finished_log(&sandbox);
            let keys: Vec<_> =
                log[2 * index..].iter().map(|entry| entry.idempotency_key.as_deref()).collect();
            assert!(keys.len() == 2 && keys[0] == keys[1] && keys[0].is_some(), "{keys:?}");
            assert!(index == 0 || log[0].idempotency_key.as_deref() != keys[0]);
        }
        let stats = client.stats();
        assert_eq!((stats.calls, stats.answered, stats.attempts, stats.retries), (4, 4, 8, 4));
        let by_kind = [(Kind::Overloaded, 1), (Kind::Server, 2), (Kind::Network, 1)];
        assert_eq!(stats.retries_by_kind, by_kind);
    }
}

#[test]
fn a_dropped_connection_is_retried() {
    let sandbox = sandbox();
    sandbox.push_fault(Fault::Drop);
    let client = client(&sandbox);
    assert_eq!(client.chat(&hello()).unwrap().attempts(), 2);
    assert_eq!(client.stats().retries_by_kind, [(Kind::Network, 1)]);
}

#[test]
fn answers_that_are_none_are_retried() {
    for fault in [Fault::BadJson, Fault::EmptyAnswer, Fault::StreamError] {
        let sandbox = sandbox();
        sandbox.push_fault(fault.clone());
        let client = client(&sandbox);
        let answer = client.chat(&hello()).unwrap();
        assert_eq!(answer.attempts(), 2, "{fault:?}");
        assert!(!answer.content().is_empty());
    }
}

#[test]
fn a_call_is_tried_five_times() {
    let sandbox = sandbox();
    for fault in [Fault::ServerError, Fault::Unavailable, Fault::HtmlBadGateway, Fault::DropMidBody]
    {
        sandbox.push_fault(fault);
    }
    let answer = client(&sandbox).chat(&hello()).unwrap();
    assert_eq!(answer.attempts(), 5);
    let log = finished_log(&sandbox);
    let key = log[0].idempotency_key.as_deref().unwrap();
    assert!(log.iter().all(|entry| entry.idempotency_key.as_deref() == Some(key)), "{key}");
}

#[test]
fn used_up_retries_are_told() {
    let sandbox = sandbox();
    for _ in 0..3 {
        sandbox.push_fault(Fault::ServerError);
    }
    let policy = quick().max_attempts(3).build().unwrap();
    let client = builder(&sandbox).policy(policy).provider(Provider::Resayil).build().unwrap();
    let error = client.chat(&hello()).unwrap_err();
    assert_eq!((error.kind(), error.attempts(), error.is_exhausted()), (Kind::Server, 3, true));
    assert_eq!((error.provider(), error.model()), (Some(Provider::Resayil), Some("mistral")));

    // Whoever asks for no retries may go on to make his own.
    sandbox.push_fault(Fault::ServerError);
    let options = CallOptions::new().policy(Policy::none());
    let error = client.chat_with(&hello(), &options).unwrap_err();
    assert_eq!((error.attempts(), error.is_exhausted()), (1, false));
}

#[test]
fn the_budget_ends_retries_and_fills_again() {
    let sandbox = sandbox();
    let mut options = BudgetOptions::default();
    (options.ratio, options.reserve) = (1.0, 1.0);
    let client = builder(&sandbox).budget(Budget::new(options)).build().unwrap();
    sandbox.push_fault(Fault::ServerError);
    sandbox.push_fault(Fault::ServerError);
    let error = client.chat(&hello()).unwrap_err();
    assert_eq!((error.attempts(), error.is_exhausted()), (2, true));
    assert_eq!(client.budget().remaining(), 0.0);
    client.chat(&hello()).unwrap();
    sandbox.push_fault(Fault::ServerError);
    assert_eq!(client.chat(&hello()).unwrap().attempts(), 2);
}

#[test]
fn a_hint_that_is_too_long_ends_the_call_at_once() {
    let sandbox = sandbox();
    sandbox.push_fault(Fault::RateLimited { retry_after: 3000 });
    let start = Instant::now();
    let error = client(&sandbox).chat(&hello()).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(20));
    assert_eq!(error.kind(), Kind::RateLimit);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3000)));
    assert_eq!(error.retry_after_source(), Some(HintSource::Body));
}

#[test]
fn a_server_that_is_not_there_is_a_network_error_that_sent_nothing() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = Client::builder()
        .base_url(&format!("http://{address}/v1"))
        .api_key("sk_llmr_k")
        .policy(quick().max_attempts(2).build().unwrap())
        .build()
        .unwrap();
    let error = client.chat(&hello()).unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (Kind::Network, 2));
    assert!(!error.is_ambiguous() && error.is_exhausted());
    let line = error.to_string();
    let host = format!("the connection to {address} could not be made; cause: ");
    assert!(line.contains(&host) && !line.contains('\n'), "{line}");
    let source = std::error::Error::source(&error).unwrap();
    assert!(line.contains(&source.to_string()), "{line}: {source}");

    let client = Client::builder()
        .base_url("https://no-such-host.invalid/v1")
        .api_key("sk_llmr_k")
        .policy(Policy::none())
        .build()
        .unwrap();
    let error = client.chat(&hello()).unwrap_err();
    assert_eq!(error.kind(), Kind::Network, "{error:?}");
    assert!(!error.is_ambiguous());
    assert!(error.to_string().contains("no-such-host.invalid"), "{error}");
}

#[test]
fn models_and_balance_are_read() {
    let sandbox = Sandbox::builder().credits(Some(7.5)).start().unwrap();
    let client = client(&sandbox);
    let models = client.models().unwrap();
    assert!(models.iter().any(|model| model.id == "mistral"), "{models:?}");
    let balance = client.balance().unwrap();
    assert_eq!(balance.credits, Some(7.5));
    assert!(balance.tier.is_some());

    let sandbox = Sandbox::builder().balance_fails(true).start().unwrap();
    let client = builder(&sandbox).policy(Policy::none()).build().unwrap();
    assert_eq!(client.balance().unwrap_err().kind(), Kind::Server);
    client.models().unwrap();
}

#[test]
fn a_raw_post_gives_the_answer_as_it_came() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let body = hello().to_json();
    let options = CallOptions::new().idempotency_key("mine");
    let answer = client.post("chat/completions", body.as_bytes(), &options).unwrap();
    assert_eq!((answer.status(), answer.attempts()), (200, 1));
    assert!(answer.body().starts_with(b"{") && answer.header("Date").is_some());
    assert_eq!(finished_log(&sandbox)[0].idempotency_key.as_deref(), Some("mine"));
    let error = client.post("../other", b"{}", &options).unwrap_err();
    assert_eq!(error.kind(), Kind::Configuration);
}

#[test]
fn bad_options_are_named_and_no_key_is_shown() {
    let kind = |builder: resayil::ClientBuilder| {
        let error = builder.build().unwrap_err();
        assert!(!format!("{error}{error:?}").contains("s3cret"), "{error:?}");
        error.kind()
    };
    let base = || Client::builder().api_key("sk_llmr_s3cret").base_url("http://127.0.0.1:1/v1");
    for bad in ["", "Bearer sk_llmr_s3cret", "sk_llmr_s3cret\n", "sk llmr_s3cret", "ключ s3cret"]
    {
        assert_eq!(kind(base().api_key(bad)), Kind::Configuration);
    }
    assert_eq!(kind(base().base_url("http://example.com/v1")), Kind::Configuration);
    assert_eq!(kind(base().base_url("not a url s3cret")), Kind::Configuration);
    assert_eq!(kind(base().attempt_timeout(Duration::ZERO)), Kind::Configuration);
    assert_eq!(kind(base().max_response_bytes(0)), Kind::Configuration);
    assert_eq!(kind(base().user_agent("a\r\nb")), Kind::Configuration);
    assert!(!format!("{:?}", base()).contains("s3cret"));
    let client = base().build().unwrap();
    assert!(!format!("{client:?}").contains("s3cret"));
}
