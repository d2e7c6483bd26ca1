//! Chat completions that come piece by piece.

use std::collections::VecDeque;
use std::time::Duration;

use resayil_core::error::RequestState;
use resayil_core::quota::Cost;
use resayil_core::stream::StreamEnd;
use resayil_core::{Error, StreamDecoder};

use crate::chat::ChatCompletion;
use crate::choice::ChatMessage;
use crate::clock::{monotonic_now, wall_now};
use crate::completion::Usage;
use crate::driver::{Driver, Opened, describe};
use crate::response::request_id;
use crate::stream_message::StreamMessage;
use crate::tool_call::ToolCall;
use crate::transport::Failure;

/// A piece of an answer.
#[derive(Clone, PartialEq, Eq)]
pub struct ChatEvent {
    text: String,
    data: String,
}

impl ChatEvent {
    /// The text that it adds to the answer; often empty.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The event as it came: JSON.
    pub fn data(&self) -> &str {
        &self.data
    }
}

impl std::fmt::Debug for ChatEvent {
    /// Without the text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChatEvent").field("bytes", &self.data.len()).finish_non_exhaustive()
    }
}

/// An answer that comes piece by piece: an iterator over its text.
///
/// An end that the protocol does not know is an error, not the end of the answer. As long as
/// nothing was delivered, failures are retried unseen; after that the error has what was delivered
/// in [`partial_text`](Error::partial_text). Dropping the stream closes its connection.
///
/// ```
/// use resayil::{ChatRequest, Client};
/// use resayil_sandbox::Sandbox;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let sandbox = Sandbox::builder().start()?;
/// # let client = Client::builder().base_url(&sandbox.base_url()).api_key(sandbox.api_key()).build()?;
/// let mut stream = client.chat_stream(&ChatRequest::new("mistral").user("Hello"))?;
/// for piece in &mut stream {
///     print!("{}", piece?);
/// }
/// assert_eq!(stream.finish_reason(), Some("stop"));
/// assert_eq!(stream.message().content(), Some("echo: Hello"));
/// # Ok(())
/// # }
/// ```
pub struct ChatStream {
    driver: Driver,
    /// `None` when the stream is over, or before another attempt.
    opened: Option<Opened>,
    decoder: StreamDecoder,
    queue: VecDeque<ChatEvent>,
    /// What the events that were given add up to.
    message: StreamMessage,
    /// Bytes of the answer so far.
    bytes: usize,
    last_event: Duration,
    /// Whether this attempt has given an event.
    begun: bool,
    request_id: Option<String>,
    over: bool,
    /// Whether events are shown although they hold nothing: there are too many to keep them back.
    overflowed: bool,
    /// What ended the stream, to be given when the queue is empty.
    failure: Option<Error>,
}

/// How much is read at once.
const CHUNK: usize = 16 * 1024;
/// No more events than this are kept back before anything is delivered. Beyond it they are shown, and the
/// request is not sent again.
const MAX_KEPT_EVENTS: usize = 1024;
/// The same in bytes.
const MAX_KEPT_BYTES: usize = 1024 * 1024;
/// How long the end of the body may keep a finished stream, so that its connection can be kept.
const DRAIN: Duration = Duration::from_millis(20);

impl ChatStream {
    pub(crate) fn open(driver: Driver) -> Result<Self, Error> {
        let mut stream = ChatStream {
            driver,
            opened: None,
            decoder: StreamDecoder::new(),
            queue: VecDeque::new(),
            message: StreamMessage::default(),
            bytes: 0,
            last_event: Duration::ZERO,
            begun: false,
            request_id: None,
            over: false,
            overflowed: false,
            failure: None,
        };
        stream.connect()?;
        Ok(stream)
    }

    /// The next event, with its JSON; `None` after the last.
    ///
    /// # Errors
    ///
    /// Whatever broke the answer. Nothing follows an error.
    #[allow(clippy::should_implement_trait)]
    pub fn next_event(&mut self) -> Option<Result<ChatEvent, Error>> {
        loop {
            // Before anything is delivered all may still be replayed, so nothing is shown.
            if self.over || self.overflowed || self.decoder.has_delivered() {
                if let Some(event) = self.queue.pop_front() {
                    self.message.add(&event.text, &event.data);
                    return Some(Ok(event));
                }
            }
            if self.over {
                return self.failure.take().map(Err);
            }
            if let Err(error) = self.step() {
                self.over = true;
                self.opened = None;
                self.failure = Some(error);
                // What came with the failure is delivered first, unless nobody can use it.
                if !self.overflowed && !self.decoder.has_delivered() {
                    self.queue.clear();
                }
            }
        }
    }

    /// Why the model stopped; `None` before the end.
    pub fn finish_reason(&self) -> Option<&str> {
        self.decoder.finish_reason()
    }

    /// The tools that the model calls, put together from the events that were given so far. They are whole
    /// when the stream is over.
    pub fn tool_calls(&self) -> &[ToolCall] {
        self.message.tool_calls()
    }

    /// The model's message, put together from the events that were given so far: text and calls of tools. When
    /// the stream is over it can go back in the next request: see
    /// [`ChatRequest::message`](crate::ChatRequest::message).
    pub fn message(&self) -> ChatMessage {
        self.message.message()
    }

    /// What the answer cost. Many services tell it only if the request has
    /// `"stream_options": {"include_usage": true}`, and at the end.
    pub fn usage(&self) -> Option<Usage> {
        self.message.usage()
    }

    /// The text so far, up to [`MAX_PARTIAL_BYTES`](crate::stream::MAX_PARTIAL_BYTES).
    pub fn partial_text(&self) -> &str {
        self.decoder.partial_text()
    }

    /// How many requests were sent for this call so far.
    pub fn attempts(&self) -> u32 {
        self.driver.sent()
    }

    /// Which target of the client's [`Fallback`](crate::call::Fallback) answers, counted from 0; `None` for the
    /// one that was asked first.
    pub fn fallback(&self) -> Option<usize> {
        self.driver.fallback()
    }

    /// The provider's id of the request.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Sends the request until an answer begins.
    fn connect(&mut self) -> Result<(), Error> {
        let opened = self.driver.open()?;
        self.request_id = request_id(&opened.incoming.headers).map(str::to_owned);
        self.decoder = StreamDecoder::new()
            .provider(self.driver.endpoint().provider())
            .headers(&opened.incoming.headers);
        self.queue.clear();
        self.bytes = 0;
        self.begun = false;
        self.last_event = monotonic_now();
        self.opened = Some(opened);
        Ok(())
    }

    /// Takes in more of the answer.
    ///
    /// # Errors
    ///
    /// The error to give to the caller.
    fn step(&mut self) -> Result<(), Error> {
        if self.opened.is_none() {
            return self.connect();
        }
        if self.is_plain() {
            return self.read_plain();
        }
        match self.read_chunk() {
            Ok(false) => {}
            Ok(true) => self.succeed(),
            Err(error) => self.fail(error),
        }
        Ok(())
    }

    fn succeed(&mut self) {
        self.over = true;
        if let Some(mut opened) = self.opened.take() {
            drain(&mut opened);
            self.driver.succeeded(opened.pending);
        }
    }

    /// Tells that this attempt failed: the next step makes another one, or gives the error.
    fn fail(&mut self, error: Error) {
        let error = self.with_delivery(error);
        if let Some(opened) = self.opened.take() {
            self.driver.failed(opened.pending, error);
        }
    }

    fn with_delivery(&self, error: Error) -> Error {
        error
            .with_partial_text(self.decoder.partial_text())
            .with_delivered(self.overflowed || self.decoder.has_delivered())
    }

    /// Reads a piece; says whether the answer is complete.
    fn read_chunk(&mut self) -> Result<bool, Error> {
        let Some(Opened { incoming, progress, pending }) = &mut self.opened else {
            return Ok(true);
        };
        let settings = &self.driver.shared().settings;
        // Until its first event a model may think; then silence is a fault.
        let attempt_timeout = self.driver.attempt_timeout();
        let silence = if self.begun { settings.idle_timeout } else { attempt_timeout };
        let event_due = self.last_event.saturating_add(attempt_timeout);
        progress.set_end(self.driver.limit(silence).min(event_due));
        let mut chunk = [0; CHUNK];
        let count = match incoming.read(&mut chunk) {
            Ok(count) => count,
            Err(failure) => {
                let error = self.driver.translate(failure, progress);
                return Err(describe(error, incoming.status, &incoming.headers));
            }
        };
        if progress.is_cancelled() {
            return Err(Error::cancelled().with_ambiguous(true));
        }
        let mut events = Vec::new();
        let mut keep = |event: resayil_core::stream::StreamEvent<'_>| {
            events.push(ChatEvent {
                text: event.text.to_owned(),
                data: String::from_utf8_lossy(event.data).into_owned(),
            });
        };
        self.bytes = self.bytes.saturating_add(count);
        let endpoint = self.driver.endpoint();
        if self.bytes > endpoint.transport.limits().max_response_bytes {
            return Err(describe(
                Failure::TooLarge("max_response_bytes")
                    .into_error(true, &endpoint.url.parts().authority),
                incoming.status,
                &incoming.headers,
            ));
        }
        self.decoder.feed(&chunk[..count], &mut keep);
        let end = (count == 0 || self.decoder.is_finished())
            .then(|| self.decoder.finish(wall_now(), &mut keep));
        if pending.counts_tokens() {
            for event in &events {
                pending.add_usage(Cost::from_usage(event.data.as_bytes()));
            }
        }
        if !events.is_empty() {
            self.begun = true;
            self.last_event = monotonic_now();
        }
        self.queue.extend(events);
        if !self.decoder.has_delivered() {
            let bytes = || self.queue.iter().map(|event| event.data.len()).sum::<usize>();
            self.overflowed |= self.queue.len() > MAX_KEPT_EVENTS || bytes() > MAX_KEPT_BYTES;
        }
        match end {
            None => Ok(false),
            Some(StreamEnd::Complete) => Ok(true),
            // Whatever is wrong with it, the service was at it.
            Some(StreamEnd::Error(error) | StreamEnd::Truncated(error)) => {
                let unknown = error.request_state() == RequestState::NotSent;
                Err(if unknown { error.with_ambiguous(true) } else { error })
            }
        }
    }

    /// Whether the service sends the answer in one piece although a stream was asked for.
    fn is_plain(&self) -> bool {
        let headers = self.opened.as_ref().map(|opened| &opened.incoming.headers);
        let content_type = headers
            .and_then(|headers| headers.iter().find(|(name, _)| name == "content-type"))
            .map(|(_, value)| value.to_ascii_lowercase());
        content_type.is_some_and(|value| value.starts_with(b"application/json"))
    }

    /// Reads an answer that came in one piece.
    fn read_plain(&mut self) -> Result<(), Error> {
        let Some(opened) = self.opened.take() else { return Ok(()) };
        let Some((pending, answer)) = self.driver.read_whole(opened) else { return Ok(()) };
        match ChatCompletion::read(answer).and_then(|completion| self.deliver(&completion)) {
            Ok(()) => {
                self.over = true;
                self.driver.succeeded(pending);
            }
            Err(error) => {
                let error = self.with_delivery(error);
                self.driver.failed(pending, error);
            }
        }
        Ok(())
    }

    /// As an event an answer goes through the decoder, which keeps the books of what was delivered.
    fn deliver(&mut self, completion: &ChatCompletion) -> Result<(), Error> {
        let choice = serde_json::json!({"choices": [{
            "delta": {"content": completion.content()},
            "finish_reason": completion.finish_reason().unwrap_or("stop"),
        }]});
        let data = completion.json().to_owned();
        self.decoder.feed(format!("data: {choice}\n\n").as_bytes(), |event| {
            self.queue.push_back(ChatEvent { text: event.text.to_owned(), data: data.clone() });
        });
        self.decoder.finish(wall_now(), |_| {}).into_result()
    }
}

/// Reads the end of the body, if it is there, so that the connection can be used again.
fn drain(opened: &mut Opened) {
    opened.progress.set_end(monotonic_now() + DRAIN);
    let _ = opened.incoming.read(&mut [0; 64]);
}

impl Iterator for ChatStream {
    type Item = Result<String, Error>;

    /// The next piece of text, never an empty one.
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_event()? {
                Ok(event) if event.text.is_empty() => {}
                Ok(event) => return Some(Ok(event.text)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl std::fmt::Debug for ChatStream {
    /// Without the text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChatStream")
            .field("bytes", &self.bytes)
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}
