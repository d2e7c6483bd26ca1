//! Decoding streamed answers, whose end has to be told from a cut.

mod event;
mod lines;
mod records;

use event::Finish;
use lines::{Lines, RawEvent};

use crate::answer::body::{self, Body};
use crate::answer::classify::{Answer, Classifier, embedded_status, make};
use crate::answer::headers::HeaderFacts;
use crate::answer::verdict;
use crate::error::{Error, HeaderSize, MAX_BODY_BYTES, Store};
use crate::kind::Kind;
use crate::provider::Provider;
use crate::text::json::{self, Value};
use crate::text::redact::redact;
use crate::timestamp::Timestamp;

pub use lines::MAX_EVENT_BYTES;

/// No more than this many bytes of the delivered text are kept.
pub const MAX_PARTIAL_BYTES: usize = 1024 * 1024;

/// How a stream ended.
#[derive(Clone, Debug)]
#[must_use]
pub enum StreamEnd {
    /// The whole answer was delivered.
    Complete,
    /// The service reported an error inside the stream.
    Error(Error),
    /// The stream broke off: it has no end that its protocol knows.
    Truncated(Error),
}

impl StreamEnd {
    /// The name in records: `complete`, `error` or `truncated`.
    pub fn name(&self) -> &'static str {
        match self {
            StreamEnd::Complete => "complete",
            StreamEnd::Error(_) => "error",
            StreamEnd::Truncated(_) => "truncated",
        }
    }

    /// The error, unless the stream is complete.
    pub fn error(&self) -> Option<&Error> {
        match self {
            StreamEnd::Complete => None,
            StreamEnd::Error(error) | StreamEnd::Truncated(error) => Some(error),
        }
    }

    /// `Ok` for a complete stream.
    ///
    /// # Errors
    ///
    /// The error of a failed or truncated stream.
    pub fn into_result(self) -> Result<(), Error> {
        match self {
            StreamEnd::Complete => Ok(()),
            StreamEnd::Error(error) | StreamEnd::Truncated(error) => Err(error),
        }
    }
}

/// One event of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamEvent<'a> {
    /// The text that this event adds to the answer; often empty.
    pub text: &'a str,
    /// The event's JSON.
    pub data: &'a [u8],
}

/// Reads a streamed answer as it arrives: server-sent events or NDJSON, in any provider's dialect.
///
/// Bytes may be split anywhere. No event may be longer than [`MAX_EVENT_BYTES`], and no more than
/// [`MAX_PARTIAL_BYTES`] of text are kept.
///
/// ```
/// use resayil_core::{StreamDecoder, Timestamp};
///
/// let mut decoder = StreamDecoder::new();
/// let mut answer = String::new();
/// decoder.feed(b"data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\n", |event| answer += event.text);
/// assert_eq!(answer, "Hel");
/// let end = decoder.finish(Timestamp::UNIX_EPOCH, |event| answer += event.text);
/// assert_eq!(end.name(), "truncated");
/// assert!(!end.error().unwrap().is_safe_to_replay());
/// ```
#[derive(Default)]
pub struct StreamDecoder {
    provider: Option<Provider>,
    /// The headers of the answer.
    answer: Store,
    lines: Lines,
    state: State,
    /// The beginning of the stream, as long as no event was recognised: it may be a plain body.
    head: Vec<u8>,
}

#[derive(Default)]
struct State {
    partial_text: String,
    delivered: bool,
    recognised: bool,
    needs_last: bool,
    finish_reason: Option<String>,
    /// The last event, if it is no part of an answer and has the looks of an error.
    suspect: Option<Vec<u8>>,
    end: Option<End>,
}

enum End {
    Complete,
    Error { body: Vec<u8>, prefer_text: bool },
    Failed(Kind, &'static str),
    Truncated,
}

/// Why a whole answer holds no text, by the words by which streams end: a filter, or a failure.
pub(crate) fn failure_without_text(answer: &[u8]) -> Option<Kind> {
    let event = event::read(json::parse(answer)?.as_object()?);
    match event.finish? {
        _ if !event.text.is_empty() || event.other_content => None,
        Finish::ContentFilter => Some(Kind::ContentFilter),
        Finish::Failed(kind) => Some(kind),
        Finish::Normal(_) => None,
    }
}

impl StreamDecoder {
    /// A decoder for any provider's stream.
    pub fn new() -> Self {
        StreamDecoder::default()
    }

    /// The same decoder, knowing whose stream it reads.
    #[must_use]
    pub fn provider(mut self, provider: impl Into<Option<Provider>>) -> Self {
        self.provider = provider.into();
        self
    }

    /// The same decoder with the headers of the answer, which hold the request's id.
    #[must_use]
    pub fn headers<N: AsRef<[u8]>, V: AsRef<[u8]>>(mut self, headers: &[(N, V)]) -> Self {
        let headers = headers.iter().map(|(name, value)| (name, value));
        self.answer.set_headers(headers.clone(), HeaderSize::of(headers));
        self
    }

    /// Takes the next bytes of the stream, and gives each event that they complete to `on_event`.
    /// What follows the end of the answer is ignored.
    pub fn feed(&mut self, bytes: &[u8], mut on_event: impl FnMut(StreamEvent<'_>)) {
        if self.state.end.is_some() {
            return;
        }
        if !self.state.recognised {
            let room = MAX_BODY_BYTES - self.head.len();
            self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        let state = &mut self.state;
        if self.lines.feed(bytes, &mut |raw| state.take(raw, &mut on_event)).is_err() {
            state.end = Some(End::Failed(
                Kind::Protocol,
                "an event of the stream is longer than MAX_EVENT_BYTES",
            ));
        }
    }

    /// Whether the end of the answer has been read, so that no more bytes are needed.
    pub fn is_finished(&self) -> bool {
        self.state.end.is_some()
    }

    /// The text that was delivered so far, cut to [`MAX_PARTIAL_BYTES`].
    pub fn partial_text(&self) -> &str {
        &self.state.partial_text
    }

    /// Why the model stopped, in the provider's word, such as `stop` or `length`.
    pub fn finish_reason(&self) -> Option<&str> {
        self.state.finish_reason.as_deref()
    }

    /// Whether anything of the answer was delivered: text, a tool call, reasoning.
    pub fn has_delivered(&self) -> bool {
        self.state.delivered
    }

    /// Ends the stream and says how it ended. An event whose line end never came is given to
    /// `on_event` if it is whole. `now` is the wall clock.
    pub fn finish(
        &mut self,
        now: Timestamp,
        mut on_event: impl FnMut(StreamEvent<'_>),
    ) -> StreamEnd {
        if self.state.end.is_none() {
            let state = &mut self.state;
            // An event without its blank line counts if it is whole; half of one is a cut.
            let _ = self.lines.finish(&mut |raw| state.take(raw, &mut on_event));
            if matches!(state.end, Some(End::Failed(Kind::Protocol, _))) {
                state.end = Some(End::Truncated);
            }
        }
        if self.state.end.is_none() && !self.state.recognised {
            if let Some(end) = self.plain_body(now) {
                return end;
            }
        }
        match self.state.end.take() {
            Some(End::Complete) => StreamEnd::Complete,
            Some(End::Error { body, prefer_text }) => {
                StreamEnd::Error(self.error(&body, prefer_text, now))
            }
            Some(End::Failed(kind, explanation)) => {
                StreamEnd::Error(self.local_error(kind, explanation))
            }
            None if self.state.finish_reason.is_some() && !self.state.needs_last => {
                StreamEnd::Complete
            }
            Some(End::Truncated) | None => self.cut(now),
        }
    }

    /// The end of a stream that has none: an error, if that is what its last event looks like.
    fn cut(&mut self, now: Timestamp) -> StreamEnd {
        let suspect = std::mem::take(&mut self.state.suspect);
        let error = suspect.map(|event| self.error(&event, false, now));
        match error.filter(|error| error.kind() != Kind::Unknown) {
            Some(error) => StreamEnd::Error(error),
            None => StreamEnd::Truncated(
                self.local_error(Kind::Network, "the stream ended before the answer did"),
            ),
        }
    }

    /// What a stream without events is: a web page or, when Azure throttles, a wait in the headers
    /// and nothing else.
    fn plain_body(&mut self, now: Timestamp) -> Option<StreamEnd> {
        let head = std::mem::take(&mut self.head);
        let headers: Vec<_> = self.answer.headers().iter().collect();
        let classifier = Classifier::new().provider(self.provider);
        let error = classifier.classify(200, &headers, &head, now).err()?;
        let is_page = body::trim(&head).starts_with(b"<");
        (is_page || error.kind() == Kind::RateLimit).then_some(StreamEnd::Error(error))
    }

    /// The error that an event inside the stream describes.
    fn error(&self, bytes: &[u8], prefer_text: bool, now: Timestamp) -> Error {
        let headers: Vec<_> = self.answer.headers().iter().collect();
        let facts = HeaderFacts::read(&headers, now);
        let mut parsed = body::read(bytes, now);
        parsed.has_error |= prefer_text;
        let provider =
            self.provider.or(facts.provider).or(parsed.provider).or_else(|| facts.front());
        let status = embedded_status(&parsed);
        let verdict = verdict::decide(status, &facts, &parsed, provider);
        let answer = Answer { status, headers: headers.iter().copied(), body: bytes };
        self.with_delivery(make(answer, &facts, &parsed, provider, verdict, now))
    }

    fn local_error(&self, kind: Kind, explanation: &str) -> Error {
        let headers = self.answer.headers();
        let request_id =
            ["x-request-id", "request-id"].into_iter().find_map(|name| headers.get(name));
        let error = Error::new(kind, "")
            .with_message(None)
            .with_explanation(explanation)
            .with_provider(self.provider)
            .with_headers(&headers.iter().collect::<Vec<_>>());
        let request_id = request_id.and_then(|id| std::str::from_utf8(id).ok());
        self.with_delivery(match request_id {
            Some(id) => error.with_request_id(&redact(id)),
            None => error,
        })
    }

    fn with_delivery(&self, error: Error) -> Error {
        error.with_partial_text(&self.state.partial_text).with_delivered(self.state.delivered)
    }
}

impl State {
    /// Takes one event; says whether to go on.
    fn take(&mut self, raw: RawEvent<'_>, on_event: &mut impl FnMut(StreamEvent<'_>)) -> bool {
        let (name, data) = match raw {
            RawEvent::Data { name, data } => (name, data.trim_ascii()),
            RawEvent::Error(text) => {
                // llama.cpp puts the error object itself here, not one that holds it.
                let body = [b"{\"error\":", text, b"}"].concat();
                let body = if json::parse(text).is_some() { body } else { text.to_vec() };
                self.end = Some(End::Error { body, prefer_text: true });
                return false;
            }
        };
        if data.is_empty() {
            return true;
        }
        if data == b"[DONE]" {
            self.recognised = true;
            // Without a reason the upstream died, and the front closed the stream politely.
            self.end =
                Some(if self.finish_reason.is_some() { End::Complete } else { End::Truncated });
            return false;
        }
        let is_error = name == b"error";
        match json::parse(data) {
            Some(Value::Object(object)) => self.take_object(object, is_error, data, on_event),
            _ if is_error => {
                self.end = Some(End::Error { body: data.to_vec(), prefer_text: true });
                false
            }
            Some(_) => true,
            // Some servers leave out the blank lines between their events.
            None if json::parse(first_line(data)).is_some() => data
                .split(|byte| *byte == b'\n')
                .all(|line| self.take(RawEvent::Data { name, data: line }, on_event)),
            // A word that keeps the connection alive is no event.
            None if !matches!(data.first(), Some(b'{' | b'[')) => true,
            None => {
                self.end = Some(End::Failed(Kind::Protocol, "an event of the stream is not JSON"));
                false
            }
        }
    }

    fn take_object(
        &mut self,
        object: json::Object<'_>,
        is_error: bool,
        data: &[u8],
        on_event: &mut impl FnMut(StreamEvent<'_>),
    ) -> bool {
        self.recognised = true;
        let event = event::read(object);
        // Most events need not be read for an error: it is named so, or the event is of no known
        // shape. Amazon names an event of an error after its exception.
        let may_have_error = event.is_unknown
            || [&b"error"[..], b"Exception\""]
                .iter()
                .any(|sign| memchr::memmem::find(data, sign).is_some());
        let body =
            if may_have_error { body::read(data, Timestamp::UNIX_EPOCH) } else { Body::default() };
        let looks_like_error = body.looks_like_error || event.is_message;
        let has_error =
            is_error || body.has_error || body.looks_like_error && embedded_status(&body).is_some();
        self.suspect = (event.is_unknown && looks_like_error).then(|| data.to_vec());
        self.needs_last |= event.needs_last;
        self.deliver(&event.text);
        self.delivered |= event.other_content;
        on_event(StreamEvent { text: &event.text, data });
        if has_error {
            self.end = Some(End::Error { body: data.to_vec(), prefer_text: is_error });
            return false;
        }
        match event.finish {
            Some(Finish::Normal(reason)) => self.finish_reason = Some(reason.into_owned()),
            Some(Finish::ContentFilter) => {
                self.finish_reason = Some("content_filter".to_owned());
                self.end =
                    Some(End::Failed(Kind::ContentFilter, "a content filter ended the answer"));
            }
            Some(Finish::Failed(kind)) => {
                self.end = Some(End::Failed(kind, "the model's answer ended in an error"));
            }
            None => {}
        }
        if event.last && self.end.is_none() {
            self.end = Some(End::Complete);
        }
        self.end.is_none()
    }

    fn deliver(&mut self, text: &str) {
        self.delivered |= !text.is_empty();
        let room = MAX_PARTIAL_BYTES - self.partial_text.len();
        self.partial_text.push_str(crate::error::clip(text, room));
    }
}

/// The first of several lines; nothing, if there is only one.
fn first_line(data: &[u8]) -> &[u8] {
    memchr::memchr(b'\n', data).map_or(&[], |end| &data[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(stream: &[u8], chunk: usize) -> (StreamEnd, String) {
        let mut decoder = StreamDecoder::new();
        let mut text = String::new();
        for bytes in stream.chunks(chunk.max(1)) {
            decoder.feed(bytes, |event| text += event.text);
        }
        let end = decoder.finish(Timestamp::UNIX_EPOCH, |event| text += event.text);
        assert_eq!(text, decoder.partial_text());
        (end, text)
    }

    fn name(stream: &str) -> &'static str {
        decode(stream.as_bytes(), usize::MAX).0.name()
    }

    const HI: &str =
        "data: {\"choices\":[{\"delta\":{\"content\":\"Hi م\"},\"finish_reason\":null}]}\r\n\r\n";
    const STOP: &str = "data: {\"choices\":[{\"delta\":[],\"finish_reason\":\"stop\"}]}\n\n";

    #[test]
    fn the_end_is_told_from_a_cut() {
        assert_eq!(name(&format!("{HI}{STOP}data:[DONE]")), "complete");
        assert_eq!(name(&format!("{HI}{STOP}data:  [DONE] \n\n")), "complete");
        assert_eq!(name(&format!("{HI}{STOP}")), "complete");
        assert_eq!(name(&format!("{HI}data: [DONE]\n\n")), "truncated");
        assert_eq!(name(HI), "truncated");
        assert_eq!(name(&format!("{HI}data: {{\"choi")), "truncated");
        assert_eq!(name(""), "truncated");
    }

    #[test]
    fn bytes_may_be_split_anywhere() {
        let stream = format!("{HI}{STOP}data: [DONE]\n\n");
        for chunk in 1..stream.len() {
            let (end, text) = decode(stream.as_bytes(), chunk);
            assert_eq!((end.name(), text.as_str()), ("complete", "Hi م"), "{chunk}");
        }
    }

    #[test]
    fn a_plain_body_in_place_of_a_stream_is_read() {
        let (end, _) = decode(b"{\n \"error\": {\"message\": \"slow\", \"code\": 429}\n}", 7);
        assert_eq!(end.error().unwrap().kind(), Kind::RateLimit);
        assert_eq!(
            name(r#"{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}"#),
            "complete"
        );
    }

    #[test]
    fn events_without_blank_lines_are_told_apart() {
        let stream = format!("{HI}{HI}{STOP}").replace("\n\n", "\n").replace("\r\n\r\n", "\n");
        let (end, text) = decode(format!("{stream}data: [DONE]\n").as_bytes(), 10);
        assert_eq!((end.name(), text.as_str()), ("complete", "Hi مHi م"));
    }

    #[test]
    fn a_json_array_is_a_plain_body() {
        let array = "[{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"He\"}]}}]}\n,\r\n{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"y\"}]},\"finishReason\":\"STOP\"}]}\n]";
        let (end, text) = decode(array.as_bytes(), 7);
        assert_eq!((end.name(), text.as_str()), ("complete", "Hey"));
    }

    #[test]
    fn delivery_forbids_a_replay() {
        let (end, _) = decode(HI.as_bytes(), 1000);
        assert!(!end.error().unwrap().is_safe_to_replay());
        let tool = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0}]}}]}\n\n";
        assert!(!decode(tool.as_bytes(), 1000).0.error().unwrap().is_safe_to_replay());
        assert!(decode(b": ping\n\n", 1000).0.error().unwrap().is_safe_to_replay());
    }

    #[test]
    fn garbage_in_a_stream_is_an_error() {
        let (end, text) =
            decode(format!("{HI}data: keepalive\n\ndata: {{garbage\n\n{STOP}").as_bytes(), 1000);
        assert_eq!((end.name(), text.as_str()), ("error", "Hi م"));
        assert_eq!(end.error().unwrap().kind(), Kind::Protocol);
    }

    #[test]
    fn long_streams_use_bounded_memory() {
        let mut decoder = StreamDecoder::new();
        let line = format!(
            "data: {{\"choices\":[{{\"delta\":{{\"content\":\"{}\"}}}}]}}\n\n",
            "x".repeat(10_000)
        );
        for _ in 0..200 {
            decoder.feed(line.as_bytes(), |_| ());
        }
        assert_eq!(decoder.partial_text().len(), MAX_PARTIAL_BYTES);
    }
}
