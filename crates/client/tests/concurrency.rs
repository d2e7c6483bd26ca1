//! The limit of requests in flight.

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{PATIENCE, builder, hello, quick, sandbox};
use resayil::call::Fallback;
use resayil::concurrency::ConcurrencyLimit;
use resayil::{CallOptions, CancelToken, ChatStream, Client, Error, Kind};
use resayil_sandbox::{Fault, Sandbox};

const LATENCY: Duration = Duration::from_millis(60);

fn slow() -> Sandbox {
    Sandbox::builder().limit(1000).latency(LATENCY).start().unwrap()
}

/// Whose streams are not there at once.
fn slow_stream() -> Sandbox {
    Sandbox::builder().limit(1000).event_latency(Duration::from_millis(30)).start().unwrap()
}

fn limited(sandbox: &Sandbox, limit: u32) -> Client {
    builder(sandbox).concurrency_limit(ConcurrencyLimit::fixed(limit)).build().unwrap()
}

/// In flight, and waiting.
fn state(client: &Client) -> (u32, u32) {
    let state = client.concurrency_state().unwrap();
    (state.in_flight, state.waiting)
}

fn wait_for(mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE);
        thread::sleep(Duration::from_millis(1));
    }
}

fn begun(client: &Client) -> ChatStream {
    let mut stream = client.chat_stream(&hello()).unwrap();
    stream.next_event().unwrap().unwrap();
    stream
}

#[test]
fn no_more_than_the_limit_are_in_flight() {
    let sandbox = slow();
    let client = limited(&sandbox, 2);
    let over = AtomicBool::new(false);
    let start = Instant::now();
    let most = thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut most = (0, 0);
            while !over.load(Ordering::Relaxed) {
                let at_server = sandbox.log().iter().filter(|entry| !entry.answered).count();
                most = most.max((at_server, state(&client).0));
                thread::sleep(Duration::from_millis(2));
            }
            most
        });
        let calls: Vec<_> = (0..8).map(|_| scope.spawn(|| client.chat(&hello()))).collect();
        for call in calls {
            call.join().unwrap().unwrap();
        }
        over.store(true, Ordering::Relaxed);
        watcher.join().unwrap()
    });
    assert!(start.elapsed() >= LATENCY * 4);
    assert_eq!(most, (2, 2));
    assert_eq!(state(&client), (0, 0));
    assert_eq!(client.stats().concurrency.unwrap().limit, 2);
}

#[test]
fn there_is_no_limit_by_default() {
    let client = builder(&sandbox()).build().unwrap();
    assert!(client.concurrency_state().is_none() && client.stats().concurrency.is_none());
}

#[test]
fn a_stream_holds_its_place_to_its_end() {
    let sandbox = slow_stream();
    let client = limited(&sandbox, 1);
    let options = CallOptions::new().deadline(Duration::from_millis(50));
    let waits = || client.chat_with(&hello(), &options).map(drop).map_err(|error| error.kind());

    let mut stream = begun(&client);
    assert_eq!(state(&client), (1, 0));
    assert_eq!(waits(), Err(Kind::Deadline));
    assert!(stream.by_ref().all(|piece| piece.is_ok()));
    // Read to its end, though not dropped.
    assert_eq!(state(&client), (0, 0));
    client.chat(&hello()).unwrap();
    drop(stream);

    drop(begun(&client));
    assert_eq!(state(&client), (0, 0));
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _stream = begun(&client);
        std::panic::resume_unwind(Box::new(()));
    }));
    assert!(caught.is_err());
    assert_eq!(state(&client), (0, 0));
    assert_eq!(sandbox.log().len(), 4);
}

#[test]
fn a_wait_ends_at_once_when_it_is_cancelled() {
    let sandbox = slow_stream();
    let client = limited(&sandbox, 1);
    let holder = begun(&client);
    for waits_alone in [false, true] {
        let token = CancelToken::new();
        let options = CallOptions::new().cancel(token.clone());
        let result = thread::scope(|scope| {
            let call = scope.spawn(|| client.chat_with(&hello(), &options).map(drop));
            wait_for(|| state(&client) == (1, 1));
            if waits_alone {
                token.cancel_waits()
            } else {
                token.cancel()
            }
            call.join().unwrap()
        });
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (Kind::Cancelled, 0));
        assert_eq!(state(&client), (1, 0));
    }
    drop(holder);
    client.chat(&hello()).unwrap();
}

#[test]
fn first_come_first_served() {
    let sandbox = slow_stream();
    let client = limited(&sandbox, 1);
    let holder = begun(&client);
    thread::scope(|scope| {
        for waiting in 1..=5 {
            let ask = hello().user(&format!("caller {waiting}"));
            let client = &client;
            scope.spawn(move || client.chat(&ask).unwrap());
            wait_for(|| state(client).1 == waiting);
        }
        drop(holder);
    });
    let prompts: Vec<_> = sandbox.log().into_iter().skip(1).filter_map(|it| it.prompt).collect();
    assert_eq!(prompts, ["caller 1", "caller 2", "caller 3", "caller 4", "caller 5"]);
}

#[test]
fn no_place_is_held_between_attempts_nor_while_the_quota_is_used_up() {
    let sandbox = sandbox();
    let policy = quick().base_delay(PATIENCE / 2).max_delay(PATIENCE).build().unwrap();
    let client = builder(&sandbox)
        .policy(policy)
        .concurrency_limit(ConcurrencyLimit::fixed(1))
        .build()
        .unwrap();
    let waits = |fault| {
        sandbox.push_fault(fault);
        let before = client.stats().attempts;
        let token = CancelToken::new();
        let options = CallOptions::new().cancel(token.clone());
        thread::scope(|scope| {
            let call = scope.spawn(|| client.chat_with(&hello(), &options).map(drop));
            wait_for(|| client.stats().attempts > before && state(&client) == (0, 0));
            // The place is free for what the quota does not hold back.
            client.models().unwrap();
            token.cancel();
            assert_eq!(call.join().unwrap().unwrap_err().kind(), Kind::Cancelled);
        });
        assert_eq!(state(&client), (0, 0));
    };
    waits(Fault::ServerError);
    waits(Fault::RateLimited { retry_after: 20 });
    assert_eq!(client.stats().refused, 1);
}

#[test]
fn an_adaptive_limit_shrinks_when_the_service_is_overloaded() {
    let sandbox = sandbox();
    let client =
        builder(&sandbox).concurrency_limit(ConcurrencyLimit::adaptive(10)).build().unwrap();
    let limit = || client.concurrency_state().unwrap().limit;
    assert_eq!(limit(), 10);
    for _ in 0..2 {
        sandbox.push_fault(Fault::Status { status: 503, body: None, headers: Vec::new() });
    }
    client.chat(&hello()).unwrap();
    assert_eq!(limit(), 4);
    sandbox.push_fault(Fault::ServerError);
    client.chat(&hello()).unwrap();
    assert_eq!(limit(), 4);
}

#[test]
fn a_fallback_of_the_same_account_shares_the_limit() {
    let sandbox = sandbox();
    let fallback = Fallback::models(["mistral"]).unwrap();
    let client = builder(&sandbox)
        .concurrency_limit(ConcurrencyLimit::fixed(1))
        .fallback(fallback)
        .build()
        .unwrap();
    let missing = resayil::ChatRequest::new("no such model").user("Hello");
    assert_eq!(client.chat(&missing).unwrap().fallback(), Some(0));
    assert_eq!(state(&client), (0, 0));
}

#[test]
fn limits_out_of_range_are_refused() {
    let build =
        |limit| -> Error { builder(&sandbox()).concurrency_limit(limit).build().unwrap_err() };
    for limit in [ConcurrencyLimit::fixed(0), ConcurrencyLimit::adaptive(100_001)] {
        let error = build(limit);
        assert_eq!(error.kind(), Kind::Configuration);
        assert!(error.message().unwrap().contains("max_concurrency"), "{error}");
    }
}
