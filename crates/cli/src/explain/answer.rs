//! An answer to explain, and what it means.

use resayil::answer::Classifier;
use resayil::messages::Messages;
use resayil::stream::StreamEnd;
use resayil::{Error, Provider, StreamDecoder, Timestamp};
use serde_json::Value;

use crate::exit::Exit;

/// An answer of an API.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) content: Content,
}

pub(super) enum Content {
    Body(Vec<u8>),
    Stream(Vec<u8>),
}

/// What an answer means.
pub(super) struct Outcome {
    pub(super) error: Option<Error>,
    pub(super) stream: Option<StreamOutcome>,
}

/// How a stream ended.
pub(super) struct StreamOutcome {
    terminal: &'static str,
    pub(super) partial_text: String,
    safe_to_replay: bool,
}

impl Answer {
    pub(super) fn read(&self, provider: Option<Provider>, now: Timestamp) -> Outcome {
        let classifier = Classifier::new().provider(provider);
        let classify = |body| classifier.classify(self.status, &self.headers, body, now).err();
        match &self.content {
            Content::Body(body) => Outcome { error: classify(body), stream: None },
            // A stream begins with a success only.
            Content::Stream(text) if !(200..300).contains(&self.status) => Outcome {
                error: classify(text),
                stream: Some(StreamOutcome {
                    terminal: "error",
                    partial_text: String::new(),
                    safe_to_replay: true,
                }),
            },
            Content::Stream(text) => {
                let mut decoder = StreamDecoder::new().provider(provider).headers(&self.headers);
                decoder.feed(text, |_| ());
                let end = decoder.finish(now, |_| ());
                let stream = StreamOutcome {
                    terminal: end.name(),
                    partial_text: decoder.partial_text().to_owned(),
                    safe_to_replay: !decoder.has_delivered() && !matches!(end, StreamEnd::Complete),
                };
                Outcome { error: end.into_result().err(), stream: Some(stream) }
            }
        }
    }
}

impl Outcome {
    /// The error record, or the word that all is well, and for a stream how it ended.
    pub(super) fn to_json(&self, messages: &Messages) -> String {
        let mut json = match &self.error {
            Some(error) => error.to_json_in(messages),
            None => "{\"ok\": true}".to_owned(),
        };
        if let Some(stream) = &self.stream {
            json.pop();
            json += &format!(
                ", \"terminal\": \"{}\", \"partial_text\": {}, \"safe_to_replay\": {}}}",
                stream.terminal,
                Value::from(&*stream.partial_text),
                stream.safe_to_replay
            );
        }
        json
    }

    /// The exit code: whether another try of the same request may succeed.
    pub(super) fn exit(&self) -> Exit {
        match &self.error {
            None => Exit::Success,
            Some(error) if error.is_retryable() => Exit::Retryable,
            Some(_) => Exit::Terminal,
        }
    }
}
