//! Looking at a streamed answer that somebody else reads.

use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use resayil_core::stream::StreamDecoder;
use resayil_core::{Error, Timestamp};

use crate::error::NativeError;
use crate::headers::Headers;
use crate::input;

/// Looks at a streamed answer while it passes: says which bytes may be handed on, how much of the answer
/// was delivered, and how it ended. The bytes stay as they are.
#[pyclass(frozen, module = "resayil._native")]
pub(crate) struct StreamWatch(Mutex<State>);

struct State {
    decoder: StreamDecoder,
    events: u64,
    /// How it ended, once it has.
    end: Option<Result<(), Error>>,
}

impl State {
    fn finish(&mut self, now: Timestamp) {
        if self.end.is_none() {
            let events = &mut self.events;
            let end = self.decoder.finish(now, |_| *events += 1).into_result();
            // Whatever is wrong with it, the service was at it.
            self.end = Some(end.map_err(|error| match error.status() {
                None => error.with_ambiguous(true),
                Some(_) => error,
            }));
        }
    }
}

impl StreamWatch {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl StreamWatch {
    #[new]
    #[pyo3(signature = (headers, *, provider=None))]
    fn new(headers: &Bound<'_, PyAny>, provider: Option<Cow<'_, str>>) -> PyResult<Self> {
        let provider = input::provider(provider.as_deref())?;
        let headers = Headers::read(headers)?;
        let decoder = StreamDecoder::new().provider(provider).headers(&headers.pairs());
        Ok(StreamWatch(Mutex::new(State { decoder, events: 0, end: None })))
    }

    /// Takes the next bytes, and says how many of them may be handed on: all, or those in front of the
    /// event that ended the answer badly. `now` is the wall clock.
    #[pyo3(signature = (data, *, now=None))]
    fn feed(&self, data: &Bound<'_, PyAny>, now: Option<f64>) -> PyResult<usize> {
        let (data, now) = (input::bytes(data, "data")?, input::wall(now)?);
        let data = data.as_ref();
        let mut state = self.lock();
        let mut passed = 0;
        while passed < data.len() && state.end.is_none() {
            let event = &data[passed..passed + event_length(&data[passed..])];
            let State { decoder, events, .. } = &mut *state;
            decoder.feed(event, |_| *events += 1);
            if state.decoder.is_finished() {
                state.finish(now);
                if matches!(state.end, Some(Err(_))) {
                    return Ok(passed);
                }
            }
            passed += event.len();
        }
        Ok(data.len())
    }

    /// The bytes have ended.
    #[pyo3(signature = (*, now=None))]
    fn finish(&self, now: Option<f64>) -> PyResult<()> {
        let now = input::wall(now)?;
        self.lock().finish(now);
        Ok(())
    }

    /// An error that broke the stream off, with what was delivered before.
    fn describe(&self, error: &NativeError) -> NativeError {
        let state = self.lock();
        let decoder = &state.decoder;
        let error = error.0.clone().with_partial_text(decoder.partial_text());
        NativeError(error.with_delivered(decoder.has_delivered()))
    }

    /// Whether the answer is complete, or has failed.
    #[getter]
    fn is_finished(&self) -> bool {
        self.lock().end.is_some()
    }

    /// What the answer failed with.
    #[getter]
    fn error(&self) -> Option<NativeError> {
        match &self.lock().end {
            Some(Err(error)) => Some(NativeError(error.clone())),
            _ => None,
        }
    }

    /// Whether anything of the answer was delivered: text, a tool call, reasoning.
    #[getter]
    fn has_delivered(&self) -> bool {
        self.lock().decoder.has_delivered()
    }

    /// How many events came.
    #[getter]
    fn events(&self) -> u64 {
        self.lock().events
    }
}

/// The length of the first event: up to its blank line, or all of it.
fn event_length(data: &[u8]) -> usize {
    let mut blank = true;
    for (index, byte) in data.iter().enumerate() {
        match byte {
            b'\n' if blank => return index + 1,
            b'\n' => blank = true,
            b'\r' => {}
            _ => blank = false,
        }
    }
    data.len()
}
