//! The sandbox's options.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::auth::{Key, is_documented_key};
use crate::behaviour::Behaviour;
use crate::clock::{LAST, MAX_OFFSET_SECONDS};
use crate::error::{StartError, UnknownName};
use crate::fault::Fault;
use crate::http::is_header;
use crate::sandbox::Sandbox;
use crate::tls::TlsKind;

/// A subscription, which sets the requests a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Tier {
    /// 10 requests a window.
    Basic,
    /// 10 requests a window.
    Starter,
    /// 30 requests a window.
    Pro,
    /// 60 requests a window.
    Enterprise,
}

impl Tier {
    /// Requests a window.
    pub fn limit(self) -> u32 {
        match self {
            Tier::Basic | Tier::Starter => 10,
            Tier::Pro => 30,
            Tier::Enterprise => 60,
        }
    }

    /// The name that the balance endpoint shows.
    pub fn name(self) -> &'static str {
        match self {
            Tier::Basic => "basic",
            Tier::Starter => "starter",
            Tier::Pro => "pro",
            Tier::Enterprise => "enterprise",
        }
    }
}

impl FromStr for Tier {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        match text {
            "basic" => Ok(Tier::Basic),
            "starter" => Ok(Tier::Starter),
            "pro" => Ok(Tier::Pro),
            "enterprise" => Ok(Tier::Enterprise),
            other => Err(UnknownName {
                what: "tier",
                given: other.to_owned(),
                choices: "basic, starter, pro, enterprise",
            }),
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which responses carry `X-RateLimit-Limit`, `-Remaining` and `-Reset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum RateLimitHeaders {
    /// Every response of the API to a request with a good key.
    Always,
    /// Only a 429; with [`Behaviour::Server`] not the one of the streaming route.
    #[default]
    OnRefusal,
    /// None.
    Never,
}

impl RateLimitHeaders {
    /// `always`, `on_refusal` or `never`.
    pub fn name(self) -> &'static str {
        match self {
            RateLimitHeaders::Always => "always",
            RateLimitHeaders::OnRefusal => "on_refusal",
            RateLimitHeaders::Never => "never",
        }
    }
}

impl FromStr for RateLimitHeaders {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        match text {
            "always" => Ok(RateLimitHeaders::Always),
            "on_refusal" | "on-refusal" => Ok(RateLimitHeaders::OnRefusal),
            "never" => Ok(RateLimitHeaders::Never),
            other => Err(UnknownName {
                what: "choice of rate limit headers",
                given: other.to_owned(),
                choices: "always, on_refusal, never",
            }),
        }
    }
}

impl fmt::Display for RateLimitHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How the sandbox is to be. Made by [`Sandbox::builder`], ended by [`Builder::start`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until start() is called"]
pub struct Builder {
    pub(crate) port: u16,
    pub(crate) api_key: Key,
    pub(crate) behaviour: Behaviour,
    pub(crate) tier: Tier,
    pub(crate) limit: Option<u32>,
    pub(crate) window: Duration,
    pub(crate) clock_offset: f64,
    pub(crate) frozen_at: Option<Duration>,
    pub(crate) rate_limit_headers: RateLimitHeaders,
    pub(crate) body_hint: bool,
    pub(crate) quota_gap: Duration,
    pub(crate) credits: Option<f64>,
    pub(crate) models: Vec<String>,
    pub(crate) context_tokens: u64,
    pub(crate) balance_fails: bool,
    pub(crate) openai_features: bool,
    pub(crate) latency: Duration,
    pub(crate) event_latency: Duration,
    pub(crate) fault_rate: f64,
    pub(crate) faults: Vec<Fault>,
    pub(crate) seed: u64,
    pub(crate) script: Vec<Fault>,
    pub(crate) max_script: usize,
    pub(crate) max_connections: usize,
    pub(crate) max_head_bytes: usize,
    pub(crate) max_headers: usize,
    pub(crate) max_body_bytes: usize,
    pub(crate) max_log_bytes: usize,
    pub(crate) idle_timeout: Duration,
    pub(crate) tls: Option<TlsKind>,
}

/// Writes builder methods that set one field.
macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $kind:ty,)*) => {
        $($(#[$doc])* pub fn $name(mut self, $name: $kind) -> Self {
            self.$name = $name;
            self
        })*
    };
}

impl Builder {
    /// Requests a window when neither a tier nor a limit is set: the guide's example.
    pub const DEFAULT_LIMIT: u32 = 20;

    pub(crate) fn new() -> Self {
        Self {
            port: 0,
            api_key: Key("sk_llmr_sandbox_example_key".to_owned()),
            behaviour: Behaviour::default(),
            tier: Tier::Basic,
            limit: Some(Self::DEFAULT_LIMIT),
            window: Duration::from_secs(60),
            clock_offset: 0.0,
            frozen_at: None,
            rate_limit_headers: RateLimitHeaders::default(),
            body_hint: true,
            quota_gap: Duration::ZERO,
            credits: None,
            models: ["llama3.2:3b", "qwen2.5:7b", "mistral"].map(String::from).to_vec(),
            context_tokens: 105_000,
            balance_fails: false,
            openai_features: false,
            latency: Duration::ZERO,
            event_latency: Duration::ZERO,
            fault_rate: 0.0,
            faults: Fault::COMMON.to_vec(),
            seed: 0,
            script: Vec::new(),
            max_script: 100_000,
            max_connections: 256,
            max_head_bytes: 64 * 1024,
            max_headers: 128,
            max_body_bytes: 8 * 1024 * 1024,
            max_log_bytes: 256 * 1024 * 1024,
            idle_timeout: Duration::from_secs(60),
            tls: None,
        }
    }

    setters! {
        /// The port on 127.0.0.1. Default 0: any free one.
        port: u16,
        /// Which family of bodies to answer with. Default [`Behaviour::Server`].
        behaviour: Behaviour,
        /// Length of a quota window, aligned to multiples of it since the Unix epoch on the server's
        /// clock; 10 ms to a day. Default 60 s.
        window: Duration,
        /// How far the server's clock is ahead of this machine's, in seconds; negative for behind.
        /// Shows in `Date` and in the windows. Default 0, at most 1e9 either way.
        clock_offset: f64,
        /// Which responses carry the `X-RateLimit-*` headers. Default [`RateLimitHeaders::OnRefusal`].
        rate_limit_headers: RateLimitHeaders,
        /// Whether a 429 carries `retry_after` in its body where the behaviour has it. Default true;
        /// false imitates the server's variant with headers alone.
        body_hint: bool,
        /// Time between the quota's check and its increment, in which a burst slips past the limit as
        /// it can on the real server. Default 0: none slips past.
        quota_gap: Duration,
        /// Credits of the account; each answer costs 1. Default `None`: unlimited.
        credits: Option<f64>,
        /// Prompts above this many tokens (four characters count as one) are answered with a 503, as
        /// the server does. Default 105,000.
        context_tokens: u64,
        /// Whether the balance endpoint answers 500 to everyone. Default false.
        balance_fails: bool,
        /// Whether it has tools and embeddings, as OpenAI's API does and LLM Resayil's does not. Default
        /// false: tools are ignored, their results are refused with 422, and there is no such endpoint.
        openai_features: bool,
        /// Time that an admitted request takes before its answer starts. Default 0.
        latency: Duration,
        /// Time before each event of a stream. Default 0.
        event_latency: Duration,
        /// Share of admitted requests that a fault befalls, 0 to 1. Default 0.
        fault_rate: f64,
        /// Faults to draw from, all equally likely; name one twice to make it twice as likely.
        /// Default [`Fault::COMMON`].
        faults: Vec<Fault>,
        /// Seed of the generator that draws faults: the same seed gives the same faults in order of
        /// admission. Default 0.
        seed: u64,
        /// Faults for the first requests, see [`Sandbox::push_fault`]. Default none.
        script: Vec<Fault>,
        /// Most faults that may wait in the script by way of the control plane; more are turned away.
        /// Default 100,000.
        max_script: usize,
        /// Most connections at once, each with its thread; one above is closed without an answer.
        /// Default 256.
        max_connections: usize,
        /// Largest request line and headers, in bytes; above it a 431. Default 64 KiB.
        max_head_bytes: usize,
        /// Most headers of a request; above it a 431. Default 128.
        max_headers: usize,
        /// Largest request body, in bytes; above it a 413. Default 8 MiB.
        max_body_bytes: usize,
        /// Most memory for the log, in bytes; above it the oldest entries are forgotten. Default 256 MiB.
        max_log_bytes: usize,
        /// How long to wait for a client that sends nothing or reads nothing. Default 60 s.
        idle_timeout: Duration,
    }

    /// The key to accept: `sk_llmr_` and more, or 64 hexadecimal digits.
    pub fn api_key(mut self, api_key: impl Into<String>) -> Self {
        self.api_key = Key(api_key.into());
        self
    }

    /// The subscription: its name and its requests a window.
    pub fn tier(mut self, tier: Tier) -> Self {
        self.tier = tier;
        self.limit = None;
        self
    }

    /// Requests a window. Default [`Builder::DEFAULT_LIMIT`]. Of this and [`Builder::tier`] the last holds.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The models to offer. Default three, `llama3.2:3b` the first.
    pub fn models<T: Into<String>>(mut self, models: impl IntoIterator<Item = T>) -> Self {
        self.models = models.into_iter().map(Into::into).collect();
        self
    }

    /// Speaks TLS, too, on another port: see [`Sandbox::tls_base_url`]. Default: no.
    pub fn tls(mut self, kind: TlsKind) -> Self {
        self.tls = Some(kind);
        self
    }

    /// Stops the server's clock at this time since the Unix epoch. It moves by
    /// [`Sandbox::advance_clock`] alone. Default: it follows this machine's.
    pub fn frozen_at(mut self, since_epoch: Duration) -> Self {
        self.frozen_at = Some(since_epoch);
        self
    }

    /// Starts the server.
    ///
    /// # Errors
    /// A [`StartError`] when an option is out of range, the port is in use, or the system refuses.
    pub fn start(self) -> Result<Sandbox, StartError> {
        self.check()?;
        Sandbox::start(self)
    }

    pub(crate) fn effective_limit(&self) -> u32 {
        self.limit.unwrap_or_else(|| self.tier.limit())
    }

    fn check(&self) -> Result<(), StartError> {
        const HOUR: Duration = Duration::from_secs(3600);
        let checks: [(&'static str, bool, &str); 13] = [
            (
                "api_key",
                is_documented_key(&self.api_key.0) && is_header("authorization", &self.api_key.0),
                "a key is sk_llmr_ and at least one more character, or 64 hexadecimal digits",
            ),
            (
                "window",
                self.window >= Duration::from_millis(10) && self.window <= 24 * HOUR,
                "a window is 10 ms to 24 h long",
            ),
            (
                "clock_offset",
                self.clock_offset.abs() <= MAX_OFFSET_SECONDS,
                "an offset is a number of seconds, at most 1e9 either way",
            ),
            (
                "frozen_at",
                self.frozen_at.is_none_or(|t| t <= LAST),
                "a time is before the year 9999",
            ),
            ("credits", self.credits.is_none_or(f64::is_finite), "credits are a finite number"),
            ("fault_rate", (0.0..=1.0).contains(&self.fault_rate), "a rate is between 0 and 1"),
            (
                "faults",
                self.fault_rate == 0.0 || !self.faults.is_empty(),
                "a fault rate needs at least one fault to draw",
            ),
            ("quota_gap", self.quota_gap <= HOUR, "at most an hour"),
            ("latency", self.latency <= HOUR, "at most an hour"),
            ("event_latency", self.event_latency <= HOUR, "at most an hour"),
            (
                "idle_timeout",
                !self.idle_timeout.is_zero() && self.idle_timeout <= 24 * HOUR,
                "more than 0 and at most 24 h",
            ),
            ("max_connections", self.max_connections > 0, "at least 1"),
            ("max_headers", (1..=10_000).contains(&self.max_headers), "between 1 and 10,000"),
        ];
        for (option, good, reason) in checks {
            if !good {
                return Err(StartError::InvalidOption { option, reason: reason.to_owned() });
            }
        }
        for (option, faults) in [("faults", &self.faults), ("script", &self.script)] {
            for fault in faults {
                fault.validate().map_err(|e| StartError::InvalidOption {
                    option,
                    reason: format!("{}: {e}", fault.name()),
                })?;
            }
        }
        Ok(())
    }
}
