//! Embeddings: what is sent, how vectors are read, and what the quota is told.

mod common;

use common::*;
use resayil::{CallOptions, Client, EmbeddingRequest, EncodingFormat, Kind};
use resayil_sandbox::{Fault, Sandbox};
use serde_json::{Value, json};

fn openai() -> Sandbox {
    Sandbox::builder().limit(1000).openai_features(true).start().unwrap()
}

#[test]
fn vectors_are_the_same_however_they_are_written() {
    let sandbox = openai();
    let client = client(&sandbox);
    let request = EmbeddingRequest::new("mistral").inputs(["one", "two"]).dimensions(16);
    let plain = client.embeddings(&request).unwrap();
    let packed = request.clone().encoding_format(EncodingFormat::Base64);
    let packed = client.embeddings(&packed).unwrap();
    assert!(packed.json().len() < plain.json().len());
    assert_eq!((plain.data().len(), plain.data()[0].vector().len()), (2, 16));
    assert_ne!(plain.data()[0], plain.data()[1]);
    for (plain, packed) in plain.data().iter().zip(packed.data()) {
        assert_eq!(plain.index(), packed.index());
        for (one, other) in plain.vector().iter().zip(packed.vector()) {
            assert!((one - other).abs() < 1e-6, "{one} {other}");
        }
    }
    let usage = plain.usage().unwrap();
    assert_eq!((usage.prompt_tokens, usage.completion_tokens, usage.total_tokens), (2, 0, 2));
    assert_eq!(plain.model(), Some("mistral:latest"));

    let tokens = EmbeddingRequest::new("mistral").input_tokens(&[1, 2, 3]);
    assert_eq!(client.embeddings(&tokens).unwrap().usage().unwrap().prompt_tokens, 3);
}

#[test]
fn failures_are_retried_and_errors_are_told_as_for_chats() {
    let sandbox = openai();
    let client = client(&sandbox);
    let request = EmbeddingRequest::new("mistral").input("text");
    sandbox.push_fault(Fault::ServerError);
    assert_eq!(client.embeddings(&request).unwrap().attempts(), 2);
    let invalid = client.embeddings(&request.clone().dimensions(0)).unwrap_err();
    assert_eq!(invalid.kind(), Kind::Validation);
    assert_eq!(invalid.field_errors()[0].field, "dimensions");
    let unknown = client.embeddings(&EmbeddingRequest::new("none").input("text")).unwrap_err();
    assert_eq!((unknown.kind(), unknown.model()), (Kind::NotFound, Some("none")));
}

#[test]
fn a_service_without_embeddings_says_so() {
    let sandbox = sandbox();
    let request = EmbeddingRequest::new("mistral").input("text");
    let error = client(&sandbox).embeddings(&request).unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
}

#[test]
fn an_answer_without_vectors_is_no_success() {
    let base = serve(|_, mut stream| {
        read_request(&mut stream);
        write_json(&mut stream, 200, r#"{"object":"list","data":[]}"#);
    });
    let policy = quick().max_attempts(2).build().unwrap();
    let client = Client::builder().base_url(&base).api_key("k").policy(policy).build().unwrap();
    let error = client.embeddings(&EmbeddingRequest::new("m").input("text")).unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (Kind::Protocol, 2));
}

#[test]
fn any_endpoint_takes_any_body() {
    let sandbox = openai();
    let client = client(&sandbox);
    let body = json!({"model": "mistral", "input": "text"});
    let answer = client.post_json("embeddings", &body, &CallOptions::new()).unwrap();
    let answer: Value = answer.deserialize().unwrap();
    assert_eq!(answer["data"][0]["object"], "embedding");
    let unwritable = std::collections::BTreeMap::from([([1, 2], 3)]);
    let error = client.post_json("embeddings", &unwritable, &CallOptions::new()).unwrap_err();
    assert_eq!(error.kind(), Kind::Configuration);
    assert_eq!(sandbox.log().len(), 1);
}
