//! An answer of any bytes: classifying it must not panic, and what comes out must hold its promises.
//!
//! The input is written as one would read it: a first line with the status and, if one likes, the
//! provider (`-` for none) and the clock in seconds since 1970; a header a line; an empty line; the
//! body.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use resayil_core::answer::Classifier;
use resayil_core::error::{MAX_BODY_BYTES, MAX_FIELD_ERRORS, MAX_MESSAGE_BYTES};
use resayil_core::messages::ARABIC;
use resayil_core::{Decision, Error, Policy, Provider, Timestamp};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_741_305_555);

fuzz_target!(|input: &[u8]| {
    let (head, body) = split(input, b"\n\n");
    let mut lines = head.split(|byte| *byte == b'\n');
    let first = std::str::from_utf8(lines.next().unwrap_or_default()).unwrap_or_default();
    let mut words = first.split(' ');
    let status = words.next().and_then(|text| text.parse().ok());
    let provider: Option<Provider> = words.next().and_then(|name| name.parse().ok());
    let now = words.next().and_then(|text| text.parse().ok());
    let now = now.map_or(NOW, Timestamp::from_unix_seconds_f64);
    let headers: Vec<_> = lines.map(|line| split(line, b": ")).collect();

    let classifier = Classifier::new().provider(provider);
    let classify = || classifier.classify(status.unwrap_or(400), &headers, body, now);
    let Err(error) = classify() else { return };
    check(&error);
    let again = classify().expect_err("an error the first time");
    assert_eq!(error.to_json(), again.to_json(), "the same answer, two records");
});

/// What is promised about every error.
fn check(error: &Error) {
    let record: serde_json::Value =
        serde_json::from_str(&error.to_json()).expect("a record is JSON");
    assert_eq!(record["kind"], error.kind().name());
    assert_eq!(record["retryable"], error.is_retryable());
    let arabic = serde_json::from_str::<serde_json::Value>(&error.to_json_in(&ARABIC));
    assert_eq!(arabic.expect("a record is JSON")["code"], record["code"]);

    assert!(!error.user_message().is_empty());
    assert!(!error.to_string().contains(['\n', '\r']), "Display is one line");
    assert!(error.message().is_none_or(|message| message.len() <= MAX_MESSAGE_BYTES));
    assert!(error.field_errors().len() <= MAX_FIELD_ERRORS);
    assert!(error.body().len() <= MAX_BODY_BYTES);
    assert_eq!(error.retry_after().is_some(), error.retry_after_source().is_some());

    let mut call = Policy::default().start(Duration::ZERO, 1);
    if let Decision::Retry { delay, .. } = call.on_error(error, Duration::from_secs(1)) {
        assert!(
            delay >= error.retry_after().unwrap_or_default(),
            "a retry before the server's hint"
        );
        assert!(error.should_retry() == Some(true) || error.is_retryable());
    }
}

fn split<'a>(bytes: &'a [u8], at: &[u8]) -> (&'a [u8], &'a [u8]) {
    match bytes.windows(at.len()).position(|window| window == at) {
        Some(found) => (&bytes[..found], &bytes[found + at.len()..]),
        None => (bytes, &[]),
    }
}
