//! Nothing hangs, nothing grows without bound, nothing goes where it should not.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{
    ANSWER, PATIENCE, builder, client, finished_log, hello, quick, read_request, sandbox, serve,
    write_json,
};
use resayil::Provider;
use resayil::error::HintSource;
use resayil::observe::CallAction;
use resayil::quota::QuotaOptions;
use resayil::{CallOptions, CancelToken, Client, Error, Kind, Policy};
use resayil_sandbox::{Fault, Sandbox};

/// Far more than any of these waits, and far less than the faults would last.
const SOON: Duration = Duration::from_secs(10);

fn drip() -> Fault {
    Fault::SlowDrip { bytes: 1, interval: Duration::from_millis(100) }
}

#[test]
fn a_deadline_ends_a_slow_drip_and_a_hang() {
    for fault in [drip(), Fault::Hang] {
        let sandbox = sandbox();
        sandbox.push_fault(fault.clone());
        let options = CallOptions::new().deadline(Duration::from_millis(400));
        let start = Instant::now();
        let error = client(&sandbox).chat_with(&hello(), &options).unwrap_err();
        assert!(start.elapsed() >= Duration::from_millis(400), "{fault:?}");
        assert!(start.elapsed() < SOON, "{fault:?} {:?}", start.elapsed());
        assert_eq!(error.kind(), Kind::Deadline, "{error:?}");
        assert!(error.is_ambiguous());
    }
}

#[test]
fn an_attempt_that_takes_too_long_is_a_time_out_and_is_retried() {
    for fault in [drip(), Fault::Hang] {
        let sandbox = sandbox();
        sandbox.push_fault(fault.clone());
        let client = builder(&sandbox).attempt_timeout(Duration::from_secs(1)).build().unwrap();
        let answer = client.chat(&hello()).unwrap();
        assert_eq!(answer.attempts(), 2, "{fault:?}");
        assert_eq!(client.stats().retries_by_kind, [(Kind::Timeout, 1)], "{fault:?}");
    }
}

#[test]
fn a_request_that_may_have_been_carried_out_is_repeated_only_if_that_is_allowed() {
    let sandbox = sandbox();
    let policy = quick().retry_ambiguous(false).build().unwrap();
    let client = builder(&sandbox).policy(policy).build().unwrap();
    client.chat(&hello()).unwrap();
    sandbox.push_fault(Fault::Drop); // on the kept connection
    let error = client.chat(&hello()).unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (Kind::Network, 1));
    assert!(error.is_ambiguous());
}

fn assert_cancelled_at_once(client: &Client, options: CallOptions, meanwhile: impl FnOnce()) {
    let token = CancelToken::new();
    let options = options.cancel(token.clone());
    let (error, cancelled) = std::thread::scope(|scope| {
        let call = scope.spawn(|| client.chat_with(&hello(), &options).unwrap_err());
        meanwhile();
        std::thread::sleep(Duration::from_millis(200));
        let cancelled = Instant::now();
        token.cancel();
        (call.join().unwrap(), cancelled)
    });
    assert!(cancelled.elapsed() < Duration::from_secs(3), "{:?}", cancelled.elapsed());
    assert_eq!(error.kind(), Kind::Cancelled, "{error:?}");
    // The token stays cancelled.
    let error = client.chat_with(&hello(), &options).unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (Kind::Cancelled, 0));
}

#[test]
fn cancelling_wakes_each_wait_at_once() {
    // The answer.
    let sandbox = sandbox();
    let chat_client = client(&sandbox);
    for fault in [Fault::Hang, drip()] {
        sandbox.push_fault(fault);
        assert_cancelled_at_once(&chat_client, CallOptions::new(), || {});
    }
    // The server's hint.
    sandbox.push_fault(Fault::RateLimited { retry_after: 100 });
    let options = CallOptions::new().policy(Policy::default());
    assert_cancelled_at_once(&chat_client, options, || {});
    // The back-off. (The other client still holds everybody back.)
    let chat_client = client(&sandbox);
    sandbox.push_fault(Fault::ServerError);
    let hour = Duration::from_secs(3600);
    let slow = Policy::builder().max_delay(hour).base_delay(hour).build().unwrap();
    assert_cancelled_at_once(&chat_client, CallOptions::new().policy(slow), || {});
    // The quota.
    let options = QuotaOptions::default().with_limit(1).with_window(Duration::from_secs(86_400));
    let metered = builder(&sandbox).quota_options(options).build().unwrap();
    metered.chat(&hello()).unwrap();
    let forever = CallOptions::new().policy(Policy::default());
    assert_cancelled_at_once(&metered, forever, || {
        while metered.quota_state().unwrap().waiting == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    assert_eq!(metered.quota_state().unwrap().waiting, 0);
}

#[test]
fn cancelling_waits_takes_in_what_is_under_way() {
    let sandbox = Sandbox::builder().latency(Duration::from_millis(600)).start().unwrap();
    let client = client(&sandbox);
    let token = CancelToken::new();
    let options = CallOptions::new().cancel(token.clone());
    std::thread::scope(|scope| {
        let call = scope.spawn(|| client.chat_with(&hello(), &options));
        while sandbox.log().is_empty() {
            std::thread::sleep(Duration::from_millis(1));
        }
        token.cancel_waits();
        assert_eq!(call.join().unwrap().unwrap().attempts(), 1);
    });
    assert_eq!(client.chat_with(&hello(), &options).unwrap_err().kind(), Kind::Cancelled);

    // A failure ends the call, for there is to be no other attempt.
    sandbox.push_fault(Fault::Unavailable);
    let token = CancelToken::new();
    let options = CallOptions::new().cancel(token.clone());
    std::thread::scope(|scope| {
        let call = scope.spawn(|| client.chat_with(&hello(), &options).unwrap_err());
        while sandbox.log().len() < 2 {
            std::thread::sleep(Duration::from_millis(1));
        }
        token.cancel_waits();
        let error = call.join().unwrap();
        assert_eq!((error.kind(), error.attempts()), (Kind::Cancelled, 1));
    });
}

#[test]
fn a_quota_wait_past_the_deadline_fails_at_once_and_takes_no_place() {
    let sandbox = sandbox();
    let options = QuotaOptions::default().with_limit(1).with_window(Duration::from_secs(86_400));
    let client = builder(&sandbox).quota_options(options).build().unwrap();
    client.chat(&hello()).unwrap();
    let start = Instant::now();
    let error = client.chat(&hello()).unwrap_err();
    assert!(start.elapsed() < SOON);
    assert_eq!((error.kind(), error.attempts()), (Kind::Deadline, 0));
    assert!(error.retry_after().unwrap() > PATIENCE);
    assert_eq!(error.retry_after_source(), Some(HintSource::Quota));
    assert_eq!(client.quota_state().unwrap().waiting, 0);
    assert_eq!(finished_log(&sandbox).len(), 1);
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Sandbox::builder().start().unwrap();
    for status in [301, 302, 303, 307, 308] {
        let sandbox = sandbox();
        let location = format!("{}/chat/completions", elsewhere.base_url());
        sandbox.push_fault(Fault::Redirect { location, status });
        let error = client(&sandbox).chat(&hello()).unwrap_err();
        assert_eq!((error.kind(), error.status()), (Kind::Protocol, Some(status)));
        assert_eq!((error.attempts(), error.is_retryable()), (1, false));
    }
    assert!(elsewhere.log().is_empty());
}

#[test]
fn a_huge_body_is_cut_off() {
    const MIB: usize = 1024 * 1024;
    let huge = 4096 * MIB as u64;
    for fault in
        [Fault::HugeBody { bytes: huge, status: 200 }, Fault::GzipBomb { bytes: huge, status: 200 }]
    {
        let sandbox = sandbox();
        sandbox.push_fault(fault.clone());
        let client = builder(&sandbox).max_response_bytes(MIB).build().unwrap();
        let start = Instant::now();
        let error = client.chat(&hello()).unwrap_err();
        assert!(start.elapsed() < SOON, "{fault:?}");
        assert_eq!((error.kind(), error.attempts()), (Kind::Protocol, 1), "{error:?}");
        assert!(error.message().unwrap().contains("max_response_bytes"));
    }
    for fault in
        [Fault::HugeBody { bytes: huge, status: 500 }, Fault::GzipBomb { bytes: huge, status: 500 }]
    {
        let sandbox = sandbox();
        sandbox.push_fault(fault.clone());
        let start = Instant::now();
        assert_eq!(client(&sandbox).chat(&hello()).unwrap().attempts(), 2, "{fault:?}");
        assert!(start.elapsed() < SOON, "{fault:?}");
    }
}

#[test]
fn a_declared_length_that_is_too_large_is_not_read() {
    let base = serve(|_, mut stream| {
        read_request(&mut stream);
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 999999999999999\r\n\r\n{";
        std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
    });
    let client = Client::builder().base_url(&base).api_key("sk_llmr_k").build().unwrap();
    let error = client.chat(&hello()).unwrap_err();
    assert!(error.message().unwrap().contains("max_response_bytes"), "{error:?}");
}

#[test]
fn the_beginning_of_an_error_that_is_too_large_is_read() {
    let base = serve(|_, mut stream| {
        read_request(&mut stream);
        let padding = " ".repeat(2 * 1024 * 1024);
        let body = r#"{"error":{"message":"Rate limit exceeded","code":429},"retry_after":45}"#;
        write_json(&mut stream, 429, &format!("{body}{padding}"));
    });
    let builder = Client::builder().base_url(&base).api_key("sk_llmr_k").policy(Policy::none());
    let error = builder.build().unwrap().chat(&hello()).unwrap_err();
    assert_eq!((error.kind(), error.message()), (Kind::RateLimit, Some("Rate limit exceeded")));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(45)));
}

#[test]
fn the_largest_limit_is_a_limit() {
    let sandbox = sandbox();
    let client = builder(&sandbox).max_response_bytes(usize::MAX).build().unwrap();
    assert_eq!(client.chat(&hello()).unwrap().attempts(), 1);
}

#[test]
fn what_is_not_http_is_an_error() {
    for text in ["220 smtp.example.com ESMTP\r\n", "HTTP/1.1 abc\r\n\r\n", "\0\u{1}\u{2}\r\n\r\n"] {
        let base = serve(move |_, mut stream| {
            read_request(&mut stream);
            std::io::Write::write_all(&mut stream, text.as_bytes()).unwrap();
        });
        let policy = Policy::none();
        let client =
            Client::builder().base_url(&base).api_key("sk_llmr_k").policy(policy).build().unwrap();
        let error = client.chat(&hello()).unwrap_err();
        assert!(matches!(error.kind(), Kind::Protocol | Kind::Network), "{error:?}");
    }
}

#[test]
fn a_server_without_tls_is_not_tried_again() {
    let base = serve(|_, mut stream| {
        let mut hello = [0; 64];
        let _ = std::io::Read::read(&mut stream, &mut hello);
        let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let base = base.replace("http://", "https://");
    let client = Client::builder().base_url(&base).api_key("sk_llmr_k").build().unwrap();
    let error = client.chat(&hello()).unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (Kind::Network, 1), "{error:?}");
    assert!(!error.is_retryable() && !error.is_ambiguous());
}

#[test]
fn endless_headers_are_cut_off() {
    let base = serve(|_, mut stream| {
        read_request(&mut stream);
        let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 200 OK\r\n");
        while std::io::Write::write_all(&mut stream, b"X-More: of the same\r\n").is_ok() {}
    });
    let client = Client::builder()
        .base_url(&base)
        .api_key("sk_llmr_k")
        .policy(Policy::none())
        .build()
        .unwrap();
    let start = Instant::now();
    let error = client.chat(&hello()).unwrap_err();
    assert!(start.elapsed() < SOON);
    assert_eq!(error.kind(), Kind::Protocol, "{error:?}");
}

#[test]
fn a_kept_connection_that_the_server_closed_costs_nothing() {
    // Answers once on each connection, reads the next request and closes without an answer.
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    let base = serve(move |_, mut stream| {
        read_request(&mut stream);
        counter.fetch_add(1, Ordering::SeqCst);
        write_json(&mut stream, 200, ANSWER);
        read_request(&mut stream);
    });
    let client = Client::builder()
        .base_url(&base)
        .api_key("sk_llmr_k")
        .policy(quick().max_attempts(1).build().unwrap())
        .build()
        .unwrap();
    for _ in 0..4 {
        client.chat(&hello()).unwrap();
    }
    assert_eq!(requests.load(Ordering::SeqCst), 4);
    let stats = client.stats();
    assert_eq!((stats.stale_connections, stats.retries, stats.failed), (3, 0, 0));
    assert_eq!(client.budget().remaining(), 10.0);
}

#[test]
fn the_request_is_as_the_service_wants_it() {
    let seen = Arc::new(Mutex::new(String::new()));
    let keeper = Arc::clone(&seen);
    let base = serve(move |_, mut stream| {
        *keeper.lock().unwrap() = read_request(&mut stream);
        write_json(&mut stream, 200, ANSWER);
    });
    let client = Client::builder()
        .base_url(&format!("{base}/"))
        .api_key("sk_llmr_k")
        .user_agent("my app/1")
        .build()
        .unwrap();
    client.chat(&hello()).unwrap();
    let request = seen.lock().unwrap().clone();
    assert!(request.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{request}");
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    for header in [
        "accept: application/json",
        "content-type: application/json",
        "authorization: Bearer sk_llmr_k",
        "user-agent: my app/1",
        "idempotency-key: resayil-",
    ] {
        let count = head
            .lines()
            .filter(|line| {
                let (name, value) = line.split_once(": ").unwrap_or_default();
                format!("{}: {value}", name.to_ascii_lowercase()).starts_with(header)
            })
            .count();
        assert_eq!(count, 1, "{header} in {head}");
    }
    assert_eq!(body, r#"{"model":"mistral","messages":[{"role":"user","content":"Hello"}]}"#);
}

#[test]
fn decisions_are_told_without_secrets() {
    let sandbox = sandbox();
    sandbox.push_fault(Fault::ServerError);
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let keeper = Arc::clone(&seen);
    let client = builder(&sandbox)
        .provider(Provider::Resayil)
        .attempt_timeout(Duration::from_secs(20))
        .observer(move |event| {
            assert!(!format!("{event:?}").contains("Hello"));
            let status = event.status().unwrap_or(0);
            keeper.lock().unwrap().push(format!(
                "{} {} {} {status}",
                event.action.name(),
                event.reason().unwrap(),
                event.attempt
            ));
            assert_eq!(matches!(event.action, CallAction::Warning(_)), event.attempt == 0);
        })
        .build()
        .unwrap();
    client.chat(&hello()).unwrap();
    sandbox.set_credits(Some(0.0));
    client.chat(&hello()).unwrap_err();
    let expected =
        ["warning attempt_timeout 0 0", "retry backoff 1 500", "stop not_retryable 1 402"];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[test]
fn errors_and_clients_cross_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Client>();
    check::<Error>();
    check::<CancelToken>();
    fn sent<T: Send + 'static>() {}
    sent::<resayil::ChatStream>();
}
