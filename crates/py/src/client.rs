//! The HTTP client.

use std::borrow::Cow;

use ::client::{CallEvent, CallOptions, CancelToken, ChatRequest, Client as RustClient};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use resayil_core::{ConcurrencyLimit, Error};

use crate::budget::Budget;
use crate::chat_stream::ChatStream;
use crate::error::NativeError;
use crate::fallback::Fallback;
use crate::policy::{RetryPolicy, count};
use crate::predicate::Predicate;
use crate::quota::{Quota, QuotaState};
use crate::{counters, exceptions, input, interrupt};

type Answer = (String, u32, Option<String>, Option<usize>);
type ModelRow = (String, Option<String>, Option<i64>, Option<String>);
type BalanceRow = (Option<String>, Option<String>, Option<String>, Option<f64>);

/// The client without its Python face; see `resayil.Client`.
#[pyclass(frozen, module = "resayil._native")]
pub(crate) struct Client(RustClient);

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
        let mut builder = RustClient::builder();
        let adaptive = options.get_item("adaptive_concurrency")?;
        let adaptive = adaptive.is_some_and(|it| it.is_truthy().unwrap_or(false));
        let shares = options.get_item("share_quota")?;
        let shares = shares.is_some_and(|shares| shares.is_truthy().unwrap_or(false));
        for (name, value) in options {
            if value.is_none() && !name.eq("quota")? {
                continue;
            }
            let name: String = name.extract()?;
            let seconds = || input::duration(&name, value.extract()?);
            builder = match name.as_str() {
                "api_key" => builder.api_key(&value.extract::<Cow<'_, str>>()?),
                "base_url" => builder.base_url(&value.extract::<Cow<'_, str>>()?),
                "allow_http" => builder.allow_http(value.extract()?),
                "provider" => {
                    builder.provider(input::provider(Some(&value.extract::<Cow<'_, str>>()?))?)
                }
                "policy" => builder.policy(value.cast::<RetryPolicy>()?.get().0.clone()),
                "budget" => builder.budget(value.cast::<Budget>()?.get().budget.clone()),
                "max_concurrency" if adaptive => {
                    builder.concurrency_limit(ConcurrencyLimit::adaptive(count(value.extract()?)))
                }
                "max_concurrency" => {
                    builder.concurrency_limit(ConcurrencyLimit::fixed(count(value.extract()?)))
                }
                // It says how the other one is meant.
                "adaptive_concurrency" => builder,
                "fallback" => builder.fallback(value.cast::<Fallback>()?.get().0.clone()),
                "quota" if value.is_none() => builder.no_quota(),
                // It says limit and window; what is counted is in the file.
                "quota" if shares => builder.quota_options(value.cast::<Quota>()?.get().options()),
                "quota" => builder.quota(value.cast::<Quota>()?.get().handle()),
                "share_quota" => builder.share_quota(value.extract()?),
                "quota_folder" => builder.quota_folder(value.extract::<std::path::PathBuf>()?),
                "connect_timeout" => builder.connect_timeout(seconds()?),
                "attempt_timeout" => builder.attempt_timeout(seconds()?),
                "idle_timeout" => builder.idle_timeout(seconds()?),
                "max_response_bytes" => builder.max_response_bytes(value.extract()?),
                "user_agent" => builder.user_agent(&value.extract::<Cow<'_, str>>()?),
                _ => {
                    let message = format!("Client has no option {name:?}");
                    return Err(pyo3::exceptions::PyTypeError::new_err(message));
                }
            };
        }
        if let Some(observer) = observer {
            builder = builder.observer(move |event| tell(&observer, event));
        }
        // Building reads the environment only, but tells the observer.
        let built = py.detach(|| builder.build());
        built.map(Client).map_err(|error| exceptions::raise(py, error))
    }

    /// Asks for a chat completion: the answer's JSON, the number of requests, the request's id, the
    /// index of the fallback's target. Of these `retry_if_result` says whether the answer is to be asked for again.
    #[pyo3(signature = (request, *, deadline=None, idempotency_key=None, policy=None, retry_if_result=None))]
    fn chat(
        &self,
        py: Python<'_>,
        request: Cow<'_, str>,
        deadline: Option<f64>,
        idempotency_key: Option<Cow<'_, str>>,
        policy: Option<&Bound<'_, RetryPolicy>>,
        retry_if_result: Option<Py<PyAny>>,
    ) -> PyResult<Answer> {
        let request = chat_request(py, &request)?;
        let (mut options, token) = call_options(deadline, idempotency_key.as_deref(), policy)?;
        let predicate = retry_if_result.map(Predicate::new);
        if let Some(predicate) = predicate.clone() {
            options = options.retry_if_result(move |answer| predicate.rejects(answer));
        }
        let answer = self.run(py, &token, move |client| {
            let answer = client.chat_with(&request, &options)?;
            let request_id = answer.request_id().map(str::to_owned);
            Ok((answer.json().to_owned(), answer.attempts(), request_id, answer.fallback()))
        });
        match predicate.and_then(|predicate| predicate.take_failure()) {
            Some(raised) => Err(raised),
            None => answer,
        }
    }

    /// The same, piece by piece. Returns when the answer begins.
    #[pyo3(signature = (request, *, deadline=None, idempotency_key=None, policy=None))]
    fn chat_stream(
        &self,
        py: Python<'_>,
        request: Cow<'_, str>,
        deadline: Option<f64>,
        idempotency_key: Option<Cow<'_, str>>,
        policy: Option<&Bound<'_, RetryPolicy>>,
    ) -> PyResult<ChatStream> {
        let request = chat_request(py, &request)?;
        let (options, token) = call_options(deadline, idempotency_key.as_deref(), policy)?;
        ChatStream::open(py, self.0.clone(), request, options, token)
    }

    /// Sends a JSON body to a path below the base URL: status, headers, body, number of requests.
    #[pyo3(signature = (path, body, *, deadline=None, idempotency_key=None, policy=None))]
    fn post<'py>(
        &self,
        py: Python<'py>,
        path: String,
        body: &Bound<'py, PyAny>,
        deadline: Option<f64>,
        idempotency_key: Option<Cow<'_, str>>,
        policy: Option<&Bound<'_, RetryPolicy>>,
    ) -> PyResult<(u16, Bound<'py, PyList>, Bound<'py, PyBytes>, u32)> {
        let body = input::bytes(body, "body")?.as_ref().to_vec();
        let (options, token) = call_options(deadline, idempotency_key.as_deref(), policy)?;
        let answer = self.run(py, &token, move |client| client.post(&path, &body, &options))?;
        let pair = |(name, value): (&str, &[u8])| {
            (PyBytes::new(py, name.as_bytes()), PyBytes::new(py, value))
        };
        let headers = PyList::new(py, answer.headers().map(pair).collect::<Vec<_>>())?;
        Ok((answer.status(), headers, PyBytes::new(py, answer.body()), answer.attempts()))
    }

    /// The models that the key may use: id, object, created and owner of each.
    fn models(&self, py: Python<'_>) -> PyResult<Vec<ModelRow>> {
        let models = self.run(py, &CancelToken::new(), |client| client.models())?;
        let row = |model: ::client::Model| (model.id, model.object, model.created, model.owned_by);
        Ok(models.into_iter().map(row).collect())
    }

    /// The account's tier, status, end and credits.
    fn balance(&self, py: Python<'_>) -> PyResult<BalanceRow> {
        let balance = self.run(py, &CancelToken::new(), |client| client.balance())?;
        Ok((balance.tier, balance.status, balance.expires_at, balance.credits))
    }

    /// What the quota knows at this moment; None for a client without one.
    fn quota_state(&self) -> Option<QuotaState> {
        self.0.quota_state().map(QuotaState)
    }

    /// When calls are tried again.
    #[getter]
    fn policy(&self) -> RetryPolicy {
        RetryPolicy(self.0.policy().clone())
    }

    /// The name of the provider, if it is known.
    #[getter]
    fn provider(&self) -> Option<&'static str> {
        self.0.provider().map(|provider| provider.name())
    }

    /// The counters since the client was made, and what quota and budget have left.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        counters::to_dict(py, &self.0.stats())
    }

    /// The same for an exporter: a list of `Metric`.
    fn metrics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        counters::to_list(py, &self.0.stats())
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.0)
    }
}

impl Client {
    fn run<T: Send + 'static>(
        &self,
        py: Python<'_>,
        token: &CancelToken,
        work: impl FnOnce(&RustClient) -> Result<T, Error> + Send + 'static,
    ) -> PyResult<T> {
        let client = self.0.clone();
        interrupt::run(py, token, move || work(&client))?
            .map_err(|error| exceptions::raise(py, error))
    }
}

fn chat_request(py: Python<'_>, json: &str) -> PyResult<ChatRequest> {
    ChatRequest::from_json(json).map_err(|error| exceptions::raise(py, error))
}

fn call_options(
    deadline: Option<f64>,
    idempotency_key: Option<&str>,
    policy: Option<&Bound<'_, RetryPolicy>>,
) -> PyResult<(CallOptions, CancelToken)> {
    let token = CancelToken::new();
    let mut options = CallOptions::new().cancel(token.clone());
    if let Some(deadline) = deadline {
        options = options.deadline(input::duration("deadline", deadline)?);
    }
    if let Some(key) = idempotency_key {
        options = options.idempotency_key(key);
    }
    if let Some(policy) = policy {
        options = options.policy(policy.get().0.clone());
    }
    Ok((options, token))
}

/// Hands a decision to Python. An interpreter that is going down is told nothing.
fn tell(observer: &Py<PyAny>, event: &CallEvent<'_>) {
    Python::try_attach(|py| {
        let error = event.error.map(|error| NativeError(error.clone()));
        let delay = event.delay.map(|delay| delay.as_secs_f64());
        let text = event.to_string();
        let arguments = (event.action.name(), event.reason, event.attempt, delay, error, text);
        if let Err(error) = observer.call1(py, arguments) {
            error.write_unraisable(py, Some(observer.bind(py)));
        }
    });
}
