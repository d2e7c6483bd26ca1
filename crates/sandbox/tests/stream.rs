//! Streamed answers, whole and cut.

mod common;

use std::time::{Duration, Instant};

use common::*;
use resayil_sandbox::{Behaviour, CutEnd, Fault, Sandbox};
use serde_json::{Value, json};

fn start(behaviour: Behaviour) -> Sandbox {
    Sandbox::builder().behaviour(behaviour).start().unwrap()
}

/// The text of all deltas, and the finish reasons.
fn deltas(events: &[String]) -> (String, Vec<String>) {
    let (mut text, mut reasons) = (String::new(), Vec::new());
    for event in events.iter().filter(|e| *e != "[DONE]") {
        let chunk: Value = serde_json::from_str(event).unwrap();
        let choice = &chunk["choices"][0];
        text.push_str(choice["delta"]["content"].as_str().unwrap_or_default());
        reasons.extend(choice["finish_reason"].as_str().map(String::from));
    }
    (text, reasons)
}

#[test]
fn a_stream_echoes_and_ends_with_done() {
    for (behaviour, last_delta) in [
        (Behaviour::Guide, json!({})),
        (Behaviour::Pages, json!({})),
        (Behaviour::Server, json!([])),
    ] {
        let s = start(behaviour);
        let reply = stream(&s, "one two مرحبا");
        assert_eq!((reply.status, reply.complete), (200, true));
        assert!(reply.header("content-type").unwrap().starts_with("text/event-stream"));
        let events = reply.events();
        assert_eq!(events.last().unwrap(), "[DONE]");
        assert_eq!(deltas(&events), ("echo: one two مرحبا".to_owned(), vec!["stop".to_owned()]));
        let last: Value = serde_json::from_str(&events[events.len() - 2]).unwrap();
        assert_eq!(last["choices"][0]["delta"], last_delta);
        assert!(last["usage"]["total_tokens"].as_u64().unwrap() > 0);
        assert_eq!(last["object"], "chat.completion.chunk");
        let entry = &s.log()[0];
        assert!(entry.stream && entry.answered && entry.consumed);
    }
}

#[test]
fn a_client_of_http_1_0_gets_an_unframed_stream() {
    let s = start(Behaviour::Guide);
    let text = request(&s, "POST", "/v1/chat/completions", &stream_body("hi").to_string());
    let reply = send(&s, &text.replace("HTTP/1.1", "HTTP/1.0")).unwrap();
    assert_eq!(reply.header("transfer-encoding"), None);
    assert_eq!(reply.header("connection"), Some("close"));
    assert_eq!(reply.events().last().unwrap(), "[DONE]");
}

#[test]
fn two_streams_go_over_one_connection() {
    let s = start(Behaviour::Server);
    let text = request(&s, "POST", "/v1/chat/completions", &stream_body("hi").to_string())
        .replace("Connection: close\r\n", "");
    let mut connection = Connection::open(&s);
    for _ in 0..2 {
        let reply = connection.send(text.as_bytes()).unwrap();
        assert!(reply.complete);
        assert_eq!(deltas(&reply.events()).0, "echo: hi");
    }
    assert_eq!(s.state().connections, 1);
}

#[test]
fn events_take_their_latency() {
    let s = Sandbox::builder().event_latency(Duration::from_millis(30)).start().unwrap();
    let begin = Instant::now();
    assert!(stream(&s, "a b").complete);
    // Three pieces and the end.
    assert!(begin.elapsed() >= Duration::from_millis(120));
}

#[test]
fn a_cut_stream_has_no_finish_reason() {
    for (end, complete, done) in
        [(CutEnd::Done, true, true), (CutEnd::End, true, false), (CutEnd::Close, false, false)]
    {
        let s = start(Behaviour::Server);
        for (events, text) in [(0, ""), (2, "echo: one "), (99, "echo: one two three")] {
            s.push_fault(Fault::CutStream { end, events });
            let reply = stream(&s, "one two three");
            assert_eq!((reply.status, reply.complete), (200, complete));
            let events = reply.events();
            assert_eq!(events.contains(&"[DONE]".to_owned()), done);
            assert_eq!(deltas(&events), (text.to_owned(), vec![]), "{end:?}");
        }
        let log = settled_log(&s);
        assert!(log.iter().all(|e| !e.answered && e.consumed && e.status == Some(200)));
        assert!(log.iter().all(|e| e.fault.as_deref() == Some("cut_stream")));
    }
}

#[test]
fn other_flaws_of_streams() {
    let s = start(Behaviour::Server);
    s.push_fault(Fault::StreamError);
    let events = stream(&s, "one two").events();
    let error: Value = serde_json::from_str(events.last().unwrap()).unwrap();
    assert_eq!(error["error"]["code"], 500);

    s.push_fault(Fault::BadJson);
    let events = stream(&s, "one two").events();
    let bad = events.iter().filter(|e| serde_json::from_str::<Value>(e).is_err());
    let bad: Vec<_> = bad.collect();
    assert_eq!(bad.len(), 2, "{events:?}");
    assert!(bad[0].starts_with('{') && bad[1] == "[DONE]");

    s.push_fault(Fault::EmptyAnswer);
    let events = stream(&s, "one two").events();
    assert_eq!(deltas(&events), (String::new(), vec!["stop".to_owned()]));
    let last: Value = serde_json::from_str(&events[events.len() - 2]).unwrap();
    assert_eq!(last["usage"]["total_tokens"], 0);

    s.push_fault(Fault::DropMidBody);
    let reply = stream(&s, "one two");
    assert!(!reply.complete && reply.text().contains("echo:"));
    assert!(reply.text().ends_with("data: {\"id\":\"chatcmpl-"));

    let begin = Instant::now();
    s.push_fault(Fault::SlowDrip { bytes: 200, interval: Duration::from_millis(5) });
    let reply = stream(&s, "one two");
    assert!(reply.complete && begin.elapsed() >= Duration::from_millis(20));
    assert_eq!(deltas(&reply.events()).0, "echo: one two");

    let answered: Vec<_> = settled_log(&s).iter().map(|e| e.answered).collect();
    assert_eq!(answered, [false, false, false, false, true]);
}

#[test]
fn refusals_before_a_stream_are_plain_json() {
    let s = start(Behaviour::Server);
    s.set_limit(0);
    let reply = stream(&s, "x");
    assert_eq!((reply.status, reply.header("content-type")), (429, Some("application/json")));
}
