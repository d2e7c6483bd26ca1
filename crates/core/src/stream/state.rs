//! What the events of a stream have told so far.

use super::delivered::Delivered;
use super::event::{self, Event, Finish, Shape, Usage};
use super::lines::RawEvent;
use super::{StreamEvent, words};
use crate::answer::body::{self, Body};
use crate::answer::disguise::embedded_status;
use crate::kind::Kind;
use crate::text::json::{self, Object, Value};
use crate::timestamp::Timestamp;

#[derive(Default)]
pub(super) struct State {
    pub(super) delivered: Delivered,
    /// Whether any event was recognised.
    pub(super) recognised: bool,
    needs_last: bool,
    usage: Option<Usage>,
    pub(super) finish_reason: Option<String>,
    /// The last event, if it is no part of an answer and has the looks of an error. It is given away
    /// once another one follows: only the last word of a stream is an error for its looks.
    pub(super) suspect: Option<Vec<u8>>,
    pub(super) end: Option<End>,
}

/// How a stream ended, as far as its events tell.
pub(super) enum End {
    Complete,
    /// An event is an error.
    Error(ErrorEvent),
    Failed(Kind, &'static str),
    /// An event is not JSON.
    Garbled,
    Truncated,
}

/// An event that is an error.
pub(super) struct ErrorEvent {
    pub(super) body: Vec<u8>,
    /// The event's name says that it is an error, so that its text is the message.
    pub(super) is_named: bool,
    /// The HTTP status that stands beside the event.
    pub(super) status: Option<u16>,
}

impl State {
    /// Takes one event; says whether to go on.
    pub(super) fn take(
        &mut self,
        raw: RawEvent<'_>,
        on_event: &mut impl FnMut(StreamEvent<'_>),
    ) -> bool {
        let (name, text, status) = match raw {
            RawEvent::Data { name, data, status } => (name, data, status),
            RawEvent::Error(text) => {
                // llama.cpp puts the error object itself here, not one that holds it.
                let body = [b"{\"error\":", text, b"}"].concat();
                let body = if json::parse(text).is_some() { body } else { text.to_vec() };
                return self.end_in_error(body, true, None);
            }
        };
        let data = text.trim_ascii();
        let is_error = words::name_an_error(name);
        if data.is_empty() && !is_error {
            return true;
        }
        match json::parse(data) {
            // Amazon's events, which some gateways send under the exception's name.
            Some(Value::Object(_)) if words::name_an_exception(name) => {
                self.end_in_error([b"{\"", name, b"\":", data, b"}"].concat(), true, status)
            }
            Some(Value::Object(object)) => {
                let source = Source { name, data, status, is_error };
                self.take_object(object, source, on_event)
            }
            // So some wrap a single object.
            Some(Value::Array(list)) if list.items().nth(1).is_none() && !is_error => {
                let Some(object) = list.items().next().and_then(Value::as_object) else {
                    return true;
                };
                let source = Source { name, data, status, is_error };
                self.take_object(object, source, on_event)
            }
            Some(Value::Text(word)) if word.raw() == b"[DONE]" => self.take_done(),
            _ if is_error => self.end_in_error(data.to_vec(), true, status),
            // It may be a piece of an answer, in a form that is not known.
            Some(value) => {
                self.delivered.any |= value.holds_content();
                true
            }
            // Some servers leave out the blank lines between their events.
            None if json::parse(first_line(data)).is_some() => data
                .split(|byte| *byte == b'\n')
                .all(|data| self.take(RawEvent::Data { name, data, status }, on_event)),
            None if data == b"[DONE]" => self.take_done(),
            None => self.take_words(name, text, on_event),
        }
    }

    /// Takes what is no JSON: a word that keeps the connection alive, a text, or half an event.
    fn take_words(
        &mut self,
        name: &[u8],
        text: &[u8],
        on_event: &mut impl FnMut(StreamEvent<'_>),
    ) -> bool {
        let data = text.trim_ascii();
        if let Some(message) = words::message_of_error(data) {
            return self.end_in_error(message.to_vec(), true, None);
        }
        if words::keep_alive(name, data) {
            return true;
        }
        if data.starts_with(b"{") || data.starts_with(b"[") {
            self.end = Some(End::Garbled);
            return false;
        }
        self.recognised = true;
        // Replicate sends the text as it is; from others it may be anything.
        match std::str::from_utf8(text).ok().filter(|_| name == b"output") {
            Some(text) => {
                let text = self.delivered.add(text, event::Telling::Piece, false);
                on_event(StreamEvent { text, data });
            }
            None => self.delivered.any = true,
        }
        true
    }

    /// `[DONE]`: without a reason for the end and without a usage the upstream died, and the front
    /// closed the stream politely.
    fn take_done(&mut self) -> bool {
        self.recognised = true;
        let was_answered = match self.usage {
            Some(Usage::Something) => true,
            Some(Usage::Nothing) => self.delivered.any,
            None => false,
        };
        if self.finish_reason.is_some() || was_answered {
            self.complete();
        } else {
            self.end = Some(End::Truncated);
        }
        false
    }

    fn take_object(
        &mut self,
        object: Object<'_>,
        source: Source<'_>,
        on_event: &mut impl FnMut(StreamEvent<'_>),
    ) -> bool {
        self.recognised = true;
        let event = event::read(source.name, object);
        if let Some(message) = &event.failure {
            return self.end_in_error(message.as_bytes().to_vec(), true, source.status);
        }
        let body = source.read_error(&event);
        if source.tells_of_error(&body) && event.shape != Shape::Harmless {
            return self.end_in_error(source.data.to_vec(), source.is_error, source.status);
        }
        self.release_suspect(on_event);
        let is_unknown = matches!(event.shape, Shape::Unknown | Shape::Message);
        if is_unknown && (body.looks_like_error || event.shape == Shape::Message) {
            self.suspect = Some(source.data.to_vec());
            return true;
        }
        self.needs_last |= event.needs_last;
        self.usage = event.usage.or(self.usage);
        let text = event.text.decode();
        let text = self.delivered.add(&text, event.telling, event.finish.is_some());
        self.delivered.any |=
            event.other_content || event.shape == Shape::Unknown && event::holds_data(object);
        // A failure that is told in an event of its own is no event of the answer.
        let is_failure = matches!(event.finish, Some(Finish::Failed(_))) && event.last;
        if !is_failure || !text.is_empty() {
            on_event(StreamEvent { text, data: source.data });
        }
        if matches!(source.name, b"done" | b"end") && self.end.is_none() {
            // Replicate, LangServe.
            return self.end_by_name(object);
        }
        self.take_finish(event)
    }

    /// Takes the reason for the end, if the event has one; says whether to go on.
    fn take_finish(&mut self, event: Event<'_>) -> bool {
        let failed = |kind| Some(End::Failed(kind, "the model's answer ended in an error"));
        match event.finish {
            Some(Finish::Normal(reason)) => self.finish_reason = Some(reason.into_owned()),
            Some(Finish::Explains(kind, _)) if !self.delivered.any => self.end = failed(kind),
            Some(Finish::Explains(_, reason)) => self.finish_reason = Some(reason.into_owned()),
            Some(Finish::ContentFilter) => {
                self.finish_reason = Some("content_filter".to_owned());
                self.end =
                    Some(End::Failed(Kind::ContentFilter, "a content filter ended the answer"));
            }
            Some(Finish::Failed(kind)) => self.end = failed(kind),
            None => {}
        }
        if event.last && self.end.is_none() {
            self.complete();
        }
        self.end.is_none()
    }

    /// An event with the name `done`, which may say why.
    fn end_by_name(&mut self, object: Object<'_>) -> bool {
        let reason = object.get("reason").and_then(Value::as_text);
        match reason.and_then(Finish::named).and_then(|finish| finish.of_nothing()) {
            Some(kind) => {
                self.end = Some(End::Failed(kind, "the model's answer ended in an error"));
            }
            None if self.delivered.any || self.finish_reason.is_some() => self.complete(),
            None => self.end = Some(End::Truncated),
        }
        false
    }

    /// Ends the stream well, unless it is the end of an answer that there never was.
    fn complete(&mut self) {
        let is_nothing = self.usage == Some(Usage::Nothing) && !self.delivered.any;
        self.end = Some(match is_nothing {
            true => End::Failed(Kind::Protocol, "the answer is empty and used no tokens"),
            false => End::Complete,
        });
    }

    /// What the end of the bytes means, if no event was the end.
    pub(super) fn end_of_bytes(&mut self) {
        if self.end.is_none() && self.finish_reason.is_some() && !self.needs_last {
            self.complete();
        }
    }

    fn end_in_error(&mut self, body: Vec<u8>, is_named: bool, status: Option<u16>) -> bool {
        self.suspect = None;
        self.end = Some(End::Error(ErrorEvent { body, is_named, status }));
        false
    }

    /// Gives away the event that was held back.
    pub(super) fn release_suspect(&mut self, on_event: &mut impl FnMut(StreamEvent<'_>)) {
        if let Some(data) = self.suspect.take() {
            let object = json::parse(&data).and_then(Value::as_object);
            self.delivered.any |= object.is_some_and(event::holds_data);
            on_event(StreamEvent { text: "", data: &data });
        }
    }
}

/// Where an event came from.
struct Source<'a> {
    name: &'a [u8],
    data: &'a [u8],
    status: Option<u16>,
    /// Its name says that it is an error.
    is_error: bool,
}

impl<'a> Source<'a> {
    /// Reads the event for an error. Most need not be read: one is named so, or the event is of no
    /// known shape. Amazon names an event of an error after its exception.
    fn read_error(&self, event: &Event<'_>) -> Body<'a> {
        let is_unknown = matches!(event.shape, Shape::Unknown | Shape::Message);
        let names_one = || {
            [&b"rror"[..], b"Exception\""]
                .iter()
                .any(|sign| memchr::memmem::find(self.data, sign).is_some())
        };
        if is_unknown || names_one() {
            body::read(self.data, Timestamp::UNIX_EPOCH)
        } else {
            Body::default()
        }
    }

    fn tells_of_error(&self, body: &Body<'_>) -> bool {
        self.is_error
            || body.has_error
            || body.looks_like_error && embedded_status(body).is_some()
            || self.status.is_some_and(|status| status >= 400)
    }
}

/// The first of several lines; nothing, if there is only one.
fn first_line(data: &[u8]) -> &[u8] {
    memchr::memchr(b'\n', data).map_or(&[], |end| &data[..end])
}
