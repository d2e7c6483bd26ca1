//! What the layer does, over services that are made up, in virtual time.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Script, answer, json, layer, send, text};
use http::StatusCode;
use resayil_core::concurrency::ConcurrencyLimit;
use resayil_core::observe::Counters;
use resayil_core::quota::QuotaOptions;
use resayil_core::retry::{Jitter, StopReason};
use resayil_core::{Error, Kind, Policy};
use resayil_tower::{RetryLayer, Sending};
use tokio::time::Instant;
use tower::{Layer, ServiceExt};

const GOOD: &str = r#"{"choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}]}"#;

#[tokio::test(start_paused = true)]
async fn a_success_is_handed_on_as_it_is() {
    let script = Script::new([answer(200, &[("x-request-id", "r1")], GOOD)]);
    let response = send(layer().build().unwrap().layer(script.service())).await.unwrap();
    assert_eq!(response.headers()["x-request-id"], "r1");
    assert_eq!(text(response).await.unwrap(), GOOD);
    assert_eq!(script.sent(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_can_succeed_is_tried_again_as_the_server_says() {
    let refused =
        json(429, r#"{"error":{"message":"Rate limit exceeded","code":429},"retry_after":7}"#);
    let script = Script::new([refused, json(503, "busy"), json(200, GOOD)]);
    let start = Instant::now();
    // Without a quota, which may have its own view of when to send next.
    let layer = layer().quota(None).build().unwrap();
    let response = send(layer.layer(script.service())).await.unwrap();
    assert_eq!(text(response).await.unwrap(), GOOD);
    assert_eq!(script.sent(), 3);
    // The server's seven seconds, and a second of back-off.
    let took = start.elapsed();
    assert!(took >= Duration::from_secs(8) && took < Duration::from_secs(9), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_last_response_is_handed_on_with_its_body_put_back() {
    for (status, body) in [
        (401, r#"{"error":{"message":"bad key"}}"#.to_owned()),
        // More than is read of an error: the rest follows.
        (400, format!(r#"{{"error":{{"message":"{}"}}}}"#, "x".repeat(300_000))),
    ] {
        let script = Script::new([json(status, &body)]);
        let response = send(layer().build().unwrap().layer(script.service())).await.unwrap();
        assert_eq!(response.status().as_u16(), status);
        let error = response.extensions().get::<Error>().unwrap().clone();
        assert_eq!((error.attempts(), error.status()), (1, Some(status)));
        assert_eq!(text(response).await.unwrap(), body);
    }
}

#[tokio::test(start_paused = true)]
async fn failures_are_errors_where_it_is_asked_for() {
    let script = Script::new((0..5).map(|_| json(500, r#"{"error":{"message":"down"}}"#)));
    let service = layer().error_for_status(true).build().unwrap().layer(script.service());
    let error = send(service).await.unwrap_err();
    let error = error.downcast_ref::<Error>().unwrap();
    assert_eq!((error.kind(), error.attempts()), (Kind::Server, 5));
    assert_eq!(error.stop_reason(), Some(StopReason::MaxAttempts));
}

#[tokio::test(start_paused = true)]
async fn a_failure_without_an_answer_is_an_error_of_the_core() {
    let script = Script::new((0..2).map(|_| common::Answer::Refused));
    let policy = Policy::builder().max_attempts(2).build().unwrap();
    let error =
        send(layer().policy(policy).build().unwrap().layer(script.service())).await.unwrap_err();
    let error = error.downcast_ref::<Error>().unwrap();
    assert_eq!((error.kind(), error.attempts(), error.is_ambiguous()), (Kind::Network, 2, false));
    assert!(std::error::Error::source(error).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_read_for_so_long_only() {
    let script = Script::new([common::Answer::Stalled(401, r#"{"error":{"message":"bad"#)]);
    let start = Instant::now();
    let response = send(layer().build().unwrap().layer(script.service())).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_takes_too_long_is_given_up() {
    let script = Script::new([common::Answer::Silent, json(200, GOOD)]);
    let layer = layer().attempt_timeout(Duration::from_secs(20)).build().unwrap();
    let start = Instant::now();
    assert_eq!(send(layer.layer(script.service())).await.unwrap().status(), StatusCode::OK);
    assert_eq!((script.sent(), start.elapsed().as_secs()), (2, 21));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_all() {
    let policy = Policy::builder().deadline(Duration::from_secs(5)).build().unwrap();
    let script = Script::new([common::Answer::Silent]);
    let start = Instant::now();
    let error =
        send(layer().policy(policy).build().unwrap().layer(script.service())).await.unwrap_err();
    assert_eq!(error.downcast_ref::<Error>().unwrap().kind(), Kind::Deadline);
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn errors_in_disguise_are_found_where_it_is_asked_for() {
    let disguised = r#"{"error":{"message":"overloaded","type":"overloaded_error"}}"#;
    for check in [false, true] {
        let script = Script::new([json(200, disguised), json(200, GOOD)]);
        let layer = layer().check_answers(check).build().unwrap();
        let response = send(layer.layer(script.service())).await.unwrap();
        assert_eq!(text(response).await.unwrap(), if check { GOOD } else { disguised });
        assert_eq!(script.sent(), if check { 2 } else { 1 });
    }
    // What breaks off, too.
    let script =
        Script::new([common::Answer::Broken("application/json", r#"{"choi"#), json(200, GOOD)]);
    let layer = layer().check_answers(true).build().unwrap();
    let response = send(layer.layer(script.service())).await.unwrap();
    assert_eq!((text(response).await.unwrap().as_str(), script.sent()), (GOOD, 2));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_too_large_to_check_is_handed_on() {
    let script = Script::new([json(200, GOOD)]);
    let layer = layer().check_answers(true).max_answer_bytes(5).build().unwrap();
    let response = send(layer.layer(script.service())).await.unwrap();
    assert_eq!(text(response).await.unwrap(), GOOD);
}

#[tokio::test(start_paused = true)]
async fn a_known_quota_is_kept() {
    let script = Script::new((0..30).map(|_| json(200, GOOD)));
    let quota = QuotaOptions::default().with_limit(10).with_window(Duration::from_secs(60));
    let layer = layer().quota_options(quota).build().unwrap();
    let start = Instant::now();
    let calls: Vec<_> =
        (0..30).map(|_| tokio::spawn(send(layer.layer(script.service())))).collect();
    tokio::task::yield_now().await;
    assert_eq!(script.sent(), 10);
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().status(), StatusCode::OK);
    }
    assert_eq!(script.sent(), 30);
    assert!(start.elapsed() > Duration::from_secs(60), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_place_is_held_until_the_body_ends() {
    let script = Script::new((0..3).map(|_| json(200, GOOD)));
    let counters = Arc::new(Counters::new());
    let layer = layer()
        .concurrency(ConcurrencyLimit::fixed(1))
        .counters(Arc::clone(&counters))
        .build()
        .unwrap();
    let first = send(layer.layer(script.service())).await.unwrap();
    let second = tokio::spawn(send(layer.layer(script.service())));
    let third = tokio::spawn(send(layer.layer(script.service())));
    tokio::task::yield_now().await;
    assert_eq!(script.sent(), 1);
    assert_eq!(text(first).await.unwrap(), GOOD);
    // Dropping a body frees its place as well, and counts as a call that was given up.
    drop(second.await.unwrap().unwrap());
    third.await.unwrap().unwrap();
    let stats = counters.stats();
    assert_eq!((stats.calls, stats.answered), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_request_is_changed_before_it_is_sent() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let script = Script::new([json(503, "{}"), json(200, GOOD)]);
    let keeper = Arc::clone(&seen);
    let prepare = move |mut request: http::Request<String>, sending: &Sending<'_>| {
        keeper.lock().unwrap().push(sending.number());
        if sending.number() == 3 {
            return Err(Error::new(Kind::Configuration, "no third time"));
        }
        request.headers_mut().insert("x-attempt", sending.number().into());
        Ok(request)
    };
    let layer = layer().prepare(prepare).build().unwrap();
    assert_eq!(send(layer.layer(script.service())).await.unwrap().status(), StatusCode::OK);
    assert_eq!(*seen.lock().unwrap(), [1, 2]);
    assert_eq!(script.header("x-attempt"), ["1", "2"]);
}

/// A request that cannot be sent again.
struct Once(http::Request<String>);

impl resayil_tower::Replay for Once {
    fn replay(&self) -> Option<Self> {
        None
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sent_again_is_sent_once() {
    for answers in [json(503, "{}"), json(429, "{}"), common::Answer::Refused] {
        let script = Script::new([answers, json(200, GOOD)]);
        let service = script.service();
        let service = tower::service_fn(move |once: Once| service.clone().oneshot(once.0));
        let service = layer().build().unwrap().layer(service);
        let result = service.oneshot(Once(http::Request::new(String::new()))).await;
        assert_eq!(script.sent(), 1);
        assert!(result.is_err() || !result.unwrap().status().is_success());
    }
}

#[test]
fn options_out_of_range_are_refused() {
    let bad = [
        RetryLayer::builder().attempt_timeout(Duration::ZERO),
        RetryLayer::builder().error_body_timeout(Duration::ZERO),
        RetryLayer::builder().concurrency(ConcurrencyLimit::fixed(0)),
    ];
    for (builder, option) in
        bad.into_iter().zip(["attempt_timeout", "error_body_timeout", "max_concurrency"])
    {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), Kind::Configuration);
        assert!(error.to_string().contains(option), "{error}");
    }
    let _ = Jitter::None;
}
