//! Limits of tokens: what a call costs, by its request and by its answer.

mod common;

use std::time::Duration;

use common::{
    ANSWER, builder, client, finished_log, hello, read_request, sandbox, serve, write_json,
};
use resayil::error::LimitScope;
use resayil::quota::{Cost, Priority, QuotaOptions};
use resayil::{CallOptions, Client, EmbeddingRequest, Kind};

#[test]
fn a_request_that_is_larger_than_the_limit_fails_at_once() {
    let sandbox = sandbox();
    let client = builder(&sandbox).tokens_per_minute(500).build().unwrap();
    let error = client.chat(&hello().max_tokens(501)).unwrap_err();
    assert_eq!(
        (error.kind(), error.limit_scope()),
        (Kind::ContextLength, Some(LimitScope::Tokens))
    );
    assert_eq!(error.stop_reason().map(|reason| reason.name()), Some("exceeds_limit"));
    assert!(error.to_string().contains("500 tokens"), "{error}");
    assert!(finished_log(&sandbox).is_empty());
    // What the program tells outweighs the estimate.
    let cost = Cost::default().with_input_tokens(10).with_output_tokens(10);
    let options = CallOptions::new().cost(cost).priority(Priority::High).tenant("acme", 2);
    client.chat_with(&hello().max_tokens(501), &options).unwrap();
}

#[test]
fn the_usage_of_an_answer_takes_the_place_of_what_was_reserved() {
    // An answer that says that it cost 10 tokens, and a stream whose last event does.
    let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\n\
                  data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1}}\n\n\
                  data: [DONE]\n\n";
    let url = serve(move |_, mut connection| {
        use std::io::Write as _;
        let request = read_request(&mut connection);
        if request.contains(r#""stream":true"#) {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close";
            let _ =
                write!(connection, "{head}\r\nContent-Length: {}\r\n\r\n{stream}", stream.len());
        } else {
            let usage = r#""usage":{"prompt_tokens":9,"completion_tokens":1}"#;
            write_json(&mut connection, 200, &format!("{},{usage}}}", &ANSWER[..ANSWER.len() - 1]));
        }
    });
    let day = Duration::from_secs(86_400);
    let client = Client::builder()
        .api_key("sk-test")
        .base_url(&url)
        .quota_options(QuotaOptions::default().with_window(day).with_token_limit(1000))
        .build()
        .unwrap();
    let options = CallOptions::new().deadline(Duration::from_secs(20));
    for _ in 0..3 {
        client.chat_with(&hello().max_tokens(700), &options).unwrap();
        let texts = client.chat_stream_with(&hello().max_tokens(700), &options).unwrap();
        assert_eq!(texts.map(Result::unwrap).collect::<String>(), "Hi");
    }
}

#[test]
fn without_a_limit_of_tokens_none_is_kept() {
    let sandbox = sandbox();
    client(&sandbox).chat(&hello().max_tokens(1_000_000)).unwrap();
}

#[test]
fn embeddings_cost_the_tokens_of_their_inputs_alone() {
    let url = serve(|_, mut connection| {
        read_request(&mut connection);
        let body = r#"{"data":[{"embedding":[1]}],"usage":{"prompt_tokens":10,"total_tokens":10}}"#;
        write_json(&mut connection, 200, body);
    });
    let day = Duration::from_secs(86_400);
    let client = Client::builder()
        .api_key("sk-test")
        .base_url(&url)
        .quota_options(QuotaOptions::default().with_window(day).with_token_limit(1000))
        .build()
        .unwrap();
    let options = CallOptions::new().deadline(Duration::from_secs(20));
    // 500 tokens by its length and 100 that are told, of which the answer says that they are 10.
    let request = EmbeddingRequest::new("m").input(&"abcd".repeat(500)).input_tokens(&[7; 100]);
    for _ in 0..5 {
        client.embeddings_with(&request, &options).unwrap();
    }
    let large = EmbeddingRequest::new("m").input_tokens(&[7; 1001]);
    let error = client.embeddings_with(&large, &options).unwrap_err();
    assert_eq!(error.stop_reason().map(|reason| reason.name()), Some("exceeds_limit"));
}
