//! The verdict on the program that sent the requests.

mod common;

use std::thread;
use std::time::Duration;

use common::*;
use resayil_sandbox::{Builder, Fault, Sandbox};
use serde_json::{Value, json};

/// A window that does not end during a test.
fn builder() -> Builder {
    Sandbox::builder().window(Duration::from_secs(24 * 3600))
}

/// A sandbox whose first requests meet these faults.
fn scripted(faults: &[Value]) -> Sandbox {
    let s = builder().start().unwrap();
    for fault in faults {
        s.push_fault(
            fault
                .to_string()
                .parse::<Fault>()
                .or_else(|_| fault.as_str().unwrap().parse())
                .unwrap(),
        );
    }
    s
}

fn ask(s: &Sandbox, prompt: &str) -> u16 {
    send(s, &request(s, "POST", "/v1/chat/completions", &chat_body(prompt).to_string()))
        .map_or(0, |reply| reply.status)
}

fn stream(s: &Sandbox, prompt: &str) {
    let mut body = chat_body(prompt);
    body["stream"] = true.into();
    send(s, &request(s, "POST", "/v1/chat/completions", &body.to_string()));
}

/// The names of the mistakes.
fn mistakes(s: &Sandbox, failed: bool) -> Vec<&'static str> {
    s.verdict(failed).findings.iter().map(|finding| finding.mistake.name()).collect()
}

fn pause(seconds: f64) {
    thread::sleep(Duration::from_secs_f64(seconds));
}

#[test]
fn who_waits_and_asks_again_makes_no_mistake() {
    let s = scripted(&[
        json!({"fault": "rate_limited", "retry_after": 1}),
        json!("server_error"),
        json!("drop"),
        json!({"fault": "status", "status": 429, "headers": [["Retry-After", "1"]]}),
    ]);
    for wait in [1.0, 0.1, 0.2, 1.0] {
        ask(&s, "hi");
        pause(wait);
    }
    assert_eq!(ask(&s, "hi"), 200);
    let verdict = s.verdict(false);
    assert!(verdict.is_good(), "{verdict}");
    assert_eq!(verdict.requests, 5);
    // A success may be asked for as often as one likes.
    for _ in 0..6 {
        assert_eq!(ask(&s, "hi"), 200);
    }
    assert_eq!(mistakes(&s, false), [""; 0]);
}

#[test]
fn a_wait_is_waited_for() {
    for fault in [
        json!({"fault": "rate_limited", "retry_after": 2}),
        json!({"fault": "status", "status": 503, "headers": [["Retry-After", "2"]]}),
    ] {
        let s = scripted(&[fault]);
        ask(&s, "hi");
        // Another request is not the same one.
        ask(&s, "something else");
        assert_eq!(mistakes(&s, false), ["gave_up"]);
        pause(0.3);
        assert_eq!(ask(&s, "hi"), 200);
        let verdict = s.verdict(false);
        assert_eq!(mistakes(&s, false), ["retried_too_early"]);
        let text = verdict.to_string();
        assert!(text.contains("asked for 2 s") && text.contains("1 mistake in 3"), "{text}");
    }
}

#[test]
fn a_window_that_refused_is_waited_for() {
    let s = builder().limit(1).start().unwrap();
    assert_eq!((ask(&s, "a"), ask(&s, "b")), (200, 429));
    pause(0.3);
    assert_eq!(ask(&s, "b"), 429);
    assert!(mistakes(&s, false).contains(&"retried_too_early"));
    let s = Sandbox::builder().limit(1).window(Duration::from_secs(1)).start().unwrap();
    ask(&s, "a");
    while ask(&s, "b") != 200 {
        pause(1.1);
    }
    assert_eq!(mistakes(&s, false), [""; 0]);
}

#[test]
fn what_cannot_be_mended_is_not_repeated() {
    for fault in [
        json!({"fault": "status", "status": 400}),
        json!({"fault": "status", "status": 401}),
        json!({"fault": "status", "status": 404}),
        json!({"fault": "status", "status": 501}),
        json!({"fault": "status", "status": 500, "headers": [["x-should-retry", "false"]]}),
        json!({"fault": "status", "status": 429, "body": "{\"error\":{\"code\":\"insufficient_quota\"}}"}),
    ] {
        let s = scripted(std::slice::from_ref(&fault));
        ask(&s, "hi");
        assert_eq!(mistakes(&s, false), [""; 0], "{fault}: to give up is right");
        pause(0.4);
        ask(&s, "hi");
        assert_eq!(mistakes(&s, false), ["retried_terminal"], "{fault}");
    }
}

#[test]
fn four_times_within_a_second_is_a_storm() {
    let s = scripted(&[json!("server_error"), json!("unavailable"), json!("drop")]);
    for _ in 0..4 {
        ask(&s, "hi");
    }
    assert_eq!(mistakes(&s, false), ["storm"]);
    // Four programs that ask the same are none.
    let s = scripted(&[json!("server_error"), json!("server_error")]);
    thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| {
                if ask(&s, "hi") != 200 {
                    pause(0.4);
                    ask(&s, "hi");
                }
            });
        }
    });
    assert_eq!(mistakes(&s, false), [""; 0]);
}

#[test]
fn a_cut_stream_is_asked_for_again_or_told_of() {
    for fault in ["cut_stream", "stream_error", "drop_mid_body", "bad_json"] {
        let s = scripted(&[json!(fault)]);
        stream(&s, "hi");
        assert_eq!(mistakes(&s, false), ["cut_stream_accepted"], "{fault}");
        assert_eq!(mistakes(&s, true), [""; 0], "{fault}");
        stream(&s, "hi");
        assert_eq!(mistakes(&s, false), [""; 0], "{fault}");
    }
}

#[test]
fn to_give_up_takes_three_tries_or_a_long_wait() {
    let s = scripted(&[json!("server_error"), json!("drop"), json!("bad_json")]);
    for tries in 1..=3 {
        ask(&s, "hi");
        let expected: &[&str] = if tries < 3 { &["gave_up"] } else { &[] };
        assert_eq!(mistakes(&s, false), expected, "{tries}");
        pause(0.4);
    }
    let s = scripted(&[json!({"fault": "rate_limited", "retry_after": 3600})]);
    ask(&s, "hi");
    assert_eq!(mistakes(&s, false), [""; 0]);
}

#[test]
fn who_waits_for_ever_has_no_timeout() {
    for fault in ["hang", "silent_mid_body"] {
        let s = scripted(&[json!(fault)]);
        let text = request(&s, "POST", "/v1/chat/completions", &chat_body("hi").to_string());
        let mut waiting = Connection::open(&s);
        waiting.write(text.as_bytes());
        pause(0.4);
        assert_eq!(mistakes(&s, false), ["no_timeout"], "{fault}");
        // Who leaves and asks again has one.
        drop(waiting);
        assert_eq!(ask(&s, "hi"), 200);
        assert_eq!(mistakes(&s, false), [""; 0], "{fault}");
    }
}

#[test]
fn an_idempotency_key_says_what_is_one() {
    let ask = |s: &Sandbox, key: &str| {
        let text = request(s, "POST", "/v1/chat/completions", &chat_body("hi").to_string());
        send(s, &text.replace("Host:", &format!("Idempotency-Key: {key}\r\nHost:")));
    };
    let s = scripted(&[json!({"fault": "status", "status": 401})]);
    ask(&s, "a");
    ask(&s, "b");
    assert_eq!(mistakes(&s, false), [""; 0]);
    ask(&s, "a");
    assert_eq!(mistakes(&s, false), ["retried_terminal"]);
}

#[test]
fn the_control_plane_judges() {
    let s = scripted(&[json!("cut_stream")]);
    stream(&s, "hi");
    let verdict = get(&s, "/_sandbox/verdict").json();
    assert_eq!(verdict["findings"][0]["mistake"], "cut_stream_accepted");
    assert_eq!((&verdict["findings"][0]["request"], &verdict["requests"]), (&json!(0), &json!(1)));
    let body = json!({"failed": true}).to_string();
    let told = send(&s, &request(&s, "POST", "/_sandbox/verdict", &body)).unwrap().json();
    assert_eq!(told["findings"], json!([]));
}
