//! The example programs do what they say.

use resayil_sandbox::{Fault, Sandbox};

#[allow(dead_code)]
#[path = "../examples/axum_service.rs"]
mod axum_service;
#[allow(dead_code)]
#[path = "../examples/robust_async_openai.rs"]
mod robust_async_openai;

#[tokio::test]
async fn async_openai_waits_as_the_server_says_and_tells_what_is_wrong() {
    let sandbox = Sandbox::builder().start().unwrap();
    sandbox.push_fault(Fault::RateLimited { retry_after: 1 });
    let (base_url, key) = (sandbox.base_url(), sandbox.api_key());
    let answer = robust_async_openai::ask(&base_url, key, "Hello").await.unwrap();
    assert!(!answer.is_empty());
    let log = sandbox.log();
    assert!(log[1].time - log[0].time >= 0.9, "{log:?}");
    let error = robust_async_openai::ask(&base_url, "sk_llmr_wrong", "Hello").await.unwrap_err();
    assert_ne!(robust_async_openai::tell(&error), "Something went wrong.");
}

#[tokio::test]
async fn users_of_a_service_share_a_quota_and_read_what_they_understand() {
    let sandbox = Sandbox::builder().limit(20).start().unwrap();
    let llm = axum_service::Llm::new(&sandbox.base_url(), sandbox.api_key(), 20).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/ask", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, axum_service::app(llm)).await });
    let client = reqwest::Client::new();
    let calls: Vec<_> =
        (0..10).map(|_| tokio::spawn(client.post(&url).body("Hello").send())).collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().status(), 200);
    }
    // A wait that is longer than a user has.
    sandbox.push_fault(Fault::RateLimited { retry_after: 45 });
    let refused = client.post(&url).header("accept-language", "ar").body("Hello").send().await;
    let refused = refused.unwrap();
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["retry-after"]),
        (503, &"45".parse().unwrap())
    );
    let text = refused.text().await.unwrap();
    assert!(text.chars().any(|letter| ('\u{600}'..'\u{700}').contains(&letter)), "{text}");
    assert_eq!(sandbox.log().iter().filter(|entry| entry.status == Some(429)).count(), 1);
}
