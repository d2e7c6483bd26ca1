//! The example programs do what they say. (`handle_errors` has twins in the other languages, which
//! are run together.)

use resayil_sandbox::{Fault, Sandbox};

#[allow(dead_code)]
#[path = "../examples/custom_policy.rs"]
mod custom_policy;
#[allow(dead_code)]
#[path = "../examples/decide_only.rs"]
mod decide_only;
#[allow(dead_code)]
#[path = "../examples/shared_quota.rs"]
mod shared_quota;
#[allow(dead_code)]
#[path = "../examples/tool_loop.rs"]
mod tool_loop;

#[test]
fn an_own_http_client_waits_as_the_server_says() {
    let sandbox = Sandbox::builder().start().unwrap();
    sandbox.push_fault(Fault::RateLimited { retry_after: 1 });
    let answer = decide_only::run(&sandbox.base_url(), sandbox.api_key()).unwrap();
    assert!(answer.contains("choices"), "{answer}");
    let log = sandbox.log();
    assert_eq!(log.len(), 2);
    assert!(log[1].time - log[0].time >= 0.9, "{log:?}");
}

#[test]
fn an_own_policy_gives_both_answers() {
    let sandbox = Sandbox::builder().start().unwrap();
    sandbox.push_fault(Fault::ServerError);
    let answers = custom_policy::run(&sandbox.base_url(), sandbox.api_key()).unwrap();
    assert!(answers.iter().all(|answer| !answer.is_empty()));
    assert_eq!(sandbox.log().len(), 3);
}

#[test]
fn threads_that_share_a_quota_are_not_refused() {
    let window = std::time::Duration::from_secs(60);
    let sandbox = Sandbox::builder().limit(20).window(window).start().unwrap();
    let stats = shared_quota::run(&sandbox.base_url(), sandbox.api_key(), 20, 8).unwrap();
    assert_eq!((stats.answered, stats.refused), (8, 0));
}

#[test]
fn a_tool_loop_ends_with_the_answer_in_words() {
    let sandbox = Sandbox::builder().openai_features(true).start().unwrap();
    let client = resayil::Client::builder().base_url(&sandbox.base_url());
    let client = client.api_key(sandbox.api_key()).build().unwrap();
    let question = "the weather in Kuwait";
    let expected = format!("echo: The weather in {question} is hot.");
    assert_eq!(tool_loop::answer(&client, question).unwrap(), expected);
    assert_eq!(tool_loop::stream_answer(&client, question).unwrap(), expected);
    let streamed: Vec<_> = sandbox.log().iter().map(|entry| entry.stream).collect();
    assert_eq!(streamed, [false, false, true, true]);
}
