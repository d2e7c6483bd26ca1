//! What compatible services have besides: tools and embeddings.

mod common;

use common::*;
use resayil_sandbox::{Behaviour, Fault, Sandbox};
use serde_json::{Value, json};

fn start() -> Sandbox {
    Sandbox::builder().behaviour(Behaviour::Guide).openai_features(true).start().unwrap()
}

fn tools() -> Value {
    let tool = |name: &str| {
        let city = json!({"type": "object", "properties": {"city": {"type": "string"}}});
        json!({"type": "function", "function": {"name": name, "parameters": city}})
    };
    json!([tool("weather"), tool("time")])
}

fn body(messages: Value) -> Value {
    json!({"model": "mistral", "messages": messages, "tools": tools()})
}

#[test]
fn tools_that_the_prompt_names_are_called_and_their_results_repeated() {
    let s = start();
    let ask = json!({"role": "user", "content": [{"type": "text", "text": "weather and time"}]});
    let answer = post(&s, &body(json!([ask]))).unwrap();
    assert_eq!(answer.status, 200);
    let choice = answer.json()["choices"][0].clone();
    assert_eq!(
        (&choice["finish_reason"], &choice["message"]["content"]),
        (&json!("tool_calls"), &json!(null))
    );
    let calls = choice["message"]["tool_calls"].as_array().unwrap();
    let names: Vec<_> = calls.iter().map(|call| &call["function"]["name"]).collect();
    assert_eq!(names, ["weather", "time"]);
    assert_eq!(calls[0]["function"]["arguments"], r#"{"city":"weather and time"}"#);
    assert_ne!(calls[0]["id"], calls[1]["id"]);

    let result = |call: &Value, text: &str| json!({"role": "tool", "tool_call_id": call["id"], "content": text});
    let all = json!([ask, choice["message"], result(&calls[0], "hot"), result(&calls[1], "noon")]);
    let answer = post(&s, &body(all)).unwrap().json();
    assert_eq!(answer["choices"][0]["message"]["content"], "echo: hot noon");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
}

#[test]
fn calls_come_in_pieces_in_a_stream() {
    let s = start();
    let mut body = body(json!([{"role": "user", "content": "weather"}]));
    body["stream"] = json!(true);
    let events = post(&s, &body).unwrap().events();
    assert_eq!(events.last().unwrap(), "[DONE]");
    let events: Vec<Value> =
        events.iter().filter_map(|event| serde_json::from_str(event).ok()).collect();
    let calls: Vec<&Value> =
        events.iter().filter_map(|it| it.pointer("/choices/0/delta/tool_calls/0")).collect();
    assert_eq!(calls[0]["function"], json!({"name": "weather", "arguments": ""}));
    let text = calls.iter().filter_map(|call| call["function"]["arguments"].as_str());
    assert_eq!(text.collect::<String>(), r#"{"city":"weather"}"#);
    assert_eq!(events.last().unwrap()["choices"][0]["finish_reason"], "tool_calls");
}

#[test]
fn what_breaks_the_rules_is_named() {
    let s = start();
    let broken = |body: &Value| -> Vec<String> {
        let reply = post(&s, body).unwrap();
        assert_eq!(reply.status, 422);
        reply.json()["errors"].as_object().unwrap().keys().cloned().collect()
    };
    let stray = json!([{"role": "tool", "tool_call_id": "none", "content": "x"},
        {"role": "assistant", "content": null}]);
    assert_eq!(broken(&body(stray)), ["messages.0.tool_call_id", "messages.1.content"]);
    let mut bad = body(json!([{"role": "developer", "content": "x"}]));
    bad["tools"] = json!([{"type": "other"}]);
    assert_eq!(broken(&bad), ["tools.0.type", "tools.0.function.name"]);
}

#[test]
fn embeddings_pass_the_same_checks_as_chats() {
    let s = start();
    let send_to = |s: &Sandbox, body: &Value| {
        let request = request(s, "POST", "/v1/embeddings", &body.to_string());
        send(s, &request).unwrap()
    };
    let body = json!({"model": "mistral", "input": ["one", "two words"], "dimensions": 3});
    let answer = send_to(&s, &body).json();
    assert_eq!((&answer["object"], &answer["data"][1]["index"]), (&json!("list"), &json!(1)));
    assert_eq!(answer["data"][0]["embedding"].as_array().unwrap().len(), 3);
    assert_eq!(answer["usage"], json!({"prompt_tokens": 4, "total_tokens": 4}));
    s.push_fault(Fault::ServerError);
    assert_eq!(send_to(&s, &body).status, 500);
    assert_eq!(send_to(&s, &json!({"model": "mistral"})).status, 422);
    assert_eq!(send_to(&s, &json!({"model": "none", "input": "x"})).status, 404);
    let full = Sandbox::builder().openai_features(true).limit(0).start().unwrap();
    assert_eq!(send_to(&full, &body).status, 429);
    let plain = Sandbox::builder().start().unwrap();
    let reply = send_to(&plain, &body);
    assert_eq!((reply.status, reply.text().contains("could not be found")), (404, true));
}
