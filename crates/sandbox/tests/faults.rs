//! Each fault, as a client meets it.

mod common;

use std::io::Read;
use std::time::{Duration, Instant};

use common::*;
use resayil_sandbox::{Behaviour, Fault, Sandbox, StartError};
use serde_json::{Value, json};

/// Its clock stands still, so that no window ends between a request and a look at its count.
fn start() -> Sandbox {
    let now = Duration::from_secs(1_741_305_555);
    Sandbox::builder().frozen_at(now).start().unwrap()
}

/// One request that meets the fault.
fn meet(s: &Sandbox, fault: Fault) -> Option<Reply> {
    s.push_fault(fault);
    post(s, &chat_body("hello there"))
}

#[test]
fn every_fault_consumes_quota_as_documented_and_is_logged_by_name() {
    for name in Fault::NAMES {
        if *name == "hang" {
            continue; // Never answers; see below.
        }
        let s = start();
        let fault: Fault = match *name {
            "slow_drip" => Fault::SlowDrip { bytes: 50, interval: Duration::from_millis(1) },
            "huge_body" => Fault::HugeBody { bytes: 1000, status: 200 },
            "gzip_bomb" => Fault::GzipBomb { bytes: 1000, status: 200 },
            name => name.parse().unwrap(),
        };
        let (upstream, answers) = (fault.is_upstream(), *name != "drop");
        let reply = meet(&s, fault);
        assert_eq!(reply.is_some(), answers, "{name}");
        let log = settled_log(&s);
        assert_eq!(log.len(), 1);
        let entry = &log[0];
        assert_eq!(entry.fault.as_deref(), Some(*name));
        assert_eq!(entry.consumed, upstream, "{name}");
        assert_eq!(s.state().used, u32::from(upstream), "{name}");
        assert_eq!(entry.answered, *name == "slow_drip", "{name}");
        assert_eq!(entry.status, reply.map(|r| r.status), "{name}");
        assert_eq!(entry.refused, entry.status == Some(429), "{name}");
        // The next request is answered again.
        assert_eq!(chat(&s, "again").status, 200, "after {name}");
    }
}

#[test]
fn the_front_answers_in_html_or_with_nothing() {
    let s = start();
    let reply = meet(&s, Fault::HtmlBadGateway).unwrap();
    assert_eq!((reply.status, reply.header("content-type")), (502, Some("text/html")));
    assert!(reply.text().contains("<h1>502 Bad Gateway</h1>"));
    let reply = meet(&s, Fault::Empty { status: 504 }).unwrap();
    assert_eq!((reply.status, reply.body.len()), (504, 0));
    let cdn = Fault::Status { status: 524, body: None, headers: vec![] };
    let reply = meet(&s, cdn).unwrap();
    assert_eq!((reply.status, reply.header("server")), (524, Some("cloudflare")));
    let reply = meet(&s, Fault::Maintenance).unwrap();
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("60")));
    s.push_fault(Fault::Maintenance);
    let body = chat_body("x").to_string();
    let reply = call(&s, "POST", "/api/v1/chat/completions", &body).unwrap();
    assert_eq!(reply.header("retry-after"), None);
    assert_eq!(reply.json(), json!({"message": "Service Unavailable"}));
}

#[test]
fn a_status_goes_out_as_written() {
    let s = start();
    let reply = meet(
        &s,
        Fault::Status {
            status: 529,
            body: Some("{\"type\":\"error\"".into()),
            headers: vec![
                ("X-Should-Retry".into(), "false".into()),
                ("content-type".into(), "application/problem+json".into()),
                ("Content-Length".into(), "3".into()),
            ],
        },
    )
    .unwrap();
    assert_eq!((reply.status, reply.text().as_str()), (529, "{\"type\":\"error\""));
    assert_eq!(reply.header("x-should-retry"), Some("false"));
    let types: Vec<_> = reply
        .headers
        .iter()
        .filter(|(n, _)| n.eq_ignore_ascii_case("content-type"))
        .map(|(_, v)| v.as_str())
        .collect();
    assert_eq!(types, ["application/problem+json"]);

    // Pushed from Rust unchecked, a fault that cannot be carried out says so.
    let bad = Fault::Status { status: 7, body: None, headers: vec![] };
    let reply = meet(&s, bad).unwrap();
    assert_eq!(reply.status, 500);
    assert!(reply.text().contains("status 7 is not between 200 and 599"));
}

#[test]
fn broken_connections() {
    let s = start();
    assert!(meet(&s, Fault::Drop).is_none());
    let reply = meet(&s, Fault::DropMidBody).unwrap();
    assert_eq!((reply.status, reply.complete), (200, false));
    assert!(!reply.body.is_empty());
    let cut = Fault::CutStream { end: Default::default(), events: 1 };
    assert!(!meet(&s, cut).unwrap().complete);
    let statuses: Vec<_> = settled_log(&s).iter().map(|e| e.status).collect();
    assert_eq!(statuses, [None, Some(200), Some(200)]);
}

#[test]
fn successes_that_are_none() {
    let s = start();
    let reply = meet(&s, Fault::BadJson).unwrap();
    assert!(reply.status == 200 && reply.complete);
    assert!(serde_json::from_slice::<Value>(&reply.body).is_err());
    let reply = meet(&s, Fault::EmptyAnswer).unwrap().json();
    assert_eq!(reply["choices"][0]["message"]["content"], "");
    assert_eq!(reply["usage"]["total_tokens"], 0);
    let reply = meet(&s, Fault::StreamError).unwrap();
    assert_eq!((reply.status, &reply.json()["error"]["code"]), (200, &json!(500)));
}

#[test]
fn refusals_by_script() {
    for behaviour in [Behaviour::Guide, Behaviour::Pages, Behaviour::Server] {
        let s = Sandbox::builder().behaviour(behaviour).start().unwrap();
        s.push_fault(Fault::RateLimited { retry_after: 7 });
        let reply = stream(&s, "x");
        assert_eq!((reply.status, &reply.json()["retry_after"]), (429, &json!(7)));
        assert_eq!(reply.header("x-ratelimit-remaining"), Some("0"));
        let reply = meet(&s, Fault::BadRetryAfter).unwrap();
        assert_eq!(reply.status, 429);
        assert!(reply.json().get("retry_after").is_none());
        assert!(reply.header("x-ratelimit-reset").is_none());
        assert!(reply.header("retry-after").unwrap().parse::<f64>().is_err());
        assert!(s.log().iter().all(|e| e.refused && !e.consumed));
    }
}

#[test]
fn redirects_go_where_they_are_told() {
    let s = start();
    let to = Fault::Redirect { location: "http://127.0.0.1:9/x".into(), status: 307 };
    let reply = meet(&s, to).unwrap();
    assert_eq!((reply.status, reply.header("location")), (307, Some("http://127.0.0.1:9/x")));
}

#[test]
fn a_slow_drip_is_slow_and_whole() {
    let s = start();
    let begin = Instant::now();
    let drip = Fault::SlowDrip { bytes: 100, interval: Duration::from_millis(20) };
    let reply = meet(&s, drip).unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(40));
    assert_eq!(reply.json()["choices"][0]["message"]["content"], "echo: hello there");
}

#[test]
fn huge_bodies_are_as_large_as_told() {
    let s = start();
    for bytes in [0, 1000, 5_000_000] {
        let reply = meet(&s, Fault::HugeBody { bytes, status: 500 }).unwrap();
        assert_eq!(reply.status, 500);
        let least = reply.body.len() as u64;
        assert_eq!(least, bytes.max(13));
        assert!(reply.header("content-length").is_none() && reply.json().is_object());
    }
    let reply = meet(&s, Fault::GzipBomb { bytes: 20_000_000, status: 200 }).unwrap();
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    assert!(reply.body.len() < 500_000, "{} bytes packed", reply.body.len());
    let mut unpacked = flate2::read::GzDecoder::new(reply.body.as_slice());
    let mut total = 0;
    let mut piece = vec![0; 1 << 16];
    loop {
        match unpacked.read(&mut piece).unwrap() {
            0 => break,
            count => total += count,
        }
    }
    assert_eq!(total, 20_000_000);
}

#[test]
fn an_endless_body_ends_when_the_client_leaves() {
    let s = start();
    s.push_fault(Fault::HugeBody { bytes: u64::MAX, status: 200 });
    let mut connection = Connection::open(&s);
    connection
        .write(request(&s, "POST", "/v1/chat/completions", &chat_body("x").to_string()).as_bytes());
    eventually("the answer has begun", || s.log().first().is_some_and(|e| e.status.is_some()));
    drop(connection);
    assert!(!settled_log(&s)[0].answered);
    eventually("the place is free", || s.state().connections == 0);
}

#[test]
fn a_hang_lasts_until_the_client_leaves() {
    let s = start();
    s.push_fault(Fault::Hang);
    let mut connection = Connection::open(&s);
    connection
        .write(request(&s, "POST", "/v1/chat/completions", &chat_body("x").to_string()).as_bytes());
    eventually("the request hangs", || s.log().first().is_some_and(|e| e.fault.is_some()));
    // Others are served meanwhile.
    assert_eq!(chat(&s, "y").status, 200);
    assert!(!s.log()[0].finished);
    drop(connection);
    let entry = &settled_log(&s)[0];
    assert_eq!((entry.status, entry.fault.as_deref()), (None, Some("hang")));
}

#[test]
fn the_script_is_followed_in_order_and_chat_alone_meets_it() {
    let s = Sandbox::builder()
        .script(vec![Fault::ServerError, Fault::Empty { status: 500 }, Fault::Unavailable])
        .start()
        .unwrap();
    assert_eq!(get(&s, "/v1/models").status, 200);
    // Refused before it comes to the upstream, so the fault waits for the next.
    assert_eq!(post(&s, &json!({})).unwrap().status, 422);
    let statuses: Vec<_> = (0..4).map(|_| chat(&s, "x").status).collect();
    assert_eq!(statuses, [500, 500, 503, 200]);
    let names: Vec<_> = s.log().into_iter().map(|e| e.fault).collect();
    let name = |n: &str| Some(n.to_owned());
    assert_eq!(names, [None, None, name("server_error"), name("empty"), name("unavailable"), None]);
}

#[test]
fn faults_by_rate_consume_quota_and_repeat_under_a_seed() {
    let run = |seed| {
        let s = Sandbox::builder()
            .limit(1000)
            .fault_rate(0.5)
            .faults(vec![Fault::ServerError, Fault::Empty { status: 502 }, Fault::Drop])
            .seed(seed)
            .start()
            .unwrap();
        for _ in 0..60 {
            post(&s, &chat_body("x"));
        }
        assert_eq!(post(&s, &json!({})).map(|r| r.status), Some(422), "checked first");
        let log = settled_log(&s);
        assert_eq!(log.iter().filter(|e| e.consumed).count(), 60);
        log.into_iter().map(|e| e.fault).collect::<Vec<_>>()
    };
    let first = run(3);
    assert_eq!(first, run(3));
    assert_ne!(first, run(4));
    for name in ["server_error", "empty", "drop"] {
        assert!(first.iter().flatten().any(|f| f == name), "{name}");
    }
    assert!(first[..60].iter().any(Option::is_none));
}

#[test]
fn impossible_options_are_refused() {
    let option = |builder: resayil_sandbox::Builder| match builder.start() {
        Err(StartError::InvalidOption { option, .. }) => option,
        other => panic!("{other:?}"),
    };
    let b = Sandbox::builder;
    assert_eq!(option(b().fault_rate(1.5)), "fault_rate");
    assert_eq!(option(b().fault_rate(f64::NAN)), "fault_rate");
    assert_eq!(option(b().fault_rate(0.1).faults(vec![])), "faults");
    assert_eq!(option(b().faults(vec![Fault::Empty { status: 1 }])), "faults");
    assert_eq!(option(b().script(vec![Fault::Empty { status: 600 }])), "script");
    assert_eq!(option(b().window(Duration::ZERO)), "window");
    assert_eq!(option(b().clock_offset(f64::INFINITY)), "clock_offset");
    assert_eq!(option(b().frozen_at(Duration::MAX)), "frozen_at");
    assert_eq!(option(b().credits(Some(f64::NAN))), "credits");
    assert_eq!(option(b().api_key("secret")), "api_key");
    assert_eq!(option(b().api_key("sk_llmr_a\r\nb")), "api_key");
    assert_eq!(option(b().latency(Duration::MAX)), "latency");
    assert_eq!(option(b().max_connections(0)), "max_connections");
    let error = b().api_key("my-secret").start().unwrap_err();
    assert!(!format!("{error} {error:?}").contains("my-secret"));
    assert!(!format!("{:?}", b().api_key("my-secret")).contains("my-secret"));
}
