//! Answers that come piece by piece.

mod common;

use std::io::Write;
use std::time::{Duration, Instant};

use common::{ANSWER, builder, client, finished_log, hello, quick, read_request, sandbox, serve};
use resayil::{CallOptions, CancelToken, ChatStream, Client, Error, Kind, Policy};
use resayil_sandbox::{Behaviour, CutEnd, Fault, Sandbox};

fn collect(stream: &mut ChatStream) -> Result<String, Error> {
    stream.collect()
}

#[test]
fn a_stream_gives_what_a_whole_answer_has() {
    for behaviour in [Behaviour::Guide, Behaviour::Pages, Behaviour::Server] {
        let sandbox = Sandbox::builder().behaviour(behaviour).start().unwrap();
        let client = client(&sandbox);
        let whole = client.chat(&hello()).unwrap();
        let mut stream = client.chat_stream(&hello()).unwrap();
        let text = collect(&mut stream).unwrap();
        assert_eq!(text, whole.content());
        assert_eq!((stream.partial_text(), stream.finish_reason()), (text.as_str(), Some("stop")));
        assert_eq!(stream.attempts(), 1);
        assert!(stream.next().is_none());
        assert_eq!(client.stats().answered, 2);
        assert!(finished_log(&sandbox).iter().all(|entry| entry.answered));
    }
}

#[test]
fn events_keep_their_json() {
    let sandbox = sandbox();
    let mut stream = client(&sandbox).chat_stream(&hello()).unwrap();
    let mut text = String::new();
    while let Some(event) = stream.next_event() {
        let event = event.unwrap();
        assert!(event.data().starts_with('{'));
        text += event.text();
    }
    assert_eq!(text, stream.partial_text());
}

#[test]
fn a_cut_after_delivery_is_an_error_with_what_came() {
    for end in [CutEnd::Done, CutEnd::End, CutEnd::Close] {
        let sandbox = sandbox();
        sandbox.push_fault(Fault::CutStream { end, events: 2 });
        let mut stream = client(&sandbox).chat_stream(&hello()).unwrap();
        let mut text = String::new();
        let error = loop {
            match stream.next().expect("the end is an error") {
                Ok(piece) => text += &piece,
                Err(error) => break error,
            }
        };
        assert!(!text.is_empty());
        assert_eq!(error.kind(), Kind::Network, "{end:?} {error:?}");
        assert_eq!(error.partial_text(), Some(text.as_str()));
        assert!(!error.is_safe_to_replay());
        assert_eq!(error.attempts(), 1);
        assert!(stream.next().is_none());
        assert_eq!(finished_log(&sandbox).len(), 1, "{end:?}");
    }
}

#[test]
fn a_cut_before_delivery_is_retried_unseen() {
    for end in [CutEnd::Done, CutEnd::End, CutEnd::Close] {
        let sandbox = sandbox();
        sandbox.push_fault(Fault::CutStream { end, events: 0 });
        sandbox.push_fault(Fault::ServerError);
        let client = client(&sandbox);
        let mut stream = client.chat_stream(&hello()).unwrap();
        let mut events = Vec::new();
        while let Some(event) = stream.next_event() {
            events.push(event.unwrap());
        }
        assert_eq!(stream.attempts(), 3, "{end:?}");
        let log = finished_log(&sandbox);
        assert_eq!(log[0].idempotency_key, log[2].idempotency_key);
        // Nothing of the attempts that failed was shown.
        let mut other = client.chat_stream(&hello()).unwrap();
        let count = std::iter::from_fn(|| other.next_event()).count();
        assert_eq!(events.len(), count);
    }
}

#[test]
fn an_error_inside_the_stream_is_an_error() {
    let sandbox = sandbox();
    sandbox.push_fault(Fault::StreamError);
    let mut stream = client(&sandbox).chat_stream(&hello()).unwrap();
    let result = collect(&mut stream);
    // Whether it is retried depends on what came before it.
    match result {
        Ok(_) => assert_eq!(stream.attempts(), 2),
        Err(error) => assert!(!error.is_safe_to_replay(), "{error:?}"),
    }
}

#[test]
fn refusals_before_the_stream_are_as_for_whole_answers() {
    let sandbox = Sandbox::builder().credits(Some(0.0)).start().unwrap();
    let error = client(&sandbox).chat_stream(&hello()).unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (Kind::PaymentRequired, 1));
    let request = hello().set("temperature", "3").unwrap();
    let error = client(&sandbox).chat_stream(&request).unwrap_err();
    assert_eq!(error.field_errors()[0].field, "temperature");
}

#[test]
fn silence_and_slow_drips_end() {
    // The beginning comes, then nothing.
    let base = serve(|_, mut stream| {
        read_request(&mut stream);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
        let event = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";
        stream.write_all(format!("{head}{event}").as_bytes()).unwrap();
        std::thread::sleep(Duration::from_secs(60));
    });
    let client = Client::builder()
        .base_url(&base)
        .api_key("sk_llmr_k")
        .idle_timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    let start = Instant::now();
    let mut stream = client.chat_stream(&hello()).unwrap();
    assert_eq!(stream.next().unwrap().unwrap(), "Hi");
    let error = stream.next().unwrap().unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout, "{error:?}");
    assert_eq!(error.partial_text(), Some("Hi"));
    assert!(start.elapsed() < Duration::from_secs(20));

    let sandbox = sandbox();
    let interval = Duration::from_millis(50);
    sandbox.push_fault(Fault::SlowDrip { bytes: 1, interval });
    let options = CallOptions::new().deadline(Duration::from_millis(500));
    let client = common::client(&sandbox);
    let start = Instant::now();
    let result = client.chat_stream_with(&hello(), &options).and_then(|mut s| collect(&mut s));
    assert_eq!(result.unwrap_err().kind(), Kind::Deadline);
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn comments_alone_do_not_keep_a_stream_alive_for_ever() {
    let base = serve(|_, mut stream| {
        read_request(&mut stream);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
        let _ = stream.write_all(head.as_bytes());
        while stream.write_all(b": still here\n\n").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let client = Client::builder()
        .base_url(&base)
        .api_key("sk_llmr_k")
        .attempt_timeout(Duration::from_millis(500))
        .policy(quick().max_attempts(1).build().unwrap())
        .build()
        .unwrap();
    let start = Instant::now();
    let mut stream = client.chat_stream(&hello()).unwrap();
    assert_eq!(stream.next().unwrap().unwrap_err().kind(), Kind::Timeout);
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_stream_is_cancelled_in_the_middle() {
    let sandbox = Sandbox::builder().event_latency(Duration::from_millis(200)).start().unwrap();
    let token = CancelToken::new();
    let options = CallOptions::new().cancel(token.clone());
    let mut stream = client(&sandbox).chat_stream_with(&hello(), &options).unwrap();
    stream.next().unwrap().unwrap();
    token.cancel();
    let error = stream.find_map(Result::err).unwrap();
    assert_eq!(error.kind(), Kind::Cancelled, "{error:?}");
    assert!(error.partial_text().is_some());
}

#[test]
fn a_plain_answer_in_place_of_a_stream_is_delivered() {
    let base = serve(|_, mut stream| {
        read_request(&mut stream);
        common::write_json(&mut stream, 200, ANSWER);
    });
    let client = Client::builder().base_url(&base).api_key("sk_llmr_k").build().unwrap();
    let mut stream = client.chat_stream(&hello()).unwrap();
    assert_eq!(collect(&mut stream).unwrap(), "hi");
    assert_eq!(stream.finish_reason(), Some("stop"));
}

#[test]
fn an_endless_stream_is_cut_off() {
    let base = serve(|_, mut stream| {
        read_request(&mut stream);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
        let _ = stream.write_all(head.as_bytes());
        let event = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n".repeat(100);
        while stream.write_all(event.as_bytes()).is_ok() {}
    });
    let client = Client::builder()
        .base_url(&base)
        .api_key("sk_llmr_k")
        .max_response_bytes(200_000)
        .build()
        .unwrap();
    let mut stream = client.chat_stream(&hello()).unwrap();
    let error = stream.find_map(Result::err).unwrap();
    assert_eq!(error.kind(), Kind::Protocol, "{error:?}");
    assert!(error.partial_text().unwrap().len() < 200_000);
}

#[test]
fn the_connection_of_a_finished_stream_is_used_again() {
    let sandbox = sandbox();
    let client = builder(&sandbox).policy(Policy::none()).build().unwrap();
    for _ in 0..5 {
        collect(&mut client.chat_stream(&hello()).unwrap()).unwrap();
    }
    assert_eq!(sandbox.state().connections, 1);
}
