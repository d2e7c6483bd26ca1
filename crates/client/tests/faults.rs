//! Every fault of the sandbox, met by the client: `docs/faults.md` is what came of it.
//!
//! `RESAYIL_BLESS=1 cargo test -p resayil --test faults` writes the page anew.

use std::fmt::Write;
use std::time::{Duration, Instant};

use resayil::error::RequestState;
use resayil::{CallOptions, ChatRequest, Client, Error, Kind, Policy};
use resayil_sandbox::{Fault, Sandbox, WireKind};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/faults.md");
/// Of each call.
const DEADLINE: Duration = Duration::from_secs(2);
/// Bytes.
const LIMIT: u64 = 256 * 1024;
/// A body that no socket's buffers hold.
const LARGE: usize = 8 * 1024 * 1024;

/// What the client makes of a fault.
struct Row {
    name: String,
    summary: String,
    plain: String,
    streamed: String,
    retried: bool,
}

fn client(base: &str, key: &str) -> Client {
    let policy = Policy::builder()
        .max_attempts(2)
        .base_delay(Duration::from_millis(1))
        .max_delay(Duration::from_millis(2))
        .deadline(DEADLINE);
    Client::builder()
        .base_url(base)
        .api_key(key)
        .no_proxy()
        .no_quota()
        // Empty members are slow to unpack without optimisation: the limit is to end them, not the time.
        .max_wire_bytes(if base.contains("gzip_empty_members") { 32 * 1024 } else { LIMIT })
        .max_response_bytes(LIMIT as usize)
        .policy(policy.build().unwrap())
        .build()
        .unwrap()
}

fn hello() -> ChatRequest {
    ChatRequest::new("mistral").user("Hello")
}

/// A body that is large where the fault strikes while it is sent.
fn body(name: &str) -> Vec<u8> {
    let early = ["early_answer", "early_answer_open", "no_read", "close_mid_upload"];
    let is_early = early.iter().any(|early| name.starts_with(early));
    let mut body = br#"{"model":"mistral","messages":[{"role":"user","content":"Hello"#.to_vec();
    body.resize(body.len() + if is_early { LARGE } else { 0 }, b'!');
    body.extend_from_slice(br#""}]}"#);
    body
}

/// Sends it, and reads the answer as it is.
fn post(client: &Client, body: &[u8]) -> Result<u32, Error> {
    client.post("chat/completions", body, &CallOptions::new()).map(|answer| answer.attempts())
}

/// What came of a call, in words; and how many requests were sent.
fn outcome(result: Result<u32, Error>) -> (String, u32) {
    match result {
        Ok(attempts) => ("answer".to_owned(), attempts),
        Err(error) => {
            assert!(
                !format!("{error} {error:?} {}", error.to_json()).contains("battery"),
                "{error}"
            );
            let status = error.status().map(|status| format!(" {status}")).unwrap_or_default();
            let state = match error.request_state() {
                RequestState::NotSent => "not sent",
                RequestState::PerhapsProcessed => "perhaps processed",
                _ => "answered",
            };
            (format!("{}{status}, {state}", error.kind()), error.attempts())
        }
    }
}

fn meet(sandbox: &Sandbox, name: &str) -> Row {
    let parameters = match name {
        // Within the limits of bytes below.
        "usage_flood" | "choices_flood" => "~bytes=100000",
        // Longer than the deadline.
        "slow_drip" => "~interval=1",
        _ => "",
    };
    let base = format!("{}/fault/{name}{parameters}/v1", sandbox.origin());
    let client = client(&base, "correct-horse-battery-staple");
    let body = body(name);
    let start = Instant::now();
    let plain = match body.len() > LARGE {
        true => post(&client, &body),
        false => client.chat(&hello()).map(|answer| answer.attempts()),
    };
    let (plain, attempts) = outcome(plain);
    let took = start.elapsed();
    assert!(took < DEADLINE + Duration::from_secs(1), "{name} took {took:?}");
    let start = Instant::now();
    let streamed = client.chat_stream(&hello()).and_then(|mut stream| {
        let mut events = 0;
        while let Some(event) = stream.next_event() {
            event?;
            events += 1;
        }
        assert!(events < 1_000_000);
        Ok(stream.attempts())
    });
    let (streamed, _) = outcome(streamed);
    let took = start.elapsed();
    assert!(took < DEADLINE + Duration::from_secs(1), "{name} took {took:?}, streamed");
    let fault: Fault = name.parse().unwrap();
    Row {
        name: name.to_owned(),
        summary: fault.summary().to_owned(),
        plain,
        streamed,
        retried: attempts > 1,
    }
}

fn page(rows: &[Row]) -> String {
    let mut page = "# Faults\n\n\
        What the sandbox does on command, and what the client makes of it. Each line was made by running it, with \
        two attempts, a deadline of two seconds, and limits of 256 KiB on the wire and unpacked.\n\n\
        A fault is named in the URL (`http://127.0.0.1:PORT/fault/<name>~<parameter>=<value>/v1`), in a file \
        (`resayil sandbox --script`), on the command line (`--fault`), over the control plane (`POST \
        /_sandbox/faults`), or in Rust (`Sandbox::push_fault`).\n\n\
        | fault | what it is | an answer in one piece | a stream | tried again |\n|---|---|---|---|---|\n"
        .to_owned();
    for row in rows {
        let tried = if row.retried { "yes" } else { "no" };
        let Row { name, summary, plain, streamed, .. } = row;
        writeln!(page, "| `{name}` | {summary} | {plain} | {streamed} | {tried} |").unwrap();
    }
    page
}

#[test]
fn every_fault_is_met_as_the_page_says() {
    let sandbox = Sandbox::builder().limit(1_000_000).start().unwrap();
    // Those that end by the deadline alone would take a minute one after the other.
    let names: Vec<&str> =
        WireKind::ALL.iter().map(|kind| kind.name()).chain(Fault::NAMES.iter().copied()).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let mut rows: Vec<(usize, Row)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut rows = Vec::new();
                    loop {
                        let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        let Some(name) = names.get(index) else { return rows };
                        rows.push((index, meet(&sandbox, name)));
                    }
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    rows.sort_by_key(|(index, _)| *index);
    let rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).collect();
    for row in rows.iter() {
        let kind = WireKind::ALL.iter().find(|kind| kind.name() == row.name);
        if let Some(kind) = kind {
            assert_eq!(row.plain == "answer", kind.is_readable(), "{}: {}", row.name, row.plain);
        }
    }
    let page = page(&rows);
    if std::env::var_os("RESAYIL_BLESS").is_some() {
        std::fs::write(PAGE, page).unwrap();
    } else {
        let committed = std::fs::read_to_string(PAGE).unwrap_or_default();
        assert_eq!(committed, page, "write it anew with RESAYIL_BLESS=1");
    }
}

#[test]
fn an_early_refusal_is_the_verdict_and_the_prompt_is_sent_once() {
    let sandbox = Sandbox::builder().start().unwrap();
    for (fault, kind) in [
        ("early_answer", Kind::PayloadTooLarge),
        ("early_answer_open", Kind::PayloadTooLarge),
        ("early_answer~status=401", Kind::Authentication),
        ("early_answer_open~status=422", Kind::Validation),
    ] {
        for _ in 0..5 {
            sandbox.reset();
            let client = client(&format!("{}/fault/{fault}/v1", sandbox.origin()), "sk_llmr_key");
            let error = post(&client, &body("early_answer")).unwrap_err();
            assert_eq!((error.kind(), error.attempts()), (kind, 1), "{fault}: {error:?}");
            assert_eq!(error.message(), Some("refused early"));
            assert_eq!(error.request_state(), RequestState::Answered);
            assert_eq!(sandbox.log().len(), 1);
        }
    }
}

#[test]
fn an_upload_that_breaks_off_was_not_sent() {
    let sandbox = Sandbox::builder().start().unwrap();
    for fault in ["close_mid_upload", "no_read"] {
        let client = client(&format!("{}/fault/{fault}/v1", sandbox.origin()), "sk_llmr_key");
        let error = post(&client, &body(fault)).unwrap_err();
        assert!(matches!(error.kind(), Kind::Network | Kind::Deadline), "{error:?}");
        assert_eq!(error.request_state(), RequestState::NotSent, "{fault}: {error:?}");
    }
}

#[test]
fn a_body_is_announced_where_that_is_asked_for() {
    let sandbox = Sandbox::builder().limit(100).start().unwrap();
    let base = |path: &str| format!("{}{path}", sandbox.origin());
    let build = |base: String| {
        Client::builder()
            .base_url(&base)
            .api_key(sandbox.api_key())
            .no_proxy()
            .expect_continue_above(1024)
            .policy(Policy::none())
            .build()
            .unwrap()
    };
    let long = ChatRequest::new("mistral").user(&"Hello ".repeat(1000));
    assert_eq!(build(base("/v1")).chat(&long).unwrap().attempts(), 1);
    let announced = |index: usize| {
        sandbox.log()[index]
            .headers
            .iter()
            .any(|(name, value)| name == "expect" && value == "100-continue")
    };
    assert!(announced(0));
    build(base("/v1")).chat(&ChatRequest::new("mistral").user("Hello")).unwrap();
    assert!(!announced(1));
    let start = Instant::now();
    let error = build(base("/fault/early_answer_open/v1")).chat(&long).unwrap_err();
    assert_eq!(error.kind(), Kind::PayloadTooLarge);
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[test]
fn the_first_byte_has_a_limit_of_its_own() {
    let sandbox = Sandbox::builder().latency(Duration::from_secs(20)).start().unwrap();
    let client = Client::builder()
        .base_url(&sandbox.base_url())
        .api_key(sandbox.api_key())
        .no_proxy()
        .first_byte_timeout(Duration::from_millis(200))
        .policy(Policy::none())
        .build()
        .unwrap();
    let start = Instant::now();
    let error = client.chat(&hello()).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(error.kind(), Kind::Timeout);
    assert!(error.to_string().contains("first_byte_timeout"), "{error}");
}

#[test]
fn limits_are_named_by_the_errors_that_they_cause() {
    let sandbox = Sandbox::builder().start().unwrap();
    let build = |fault: &str| {
        Client::builder()
            .base_url(&format!("{}/fault/{fault}/v1", sandbox.origin()))
            .api_key("sk_llmr_key")
            .no_proxy()
            .policy(Policy::none())
    };
    for (fault, limit) in [
        ("gzip_empty_blocks", "max_wire_bytes"),
        ("space_flood", "max_response_bytes"),
        ("head_endless", "max_head_bytes"),
        ("head_many", "max_headers"),
    ] {
        let client =
            build(fault).max_wire_bytes(1024 * 1024).max_response_bytes(4096).build().unwrap();
        let error = client.chat(&hello()).unwrap_err();
        assert!(error.to_string().contains(limit), "{fault}: {error}");
        assert!(!error.is_retryable());
    }
    for builder in [
        build("gzip").max_wire_bytes(0),
        build("gzip").max_response_bytes(0),
        build("gzip").max_head_bytes(0),
        build("gzip").max_headers(0),
        build("gzip").first_byte_timeout(Duration::ZERO),
        build("gzip").connect_timeout(Duration::ZERO),
    ] {
        assert_eq!(builder.build().unwrap_err().kind(), Kind::Configuration);
    }
}
