//! A streamed answer of the client.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ::client::{ChatRequest, ChatStream as RustStream, Client};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyRuntimeError, PyStopIteration};
use pyo3::prelude::*;

use crate::call_options::Options;
use crate::interrupt::Interruption;
use crate::read_ahead::{Head, Next, ReadAhead};
use crate::wake::Callback;
use crate::{exceptions, observer};

/// The events of a streamed answer, as JSON: iterated over by a thread, or polled by a task.
#[pyclass(frozen, module = "resayil._native")]
pub(crate) struct ChatStream(Source);

enum Source {
    Thread(Box<Direct>),
    Task(ReadAhead),
}

/// A stream that is read in the thread of its caller.
struct Direct {
    /// None when nothing follows.
    stream: Mutex<Option<RustStream>>,
    interruption: Interruption,
    observer: Option<Py<PyAny>>,
    head: Head,
    closed: AtomicBool,
}

impl Direct {
    fn lock(&self) -> MutexGuard<'_, Option<RustStream>> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let observer = self.observer.as_ref().map(|observer| observer.clone_ref(py));
        let read = || {
            let mut place = self.lock();
            let stream = place.as_mut().filter(|_| !self.closed.load(Ordering::Relaxed));
            let interruption = Some(&self.interruption);
            let next = stream
                .and_then(|it| observer::observed(observer, interruption, || it.next_event()));
            if !matches!(next, Some(Ok(_))) {
                *place = None;
            }
            next
        };
        let next = self.interruption.run(py, read).inspect_err(|_| self.close(py))?;
        if self.closed.load(Ordering::Relaxed) {
            // Another thread closed it meanwhile: the end is no failure.
            return Ok(None);
        }
        match next {
            Some(Ok(event)) => Ok(Some(event.data().to_owned())),
            Some(Err(error)) => Err(exceptions::raise(py, error)),
            None => Ok(None),
        }
    }

    fn close(&self, py: Python<'_>) {
        self.closed.store(true, Ordering::Relaxed);
        self.interruption.token().cancel();
        // Who reads at this moment is woken, and drops it.
        py.detach(|| self.lock().take());
    }
}

impl ChatStream {
    /// Waits for the beginning of the answer; a signal ends it.
    pub(crate) fn open(
        py: Python<'_>,
        client: Client,
        request: ChatRequest,
        mut options: Options,
        interruption: Interruption,
    ) -> PyResult<Self> {
        let of_call = options.observer.take();
        let observer = of_call.as_ref().map(|observer| observer.clone_ref(py));
        let work = || {
            observer::observed(of_call, Some(&interruption), || {
                client.chat_stream_with(&request, &options.call)
            })
        };
        let stream = interruption.run(py, work)?.map_err(|error| exceptions::raise(py, error))?;
        let head = Head::of(&stream);
        let (stream, closed) = (Mutex::new(Some(stream)), AtomicBool::new(false));
        let direct = Direct { stream, interruption, observer, head, closed };
        Ok(ChatStream(Source::Thread(Box::new(direct))))
    }

    /// One that a thread of its own reads.
    pub(crate) fn reading_ahead(stream: ReadAhead) -> Self {
        ChatStream(Source::Task(stream))
    }

    fn head(&self) -> &Head {
        match &self.0 {
            Source::Thread(stream) => &stream.head,
            Source::Task(stream) => stream.head(),
        }
    }
}

#[pymethods]
impl ChatStream {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<String>> {
        match &self.0 {
            Source::Thread(stream) => stream.next(py),
            Source::Task(_) => Err(PyRuntimeError::new_err("this stream is polled")),
        }
    }

    /// The next event; None if there is none yet: then the waker is called once, when it is worth asking
    /// again. Raises StopIteration at the end.
    fn poll(&self, py: Python<'_>, waker: Py<PyAny>) -> PyResult<Py<PyAny>> {
        let waker = Callback::new(waker, py)?;
        let Source::Task(stream) = &self.0 else {
            return Err(PyRuntimeError::new_err("this stream is iterated over"));
        };
        match stream.next(waker) {
            Next::Event(event) => event.into_py_any(py),
            Next::Nothing => Ok(py.None()),
            Next::End => Err(PyStopIteration::new_err(())),
            Next::Failed(error) => {
                stream.close();
                Err(exceptions::raise(py, error))
            }
        }
    }

    /// Closes the connection. What follows is the end of the iteration.
    fn close(&self, py: Python<'_>) {
        match &self.0 {
            Source::Thread(stream) => stream.close(py),
            Source::Task(stream) => stream.close(),
        }
    }

    /// How many requests were sent before the answer began.
    #[getter]
    fn attempts(&self) -> u32 {
        self.head().attempts
    }

    /// The provider's id of the request.
    #[getter]
    fn request_id(&self) -> Option<&str> {
        self.head().request_id.as_deref()
    }

    /// The index of the fallback's target that answers; None for the one that was asked first.
    #[getter]
    fn fallback(&self) -> Option<usize> {
        self.head().fallback
    }
}
