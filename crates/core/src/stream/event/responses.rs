//! OpenAI's Responses API.

use std::borrow::Cow;

use super::finish::Finish;
use super::{Event, Passage, Place, Shape, Telling, object_of, text_of};
use crate::kind::Kind;
use crate::text::json::{Object, Value};

/// Reads an event; `kind` is its type.
pub(super) fn read<'a>(kind: &str, event: Object<'a>) -> Event<'a> {
    let text = |name| Passage::member(Some(event), name);
    let mut read = Event { needs_last: true, ..Event::default() };
    match kind {
        "response.output_text.delta" => {
            read.text = text("delta");
            read.telling = Telling::PieceOf(place(event));
        }
        // The same again, or, from some gateways, all that comes.
        "response.output_text.done" => {
            read.text = text("text");
            read.telling = Telling::PartAt(place(event));
        }
        "response.content_part.done" => {
            read.text = Passage::member(object_of(event, "part"), "text");
            read.telling = Telling::PartAt(place(event));
        }
        "response.output_item.done" => read_item(event, &mut read),
        "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled" => {
            if let Some(response) = object_of(event, "response") {
                read = self::response(response);
            }
            let unnamed = match kind {
                "response.failed" => Finish::Failed(Kind::Server),
                "response.incomplete" => Finish::Normal(Cow::Borrowed("length")),
                _ => Finish::stop(),
            };
            read.finish = read.finish.filter(|_| kind != "response.completed").or(Some(unnamed));
            read.needs_last = true;
            read.last = true;
        }
        // They repeat the request.
        "response.created" | "response.queued" | "response.in_progress" => {}
        "response.output_item.added" | "response.content_part.added" => {}
        // Reasoning, a call's arguments, a picture: whatever it is, it is delivered.
        kind if kind.ends_with(".delta") || kind.ends_with(".done") => {
            let named = ["delta", "text", "arguments", "refusal", "part", "code", "input"];
            read.other_content = named
                .into_iter()
                .filter_map(|name| event.get(name))
                .any(|value| value.holds_content());
        }
        _ => read.shape = Shape::Unknown,
    }
    read
}

/// A message, a call of a tool, or what else an answer consists of, that is done.
fn read_item<'a>(event: Object<'a>, read: &mut Event<'a>) {
    let Some(item) = object_of(event, "item") else { return };
    push_texts_of_item(item, &mut read.text);
    read.telling = Telling::ItemAt(number(event, "output_index"));
    read.other_content =
        read.text.is_empty() && !matches!(&*text_of(Some(item), "type"), "message" | "");
}

/// A whole response, also outside of a stream.
pub(super) fn response(response: Object<'_>) -> Event<'_> {
    let [status, details, output] = response.get_all(["status", "incomplete_details", "output"]);
    let output = output.and_then(Value::as_array);
    let items = || output.iter().flat_map(|list| list.items()).filter_map(Value::as_object);
    let mut text = Passage::Empty;
    items().for_each(|item| push_texts_of_item(item, &mut text));
    let reason = text_of(details.and_then(Value::as_object), "reason");
    let finish = match &*status.and_then(Value::as_text).unwrap_or_default() {
        "completed" => Some(Finish::stop()),
        "incomplete" => Finish::named(reason).or(Some(Finish::Normal(Cow::Borrowed("length")))),
        "failed" => Some(Finish::Failed(Kind::Server)),
        // Some leave the status out of an event that is named after it.
        "" => Finish::named(reason),
        _ => None,
    };
    Event {
        other_content: text.is_empty()
            && items().any(|item| !matches!(&*text_of(Some(item), "type"), "message" | "")),
        text,
        telling: Telling::Answer,
        finish,
        ..Event::default()
    }
}

/// Adds the texts of a message that is done.
fn push_texts_of_item<'a>(item: Object<'a>, texts: &mut Passage<'a>) {
    if let Some(content) = item.get("content").and_then(Value::as_array) {
        texts.push_parts(content);
    }
}

/// Where in the answer a text belongs.
fn place(event: Object<'_>) -> Place {
    Place { item: number(event, "output_index"), part: number(event, "content_index") }
}

fn number(event: Object<'_>, name: &str) -> u64 {
    event.get(name).and_then(Value::as_f64).map_or(0, |number| number as u64)
}
