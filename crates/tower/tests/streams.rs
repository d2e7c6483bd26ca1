//! Streams that are watched to their end.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Answer, Script, layer, send, stream, text};
use http_body_util::BodyExt;
use resayil_core::observe::Counters;
use resayil_core::{Error, Kind};
use tower::Layer;

const HELLO: &str = r#"{"choices":[{"delta":{"content":"Hello"}}]}"#;
const STOP: &str = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
const ROLE: &str = r#"{"choices":[{"delta":{"role":"assistant"}}]}"#;
const BUSY: &str = r#"{"error":{"message":"overloaded","type":"overloaded_error"}}"#;
const DONE: &str = "[DONE]";

fn whole(events: &[&str]) -> String {
    events.iter().map(|event| format!("data: {event}\n\n")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_whole_stream_passes_as_it_is() {
    let events = [ROLE, HELLO, STOP, DONE];
    let counters = Arc::new(Counters::new());
    let layer = layer().watch_streams(true).counters(Arc::clone(&counters)).build().unwrap();
    let script = Script::new([stream(&events), stream(&events)]);
    let response = send(layer.layer(script.service())).await.unwrap();
    assert_eq!(text(response).await.unwrap(), whole(&events));
    assert_eq!(counters.stats().answered, 1);
    // Whoever stops reading at the last event has the whole answer, too.
    let mut response = send(layer.layer(script.service())).await.unwrap();
    for _ in events {
        response.body_mut().frame().await.unwrap().unwrap();
    }
    drop(response);
    assert_eq!(counters.stats().answered, 2);
}

#[tokio::test(start_paused = true)]
async fn a_cut_is_an_error_in_place_of_silence() {
    for watch in [false, true] {
        let script = Script::new([stream(&[ROLE, HELLO])]);
        let layer = layer().watch_streams(watch).build().unwrap();
        let result = text(send(layer.layer(script.service())).await.unwrap()).await;
        if !watch {
            assert_eq!(result.unwrap(), whole(&[ROLE, HELLO]));
            continue;
        }
        let error = result.unwrap_err();
        let error = error.downcast_ref::<Error>().unwrap();
        assert_eq!((error.kind(), error.partial_text()), (Kind::Network, Some("Hello")));
        assert_eq!((error.attempts(), error.is_safe_to_replay()), (1, false));
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_is_an_error_of_the_core() {
    let text_of = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";
    let script = Script::new([Answer::Broken("text/event-stream", text_of)]);
    let layer = layer().watch_streams(true).build().unwrap();
    let error = text(send(layer.layer(script.service())).await.unwrap()).await.unwrap_err();
    let error = error.downcast_ref::<Error>().unwrap();
    assert_eq!((error.kind(), error.partial_text()), (Kind::Network, Some("Hi")));
}

#[tokio::test(start_paused = true)]
async fn what_fails_before_anything_was_delivered_is_tried_again() {
    let good = [ROLE, HELLO, STOP, DONE];
    let broken = Answer::Broken("text/event-stream", ": ping\n\n");
    let script = Script::new([stream(&[ROLE]), stream(&[ROLE, BUSY]), broken, stream(&good)]);
    let layer = layer().watch_streams(true).build().unwrap();
    let response = send(layer.layer(script.service())).await.unwrap();
    assert_eq!(text(response).await.unwrap(), whole(&good));
    assert_eq!(script.sent(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_error_among_the_events_ends_the_body() {
    let script = Script::new([stream(&[HELLO, BUSY])]);
    let layer = layer().watch_streams(true).build().unwrap();
    let error = text(send(layer.layer(script.service())).await.unwrap()).await.unwrap_err();
    assert_eq!(error.downcast_ref::<Error>().unwrap().kind(), Kind::Overloaded);
}

#[tokio::test(start_paused = true)]
async fn nobody_sees_the_event_that_hides_a_cut() {
    // Two models of the end: what tells it comes with the rest, or alone.
    let together = whole(&[ROLE, HELLO, DONE]);
    let one = common::pieces(&[&together]);
    for answer in [stream(&[ROLE, HELLO, DONE]), one] {
        let script = Script::new([answer]);
        let layer = layer().watch_streams(true).build().unwrap();
        let mut body = send(layer.layer(script.service())).await.unwrap().into_body();
        let mut text = String::new();
        let error = loop {
            match body.frame().await.unwrap() {
                Ok(frame) => text += std::str::from_utf8(&frame.into_data().unwrap()).unwrap(),
                Err(error) => break error,
            }
        };
        assert_eq!(text, whole(&[ROLE, HELLO]));
        assert_eq!(error.downcast_ref::<Error>().unwrap().partial_text(), Some("Hello"));
        assert!(body.frame().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_stalls_ends_with_the_attempt() {
    let script = Script::new([common::Answer::Stalled(200, "")]);
    // Not a stream by its type: handed on, and nobody watches.
    let layer =
        layer().watch_streams(true).attempt_timeout(Duration::from_secs(30)).build().unwrap();
    assert!(send(layer.layer(script.service())).await.is_ok());
    let start = tokio::time::Instant::now();
    let script = Script::new([stalled(), stalled(), stalled(), stalled(), stalled()]);
    let error = send(layer.layer(script.service())).await.unwrap_err();
    assert_eq!(error.downcast_ref::<Error>().unwrap().kind(), Kind::Timeout);
    assert!(start.elapsed() >= Duration::from_secs(60));
}

fn stalled() -> Answer {
    Answer::StalledStream
}
