//! The client: what every call shares, and the calls that it offers.

use std::fmt;
use std::sync::Arc;

use resayil_core::call::Fallback;
use resayil_core::concurrency::{ConcurrencyLimiter, ConcurrencyState};
use resayil_core::observe::Stats;
use resayil_core::quota::QuotaState;
use resayil_core::retry::Budget;
use resayil_core::{Error, Policy, Provider, Quota};
use serde::Serialize;

use crate::balance::{self, Balance};
use crate::chat::ChatCompletion;
use crate::chat_request::ChatRequest;
use crate::chat_stream::ChatStream;
use crate::clock::monotonic_now;
use crate::driver::{CHAT, Driver, EMBEDDINGS, Request};
use crate::embedding::EmbeddingResponse;
use crate::embedding_request::EmbeddingRequest;
use crate::fallback::can_change_model;
use crate::fields::unwritable;
use crate::models::{self, Model};
use crate::options::CallOptions;
use crate::response::{Response, model_of};
use crate::shared::Shared;

/// A client of one API with one key. A clone is the same client: it shares connections, quota,
/// retry budget and counters. Any number of threads may call at once.
///
/// ```
/// use resayil::{ChatRequest, Client, Kind};
/// use resayil_sandbox::{Fault, Sandbox};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // A local imitation of the API, which refuses the first request and asks to wait a second.
/// let sandbox = Sandbox::builder().start()?;
/// sandbox.push_fault(Fault::RateLimited { retry_after: 1 });
///
/// let client = Client::builder().base_url(&sandbox.base_url()).api_key(sandbox.api_key()).build()?;
/// let answer = client.chat(&ChatRequest::new("mistral").user("Hello"))?;
/// assert!(!answer.content().is_empty());
/// assert_eq!(answer.attempts(), 2);
///
/// let error = client.chat(&ChatRequest::new("no such model").user("Hello")).unwrap_err();
/// assert_eq!(error.kind(), Kind::NotFound);
/// println!("{}", error.user_message()); // what to show to a user
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client(Arc<Shared>);

impl Client {
    pub(crate) fn new(shared: Shared) -> Self {
        Client(Arc::new(shared))
    }

    /// Asks for a chat completion and waits for the whole answer.
    ///
    /// # Errors
    ///
    /// Whatever went wrong, after the retries that the policy allows.
    pub fn chat(&self, request: &ChatRequest) -> Result<ChatCompletion, Error> {
        self.chat_with(request, &CallOptions::new())
    }

    /// The same with options for this call.
    ///
    /// # Errors
    ///
    /// As [`chat`](Self::chat); and [`Kind::Cancelled`](crate::Kind::Cancelled) or
    /// [`Kind::Deadline`](crate::Kind::Deadline) where the options have them.
    pub fn chat_with(
        &self,
        request: &ChatRequest,
        options: &CallOptions,
    ) -> Result<ChatCompletion, Error> {
        let driver = self.start_chat(request, options, false)?;
        let span = driver.span().clone();
        driver.run(ChatCompletion::read).inspect(|answer| span.answer(answer))
    }

    /// Asks for a chat completion that comes piece by piece. Returns when the answer begins; see
    /// [`ChatStream`].
    ///
    /// # Errors
    ///
    /// Whatever went wrong before, after the retries that the policy allows.
    pub fn chat_stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        self.chat_stream_with(request, &CallOptions::new())
    }

    /// The same with options for this call. Its deadline holds for the whole stream.
    ///
    /// # Errors
    ///
    /// As [`chat_stream`](Self::chat_stream).
    pub fn chat_stream_with(
        &self,
        request: &ChatRequest,
        options: &CallOptions,
    ) -> Result<ChatStream, Error> {
        ChatStream::open(self.start_chat(request, options, true)?)
    }

    fn start_chat(
        &self,
        chat: &ChatRequest,
        options: &CallOptions,
        stream: bool,
    ) -> Result<Driver, Error> {
        let request = Request {
            url: self.url(CHAT, options)?,
            body: Some(chat.body(stream)?.into_bytes()),
            stream,
            metered: true,
            embedded_tokens: None,
            may_fall_back: true,
        };
        Driver::new(&self.0, options, request, chat.model())
    }

    /// Asks for the vectors of texts, with quota, retries and budget as in [`chat`](Self::chat). A fallback
    /// does not take it over, for vectors of two models cannot be compared.
    ///
    /// ```
    /// use resayil::{Client, EmbeddingRequest};
    /// use resayil_sandbox::Sandbox;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let sandbox = Sandbox::builder().openai_features(true).start()?;
    /// # let client = Client::builder().base_url(&sandbox.base_url()).api_key(sandbox.api_key()).build()?;
    /// let request = EmbeddingRequest::new("mistral").inputs(["a quota", "a window"]).dimensions(16);
    /// let answer = client.embeddings(&request)?;
    /// assert_eq!(answer.data().len(), 2);
    /// assert_eq!(answer.data()[0].vector().len(), 16);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Whatever went wrong, after the retries that the policy allows. LLM Resayil has no embeddings, and says
    /// [`Kind::NotFound`](crate::Kind::NotFound).
    pub fn embeddings(&self, request: &EmbeddingRequest) -> Result<EmbeddingResponse, Error> {
        self.embeddings_with(request, &CallOptions::new())
    }

    /// The same with options for this call.
    ///
    /// # Errors
    ///
    /// As [`embeddings`](Self::embeddings).
    pub fn embeddings_with(
        &self,
        request: &EmbeddingRequest,
        options: &CallOptions,
    ) -> Result<EmbeddingResponse, Error> {
        let sent = Request {
            url: self.url(EMBEDDINGS, options)?,
            body: Some(request.to_json().into_bytes()),
            stream: false,
            metered: true,
            embedded_tokens: Some(request.tokens()),
            may_fall_back: false,
        };
        Driver::new(&self.0, options, sent, request.model())?.run(EmbeddingResponse::read)
    }

    /// The models that the key may use.
    ///
    /// # Errors
    ///
    /// Whatever went wrong, after the retries that the policy allows.
    pub fn models(&self) -> Result<Vec<Model>, Error> {
        self.models_with(&CallOptions::new())
    }

    /// The same with options for this call.
    ///
    /// # Errors
    ///
    /// As [`models`](Self::models).
    pub fn models_with(&self, options: &CallOptions) -> Result<Vec<Model>, Error> {
        self.fetch(self.url("models", options)?, options, |answer| models::read(answer.body()))
    }

    /// The account's subscription and credits, which only LLM Resayil has.
    ///
    /// # Errors
    ///
    /// Whatever went wrong, after the retries that the policy allows. The service is known to answer
    /// 500 here at times while all else works.
    pub fn balance(&self) -> Result<Balance, Error> {
        self.balance_with(&CallOptions::new())
    }

    /// The same with options for this call.
    ///
    /// # Errors
    ///
    /// As [`balance`](Self::balance).
    pub fn balance_with(&self, options: &CallOptions) -> Result<Balance, Error> {
        let url = self.0.endpoint.url.join_origin("api/billing/subscription");
        let url = self.0.settings.extras.with(&options.extras).url(url);
        self.fetch(url, options, |answer| balance::read(answer.body()))
    }

    /// Sends a JSON body to `{base}/{path}`, with quota, retries and budget as in
    /// [`chat`](Self::chat), and gives the answer as it came. A fallback takes it over only if the path
    /// is `chat/completions` and the body a JSON object.
    ///
    /// # Errors
    ///
    /// Whatever went wrong, after the retries that the policy allows: an answer that is no success is
    /// an error, too.
    pub fn post(&self, path: &str, body: &[u8], options: &CallOptions) -> Result<Response, Error> {
        let request = Request {
            url: self.url(path, options)?,
            body: Some(body.to_vec()),
            stream: false,
            metered: true,
            embedded_tokens: None,
            may_fall_back: self.0.fallbacks.is_some()
                && path.trim_start_matches('/') == CHAT
                && can_change_model(body),
        };
        let result = Driver::new(&self.0, options, request, None)?.run(Ok);
        // The body is read for this only if a message may name the model.
        result.map_err(|error| match model_of(body) {
            Some(model) if error.model().is_none() => error.with_model(&model),
            _ => error,
        })
    }

    /// The same with any body that `serde` writes: for endpoints that have no method here. What comes back is
    /// read by [`Response::deserialize`].
    ///
    /// ```
    /// use resayil::{CallOptions, Client};
    /// use resayil_sandbox::Sandbox;
    /// use serde_json::{Value, json};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let sandbox = Sandbox::builder().start()?;
    /// # let client = Client::builder().base_url(&sandbox.base_url()).api_key(sandbox.api_key()).build()?;
    /// let body = json!({"model": "mistral", "messages": [{"role": "user", "content": "Hello"}]});
    /// let answer = client.post_json("chat/completions", &body, &CallOptions::new())?;
    /// let answer: Value = answer.deserialize()?;
    /// assert_eq!(answer["choices"][0]["message"]["content"], "echo: Hello");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`post`](Self::post); and [`Kind::Configuration`](crate::Kind::Configuration) if the body cannot be
    /// written as JSON.
    pub fn post_json(
        &self,
        path: &str,
        body: impl Serialize,
        options: &CallOptions,
    ) -> Result<Response, Error> {
        let body = serde_json::to_vec(&body).map_err(|error| unwritable("the request", error))?;
        self.post(path, &body, options)
    }

    /// Fetches `{base}/{path}`, with retries and budget as in [`chat`](Self::chat), and gives the answer as
    /// it came. It does not wait for the quota.
    ///
    /// # Errors
    ///
    /// As [`post`](Self::post).
    pub fn get(&self, path: &str, options: &CallOptions) -> Result<Response, Error> {
        self.fetch(self.url(path, options)?, options, Ok)
    }

    fn fetch<T>(
        &self,
        url: String,
        options: &CallOptions,
        read: impl Fn(Response) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // It is not counted against the quota.
        let request = Request {
            url,
            body: None,
            stream: false,
            metered: false,
            embedded_tokens: None,
            may_fall_back: false,
        };
        Driver::new(&self.0, options, request, None)?.run(read)
    }

    /// The URL of a path below the base, with what is added to its query.
    fn url(&self, path: &str, options: &CallOptions) -> Result<String, Error> {
        let extras = self.0.settings.extras.with(&options.extras);
        Ok(extras.url(self.0.endpoint.url.join(path)?))
    }

    /// What takes over chats that the client's own service does not serve.
    pub fn fallback(&self) -> Option<&Fallback> {
        self.0.fallbacks.as_ref().map(|fallbacks| &fallbacks.given)
    }

    /// The quota that calls wait for.
    pub fn quota(&self) -> Option<&Quota> {
        self.0.endpoint.account.service.quota()
    }

    /// What the quota knows at this moment.
    pub fn quota_state(&self) -> Option<QuotaState> {
        self.quota().map(|quota| quota.state(monotonic_now()))
    }

    /// The fleet that shares the quota, if one does.
    #[cfg(feature = "fleet")]
    pub fn fleet(&self) -> Option<&crate::FleetQuota> {
        self.0.endpoint.account.fleet()
    }

    /// The limit of requests in flight as it stands, if there is one.
    pub fn concurrency_state(&self) -> Option<ConcurrencyState> {
        self.0.endpoint.account.service.concurrency_limiter().map(ConcurrencyLimiter::state)
    }

    /// The retry budget of all calls of this client.
    pub fn budget(&self) -> &Budget {
        &self.0.endpoint.account.budget
    }

    /// When calls are tried again.
    pub fn policy(&self) -> &Policy {
        &self.0.settings.policy
    }

    /// The address that paths are added to, without its query and without a slash at its end.
    pub fn base_url(&self) -> &str {
        self.0.endpoint.url.base()
    }

    /// Whose API it is, if that is known.
    pub fn provider(&self) -> Option<Provider> {
        self.0.endpoint.provider()
    }

    /// What the client did since it was made, at all targets, and what quota and budget of its first
    /// target have left. Any thread may ask
    /// at any time; [`Stats::metrics`] gives the same for OpenTelemetry, Prometheus and their like.
    pub fn stats(&self) -> Stats {
        let mut stats = self.0.settings.counters.stats();
        stats.quota = self.quota_state();
        stats.concurrency = self.concurrency_state();
        stats.budget_remaining = Some(self.budget().remaining());
        stats.budget_health = Some(self.budget().health());
        stats
    }
}

impl fmt::Debug for Client {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("host", &self.0.endpoint.url.host())
            .field("provider", &self.provider())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
