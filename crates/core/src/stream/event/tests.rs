use super::*;
use crate::text::json;

fn event(text: &str) -> Event<'_> {
    read(b"", json::parse(text.as_bytes()).unwrap().as_object().unwrap())
}

/// Text, other content, whether it is the last, whether it names an end.
fn told(text: &str) -> (String, bool, bool, bool) {
    let event = event(text);
    (event.text.decode().into_owned(), event.other_content, event.last, event.finish.is_some())
}

#[test]
fn each_dialect_is_read() {
    for (text, expected, other, last, ends) in [
        // Chat completions: chunks, whole answers, parts, legacy texts.
        (r#"{"choices":[{"delta":{"content":"a"}}]}"#, "a", false, false, false),
        (r#"{"choices":[{"delta":{"role":"assistant","content":""}}]}"#, "", false, false, false),
        (r#"{"choices":[{"delta":{"tool_calls":[{"id":"1"}]}}]}"#, "", true, false, false),
        (r#"{"choices":[{"delta":{"reasoning":"hm"}}]}"#, "", true, false, false),
        (
            r#"{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}"#,
            "a",
            false,
            false,
            true,
        ),
        (
            r#"{"choices":[{"delta":{"content":[{"text":"a"},{"text":"b"}]}}]}"#,
            "ab",
            false,
            false,
            false,
        ),
        (r#"{"choices":[{"delta":{"content":[{"image":"x"}]}}]}"#, "", true, false, false),
        (r#"{"choices":[{"text":"a","finish_reason":"length"}]}"#, "a", false, false, true),
        (r#"{"choices":[{"delta":[],"finish_reason":"stop"}]}"#, "", false, false, true),
        (
            r#"{"choices":[{"delta":{"content":"a"}},{"delta":{"content":"b"}}]}"#,
            "a",
            false,
            false,
            false,
        ),
        (r#"{"choices":[1,{"delta":{"content":"a"}}]}"#, "a", false, false, false),
        // A message beside a delta.
        (
            r#"{"choices":[{"message":{"content":"m"},"delta":{"content":"d"}}]}"#,
            "d",
            false,
            false,
            false,
        ),
        (r#"{"Choices":[{"Delta":{"Content":"a"},"FinishReason":""}]}"#, "a", false, false, false),
        // Anthropic.
        (
            r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}}"#,
            "a",
            false,
            false,
            false,
        ),
        (
            r#"{"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"a"}}"#,
            "",
            true,
            false,
            false,
        ),
        (
            r#"{"type":"content_block_start","content_block":{"type":"text","text":"a"}}"#,
            "a",
            false,
            false,
            false,
        ),
        (
            r#"{"type":"content_block_start","content_block":{"type":"x","content":"a"}}"#,
            "",
            true,
            false,
            false,
        ),
        (r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#, "", false, false, true),
        (r#"{"type":"message_stop"}"#, "", false, true, false),
        (
            r#"{"type":"message","content":[{"type":"text","text":"a"}],"stop_reason":"end_turn"}"#,
            "a",
            false,
            false,
            true,
        ),
        (
            r#"{"type":"message","content":[{"type":"tool_use","name":"a"}]}"#,
            "",
            true,
            false,
            false,
        ),
        // OpenAI's Responses.
        (r#"{"type":"response.output_text.delta","delta":"a"}"#, "a", false, false, false),
        (r#"{"type":"response.output_text.done","text":"a"}"#, "a", false, false, false),
        (r#"{"type":"response.content_part.done","part":{"text":"a"}}"#, "a", false, false, false),
        (
            r#"{"type":"response.output_item.done","item":{"type":"message","content":[{"text":"a"},{"text":"b"}]}}"#,
            "ab",
            false,
            false,
            false,
        ),
        (
            r#"{"type":"response.output_item.done","item":{"type":"message","content":[]}}"#,
            "",
            false,
            false,
            false,
        ),
        (
            r#"{"type":"response.output_item.done","item":{"type":"function_call","name":"f"}}"#,
            "",
            true,
            false,
            false,
        ),
        (
            r#"{"type":"response.function_call_arguments.delta","delta":"{"}"#,
            "",
            true,
            false,
            false,
        ),
        (
            r#"{"type":"response.completed","response":{"output":[{"content":[{"text":"a"}]}]}}"#,
            "a",
            false,
            true,
            true,
        ),
        (
            r#"{"object":"response","status":"completed","output":[{"type":"function_call"}]}"#,
            "",
            true,
            false,
            true,
        ),
        // Gemini, with thoughts apart.
        (
            r#"{"candidates":[{"content":{"parts":[{"text":"a"},{"text":"b"}]},"finishReason":"STOP"}]}"#,
            "ab",
            false,
            false,
            true,
        ),
        (
            r#"{"candidates":[{"content":{"parts":[{"text":"a","thought":true}]}}]}"#,
            "",
            true,
            false,
            false,
        ),
        (
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]}}]}"#,
            "",
            true,
            false,
            false,
        ),
        // Cohere, Bedrock.
        (
            r#"{"type":"content-delta","delta":{"message":{"content":{"text":"a"}}}}"#,
            "a",
            false,
            false,
            false,
        ),
        (r#"{"event_type":"text-generation","text":"a"}"#, "a", false, false, false),
        (r#"{"type":"message-end","delta":{"finish_reason":"COMPLETE"}}"#, "", false, true, true),
        (r#"{"type":"tool-call-delta","delta":{}}"#, "", true, false, false),
        (r#"{"contentBlockDelta":{"delta":{"text":"a"}}}"#, "a", false, false, false),
        (r#"{"contentBlockDelta":{"delta":{"toolUse":{"input":"{"}}}}"#, "", true, false, false),
        (r#"{"messageStop":{"stopReason":"end_turn"}}"#, "", false, true, true),
        // Servers of models.
        (r#"{"message":{"content":"a"},"done":false}"#, "a", false, false, false),
        (r#"{"response":"a","done":true}"#, "a", false, true, true),
        (
            r#"{"message":{"content":"","tool_calls":[{"x":1}]},"done":false}"#,
            "",
            true,
            false,
            false,
        ),
        (
            r#"{"token":{"text":"a","special":false},"generated_text":null}"#,
            "a",
            false,
            false,
            false,
        ),
        (r#"{"token":{"text":"</s>","special":true},"generated_text":"a"}"#, "", false, true, true),
        (r#"{"content":"a","stop":false}"#, "a", false, false, false),
        (r#"{"content":"","stop":true}"#, "", false, true, true),
        (r#"{"text":"a","meta_info":{"finish_reason":{"type":"stop"}}}"#, "a", false, false, true),
        // DashScope, and members of the usual names.
        (r#"{"output":{"text":"a","finish_reason":"stop"}}"#, "a", false, false, true),
        (
            r#"{"output":{"message":{"content":[{"text":"a"}]}},"stopReason":"end_turn"}"#,
            "a",
            false,
            false,
            true,
        ),
        (r#"{"message":{"content":[{"text":"a"}]}}"#, "a", false, false, false),
        (r#"{"result":"a","is_end":true}"#, "a", false, true, true),
        (r#"{"completion":"a","stop_reason":"stop_sequence"}"#, "a", false, false, true),
        (r#"{"type":"transcript.text.delta","delta":"a"}"#, "a", false, false, false),
        (r#"{"type":"status","text":"busy"}"#, "", false, false, false),
        // Platforms.
        (r#"{"event":"message","answer":"a"}"#, "a", false, false, false),
        (r#"{"event":"text_chunk","data":{"text":"a"}}"#, "a", false, false, false),
        (r#"{"event":"message_end"}"#, "", false, true, true),
        (
            r#"{"event":"workflow_finished","data":{"status":"succeeded","outputs":{"answer":"a"}}}"#,
            "a",
            true,
            false,
            true,
        ),
        (r#"{"event":"agent_thought","thought":"hm"}"#, "", true, false, false),
        (
            r#"{"object":"thread.message.delta","delta":{"content":[{"text":{"value":"a"}}]}}"#,
            "a",
            false,
            false,
            false,
        ),
        (r#"{"object":"thread.run","status":"completed"}"#, "", false, false, true),
    ] {
        assert_eq!(told(text), (expected.to_owned(), other, last, ends), "{text}");
    }
}

#[test]
fn what_is_no_part_of_an_answer_is_told_apart() {
    let shape = |text| event(text).shape;
    assert_eq!(shape(r#"{"event":"ping"}"#), Shape::Harmless);
    assert_eq!(shape(r#"{"object":"thread.run.step"}"#), Shape::Harmless);
    assert_eq!(shape(r#"{"message":"busy"}"#), Shape::Message);
    assert_eq!(shape(r#"{"message":""}"#), Shape::Unknown);
    assert_eq!(shape(r#"{"message":"busy","code":1}"#), Shape::Unknown);
    assert_eq!(shape(r#"{"foo":"bar"}"#), Shape::Unknown);
    assert_eq!(shape(r#"{"type":"response.new_thing"}"#), Shape::Unknown);
    assert_eq!(shape(r#"{"text":"a"}"#), Shape::Known);
    let failed = r#"{"event":"workflow_finished","data":{"status":"failed","error":"no"}}"#;
    assert_eq!(event(failed).failure.as_deref(), Some("no"));
}

#[test]
fn an_empty_answer_says_why() {
    let nothing = |text: &str| match nothing_in(text.as_bytes()) {
        None => "something",
        Some(Nothing::NoTokens) => "no tokens",
        Some(Nothing::Failed(kind)) => kind.name(),
    };
    let empty = r#""choices":[{"message":{"content":""}}]"#;
    assert_eq!(nothing(&format!(r#"{{{empty},"usage":{{"completion_tokens":0}}}}"#)), "no tokens");
    assert_eq!(nothing(&format!(r#"{{{empty},"usage":{{"completion_tokens":1}}}}"#)), "something");
    assert_eq!(nothing(r#"{"usage":{"total_tokens":0}}"#), "something");
    let full = r#"{"choices":[{"message":{"content":"a"}}],"usage":{"total_tokens":0}}"#;
    assert_eq!(nothing(full), "something");
    let filtered = r#"{"choices":[{"message":{"content":""},"finish_reason":"content_filter"}]}"#;
    assert_eq!(nothing(filtered), "content_filter");
    assert_eq!(nothing("[]"), "something");
}
