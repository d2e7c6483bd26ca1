//! Servers of models with streams of their own: Ollama, TGI, llama.cpp, SGLang.

use super::finish::Finish;
use super::{Event, Passage, Telling, Usage, object_of, text_of};
use crate::text::json::{Array, Object, Value};

/// Ollama: `done` says whether it is the last event.
pub(super) fn ollama(event: Object<'_>) -> Event<'_> {
    let message = object_of(event, "message");
    let holds = |object: Option<Object<'_>>, name: &str| {
        object.and_then(|object| object.get(name)).is_some_and(|value| value.holds_content())
    };
    let chat = Passage::member(message, "content");
    let text = chat.or_else(|| Passage::member(Some(event), "response"));
    let done = matches!(event.get("done"), Some(Value::Bool(true)));
    let reason = text_of(Some(event), "done_reason");
    Event {
        text,
        other_content: ["tool_calls", "thinking", "images"]
            .into_iter()
            .any(|name| holds(message, name) || name == "thinking" && holds(Some(event), name)),
        finish: if done { Finish::named(reason).or(Some(Finish::stop())) } else { None },
        last: done,
        needs_last: true,
        ..Event::default()
    }
}

/// Hugging Face's TGI: the last event has the whole text.
pub(super) fn tgi(event: Object<'_>) -> Event<'_> {
    let token = object_of(event, "token");
    let special = matches!(token.and_then(|token| token.get("special")), Some(Value::Bool(true)));
    let done = event.get_some("generated_text").is_some();
    Event {
        text: if special { Passage::Empty } else { Passage::member(token, "text") },
        finish: done.then(Finish::stop),
        last: done,
        ..Event::default()
    }
}

/// Whether results are those of watsonx's generation of text.
pub(super) fn are_watsonx(results: Array<'_>) -> bool {
    results.items().next().and_then(Value::as_object).is_some_and(|it| {
        let [text, reason] = it.get_all(["generated_text", "stop_reason"]);
        text.is_some() && reason.is_some()
    })
}

/// IBM watsonx: each result has a piece of the text.
pub(super) fn watsonx(results: Array<'_>) -> Event<'_> {
    let first = results.items().next().and_then(Value::as_object);
    Event {
        text: Passage::member(first, "generated_text"),
        finish: Finish::named(text_of(first, "stop_reason")),
        ..Event::default()
    }
}

/// llama.cpp's completions: `stop` says whether it is the last event.
pub(super) fn llama_cpp(stop: bool, content: Value<'_>) -> Event<'_> {
    Event {
        text: Passage::of(content),
        finish: stop.then(Finish::stop),
        last: stop,
        needs_last: true,
        ..Event::default()
    }
}

/// SGLang's `/generate`: each event has the whole text so far.
pub(super) fn sglang<'a>(meta: Object<'a>, text: Option<Value<'a>>) -> Event<'a> {
    let reason = meta.get_some("finish_reason");
    let reason = reason.and_then(|reason| match reason {
        Value::Object(reason) => Some(text_of(Some(reason), "type")),
        reason => reason.as_text(),
    });
    Event {
        text: text.map_or(Passage::Empty, Passage::of),
        telling: Telling::SoFar,
        finish: reason.and_then(Finish::named),
        usage: meta.get("completion_tokens").and_then(Value::as_f64).map(Usage::of),
        ..Event::default()
    }
}
