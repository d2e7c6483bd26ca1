//! Streamed answers: server-sent events, with or without a flaw.

use std::io::{self, Write};

use serde_json::json;

use crate::answer::ChatRequest;
use crate::chat;
use crate::exchange::{After, Exchange};
use crate::fault::CutEnd;

/// What is wrong with a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// Ends after so many content events.
    Cut {
        end: CutEnd,
        events: usize,
    },
    /// Ends in the middle of a chunk of the body.
    Broken,
    /// Ends with an error object.
    Error,
    /// Holds an event that is no JSON.
    BadJson,
    /// Holds no content.
    Empty,
}

const DONE: &str = "data: [DONE]\n\n";

/// Streams the answer.
pub(crate) fn answer(
    ex: &mut Exchange<'_>,
    request: &ChatRequest,
    flaw: Flaw,
) -> io::Result<After> {
    let calls_tools = !request.calls.is_empty() && flaw != Flaw::Empty;
    let content = match flaw {
        Flaw::Empty => String::new(),
        _ => request.content(),
    };
    let envelope = chat::envelope(ex, request);
    let shared = ex.shared;
    let (log, entry) = (&shared.log, ex.entry);
    let note_answered = |answered| {
        if let Some(entry) = entry {
            log.update(entry, |e| e.answered = answered);
        }
    };
    let headers = [
        ("Content-Type", "text/event-stream; charset=UTF-8"),
        ("Cache-Control", "no-cache"),
        ("X-Accel-Buffering", "no"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut body = ex.begin(200, &headers)?;

    let first = envelope.event(json!({"role": "assistant", "content": ""}), None, None);
    body.write_all(first.as_bytes())?;
    // A flaw befalls the stream after this many pieces, or after the last when there are fewer.
    let flawed_after = match flaw {
        Flaw::None | Flaw::Empty => usize::MAX,
        Flaw::Cut { events, .. } => events,
        Flaw::Broken | Flaw::Error | Flaw::BadJson => 1,
    };
    let deltas: Vec<_> = if calls_tools {
        let calls = request.calls.iter().enumerate();
        calls.flat_map(|(index, call)| call.deltas(index, &envelope.id)).collect()
    } else {
        content.split_inclusive(' ').map(|piece| json!({"content": piece})).collect()
    };
    for delta in deltas.into_iter().take(flawed_after) {
        shared.stop.sleep(shared.options.event_latency);
        let event = envelope.event(delta, None, None);
        body.write_all(event.as_bytes())?;
    }
    shared.stop.sleep(shared.options.event_latency);
    match flaw {
        Flaw::None | Flaw::Empty => {
            let (reason, usage) = match calls_tools {
                true => ("tool_calls", request.usage_of_calls()),
                false => ("stop", request.usage(&content)),
            };
            let last = envelope.event(envelope.behaviour.last_delta(), Some(reason), Some(usage));
            body.write_all(last.as_bytes())?;
            // Before the last byte leaves, so that a client that has it finds it in the log.
            note_answered(flaw == Flaw::None);
            if let Err(error) = body.finish_with(DONE.as_bytes()) {
                note_answered(false);
                return Err(error);
            }
        }
        Flaw::Cut { end, .. } => match end {
            CutEnd::Done => body.finish_with(DONE.as_bytes())?,
            CutEnd::End => body.finish()?,
            CutEnd::Close => return Ok(After::Close),
        },
        Flaw::Broken => {
            body.break_off(b"data: {\"id\":\"chatcmpl-")?;
            return Ok(After::Close);
        }
        Flaw::Error => {
            let error =
                json!({"error": {"message": "The model stopped unexpectedly", "code": 500}});
            let event = format!("data: {}\n\n", envelope.behaviour.encode(&error));
            body.finish_with(event.as_bytes())?;
        }
        Flaw::BadJson => {
            body.write_all(b"data: {\"id\": \"chatcmpl-sandbox\", \"choices\": [{\n\n")?;
            body.finish_with(DONE.as_bytes())?;
        }
    }
    Ok(ex.after())
}
