//! Tools: what is sent, what comes back whole or in pieces, and what goes back.

mod common;

use common::*;
use resayil::{ChatRequest, Client, FunctionTool, Kind, ToolCall, ToolChoice};
use resayil_sandbox::{Behaviour, CutEnd, Fault, Sandbox};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

fn openai() -> Sandbox {
    Sandbox::builder().limit(1000).openai_features(true).start().unwrap()
}

fn tool(name: &str) -> FunctionTool {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    FunctionTool::new(name).parameters(schema).unwrap()
}

fn question(text: &str) -> ChatRequest {
    ChatRequest::new("mistral").user(text).tool(&tool("weather")).tool(&tool("time"))
}

fn names(calls: &[ToolCall]) -> Vec<&str> {
    calls.iter().map(ToolCall::name).collect()
}

#[test]
fn calls_go_back_with_their_results_whole_and_in_pieces() {
    let sandbox = openai();
    let client = client(&sandbox);
    let request = question("weather and time");

    let answer = client.chat(&request).unwrap();
    assert_eq!((answer.content(), answer.finish_reason()), ("", Some("tool_calls")));
    assert_eq!(answer.message().content(), None);
    assert_eq!(names(answer.tool_calls()), ["weather", "time"]);
    assert!(answer.usage().unwrap().completion_tokens > 0);

    let mut stream = client.chat_stream(&request).unwrap();
    assert!(stream.tool_calls().is_empty());
    assert!(stream.next().is_none());
    assert_eq!(stream.finish_reason(), Some("tool_calls"));
    assert!(stream.usage().unwrap().total_tokens > 0);
    let message = stream.message();
    let arguments = |call: &ToolCall| call.parse_arguments::<Value>().unwrap();
    for (whole, pieces) in answer.tool_calls().iter().zip(message.tool_calls()) {
        assert_eq!((whole.name(), arguments(whole)), (pieces.name(), arguments(pieces)));
        assert_eq!((whole.kind(), pieces.kind()), ("function", "function"));
    }
    assert_eq!(arguments(&message.tool_calls()[1]), json!({"city": "weather and time"}));

    for message in [answer.message(), &message] {
        let mut next = request.clone().message(message).unwrap();
        for call in message.tool_calls() {
            next = next.tool_result(call.id(), call.name());
        }
        assert_eq!(client.chat(&next).unwrap().content(), "echo: weather time");
    }
}

#[test]
fn the_choice_says_whether_and_what_is_called() {
    let sandbox = openai();
    let client = client(&sandbox);
    let called = |request: &ChatRequest| -> Vec<String> {
        let answer = client.chat(request).unwrap();
        answer.tool_calls().iter().map(|call| call.name().to_owned()).collect()
    };
    let hello = question("hello");
    let both = question("weather and time");
    let none: [&str; 0] = [];
    assert_eq!(called(&hello), none);
    assert_eq!(called(&hello.clone().tool_choice(ToolChoice::Required)), ["weather"]);
    assert_eq!(called(&hello.tool_choice(ToolChoice::function("time"))), ["time"]);
    assert_eq!(called(&both.clone().tool_choice(ToolChoice::None)), none);
    assert_eq!(called(&both.parallel_tool_calls(false)), ["weather"]);
}

#[test]
fn a_stream_of_calls_that_is_cut_is_an_error() {
    let sandbox = openai();
    let client = client(&sandbox);
    sandbox.push_fault(Fault::CutStream { end: CutEnd::Done, events: 1 });
    let mut stream = client.chat_stream(&question("weather")).unwrap();
    let error = stream.find_map(Result::err).unwrap();
    assert!([Kind::Network, Kind::Protocol].contains(&error.kind()), "{error:?}");
    assert_eq!(names(stream.tool_calls()), ["weather"]);
    // Half a call is no JSON.
    assert_eq!(stream.tool_calls()[0].arguments(), "");
}

#[test]
fn a_service_without_tools_says_so() {
    let sandbox = Sandbox::builder().behaviour(Behaviour::Guide).start().unwrap();
    let request = question("hi").tool_result("call", "hot");
    let error = client(&sandbox).chat(&request).unwrap_err();
    assert_eq!(error.kind(), Kind::Validation);
    assert_eq!(error.field_errors()[0].field, "messages.1.role");
}

#[test]
fn a_stream_that_comes_whole_has_its_calls() {
    let body = json!({"choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
        "role": "assistant", "content": null,
        "tool_calls": [{"id": "a", "type": "function",
            "function": {"name": "weather", "arguments": "{}"}}]}}]})
    .to_string();
    let base = serve(move |_, mut stream| {
        read_request(&mut stream);
        write_json(&mut stream, 200, &body);
    });
    let client = Client::builder().base_url(&base).api_key("k").build().unwrap();
    let mut stream = client.chat_stream(&question("weather")).unwrap();
    assert!(stream.next().is_none());
    assert_eq!(names(stream.tool_calls()), ["weather"]);
}

/// A program's own request and answer, which hold less or more than ours.
#[derive(Serialize)]
struct Request {
    model: &'static str,
    messages: Vec<Value>,
    stream: bool,
    seed: u32,
}

#[derive(Deserialize)]
struct Answer {
    object: String,
    choices: Vec<Value>,
}

#[test]
fn requests_and_answers_may_be_types_of_the_program() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let messages = vec![json!({"role": "user", "content": "Hello"})];
    let own = Request { model: "mistral", messages, stream: true, seed: 7 };
    let request = ChatRequest::from_serialize(&own).unwrap();
    let answer = client.chat(&request).unwrap();
    assert_eq!(answer.content(), "echo: Hello");
    let read: Answer = answer.deserialize().unwrap();
    assert_eq!((read.object.as_str(), read.choices.len()), ("chat.completion", 1));

    // The method decides, and the field changes nothing.
    let stream = client.chat_stream(&request.field("stream", false).unwrap()).unwrap();
    assert_eq!(stream.map(Result::unwrap).collect::<String>(), "echo: Hello");
}
