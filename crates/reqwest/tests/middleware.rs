//! reqwest with the middleware, against the sandbox.

use std::future::Future;
use std::time::Duration;

use reqwest::{Body, StatusCode};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use resayil_core::call::{Fallback, FallbackTarget};
use resayil_core::quota::QuotaOptions;
use resayil_core::{Error, Kind, Policy, Provider};
use resayil_reqwest::{RetryLayer, RetryLayerBuilder, RetryMiddleware};
use resayil_sandbox::{CutEnd, Fault, Sandbox};

const CHAT: &str = r#"{"model":"mistral","messages":[{"role":"user","content":"Hello"}]}"#;
const STREAM: &str =
    r#"{"model":"mistral","messages":[{"role":"user","content":"Hello"}],"stream":true}"#;

fn options() -> RetryLayerBuilder {
    let policy = Policy::builder().base_delay(Duration::from_millis(50)).build().unwrap();
    RetryLayer::builder().policy(policy).provider(Provider::Resayil)
}

fn client(options: RetryLayerBuilder) -> ClientWithMiddleware {
    let middleware = RetryMiddleware::try_from(options).unwrap();
    ClientBuilder::new(reqwest::Client::new()).with(middleware).build()
}

async fn chat(
    client: &ClientWithMiddleware,
    sandbox: &Sandbox,
    body: impl Into<Body>,
) -> reqwest_middleware::Result<reqwest::Response> {
    let url = format!("{}/chat/completions", sandbox.base_url());
    client
        .post(url)
        .bearer_auth(sandbox.api_key())
        .header("accept", "application/json")
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
}

/// A 503 that names no wait.
fn busy() -> Fault {
    Fault::Status { status: 503, body: None, headers: Vec::new() }
}

fn statuses(sandbox: &Sandbox) -> Vec<u16> {
    sandbox.log().iter().filter_map(|entry| entry.status).collect()
}

fn of_core(error: &reqwest_middleware::Error) -> &Error {
    match error {
        reqwest_middleware::Error::Middleware(error) => error.downcast_ref().unwrap(),
        reqwest_middleware::Error::Reqwest(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn failures_are_tried_again_with_one_idempotency_key() {
    let sandbox = Sandbox::builder().start().unwrap();
    sandbox.push_fault(busy());
    sandbox.push_fault(Fault::Drop);
    let response = chat(&client(options()), &sandbox, CHAT).await.unwrap();
    assert_eq!(response.url().path(), "/v1/chat/completions");
    assert!(response.text().await.unwrap().contains("choices"));
    let log = sandbox.log();
    assert_eq!(log.len(), 3);
    assert!(log[0].idempotency_key.is_some());
    assert!(log.iter().all(|entry| entry.idempotency_key == log[0].idempotency_key));
}

#[tokio::test]
async fn with_the_limit_known_none_of_60_calls_at_once_is_refused() {
    let (limit, window) = (40, Duration::from_secs(2));
    let sandbox = Sandbox::builder().limit(limit).window(window).start().unwrap();
    let quota = QuotaOptions::default().with_limit(limit).with_window(window);
    let client = client(options().quota_options(quota));
    let calls = (0..60).map(|_| chat(&client, &sandbox, CHAT));
    let mut calls: Vec<_> = calls.map(Box::pin).collect();
    // All are under way before the first is over.
    std::future::poll_fn(|context| {
        calls.retain_mut(|call| match call.as_mut().poll(context) {
            std::task::Poll::Ready(response) => {
                assert_eq!(response.unwrap().status(), StatusCode::OK);
                false
            }
            std::task::Poll::Pending => true,
        });
        if calls.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    assert_eq!(statuses(&sandbox), [200; 60]);
}

#[tokio::test]
async fn the_last_response_has_its_body_its_address_and_the_error() {
    let sandbox = Sandbox::builder().start().unwrap();
    let response = chat(&client(options()), &sandbox, r#"{"model":"none"}"#).await.unwrap();
    assert!(response.status().is_client_error());
    assert_eq!(response.url().path(), "/v1/chat/completions");
    assert!(response.extensions().get::<Error>().is_some());
    assert!(!response.text().await.unwrap().is_empty());
    let error = chat(&client(options().error_for_status(true)), &sandbox, r#"{"model":"none"}"#)
        .await
        .unwrap_err();
    assert!(of_core(&error).status().is_some());
}

#[tokio::test]
async fn a_body_that_is_a_stream_is_sent_once() {
    let sandbox = Sandbox::builder().start().unwrap();
    sandbox.push_fault(busy());
    let body = Body::wrap(Body::from(CHAT));
    let response = chat(&client(options()), &sandbox, body).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(statuses(&sandbox), [503]);
}

#[tokio::test]
async fn no_connection_is_an_error_of_the_core() {
    let sandbox = Sandbox::builder().start().unwrap();
    sandbox.stop();
    let error = chat(&client(options()), &sandbox, CHAT).await.unwrap_err();
    let error = of_core(&error);
    assert_eq!((error.kind(), error.is_ambiguous()), (Kind::Network, false));
    assert!(error.attempts() > 1);
}

#[tokio::test]
async fn cut_streams_are_errors() {
    let sandbox = Sandbox::builder().start().unwrap();
    let client = client(options().watch_streams(true));
    assert!(
        chat(&client, &sandbox, STREAM).await.unwrap().text().await.unwrap().contains("[DONE]")
    );
    for end in [CutEnd::Done, CutEnd::End, CutEnd::Close] {
        sandbox.push_fault(Fault::CutStream { end, events: 2 });
        let response = chat(&client, &sandbox, STREAM).await.unwrap();
        let error = response.text().await.expect_err("a cut stream looks whole");
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = cause.filter(|error| !error.is::<Error>()) {
            cause = error.source();
        }
        let error: &Error = cause.unwrap().downcast_ref().unwrap();
        assert!(!error.partial_text().unwrap_or_default().is_empty(), "{error:?}");
    }
}

#[tokio::test]
async fn a_fallback_takes_over_with_its_own_key_and_model() {
    let down = Sandbox::builder().start().unwrap();
    let up = Sandbox::builder().api_key("sk_llmr_another_example_key").start().unwrap();
    (0..20).for_each(|_| down.push_fault(busy()));
    let target = FallbackTarget::new()
        .with_base_url(&up.base_url())
        .with_api_key(up.api_key())
        .with_model("qwen2.5:7b");
    let fallback = Fallback::builder().target(target).build().unwrap();
    let client = client(options().fallback(fallback, []));
    let response = chat(&client, &down, CHAT).await.unwrap();
    assert!(response.text().await.unwrap().contains("qwen2.5:7b"));
    assert_eq!(statuses(&up), [200]);
    assert!(down.log().len() < 5);
}
