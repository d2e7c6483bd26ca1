//! Reading a streamed answer.

use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::headers::Headers;
use crate::{exceptions, input};

/// Reads a streamed answer as it arrives: server-sent events or NDJSON, in any provider's dialect.
///
/// `provider` names the API, `headers` are those of the answer, which hold the request's id. Bytes
/// may be split anywhere. No event may be longer than 1 MiB, and no more than 1 MiB of text is kept.
#[pyclass(frozen, module = "resayil")]
pub(crate) struct StreamDecoder(Mutex<State>);

struct State {
    decoder: resayil_core::StreamDecoder,
    finished: bool,
}

type End<'py> = (&'static str, Option<Bound<'py, PyAny>>);

impl StreamDecoder {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> PyResult<MutexGuard<'_, State>> {
        let state = self.lock();
        if state.finished {
            return Err(PyRuntimeError::new_err("the stream was finished before"));
        }
        Ok(state)
    }
}

#[pymethods]
impl StreamDecoder {
    #[new]
    #[pyo3(signature = (*, provider=None, headers=None))]
    fn new(provider: Option<Cow<'_, str>>, headers: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let provider = input::provider(provider.as_deref())?;
        let headers = headers.map(Headers::read).transpose()?.unwrap_or_default();
        let decoder =
            resayil_core::StreamDecoder::new().provider(provider).headers(&headers.pairs());
        Ok(StreamDecoder(Mutex::new(State { decoder, finished: false })))
    }

    /// Takes the next bytes, and gives the texts that they add to the answer, empty ones left out.
    /// What follows the end of the answer is ignored.
    fn feed(&self, data: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
        let data = input::bytes(data, "data")?;
        let mut texts = Vec::new();
        self.open()?.decoder.feed(data.as_ref(), |event| {
            if !event.text.is_empty() {
                texts.push(event.text.to_owned());
            }
        });
        Ok(texts)
    }

    /// Ends the stream and says how it ended: `complete`, `error` or `truncated`, and the error
    /// unless it is complete. May be called once. Text of a last event whose line end never came
    /// is in `partial_text`. `now` is the wall clock, by default `time.time()`.
    #[pyo3(signature = (*, now=None))]
    fn finish<'py>(&self, py: Python<'py>, now: Option<f64>) -> PyResult<End<'py>> {
        let now = input::wall(now)?;
        let end = {
            let mut state = self.open()?;
            state.finished = true;
            state.decoder.finish(now, |_| ())
        };
        let name = end.name();
        match end.into_result() {
            Ok(()) => Ok((name, None)),
            Err(error) => Ok((name, Some(exceptions::exception(py, error)?))),
        }
    }

    /// Whether the end of the answer has been read, so that no more bytes are needed.
    #[getter]
    fn is_finished(&self) -> bool {
        let state = self.lock();
        state.finished || state.decoder.is_finished()
    }

    /// The text that was delivered so far, cut to 1 MiB.
    #[getter]
    fn partial_text(&self) -> String {
        self.lock().decoder.partial_text().to_owned()
    }

    /// Why the model stopped, in the provider's word, such as `stop` or `length`.
    #[getter]
    fn finish_reason(&self) -> Option<String> {
        self.lock().decoder.finish_reason().map(str::to_owned)
    }

    /// Whether anything of the answer was delivered: text, a tool call, reasoning.
    #[getter]
    fn has_delivered(&self) -> bool {
        self.lock().decoder.has_delivered()
    }
}
