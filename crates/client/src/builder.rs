//! Making a client.

mod quota;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use resayil_core::call::Fallback;
use resayil_core::concurrency::ConcurrencyLimit;
use resayil_core::observe::{CallAction, CallEvent, LogLevel, Warning};
use resayil_core::retry::Budget;
use resayil_core::{Error, Kind, Policy, Provider};

use crate::account::{Account, QuotaChoice};
use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::extras::Extras;
use crate::fallback::{Fallbacks, First};
use crate::predicate::ResultPredicate;
use crate::response::Response;
use crate::secret::ApiKey;
use crate::settings::{Observer, ServiceSettings, Settings};
use crate::shared::Shared;
use crate::transport::{NetworkOptions, above_zero};
use crate::url::BaseUrl;

/// The address that is used if none is given.
const DEFAULT_BASE_URL: &str = "https://llmapi.resayil.io/v1";
/// The least time for one attempt that the LLM Resayil guide asks for.
const LEAST_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// Makes a [`Client`]. What is not set has a default.
///
/// ```
/// use std::time::Duration;
/// use resayil::{Client, Policy, Provider};
/// use resayil::quota::QuotaOptions;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder()
///     .api_key("sk_llmr_example")
///     .base_url("https://llm.resayil.io/api/v1")
///     .policy(Policy::builder().max_attempts(3).deadline(Duration::from_secs(90)).build()?)
///     .quota_options(QuotaOptions::default().with_limit(30)) // the tier is known
///     .build()?;
/// assert_eq!(client.policy().max_attempts(), 3);
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing until build() is called"]
pub struct ClientBuilder {
    api_key: Option<String>,
    base_url: Option<String>,
    allow_http: bool,
    provider: Option<Provider>,
    policy: Policy,
    budget: Option<Budget>,
    quota: QuotaChoice,
    tokens_per_minute: Option<u64>,
    share_quota: bool,
    quota_folder: Option<PathBuf>,
    quota_group: Option<String>,
    #[cfg(feature = "fleet")]
    fleet: Option<crate::settings::FleetServer>,
    #[cfg(feature = "fleet")]
    fleet_options: resayil_core::quota::fleet::FleetOptions,
    pub(crate) network: NetworkOptions,
    attempt_timeout: Duration,
    idle_timeout: Duration,
    user_agent: String,
    observer: Option<Arc<Observer>>,
    observer_level: LogLevel,
    retry_if_result: Option<ResultPredicate>,
    fallback: Option<Fallback>,
    concurrency: Option<ConcurrencyLimit>,
    extras: Extras,
}

impl Client {
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
}

impl ClientBuilder {
    pub(crate) fn new() -> Self {
        ClientBuilder {
            api_key: None,
            base_url: None,
            allow_http: false,
            provider: None,
            policy: Policy::default(),
            budget: None,
            quota: QuotaChoice::Default,
            tokens_per_minute: None,
            share_quota: false,
            quota_folder: None,
            quota_group: None,
            #[cfg(feature = "fleet")]
            fleet: None,
            #[cfg(feature = "fleet")]
            fleet_options: Default::default(),
            network: NetworkOptions::default(),
            attempt_timeout: Duration::from_secs(120),
            idle_timeout: Duration::from_secs(60),
            user_agent: concat!("resayil/", env!("CARGO_PKG_VERSION")).to_owned(),
            observer: None,
            observer_level: LogLevel::Debug,
            retry_if_result: None,
            fallback: None,
            concurrency: None,
            extras: Extras::default(),
        }
    }

    /// The API key, without `Bearer`. Default: the environment variable `RESAYIL_API_KEY`.
    pub fn api_key(mut self, key: &str) -> Self {
        self.api_key = Some(key.to_owned());
        self
    }

    /// The address that paths such as `chat/completions` are added to. Default: the environment
    /// variable `RESAYIL_BASE_URL`, else `https://llmapi.resayil.io/v1`. Plain `http` is taken for
    /// this machine alone, unless [`allow_http`](Self::allow_http) is set. Parameters of its query, such as
    /// Azure's `api-version`, are sent with each request.
    pub fn base_url(mut self, url: &str) -> Self {
        self.base_url = Some(url.to_owned());
        self
    }

    /// Whether key and prompts may go over plain `http` to other machines. Default: no.
    pub fn allow_http(mut self, allow: bool) -> Self {
        self.allow_http = allow;
        self
    }

    /// Whose API it is. Default: known by the host of the base URL, else recognised by each answer.
    pub fn provider(mut self, provider: impl Into<Option<Provider>>) -> Self {
        self.provider = provider.into();
        self
    }

    /// When calls are tried again. Default: [`Policy::default`].
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The retry budget of all calls of this client, perhaps shared with other clients. Default:
    /// [`Budget::default`], of its own; or where the quota is [shared](Self::share_quota) with other
    /// processes, [the one](Budget::shared) that they share with it.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// How long one attempt may take, to the last byte of the answer; for a stream, to its first
    /// event, and then from one event to the next. Default 120 s; more than 0. The LLM Resayil guide
    /// asks for 30 s at least: a shorter one is told to the [`observer`](Self::observer) once.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// How long a stream that has begun may be silent: no event, no comment. Default 60 s; more
    /// than 0.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// The `User-Agent`: visible ASCII and spaces. Default `resayil/` and the version.
    pub fn user_agent(mut self, text: &str) -> Self {
        self.user_agent = text.to_owned();
        self
    }

    /// Adds a header to every request: see [`CallOptions::header`](crate::CallOptions::header), which
    /// replaces it for one call.
    pub fn default_header(mut self, name: &str, value: &str) -> Self {
        self.extras.add_header(name, value);
        self
    }

    /// Adds a parameter to the query of every request: see
    /// [`CallOptions::query`](crate::CallOptions::query), which replaces it for one call.
    pub fn default_query(mut self, name: &str, value: &str) -> Self {
        self.extras.add_query(name, value);
        self
    }

    /// Is told every decision: retries, stops, waits for the quota, warnings. It runs in the thread
    /// of the call, which waits for it.
    pub fn observer(mut self, observer: impl Fn(&CallEvent<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// From which level on the [`observer`](Self::observer) is told. Default: [`LogLevel::Debug`], the
    /// decisions. With [`LogLevel::Trace`] it is told of each request, each answer and the end of each
    /// wait, too.
    pub fn observer_level(mut self, level: LogLevel) -> Self {
        self.observer_level = level;
        self
    }

    /// Says of every whole answer of [`chat`](Client::chat) and [`post`](Client::post) whether to treat
    /// it as a failure: see [`CallOptions::retry_if_result`](crate::CallOptions::retry_if_result).
    /// Default: none. It runs in the thread of the call.
    pub fn retry_if_result(
        mut self,
        predicate: impl Fn(&Response) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.retry_if_result = Some(ResultPredicate::new(predicate));
        self
    }

    /// How many requests may be in flight at once, streams to their end; further ones wait in order.
    /// Default: no limit. See [`ConcurrencyLimit`].
    ///
    /// A wait for it ends with the call's deadline or cancellation. No place is held while a call waits
    /// for the quota or between attempts. Each other service of a [`fallback`](Self::fallback) has a limit
    /// of its own.
    ///
    /// ```
    /// use resayil::Client;
    /// use resayil::concurrency::ConcurrencyLimit;
    ///
    /// # fn main() -> Result<(), resayil::Error> {
    /// let client = Client::builder()
    ///     .api_key("sk_llmr_example")
    ///     .concurrency_limit(ConcurrencyLimit::adaptive(64))
    ///     .build()?;
    /// assert_eq!(client.concurrency_state().unwrap().in_flight, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn concurrency_limit(mut self, limit: ConcurrencyLimit) -> Self {
        self.concurrency = Some(limit);
        self
    }

    /// Other models or services that take over chats which this client's own does not serve, and when:
    /// see [`Fallback`]. Default: none.
    ///
    /// A target of another origin has to have its own key. Quota and budget are per origin and key: a
    /// target of another one has those of its own, with the defaults of its provider and the options of
    /// this client's budget. All other options are this client's.
    ///
    /// Each change of target is told to the [`observer`](Self::observer) as a retry with the reason
    /// `fallback`, counts as one, and carries the idempotency key with a number at its end. What served
    /// the call is told by [`ChatCompletion::fallback`](crate::ChatCompletion::fallback); if all failed,
    /// the last target's error is given, with its model and the attempts of all.
    ///
    /// ```
    /// use resayil::Client;
    /// use resayil::call::{Fallback, FallbackTarget};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let elsewhere = FallbackTarget::new()
    ///     .with_base_url("https://api.example.com/v1")
    ///     .with_api_key("sk-example")
    ///     .with_model("small");
    /// let fallback = Fallback::builder().target("llama3.2:3b").target(elsewhere).build()?;
    /// let client = Client::builder().api_key("sk_llmr_example").fallback(fallback).build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn fallback(mut self, fallback: impl Into<Option<Fallback>>) -> Self {
        self.fallback = fallback.into();
        self
    }

    /// Checks the options and makes the client. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`](crate::Kind::Configuration): no key, or a key, address or option of
    /// bad form.
    pub fn build(self) -> Result<Client, Error> {
        let key = match &self.api_key {
            Some(key) => key.clone(),
            None => from_env("RESAYIL_API_KEY")?.ok_or_else(|| {
                invalid("there is no API key: set the environment variable RESAYIL_API_KEY")
            })?,
        };
        ApiKey::new(&key)?;
        let address = match &self.base_url {
            Some(address) => address.clone(),
            None => from_env("RESAYIL_BASE_URL")?.unwrap_or_else(|| DEFAULT_BASE_URL.to_owned()),
        };
        let url = BaseUrl::new(&address, self.allow_http)?;
        self.check()?;
        self.extras.headers()?;

        let services = ServiceSettings {
            allow_http: self.allow_http,
            network: self.network,
            user_agent: self.user_agent,
            budget: self.budget.as_ref().map(Budget::options).unwrap_or_default(),
            concurrency: self.concurrency,
            has_quota: !matches!(self.quota, QuotaChoice::None),
            share_quota: self.share_quota,
            quota_folder: self.quota_folder,
            quota_group: self.quota_group,
            #[cfg(feature = "fleet")]
            fleet: self.fleet,
            #[cfg(feature = "fleet")]
            fleet_options: self.fleet_options,
        };
        let settings = Settings {
            policy: self.policy,
            attempt_timeout: self.attempt_timeout,
            idle_timeout: self.idle_timeout,
            extras: self.extras,
            retry_if_result: self.retry_if_result,
            observer: self.observer,
            observer_level: self.observer_level,
            counters: Arc::default(),
        };
        let provider = self.provider.or_else(|| Provider::from_host(url.host()));
        let quota = self.quota.with_tokens_per_minute(self.tokens_per_minute, provider);
        let group = services.quota_group.as_deref();
        let account =
            Account::open(url.origin(), &key, provider, quota, self.budget, group, &services)?;
        let endpoint = Arc::new(Endpoint::new(url, &key, Arc::new(account), &services)?);
        let first = First { endpoint: Arc::clone(&endpoint), key: &key, provider };
        let fallbacks =
            self.fallback.map(|given| Fallbacks::new(given, &first, &services)).transpose()?;

        if settings.attempt_timeout < LEAST_ATTEMPT_TIMEOUT {
            let event = CallEvent::new(CallAction::Warning(Warning::AttemptTimeout), 0);
            settings.notify(&event.with_delay(settings.attempt_timeout));
        }
        endpoint.account.tell_quota_warning(&settings);
        Ok(Client::new(Shared { endpoint, fallbacks, settings }))
    }

    fn check(&self) -> Result<(), Error> {
        #[cfg(feature = "fleet")]
        if self.fleet.is_some() && self.share_quota {
            return Err(invalid("a quota is shared by a file or by a fleet: share_quota or fleet"));
        }
        above_zero("attempt_timeout", self.attempt_timeout)?;
        above_zero("idle_timeout", self.idle_timeout)?;
        self.network.limits.check()?;
        if let QuotaChoice::Options(options) = &self.quota {
            options.check()?;
        }
        if !self.user_agent.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            return Err(invalid("user_agent has to be visible ASCII"));
        }
        Ok(())
    }
}

impl fmt::Debug for ClientBuilder {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("base_url", &self.base_url)
            .field("provider", &self.provider)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

fn invalid(problem: &str) -> Error {
    Error::new(Kind::Configuration, problem)
}

/// An environment variable; an empty one counts as absent.
fn from_env(name: &str) -> Result<Option<String>, Error> {
    match std::env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(invalid(&format!("the environment variable {name} is not text")))
        }
    }
}
