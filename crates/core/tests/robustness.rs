//! Whatever bytes arrive: no panic, bounded memory, the same result however a stream is cut.

use proptest::prelude::*;
use resayil_core::answer::Classifier;
use resayil_core::error::{MAX_BODY_BYTES, MAX_FIELD_ERRORS, MAX_HEADERS, MAX_MESSAGE_BYTES};
use resayil_core::{Provider, StreamDecoder, Timestamp, classify};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn header_name() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "Retry-After",
        "retry-after-ms",
        "X-RateLimit-Reset",
        "x-ratelimit-remaining-tokens",
        "RateLimit",
        "RateLimit-Policy",
        "Date",
        "Age",
        "x-should-retry",
        "content-type",
        "x-amzn-errortype",
        "server",
        "anthropic-ratelimit-input-tokens-reset",
        "x-request-id",
    ]);
    prop_oneof![
        known.prop_map(|name| name.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..80)
    ]
}

/// Text that looks like what servers send, torn and mixed.
fn fragments() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\",
        "\\u00",
        "\\ud83d",
        "null",
        "true",
        "-1",
        "1e999",
        "429",
        "\"error\"",
        "\"message\"",
        "\"code\"",
        "\"errors\"",
        "\"detail\"",
        "\"retry_after\"",
        "\"choices\"",
        "\"details\"",
        "\"loc\"",
        "data: ",
        "event: error\n",
        "[DONE]",
        "\n",
        "\r",
        "\n\n",
        "<title>",
        "</title>",
        "<html>",
        "try again in ",
        "6m 11.52s",
        "Limit 0",
        "م",
        "\u{feff}",
        "error: ",
        "'",
        "litellm.",
        "  ",
    ]);
    let pieces =
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes());
    prop_oneof![pieces, prop::collection::vec(any::<u8>(), 0..300)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_answer_is_classified(
        status in any::<u16>(),
        headers in prop::collection::vec((header_name(), fragments()), 0..6),
        body in fragments(),
        now in any::<i64>(),
        provider in prop::option::of(prop::sample::select(Provider::ALL.to_vec())),
    ) {
        let classifier = Classifier::new().provider(provider);
        if let Err(error) = classifier.classify(status, &headers, &body, Timestamp::from_unix_micros(now)) {
            let record: serde_json::Value = serde_json::from_str(&error.to_json()).unwrap();
            prop_assert_eq!(record["kind"].as_str(), Some(error.kind().name()));
            let line = error.to_string();
            prop_assert!(!line.contains(['\n', '\r']), "{}", line);
            let report = format!("{error:?}");
            prop_assert!(report.starts_with(&line));
        } else {
            prop_assert!((200..300).contains(&status));
        }
    }

    #[test]
    fn a_stream_means_the_same_however_it_is_cut(
        stream in fragments(),
        cuts in prop::collection::vec(1usize..50, 1..20),
    ) {
        let decode = |cuts: &[usize]| {
            let mut decoder = StreamDecoder::new();
            let mut text = String::new();
            let (mut rest, mut cuts) = (&stream[..], cuts.iter().cycle());
            while !rest.is_empty() {
                let (piece, tail) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                decoder.feed(piece, |event| text += event.text);
                rest = tail;
            }
            let end = decoder.finish(NOW, |event| text += event.text);
            assert_eq!(text, decoder.partial_text());
            (end.name(), end.error().map(resayil_core::Error::to_json), text)
        };
        prop_assert_eq!(decode(&cuts), decode(&[usize::MAX]));
    }
}

#[test]
fn large_bodies_are_capped() {
    let long = "x".repeat(1_000_000);
    let body = format!("{{\"error\":{{\"message\":\"{long}\",\"code\":\"{long}\"}}}}");
    let error = classify(500, &[("x", &long)], body.as_bytes(), NOW).unwrap_err();
    assert_eq!(error.message().unwrap().len(), MAX_MESSAGE_BYTES);
    assert!(error.code().unwrap().len() <= 256);
    assert_eq!(error.body().len(), MAX_BODY_BYTES);
    assert!(error.headers().is_empty());
}

#[test]
fn deep_nesting_does_not_hide_the_message() {
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let body = format!("{{\"trace\":{deep},\"error\":{{\"message\":\"found\",\"more\":{deep}}}}}");
    let error = classify(500, &[] as &[(&str, &str)], body.as_bytes(), NOW).unwrap_err();
    assert_eq!(error.message(), Some("found"));
}

#[test]
fn a_million_fields_are_capped() {
    let mut body = String::from("{\"errors\":{");
    for number in 0..1_000_000 {
        body.push_str(&format!("\"f{number}\":[\"bad\"],"));
    }
    body.push_str("\"last\":[\"bad\"]}}");
    let headers: Vec<_> = (0..1000).map(|number| (format!("X-{number}"), "v")).collect();
    let error = classify(422, &headers, body.as_bytes(), NOW).unwrap_err();
    assert_eq!(error.field_errors().len(), MAX_FIELD_ERRORS);
    assert_eq!(error.headers().len(), MAX_HEADERS);
}

fn any_wait() -> impl Strategy<Value = Option<std::time::Duration>> {
    use std::time::Duration;
    let extreme =
        prop::sample::select(vec![Duration::ZERO, Duration::from_nanos(1), Duration::MAX]);
    prop::option::of(prop_oneof![
        extreme,
        any::<u32>().prop_map(|millis| Duration::from_millis(millis.into()))
    ])
}

proptest! {
    #[test]
    fn any_answers_settle_a_quota(
        limit in prop::option::of(any::<u32>()),
        window in any_wait(),
        answers in prop::collection::vec(
            (any::<bool>(), prop::option::of(any::<bool>()), prop::option::of(any::<i64>()), any_wait(), any_wait(),
                prop::option::of(any::<u64>()), prop::option::of(any::<u64>()), 0u64..100_000),
            1..30,
        ),
    ) {
        use resayil_core::Quota;
        use resayil_core::error::{HintSource, RateLimit};
        use resayil_core::quota::{Admission, QuotaOptions, Settlement};
        use std::time::Duration;

        let options = QuotaOptions::default().with_limit(limit).with_window(window);
        let mut now = Duration::from_secs(1000);
        let quota = Quota::new(options, NOW, now);
        for (refused, consumed, date, retry_after, reset, most, remaining, passed) in answers {
            now += Duration::from_millis(passed);
            let mut ticket = quota.enter();
            if ticket.poll(now) != Admission::Ready {
                continue;
            }
            let mut settlement = Settlement::unknown();
            settlement.refused = refused;
            settlement.consumed = consumed;
            settlement.date = date.map(Timestamp::from_unix_micros);
            settlement.retry_after = retry_after;
            settlement.retry_after_source = retry_after.map(|_| HintSource::Body);
            settlement.rate_limit = Some(RateLimit::new(most, remaining, reset).with_tokens(most, remaining, reset));
            ticket.settle(&settlement, now);
            let _ = quota.state(now);
        }
    }
}
