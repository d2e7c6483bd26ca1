//! The decoder, which is fed bytes and says how the stream ended.

use super::lines::Lines;
use super::state::{End, ErrorEvent, State};
use super::{StreamEnd, StreamEvent, words};
use crate::answer::body;
use crate::answer::classify::Classifier;
use crate::answer::disguise::embedded_status;
use crate::answer::reading::Reading;
use crate::answer::request_id::request_id;
use crate::answer::verdict;
use crate::error::{Error, HeaderSize, MAX_BODY_BYTES, Store};
use crate::kind::Kind;
use crate::provider::Provider;
use crate::timestamp::Timestamp;

/// Reads a streamed answer as it arrives: server-sent events or NDJSON, in any provider's dialect.
///
/// Bytes may be split anywhere. No event may be longer than [`MAX_EVENT_BYTES`](crate::stream::MAX_EVENT_BYTES), and no more than
/// [`MAX_PARTIAL_BYTES`](crate::stream::MAX_PARTIAL_BYTES) of text are kept.
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

    /// Takes the next bytes of the stream, and gives each event that they complete to `on_event`. An
    /// event that is an error is not given away: it is what [`finish`](Self::finish) returns. What
    /// follows the end of the answer is ignored.
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

    /// The text that was delivered so far, cut to [`MAX_PARTIAL_BYTES`](crate::stream::MAX_PARTIAL_BYTES).
    pub fn partial_text(&self) -> &str {
        self.state.delivered.text()
    }

    /// Why the model stopped, in the provider's word, such as `stop` or `length`.
    pub fn finish_reason(&self) -> Option<&str> {
        self.state.finish_reason.as_deref()
    }

    /// Whether anything of the answer was delivered: text, a tool call, reasoning.
    pub fn has_delivered(&self) -> bool {
        self.state.delivered.any
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
            if matches!(state.end, Some(End::Garbled)) {
                state.end = Some(End::Truncated);
            }
            state.end_of_bytes();
        }
        if self.state.end.is_none() && !self.state.recognised {
            if let Some(end) = self.plain_body(now) {
                return end;
            }
        }
        if let None | Some(End::Truncated) = self.state.end {
            if let Some(error) = self.suspected_error(now) {
                return StreamEnd::Error(error);
            }
        }
        self.state.release_suspect(&mut on_event);
        match self.state.end.take() {
            Some(End::Complete) => StreamEnd::Complete,
            Some(End::Error(event)) => StreamEnd::Error(self.error(&event, now)),
            Some(End::Failed(kind, explanation)) => {
                StreamEnd::Error(self.local_error(kind, explanation))
            }
            Some(End::Garbled) => StreamEnd::Error(
                self.local_error(Kind::Protocol, "an event of the stream is not JSON"),
            ),
            Some(End::Truncated) | None => StreamEnd::Truncated(
                // It was begun, so the service has carried the request out, or is at it.
                self.local_error(Kind::Network, "the stream ended before the answer did")
                    .with_ambiguous(true),
            ),
        }
    }

    /// What the last event of a stream without an end is, if it has the looks of an error.
    fn suspected_error(&mut self, now: Timestamp) -> Option<Error> {
        let event = ErrorEvent { body: self.state.suspect.take()?, is_named: false, status: None };
        let error = self.error(&event, now);
        let says_so =
            || error.message().is_some_and(|it| words::message_of_error(it.as_bytes()).is_some());
        if error.kind() == Kind::Unknown && !says_so() {
            self.state.suspect = Some(event.body);
            return None;
        }
        Some(error)
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
    fn error(&self, event: &ErrorEvent, now: Timestamp) -> Error {
        let headers: Vec<_> = self.answer.headers().iter().collect();
        let mut answer = Reading::of(&headers, &event.body, self.provider, now);
        answer.body.has_error |= event.is_named;
        let status = event.status.or_else(|| embedded_status(&answer.body));
        let mut verdict = verdict::decide(status, &answer.facts, &answer.body, answer.provider);
        if verdict.kind == Kind::Unknown && answer.facts.should_retry.is_none() {
            // The request was taken, and broke off for a reason that is not told.
            verdict.retryable = !self.state.delivered.any;
        }
        let size = answer.facts.size;
        let error = answer.into_error(status, verdict, now).keep_headers(&headers, size);
        self.with_delivery(error)
    }

    fn local_error(&self, kind: Kind, explanation: &str) -> Error {
        let headers: Vec<_> = self.answer.headers().iter().collect();
        let error = Error::new(kind, "")
            .with_message(None)
            .with_explanation(explanation)
            .with_provider(self.provider)
            .with_headers(&headers);
        self.with_delivery(match request_id(&headers, self.provider) {
            Some(id) => error.with_request_id(id),
            None => error,
        })
    }

    fn with_delivery(&self, error: Error) -> Error {
        let delivered = &self.state.delivered;
        error.with_partial_text(delivered.text()).with_delivered(delivered.any)
    }
}

#[cfg(test)]
mod tests {
    use super::super::MAX_PARTIAL_BYTES;
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
