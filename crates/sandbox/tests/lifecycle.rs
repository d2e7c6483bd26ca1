//! Ports, stopping, connections, and HTTP as clients of all kinds speak it.

mod common;

use std::net::TcpStream;
use std::time::{Duration, Instant};

use common::*;
use resayil_sandbox::{Fault, Sandbox, StartError};

/// Generous for a busy machine, and far below the time-outs that a stuck stop would wait for.
const PROMPT: Duration = Duration::from_secs(4);

#[test]
fn a_port_in_use_is_named() {
    let first = Sandbox::builder().start().unwrap();
    let port = first.port();
    let error = Sandbox::builder().port(port).start().unwrap_err();
    assert!(matches!(error, StartError::PortInUse { port: p } if p == port));
    let text = error.to_string();
    assert!(text.contains(&port.to_string()) && text.contains("in use"), "{text}");
    assert_eq!(first.base_url(), format!("http://127.0.0.1:{port}/v1"));
    assert_eq!(first.origin(), format!("http://127.0.0.1:{port}"));
    assert!(first.api_key().starts_with("sk_llmr_"));
}

#[test]
fn stopping_ends_hanging_slow_and_idle_requests_at_once() {
    let s = Sandbox::builder()
        .script(vec![
            Fault::Hang,
            Fault::SlowDrip { bytes: 1, interval: Duration::from_secs(3000) },
        ])
        .latency(Duration::ZERO)
        .start()
        .unwrap();
    let text = request(&s, "POST", "/v1/chat/completions", &chat_body("x").to_string());
    let mut clients: Vec<_> = (0..2)
        .map(|at| {
            let mut client = Connection::open(&s);
            client.write(text.as_bytes());
            eventually("the fault has begun", || {
                s.log().get(at).is_some_and(|e| e.fault.is_some())
            });
            client
        })
        .collect();
    let mut half = Connection::open(&s);
    half.write(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc");
    let idle = Connection::open(&s);
    eventually("all are connected", || s.state().connections == 4);
    let begin = Instant::now();
    s.stop();
    assert!(begin.elapsed() < PROMPT, "{:?}", begin.elapsed());
    assert_eq!(s.state().connections, 0);
    assert!(s.log().iter().all(|e| e.finished && !e.answered));
    assert!(clients[0].is_closed());
    drop((half, idle));
    let begin = Instant::now();
    s.stop();
    assert!(begin.elapsed() < PROMPT);
    assert!(TcpStream::connect(("127.0.0.1", s.port())).is_err());
}

#[test]
fn stopping_cuts_latency_short_and_dropping_frees_the_port() {
    let s = Sandbox::builder().latency(Duration::from_secs(3000)).start().unwrap();
    let mut client = Connection::open(&s);
    client
        .write(request(&s, "POST", "/v1/chat/completions", &chat_body("x").to_string()).as_bytes());
    eventually("the request is in progress", || s.log().first().is_some_and(|e| e.consumed));
    let port = s.port();
    let begin = Instant::now();
    drop(s);
    assert!(begin.elapsed() < PROMPT, "{:?}", begin.elapsed());
    assert!(client.is_closed());
    let again = Sandbox::builder().port(port).start().unwrap();
    assert_eq!(chat(&again, "x").status, 200);
}

#[test]
fn one_connection_too_many_is_closed() {
    let s = Sandbox::builder().max_connections(2).start().unwrap();
    let text = request(&s, "GET", "/v1/models", "").replace("Connection: close\r\n", "");
    let mut open: Vec<_> = (0..2).map(|_| Connection::open(&s)).collect();
    for connection in &mut open {
        assert_eq!(connection.send(text.as_bytes()).unwrap().status, 200);
    }
    assert!(Connection::open(&s).is_closed());
    assert_eq!(s.state().connections_refused, 1);
    open.pop();
    eventually("the place is free", || s.state().connections == 1);
    assert_eq!(get(&s, "/v1/models").status, 200);
}

#[test]
fn many_clients_at_once_are_all_answered() {
    let s = Sandbox::builder().limit(1000).start().unwrap();
    std::thread::scope(|scope| {
        for client in 0..16 {
            let s = &s;
            scope.spawn(move || {
                for request in 0..10 {
                    assert_eq!(chat(s, &format!("{client}/{request}")).status, 200);
                }
            });
        }
    });
    let log = s.log();
    let mut prompts: Vec<_> = log.iter().filter(|e| e.answered).flat_map(|e| &e.prompt).collect();
    prompts.sort();
    prompts.dedup();
    assert_eq!(prompts.len(), 160);
    assert!(log.iter().enumerate().all(|(at, e)| e.index == at as u64));
}

#[test]
fn connections_stay_open_and_take_pipelined_requests() {
    let s = Sandbox::builder().start().unwrap();
    let body = chat_body("x").to_string();
    let text =
        request(&s, "POST", "/v1/chat/completions", &body).replace("Connection: close\r\n", "");
    let mut connection = Connection::open(&s);
    connection.write(text.repeat(3).as_bytes());
    for _ in 0..3 {
        let reply = connection.reply().unwrap();
        assert_eq!((reply.status, reply.header("connection")), (200, Some("keep-alive")));
    }
    let last = connection.send(request(&s, "GET", "/v1/models", "").as_bytes()).unwrap();
    assert_eq!(last.header("connection"), Some("close"));
    assert!(connection.is_closed());
}

#[test]
fn chunked_bodies_and_expect_continue() {
    let s = Sandbox::builder().start().unwrap();
    let body = chat_body("in chunks").to_string();
    let (a, b) = body.split_at(20);
    let head = request(&s, "POST", "/v1/chat/completions", "")
        .replace("Content-Length: 0", "Transfer-Encoding: chunked");
    let chunks = format!("{:x}\r\n{a}\r\n{:X};x=y\r\n{b}\r\n0\r\nT: v\r\n\r\n", a.len(), b.len());
    let reply = send(&s, &format!("{head}{chunks}")).unwrap();
    assert_eq!(reply.json()["choices"][0]["message"]["content"], "echo: in chunks");

    // In a million chunks of one byte: linear, so quick.
    let spaces = " ".repeat(1_000_000 - body.len());
    let tiny: String = (spaces + &body).chars().map(|c| format!("1\r\n{c}\r\n")).collect();
    let reply = send(&s, &format!("{head}{tiny}0\r\n\r\n")).unwrap();
    assert_eq!(reply.status, 200);

    let waiting = request(&s, "POST", "/v1/chat/completions", "").replace(
        "Content-Length: 0",
        &format!("Content-Length: {}\r\nExpect: 100-continue", body.len()),
    );
    let mut connection = Connection::open(&s);
    assert_eq!(connection.send(waiting.as_bytes()).unwrap().status, 100);
    assert_eq!(connection.send(body.as_bytes()).unwrap().status, 200);
}

#[test]
fn bodies_above_the_limit_are_413() {
    let s = Sandbox::builder().start().unwrap();
    // The default of 8 MiB. Announced, and not even sent:
    let head = request(&s, "POST", "/v1/chat/completions", "");
    let length = 8 * 1024 * 1024 + 1;
    let announced = head.replace("Length: 0", &format!("Length: {length}\r\nExpect: 100-continue"));
    let reply = send(&s, &announced).unwrap();
    assert_eq!(reply.status, 413);
    assert!(reply.json()["message"].is_string());
    // Sent whole, the answer still arrives:
    let body = chat_body(&"x".repeat(length)).to_string();
    let reply = call(&s, "POST", "/v1/chat/completions", &body).unwrap();
    assert_eq!((reply.status, reply.complete), (413, true));
    // In chunks:
    let small = Sandbox::builder().max_body_bytes(1000).start().unwrap();
    let chunked = head.replace("Content-Length: 0", "Transfer-Encoding: chunked");
    let reply =
        send(&small, &format!("{chunked}3e9\r\n{}\r\n0\r\n\r\n", "x".repeat(1001))).unwrap();
    assert_eq!(reply.status, 413);
    assert_eq!(send(&small, &format!("{chunked}0\r\n\r\n")).unwrap().status, 422);
    let log = settled_log(&s);
    assert_eq!(log.len(), 2);
    assert!(log.iter().all(|e| e.status == Some(413) && !e.consumed));
}

#[test]
fn what_is_no_request_is_refused() {
    let s = Sandbox::builder().start().unwrap();
    assert_eq!(send(&s, "hello\r\n\r\n").unwrap().status, 400);
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(200));
    assert_eq!(send(&s, &many).unwrap().status, 431);
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000));
    assert_eq!(send(&s, &long).unwrap().status, 431);
    let both = "POST /v1/x HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(send(&s, both).unwrap().status, 400);
    // Random bytes, cut anywhere, neither stop nor break the server.
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..50 {
        let bytes: Vec<u8> = (0..random.usize(0..300)).map(|_| random.u8(..)).collect();
        let mut connection = Connection::open(&s);
        connection.write(&bytes);
    }
    assert_eq!(chat(&s, "still here").status, 200);
}

#[test]
fn a_silent_client_is_let_go() {
    let s = Sandbox::builder().idle_timeout(Duration::from_millis(50)).start().unwrap();
    let mut silent = Connection::open(&s);
    assert!(silent.is_closed());
}

#[test]
fn a_common_http_client_gets_along_with_it() {
    let s = Sandbox::builder().start().unwrap();
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let send = |body: serde_json::Value| {
        let mut response = agent
            .post(format!("{}/chat/completions", s.base_url()))
            .header("Authorization", format!("Bearer {}", s.api_key()))
            .header("Accept", "application/json")
            .content_type("application/json")
            .send(body.to_string())
            .unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    };
    for _ in 0..3 {
        let (status, text) = send(chat_body("x"));
        assert!(status == 200 && text.contains("echo: x"));
        let (status, text) = send(stream_body("x"));
        assert!(status == 200 && text.ends_with("data: [DONE]\n\n"));
    }
    assert_eq!(s.state().connections, 1, "the connection is used again");
    s.push_fault(Fault::GzipBomb { bytes: 5000, status: 500 });
    let (status, text) = send(chat_body("x"));
    assert_eq!((status, text.len()), (500, 5000));
}
