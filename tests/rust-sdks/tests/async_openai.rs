//! async-openai over the layer.

mod common;

use std::time::Duration;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::middleware::ReqwestService;
use async_openai::types::chat::{
    ChatCompletionRequestUserMessageArgs, CreateChatCompletionRequest,
    CreateChatCompletionRequestArgs,
};
use common::{policy, quota, sandbox, statuses};
use futures::StreamExt;
use resayil_core::concurrency::ConcurrencyLimit;
use resayil_core::{Error, Kind, Provider};
use resayil_sandbox::{Behaviour, CutEnd, Fault, Sandbox};
use resayil_tower::{RetryLayer, RetryLayerBuilder};
use tower::Layer;

fn client(sandbox: &Sandbox, layer: RetryLayer) -> Client<OpenAIConfig> {
    let config =
        OpenAIConfig::new().with_api_base(sandbox.base_url()).with_api_key(sandbox.api_key());
    Client::with_config(config)
        .with_http_service(layer.layer(ReqwestService::new(reqwest::Client::new())))
}

fn layer() -> RetryLayerBuilder {
    RetryLayer::builder().policy(policy()).provider(Provider::Resayil).quota_options(quota())
}

fn hello() -> CreateChatCompletionRequest {
    let message = ChatCompletionRequestUserMessageArgs::default().content("Hello").build().unwrap();
    CreateChatCompletionRequestArgs::default()
        .model("mistral")
        .messages([message.into()])
        .build()
        .unwrap()
}

/// The error of the core in one of async-openai.
fn core_error(error: &OpenAIError) -> &Error {
    match error {
        OpenAIError::Boxed(error) => error.downcast_ref().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_line_is_enough() {
    let sandbox = Sandbox::builder().start().unwrap();
    sandbox.push_fault(Fault::RateLimited { retry_after: 1 });
    let client = client(&sandbox, RetryLayer::new());
    let answer = client.chat().create(hello()).await.unwrap();
    assert!(!answer.choices[0].message.content.as_ref().unwrap().is_empty());
    assert_eq!(statuses(&sandbox), [429, 200]);
    let log = sandbox.log();
    assert!(log[1].time - log[0].time >= 0.9, "{log:?}");
}

#[tokio::test]
async fn with_the_limit_known_none_of_100_calls_at_once_is_refused() {
    let sandbox = sandbox().start().unwrap();
    let client = client(&sandbox, layer().build().unwrap());
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.chat().create(hello()).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(statuses(&sandbox), [200; 100]);
}

#[tokio::test]
async fn an_outage_is_survived() {
    let sandbox = sandbox().start().unwrap();
    let client = client(&sandbox, layer().build().unwrap());
    client.chat().create(hello()).await.unwrap();
    // So many requests in a row get nothing but a 503.
    (0..12).for_each(|_| {
        sandbox.push_fault(Fault::Status { status: 503, body: None, headers: Vec::new() })
    });
    let calls = (0..20).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.chat().create(hello()).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn the_last_failure_is_there_for_async_openai_to_read() {
    let sandbox = sandbox().behaviour(Behaviour::Guide).start().unwrap();
    let mut bad = hello();
    bad.model = "no-such-model".into();
    let plain = client(&sandbox, layer().build().unwrap());
    let error = plain.chat().create(bad.clone()).await.unwrap_err();
    // Its own reading; of a code that is a number it can read nothing.
    assert!(
        matches!(error, OpenAIError::ApiError(_) | OpenAIError::JSONDeserialize(..)),
        "{error:?}"
    );
    let typed = client(&sandbox, layer().error_for_status(true).build().unwrap());
    let error = typed.chat().create(bad).await.unwrap_err();
    let error = core_error(&error);
    assert_eq!((error.kind(), error.status()), (Kind::NotFound, Some(404)));
    assert!(!error.user_message().is_empty());
}

#[tokio::test]
async fn no_connection_is_an_error_of_the_core() {
    let sandbox = sandbox().start().unwrap();
    let policy = resayil_core::Policy::builder().max_attempts(2);
    let policy = policy.base_delay(Duration::from_millis(1)).build().unwrap();
    let client = client(&sandbox, layer().policy(policy).build().unwrap());
    sandbox.stop();
    let error = client.chat().create(hello()).await.unwrap_err();
    let error = core_error(&error);
    assert_eq!((error.kind(), error.attempts(), error.is_ambiguous()), (Kind::Network, 2, false));
}

#[tokio::test]
async fn streams_are_whole_or_end_in_an_error() {
    // Of the real server's last event async-openai can read nothing: its delta is a list.
    let sandbox = sandbox().behaviour(Behaviour::Guide).start().unwrap();
    let client = client(&sandbox, layer().watch_streams(true).build().unwrap());
    let mut text = String::new();
    let mut stream = client.chat().create_stream(hello()).await.unwrap();
    while let Some(event) = stream.next().await {
        text += event.unwrap().choices[0].delta.content.as_deref().unwrap_or_default();
    }
    assert!(!text.is_empty());
    for end in [CutEnd::Done, CutEnd::End, CutEnd::Close] {
        sandbox.push_fault(Fault::CutStream { end, events: 2 });
        let mut stream = client.chat().create_stream(hello()).await.unwrap();
        let mut failed = false;
        while let Some(event) = stream.next().await {
            failed |= event.is_err();
        }
        assert!(failed, "a stream cut by {end:?} looks whole");
    }
    // One that fails before it has delivered anything is tried again unseen.
    sandbox.push_fault(Fault::CutStream { end: CutEnd::Close, events: 0 });
    let mut stream = client.chat().create_stream(hello()).await.unwrap();
    while let Some(event) = stream.next().await {
        event.unwrap();
    }
    assert_eq!(statuses(&sandbox), [200; 6]);
}

#[tokio::test]
async fn a_cancelled_call_frees_its_place() {
    let sandbox = sandbox().latency(Duration::from_millis(500)).start().unwrap();
    let layer = layer().concurrency(ConcurrencyLimit::fixed(1)).build().unwrap();
    let client = client(&sandbox, layer.clone());
    for _ in 0..3 {
        let call = client.chat();
        let call = call.create(hello());
        assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
        let places = layer.service().concurrency_limiter().unwrap().state();
        assert_eq!((places.in_flight, places.waiting), (0, 0));
    }
    client.chat().create(hello()).await.unwrap();
}
