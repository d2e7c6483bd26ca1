//! Agents of rig whose requests go through the middleware.

use std::time::Duration;

use futures::StreamExt;
use reqwest_middleware::ClientBuilder;
use resayil_core::quota::QuotaOptions;
use resayil_core::{Policy, Provider};
use resayil_reqwest::{RetryLayer, RetryLayerBuilder, RetryMiddleware};
use resayil_sandbox::{Behaviour, Builder, CutEnd, Fault, Sandbox};
use rig::Agent;
use rig::agent::AgentBuilder;
use rig::providers::openai::OpenAIConfig;
use rig_reqwest::ReqwestMiddlewareClient;

/// Requests that a window of the sandbox admits, and its length.
const LIMIT: u32 = 50;
const WINDOW: Duration = Duration::from_secs(2);

fn sandbox() -> Builder {
    Sandbox::builder().limit(LIMIT).window(WINDOW)
}

/// As by default, but with delays that suit a test, and with the limit known.
fn options() -> RetryLayerBuilder {
    let policy = Policy::builder().base_delay(Duration::from_millis(100)).max_attempts(8);
    let quota = QuotaOptions::default().with_limit(LIMIT).with_window(WINDOW);
    RetryLayer::builder()
        .provider(Provider::Resayil)
        .policy(policy.build().unwrap())
        .quota_options(quota)
}

fn agent(sandbox: &Sandbox, options: RetryLayerBuilder) -> Agent {
    let (base_url, api_key) = (sandbox.base_url(), sandbox.api_key());
    let middleware = RetryMiddleware::try_from(options).unwrap();
    let http = ClientBuilder::new(reqwest::Client::new()).with(middleware).build();
    let openai = OpenAIConfig::new(api_key)
        .with_base_url(base_url)
        .connect(ReqwestMiddlewareClient::from(http));
    AgentBuilder::new(openai.chat("mistral")).build()
}

fn statuses(sandbox: &Sandbox) -> Vec<u16> {
    sandbox.log().iter().filter_map(|entry| entry.status).collect()
}

fn busy() -> Fault {
    Fault::Status { status: 503, body: None, headers: Vec::new() }
}

#[tokio::test]
async fn a_refusal_is_waited_for() {
    let sandbox = Sandbox::builder().start().unwrap();
    sandbox.push_fault(Fault::RateLimited { retry_after: 1 });
    let agent = agent(&sandbox, RetryLayer::builder().provider(Provider::Resayil));
    let answer = agent.prompt("Hello").await.unwrap();
    assert!(answer.output().contains("Hello"), "{}", answer.output());
    assert_eq!(statuses(&sandbox), [429, 200]);
    let log = sandbox.log();
    assert!(log[1].time - log[0].time >= 0.9, "{log:?}");
    assert_eq!(log[0].idempotency_key, log[1].idempotency_key);
}

#[tokio::test]
async fn with_the_limit_known_none_of_100_prompts_at_once_is_refused() {
    let sandbox = sandbox().start().unwrap();
    let agent = agent(&sandbox, options());
    let prompts = (0..100).map(|_| async { agent.prompt("Hello").await.map(drop) });
    for answer in futures::future::join_all(prompts).await {
        answer.unwrap();
    }
    assert_eq!(statuses(&sandbox), [200; 100]);
}

#[tokio::test]
async fn an_outage_is_survived() {
    let sandbox = sandbox().start().unwrap();
    let agent = agent(&sandbox, options());
    agent.prompt("Hello").await.unwrap();
    // So many requests in a row get nothing but a 503.
    (0..12).for_each(|_| sandbox.push_fault(busy()));
    let prompts = (0..20).map(|_| async { agent.prompt("Hello").await.map(drop) });
    for answer in futures::future::join_all(prompts).await {
        answer.unwrap();
    }
}

#[tokio::test]
async fn what_cannot_succeed_is_sent_once() {
    let sandbox = sandbox().start().unwrap();
    sandbox.push_fault(Fault::Status { status: 401, body: None, headers: Vec::new() });
    let agent = agent(&sandbox, options());
    assert!(agent.prompt("Hello").await.is_err());
    assert_eq!(statuses(&sandbox), [401]);
}

/// How many items a streamed answer has, and whether it ended in an error.
async fn streamed(agent: &Agent) -> (usize, bool) {
    let (mut items, mut failed) = (0, false);
    let mut stream = agent.prompt("Hello").stream();
    while let Some(item) = stream.next().await {
        items += usize::from(item.is_ok());
        failed |= item.is_err();
    }
    (items, failed)
}

#[tokio::test]
async fn streams_are_whole_or_end_in_an_error() {
    let sandbox = sandbox().behaviour(Behaviour::Guide).start().unwrap();
    let agent = agent(&sandbox, options().watch_streams(true));
    let (items, failed) = streamed(&agent).await;
    assert!(items > 1 && !failed);
    for end in [CutEnd::Done, CutEnd::End, CutEnd::Close] {
        sandbox.push_fault(Fault::CutStream { end, events: 2 });
        assert!(streamed(&agent).await.1, "a stream cut by {end:?} looks whole");
    }
    // One that fails before it has delivered anything is tried again unseen.
    sandbox.push_fault(Fault::CutStream { end: CutEnd::Close, events: 0 });
    assert!(!streamed(&agent).await.1);
}
