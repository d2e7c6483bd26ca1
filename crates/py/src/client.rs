//! The HTTP client.

use std::borrow::Cow;

use ::client::{CancelToken, ChatRequest, Client as RustClient, Response};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use resayil_core::Error;

use crate::call_options::Options;
use crate::chat_stream::ChatStream;
use crate::interrupt::Interruption;
use crate::pending::{Finish, Pending};
use crate::policy::RetryPolicy;
use crate::quota::QuotaState;
use crate::read_ahead::Opening;
use crate::wake::Callback;
use crate::{client_options, counters, exceptions, input, observer};

/// The client without its Python face; see `resayil.Client`. It alone holds the key.
#[pyclass(frozen, module = "resayil._native")]
pub(crate) struct Client {
    client: RustClient,
    options: Py<PyDict>,
    observer: Option<Py<PyAny>>,
}

/// Options that say which quota a client has; without a change of them it stays the same.
const OF_THE_QUOTA: [&str; 9] = [
    "api_key",
    "base_url",
    "provider",
    "quota",
    "share_quota",
    "quota_folder",
    "quota_group",
    "tokens_per_minute",
    "fleet",
];

/// Every method that calls the service takes the options of one call as keyword arguments, and a
/// `waker`: with one it returns a `Pending` at once, else it blocks and Ctrl-C ends it.
#[pymethods]
impl Client {
    /// `options` has the names of the keyword arguments of `resayil.Client`; what is left out or
    /// None is as the Rust client has it. `observer` is called with the action, reason, attempt,
    /// delay, error and text of each decision, in the thread of the call.
    #[new]
    #[pyo3(signature = (options, observer=None))]
    fn new(
        py: Python<'_>,
        options: &Bound<'_, PyDict>,
        observer: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let client = client_options::build(py, options, None, observer.as_ref())?;
        Ok(Client { client, options: options.copy()?.unbind(), observer })
    }

    /// A client with connections of its own and these options changed. It shares the quota, unless they
    /// say otherwise.
    #[pyo3(signature = (**changes))]
    fn replace(&self, py: Python<'_>, changes: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let options = self.options.bind(py).copy()?;
        let mut quota = self.client.quota();
        if let Some(changes) = changes {
            options.update(changes.as_mapping())?;
            for name in OF_THE_QUOTA {
                quota = quota.filter(|_| !changes.contains(name).unwrap_or(true));
            }
        }
        let client = client_options::build(py, &options, quota, self.observer.as_ref())?;
        Ok(Client {
            client,
            options: options.unbind(),
            observer: self.observer.as_ref().map(|observer| observer.clone_ref(py)),
        })
    }

    /// The same client anew, for a forked process: it may not use its parent's connections.
    fn renew(&self, py: Python<'_>) -> PyResult<Self> {
        let options = self.options.bind(py);
        let client = client_options::build(py, options, None, self.observer.as_ref())?;
        Ok(Client {
            client,
            options: options.copy()?.unbind(),
            observer: self.observer.as_ref().map(|observer| observer.clone_ref(py)),
        })
    }

    /// The options without the key.
    fn options<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let options = self.options.bind(py).copy()?;
        if options.contains("api_key")? {
            options.del_item("api_key")?;
        }
        Ok(options)
    }

    /// Asks for a chat completion: the answer's JSON, the number of requests, the request's id, the
    /// index of the fallback's target. Of these `retry_if_result` says whether the answer is to be asked
    /// for again. `request` is the JSON of an object that names this `model`, and has no `stream`.
    #[pyo3(signature = (request, model, waker=None, **options))]
    fn chat(
        &self,
        py: Python<'_>,
        request: Cow<'_, str>,
        model: Cow<'_, str>,
        waker: Option<Py<PyAny>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let request = ChatRequest::from_written(request.into_owned(), &model);
        self.run(
            py,
            options,
            waker,
            move |client, options| client.chat_with(&request, &options.call),
            |py, answer| {
                let id = answer.request_id();
                let row = (answer.json(), answer.attempts(), id, answer.fallback());
                Ok(row.into_pyobject(py)?.into_any().unbind())
            },
        )
    }

    /// The same, piece by piece: a `ChatStream`, when the answer begins.
    #[pyo3(signature = (request, model, waker=None, **options))]
    fn chat_stream(
        &self,
        py: Python<'_>,
        request: Cow<'_, str>,
        model: Cow<'_, str>,
        waker: Option<Py<PyAny>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let request = ChatRequest::from_written(request.into_owned(), &model);
        match waker {
            None => {
                let interruption = Interruption::new();
                let options = Options::read(options, interruption.token().clone())?;
                let stream =
                    ChatStream::open(py, self.client.clone(), request, options, interruption)?;
                Ok(Py::new(py, stream)?.into_any())
            }
            Some(waker) => {
                let token = CancelToken::new();
                let options = Options::read(options, token.clone())?;
                let waker = Callback::new(waker, py)?;
                let opening = Opening::start(self.client.clone(), request, options)?;
                let pending = Pending::start(token, waker, move || {
                    opening.receive();
                    Box::new(move |py| {
                        Ok(Py::new(py, ChatStream::reading_ahead(opening.finish(py)?))?.into_any())
                    })
                })?;
                Ok(Py::new(py, pending)?.into_any())
            }
        }
    }

    /// Sends a JSON body to a path below the base URL: status, headers, body, number of requests, the
    /// request's id, the index of the fallback's target.
    #[pyo3(signature = (path, body, waker=None, **options))]
    fn post(
        &self,
        py: Python<'_>,
        path: String,
        body: &Bound<'_, PyAny>,
        waker: Option<Py<PyAny>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let body = input::bytes(body, "body")?.as_ref().to_vec();
        let work =
            move |client: &RustClient, options: &Options| client.post(&path, &body, &options.call);
        self.run(py, options, waker, work, response)
    }

    /// Fetches a path below the base URL; gives the same.
    #[pyo3(signature = (path, waker=None, **options))]
    fn get(
        &self,
        py: Python<'_>,
        path: String,
        waker: Option<Py<PyAny>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let work = move |client: &RustClient, options: &Options| client.get(&path, &options.call);
        self.run(py, options, waker, work, response)
    }

    /// The models that the key may use: id, object, created and owner of each.
    #[pyo3(signature = (waker=None, **options))]
    fn models(
        &self,
        py: Python<'_>,
        waker: Option<Py<PyAny>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let work = |client: &RustClient, options: &Options| client.models_with(&options.call);
        self.run(py, options, waker, work, |py, models| {
            let row =
                |model: ::client::Model| (model.id, model.object, model.created, model.owned_by);
            let rows: Vec<_> = models.into_iter().map(row).collect();
            Ok(rows.into_pyobject(py)?.unbind())
        })
    }

    /// The account's tier, status, end and credits.
    #[pyo3(signature = (waker=None, **options))]
    fn balance(
        &self,
        py: Python<'_>,
        waker: Option<Py<PyAny>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let work = |client: &RustClient, options: &Options| client.balance_with(&options.call);
        self.run(py, options, waker, work, |py, balance| {
            let row = (balance.tier, balance.status, balance.expires_at, balance.credits);
            Ok(row.into_pyobject(py)?.into_any().unbind())
        })
    }

    /// What the quota knows at this moment; None for a client without one.
    fn quota_state(&self) -> Option<QuotaState> {
        self.client.quota_state().map(QuotaState)
    }

    /// When calls are tried again.
    #[getter]
    fn policy(&self) -> RetryPolicy {
        RetryPolicy(self.client.policy().clone())
    }

    /// The name of the provider, if it is known.
    #[getter]
    fn provider(&self) -> Option<&'static str> {
        self.client.provider().map(|provider| provider.name())
    }

    /// The address that paths are added to, without its query.
    #[getter]
    fn base_url(&self) -> &str {
        self.client.base_url()
    }

    /// The counters since the client was made, and what quota and budget have left.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        counters::to_dict(py, &self.client.stats())
    }

    /// The same for an exporter: a list of `Metric`.
    fn metrics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        counters::to_list(py, &self.client.stats())
    }

    fn __repr__(&self) -> String {
        format!("<Client {}>", self.client.base_url())
    }
}

impl Client {
    /// Carries out a call: blocks, or starts it if there is a waker.
    fn run<T: Send + 'static>(
        &self,
        py: Python<'_>,
        options: Option<&Bound<'_, PyDict>>,
        waker: Option<Py<PyAny>>,
        work: impl FnOnce(&RustClient, &Options) -> Result<T, Error> + Send + 'static,
        make: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> PyResult<Py<PyAny>> {
        let interruption = waker.is_none().then(Interruption::new);
        let token = interruption.as_ref().map_or_else(CancelToken::new, |it| it.token().clone());
        let mut options = Options::read(options, token.clone())?;
        let observer = options.observer.take();
        let predicate = options.predicate.clone();
        let client = self.client.clone();
        let in_thread = interruption.clone();
        let call = move || -> Finish {
            let result =
                observer::observed(observer, in_thread.as_ref(), || work(&client, &options));
            // Of the call alone: what it holds is freed before anybody is told.
            drop((client, options));
            Box::new(move |py| {
                // What the program's own function raised comes first.
                if let Some(raised) = predicate.and_then(|predicate| predicate.take_failure()) {
                    return Err(raised);
                }
                make(py, result.map_err(|error| exceptions::raise(py, error))?)
            })
        };
        match (waker, interruption) {
            (Some(waker), _) => {
                let waker = Callback::new(waker, py)?;
                Ok(Py::new(py, Pending::start(token, waker, call)?)?.into_any())
            }
            (None, Some(interruption)) => interruption.run(py, call)?(py),
            (None, None) => Err(PyRuntimeError::new_err("nobody waits for the call")),
        }
    }
}

fn response(py: Python<'_>, answer: Response) -> PyResult<Py<PyAny>> {
    let pair =
        |(name, value): (&str, &[u8])| (PyBytes::new(py, name.as_bytes()), PyBytes::new(py, value));
    let headers = PyList::new(py, answer.headers().map(pair).collect::<Vec<_>>())?;
    let body = PyBytes::new(py, answer.body());
    let (status, attempts, fallback) = (answer.status(), answer.attempts(), answer.fallback());
    let row = (status, headers, body, attempts, answer.request_id(), fallback);
    Ok(row.into_pyobject(py)?.into_any().unbind())
}
