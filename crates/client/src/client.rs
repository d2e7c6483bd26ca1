//! The client: what every call shares, and the calls that it offers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use resayil_core::{
    Budget, CallAction, CallEvent, Classifier, ConcurrencyLimiter, ConcurrencyState, Counters,
    Error, Fallback, Policy, Provider, Quota, QuotaState, Stats,
};

use crate::attempts::{Attempts, Target};
use crate::balance::{self, Balance};
use crate::builder::ClientBuilder;
use crate::chat::{ChatCompletion, ChatRequest};
use crate::clock::monotonic_now;
use crate::extras::Extras;
use crate::fallback::{Fallbacks, can_change_model};
use crate::host_quota::HostQuota;
use crate::models::{self, Model};
use crate::options::CallOptions;
use crate::predicate::ResultPredicate;
use crate::response::{Response, model_of};
use crate::stream::ChatStream;
use crate::trace;
use crate::transport::Transport;
use crate::url::BaseUrl;

/// Who is told what is decided.
pub(crate) type Observer = dyn Fn(&CallEvent<'_>) + Send + Sync;

/// The path of chat completions below the base URL.
pub(crate) const CHAT: &str = "chat/completions";

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
pub struct Client(Arc<Inner>);

/// What all calls share.
pub(crate) struct Inner {
    pub(crate) transport: Transport,
    pub(crate) url: BaseUrl,
    pub(crate) provider: Option<Provider>,
    pub(crate) classifier: Classifier,
    pub(crate) policy: Policy,
    pub(crate) budget: Budget,
    pub(crate) quota: Option<Quota>,
    /// That quota, if it is shared with other processes.
    pub(crate) host_quota: Option<HostQuota>,
    /// Whether the quota itself knows when a refused call may be sent again.
    pub(crate) has_window: bool,
    pub(crate) attempt_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) observer: Option<Arc<Observer>>,
    pub(crate) retry_if_result: Option<ResultPredicate>,
    /// Shared with the clients of the fallback's services.
    pub(crate) counters: Arc<Counters>,
    pub(crate) fallbacks: Option<Fallbacks>,
    pub(crate) limiter: Option<ConcurrencyLimiter>,
    /// Sent with every request.
    pub(crate) extras: Extras,
}

impl Client {
    pub(crate) fn new(inner: Inner) -> Self {
        Client(Arc::new(inner))
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    pub(crate) fn is_same(&self, other: &Client) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn tell(&self, event: &CallEvent<'_>) {
        trace::emit(event);
        if let Some(observer) = &self.0.observer {
            observer(event);
        }
    }

    /// Tells, once, that the quota is not shared with other processes, although it should be.
    pub(crate) fn tell_quota_warning(&self) {
        if let Some(error) = self.0.host_quota.as_ref().and_then(HostQuota::take_warning) {
            let event = CallEvent::new(CallAction::Warning, "quota_not_shared", 0);
            self.tell(&event.with_error(&error));
        }
    }

    /// Starts from the defaults.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    /// A client with all defaults, with its key from the environment variable `RESAYIL_API_KEY`.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`](crate::Kind::Configuration), as [`ClientBuilder::build`].
    pub fn from_env() -> Result<Self, Error> {
        Client::builder().build()
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
        let body = request.body(false)?;
        let url = self.url(CHAT, options)?;
        let target = Target {
            url: &url,
            body: Some(body.as_bytes()),
            stream: false,
            metered: true,
            may_fall_back: true,
        };
        let attempts = Attempts::new(self, options, request.model())?;
        let span = attempts.span().clone();
        attempts.run(&target, ChatCompletion::read).inspect(|answer| span.answer(answer))
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
        let body = request.body(true)?;
        let url = self.url(CHAT, options)?;
        let attempts = Attempts::new(self, options, request.model())?;
        ChatStream::open(attempts, url, body.into_bytes())
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
        self.fetch(&self.url("models", options)?, options, |answer| models::read(answer.body()))
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
        let url = self.0.url.join_origin("api/billing/subscription");
        let url = self.0.extras.with(&options.extras).url(url);
        self.fetch(&url, options, |answer| balance::read(answer.body()))
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
        let url = self.url(path, options)?;
        let may_fall_back = self.0.fallbacks.is_some()
            && path.trim_start_matches('/') == CHAT
            && can_change_model(body);
        let target =
            Target { url: &url, body: Some(body), stream: false, metered: true, may_fall_back };
        let result = Attempts::new(self, options, None)?.run(&target, Ok);
        // The body is read for this only if a message may name the model.
        result.map_err(|error| match model_of(body) {
            Some(model) if error.model().is_none() => error.with_model(&model),
            _ => error,
        })
    }

    /// Fetches `{base}/{path}`, with retries and budget as in [`chat`](Self::chat), and gives the answer as
    /// it came. It does not wait for the quota.
    ///
    /// # Errors
    ///
    /// As [`post`](Self::post).
    pub fn get(&self, path: &str, options: &CallOptions) -> Result<Response, Error> {
        self.fetch(&self.url(path, options)?, options, Ok)
    }

    fn fetch<T>(
        &self,
        url: &str,
        options: &CallOptions,
        read: impl Fn(Response) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // It is not counted against the quota.
        let target =
            Target { url, body: None, stream: false, metered: false, may_fall_back: false };
        Attempts::new(self, options, None)?.run(&target, read)
    }

    /// The URL of a path below the base, with what is added to its query.
    fn url(&self, path: &str, options: &CallOptions) -> Result<String, Error> {
        Ok(self.0.extras.with(&options.extras).url(self.0.url.join(path)?))
    }

    /// What takes over chats that the client's own service does not serve.
    pub fn fallback(&self) -> Option<&Fallback> {
        self.0.fallbacks.as_ref().map(Fallbacks::given)
    }

    /// The quota that calls wait for.
    pub fn quota(&self) -> Option<&Quota> {
        self.0.quota.as_ref()
    }

    /// What the quota knows at this moment.
    pub fn quota_state(&self) -> Option<QuotaState> {
        self.0.quota.as_ref().map(|quota| quota.state(monotonic_now()))
    }

    /// The limit of requests in flight as it stands, if there is one.
    pub fn concurrency_state(&self) -> Option<ConcurrencyState> {
        self.0.limiter.as_ref().map(ConcurrencyLimiter::state)
    }

    /// The retry budget of all calls of this client.
    pub fn budget(&self) -> &Budget {
        &self.0.budget
    }

    /// When calls are tried again.
    pub fn policy(&self) -> &Policy {
        &self.0.policy
    }

    /// The address that paths are added to, without its query and without a slash at its end.
    pub fn base_url(&self) -> &str {
        self.0.url.base()
    }

    /// Whose API it is, if that is known.
    pub fn provider(&self) -> Option<Provider> {
        self.0.provider
    }

    /// What the client did since it was made, at all targets, and what quota and budget of its first
    /// target have left. Any thread may ask
    /// at any time; [`Stats::metrics`] gives the same for OpenTelemetry, Prometheus and their like.
    pub fn stats(&self) -> Stats {
        let mut stats = self.0.counters.stats();
        stats.quota = self.quota_state();
        stats.concurrency = self.concurrency_state();
        stats.budget_remaining = Some(self.0.budget.remaining());
        stats.budget_health = Some(self.0.budget.health());
        stats
    }
}

impl fmt::Debug for Client {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("host", &self.0.url.host())
            .field("provider", &self.0.provider)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
