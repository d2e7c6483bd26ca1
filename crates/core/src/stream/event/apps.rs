//! Platforms whose streams tell of an app's run, not of a model's answer: Dify, Coze, OpenAI's
//! Assistants.

use super::finish::Finish;
use super::{Event, Passage, Shape, Telling, object_of, text_of};
use crate::text::json::{Object, Value};

/// Dify: the member `event` names what an event is.
pub(super) fn dify<'a>(name: &str, event: Object<'a>) -> Option<Event<'a>> {
    let data = object_of(event, "data");
    let mut read = Event::default();
    match name {
        "message" | "agent_message" | "text_chunk" => {
            read.text = match name {
                "text_chunk" => Passage::member(data, "text"),
                _ => Passage::member(Some(event), "answer"),
            };
        }
        "message_end" => {
            read.finish = Some(Finish::stop());
            read.last = true;
        }
        "workflow_finished" if &*text_of(data, "status") == "failed" => {
            read.failure = Some(text_of(data, "error"));
        }
        "workflow_finished" => {
            read.finish = Some(Finish::stop());
            let outputs = data.and_then(|data| data.get("outputs"));
            read.other_content = outputs.is_some_and(Value::holds_content);
            let outputs = outputs.and_then(Value::as_object);
            read.text = ["answer", "text", "output", "result"]
                .into_iter()
                .map(|name| Passage::member(outputs, name))
                .find(|text| !text.is_empty())
                .unwrap_or_default();
            read.telling = Telling::Answer;
        }
        "agent_thought" | "message_file" | "message_replace" | "tts_message" => {
            let named = ["thought", "url", "answer", "audio", "observation"];
            read.other_content =
                named.into_iter().any(|name| !text_of(Some(event), name).is_empty());
        }
        // A node may fail and the workflow go on.
        "node_finished"
        | "node_started"
        | "node_retry"
        | "workflow_started"
        | "ping"
        | "iteration_started"
        | "iteration_next"
        | "iteration_completed"
        | "loop_started"
        | "loop_next"
        | "loop_completed"
        | "agent_log"
        | "tts_message_end"
        | "parallel_branch_started"
        | "parallel_branch_finished" => read.shape = Shape::Harmless,
        _ => return None,
    }
    Some(read)
}

/// Coze: the name of the server-sent event says what it is.
pub(super) fn coze<'a>(name: &[u8], event: Object<'a>) -> Option<Event<'a>> {
    let is_answer = || matches!(&*text_of(Some(event), "type"), "answer" | "");
    let text = || match is_answer() {
        true => Passage::member(Some(event), "content"),
        false => Passage::Empty,
    };
    let holds_more = || {
        ["content", "reasoning_content"]
            .into_iter()
            .any(|name| !text_of(Some(event), name).is_empty())
    };
    Some(match name {
        b"conversation.message.delta" => {
            let text = text();
            Event { other_content: text.is_empty() && holds_more(), text, ..Event::default() }
        }
        b"conversation.message.completed" => {
            Event { text: text(), telling: Telling::Answer, ..Event::default() }
        }
        b"conversation.chat.completed" => {
            Event { finish: Some(Finish::stop()), ..Event::default() }
        }
        b"conversation.chat.created" | b"conversation.chat.in_progress" => Event::default(),
        _ => return None,
    })
}

/// OpenAI's Assistants: the member `object` says what an event is.
pub(super) fn assistants<'a>(object: &str, event: Object<'a>) -> Option<Event<'a>> {
    let texts = |holder: Option<Object<'a>>| {
        let parts = holder.and_then(|holder| holder.get("content")).and_then(Value::as_array);
        let parts = parts.into_iter().flat_map(|parts| parts.items()).filter_map(Value::as_object);
        let mut texts = Passage::Empty;
        parts.for_each(|part| texts.push(object_of(part, "text").and_then(|it| it.get("value"))));
        texts
    };
    Some(match object {
        "thread.message.delta" => {
            Event { text: texts(object_of(event, "delta")), ..Event::default() }
        }
        "thread.message" => {
            Event { text: texts(Some(event)), telling: Telling::Answer, ..Event::default() }
        }
        "thread.run" => run(event),
        // A step of a run may fail; the run then says so itself.
        "thread.run.step" | "thread.run.step.delta" | "thread" => {
            Event { shape: Shape::Harmless, ..Event::default() }
        }
        _ => return None,
    })
}

/// A run, also outside of a stream.
fn run(run: Object<'_>) -> Event<'_> {
    let finish = match &*text_of(Some(run), "status") {
        "completed" | "requires_action" | "cancelled" => Some(Finish::stop()),
        "incomplete" => {
            let reason = text_of(object_of(run, "incomplete_details"), "reason");
            Finish::named(reason).or(Some(Finish::Normal("length".into())))
        }
        "failed" => Some(Finish::Failed(crate::kind::Kind::Server)),
        "expired" => Some(Finish::Failed(crate::kind::Kind::Timeout)),
        _ => None,
    };
    Event { finish, ..Event::default() }
}
