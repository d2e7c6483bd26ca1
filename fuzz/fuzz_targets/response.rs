//! Any bytes as the answer of a server, through the whole client: a chat, a stream, and the list of models.
//!
//! The first byte says which call is made; the rest comes from the connection, in pieces.
#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use resayil::{CallOptions, ChatRequest, Client, Error, Policy};

/// In no text that leaves, nor is a part of it that is as long as those that are masked.
const KEY: &str = "correct-horse-battery-staple";
/// Behind the beginning that says whose key it is.
const SECRET: &str = "horse-battery-staple";
const MIN_PART: usize = 12;
const MAX_BYTES: usize = 256 * 1024;
/// What is no UTF-8 is replaced by three bytes for one.
const MAX_TEXT: usize = 3 * MAX_BYTES;

fuzz_target!(|input: &[u8]| {
    let Some((&call, answer)) = input.split_first() else { return };
    let policy = Policy::builder().max_attempts(1).deadline(Duration::from_secs(2)).build();
    let client = Client::builder()
        .base_url("https://api.test/v1")
        .api_key(KEY)
        .no_proxy()
        .no_quota()
        .max_response_bytes(MAX_BYTES)
        .max_wire_bytes(MAX_BYTES as u64)
        .policy(policy.expect("a good policy"))
        // The second answer is for whoever takes the first for the end of a kept connection.
        .in_memory(vec![answer.to_vec(), Vec::new()])
        .build()
        .expect("a good client");
    let request = ChatRequest::new("m").user("hello");
    let start = Instant::now();
    match call % 4 {
        0 => see(client.chat(&request).map(|answer| answer.json().len())),
        1 => {
            let stream = client.chat_stream(&request);
            see(stream.and_then(|mut stream| {
                let mut bytes = 0;
                while let Some(event) = stream.next_event() {
                    bytes += event?.data().len();
                }
                Ok(bytes)
            }));
        }
        2 => see(client.models().map(|models| models.len())),
        _ => see(client.post("x", b"{}", &CallOptions::new()).map(|answer| answer.body().len())),
    }
    assert!(start.elapsed() < Duration::from_secs(3), "later than the deadline");
});

/// What holds for every result.
fn see(result: Result<usize, Error>) {
    match result {
        Ok(bytes) => assert!(bytes <= MAX_TEXT),
        Err(error) => {
            let record = error.to_json();
            let texts = format!("{error} {error:?} {record} {:?}", error.body());
            for part in SECRET.as_bytes().windows(MIN_PART) {
                let part = std::str::from_utf8(part).expect("ASCII");
                assert!(!texts.contains(part), "the key is shown: {texts}");
            }
            assert!(!error.to_string().contains(['\n', '\r', '\u{202e}']), "a line is one line");
            let _ = (error.request_state(), error.user_message(), error.advice());
        }
    }
}
