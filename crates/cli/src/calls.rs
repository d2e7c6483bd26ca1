//! What the commands that call an API share: options, the client, and failed calls as failures.

use std::time::Duration;

use clap::Args;
use resayil::observe::{CallEvent, LogLevel};
use resayil::quota::{Priority, QuotaOptions};
use resayil::{CallOptions, CancelToken, Client, ClientBuilder, Error, Kind, Policy, Provider};

use crate::exit::{Exit, Failure};
use crate::explain::{ProviderArg, parse_provider};
use crate::told::{Teller, Told, ToldArgs};

/// Which API is called, and how.
#[derive(Clone, Debug, Args)]
pub(crate) struct ClientArgs {
    /// The API's address, instead of RESAYIL_BASE_URL or https://llmapi.resayil.io/v1
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Whose API it is; auto recognises it by the address
    #[arg(long, value_parser = parse_provider, default_value = "auto")]
    pub(crate) provider: ProviderArg,
    /// Requests that a window admits, if you know your tier; else it is learned
    #[arg(long, value_name = "REQUESTS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: Option<u32>,
    /// Tokens of prompts and answers that the key has in a minute, if you know; else it is learned where
    /// headers tell
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) tokens_per_minute: Option<u64>,
    /// The length of a quota window [default: 60 for LLM Resayil]
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub(crate) window: Option<Duration>,
    /// Share the quota with all processes of this host that use the same address, key and window and
    /// do so, too
    #[arg(long)]
    pub(crate) share_quota: bool,
    /// The name of what shares the quota, in place of address and key: for an account with several keys. It goes
    /// with --share-quota or --fleet
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) quota_group: Option<String>,
    /// How urgent the calls are where others wait for the quota, too
    #[arg(long, value_name = "PRIORITY", value_parser = parse_priority, default_value = "normal")]
    pub(crate) priority: Priority,
    /// On whose behalf the calls are: while several wait for the quota, each is admitted by its weight, from 1
    /// to 1000 [default weight: 1]
    #[arg(long, value_name = "NAME[:WEIGHT]", value_parser = parse_tenant)]
    pub(crate) tenant: Option<(String, u32)>,
    /// The Redis or Valkey over which all processes share the quota that are given it, on whatever hosts: a URL
    /// such as redis://host:6379, instead of RESAYIL_FLEET; a password is better there, or in
    /// RESAYIL_FLEET_PASSWORD, than in an argument
    #[arg(long, value_name = "URL", conflicts_with = "share_quota")]
    pub(crate) fleet: Option<String>,
    /// The time that one call may take in all, waits and retries included [default: no limit]
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub(crate) deadline: Option<Duration>,
    /// The time that one attempt may take
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, default_value = "120")]
    pub(crate) attempt_timeout: Duration,
    /// The longest wait that the service may ask for; a longer one ends the call at once
    /// [default: 120, of a batch 3600]
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub(crate) max_hint: Option<Duration>,
    /// Send key and prompts over plain http to other machines, too
    #[arg(long)]
    pub(crate) allow_http: bool,
    #[command(flatten)]
    pub(crate) told: ToldArgs,
}

impl ClientArgs {
    /// A client as the options and the environment say, which tells so much unless they say else.
    pub(crate) fn build(&self, policy: Policy, told: Told) -> Result<Client, Failure> {
        self.open(self.apply(Client::builder(), policy)?, told, |_| {})
    }

    /// The client of a builder that has the options; `observer` is told all events, those of each
    /// request included.
    pub(crate) fn open(
        &self,
        builder: ClientBuilder,
        told: Told,
        observer: impl Fn(&CallEvent<'_>) + Send + Sync + 'static,
    ) -> Result<Client, Failure> {
        let teller = Teller::new(self.told.or(told));
        let builder = builder.observer_level(LogLevel::Trace).observer(move |event| {
            observer(event);
            teller.tell(event);
        });
        builder.build().map_err(|error| call_failed(&error))
    }

    /// Puts the options into a builder.
    pub(crate) fn apply(
        &self,
        mut builder: ClientBuilder,
        policy: Policy,
    ) -> Result<ClientBuilder, Failure> {
        if let Some(url) = &self.base_url {
            builder = builder.base_url(url);
        }
        if self.limit.is_some() || self.window.is_some() {
            builder = builder.quota_options(self.quota_options());
        }
        if let Some(url) = self.fleet().filter(|_| !self.share_quota) {
            builder = builder.fleet(&url);
        }
        if let Some(name) = &self.quota_group {
            builder = builder.quota_group(name);
        }
        let policy = match self.max_hint {
            None => policy,
            Some(most) => policy
                .to_builder()
                .max_hint(most)
                .build()
                .map_err(|error| Failure::new(Exit::Configuration, error))?,
        };
        Ok(builder
            .provider(self.provider.0)
            .policy(policy.with_deadline(self.deadline))
            .attempt_timeout(self.attempt_timeout)
            .allow_http(self.allow_http)
            .share_quota(self.share_quota)
            .tokens_per_minute(self.tokens_per_minute))
    }

    /// How each call stands in the quota's line.
    pub(crate) fn call_options(&self) -> CallOptions {
        let options = CallOptions::new().priority(self.priority);
        match &self.tenant {
            Some((name, weight)) => options.tenant(name, *weight),
            None => options,
        }
    }

    /// Where the fleet's server is, by the option or the environment.
    pub(crate) fn fleet(&self) -> Option<String> {
        let given = self.fleet.clone().or_else(|| std::env::var("RESAYIL_FLEET").ok());
        given.filter(|url| !url.is_empty())
    }

    fn quota_options(&self) -> QuotaOptions {
        let options = QuotaOptions::default().with_limit(self.limit);
        match self.window {
            Some(window) => options.with_window(window),
            None => options,
        }
    }

    /// The quota's window, where there is one.
    pub(crate) fn known_window(&self, client: &Client) -> Option<Duration> {
        let default = QuotaOptions::default().window;
        let has_default = self.limit.is_some() || client.provider() == Some(Provider::Resayil);
        self.window.or(default.filter(|_| has_default))
    }
}

/// A call that failed, as the end of the command: the error, and the first step to take.
pub(crate) fn call_failed(error: &Error) -> Failure {
    let exit = match error.kind() {
        Kind::Configuration => Exit::Configuration,
        Kind::Cancelled => Exit::Interrupted,
        _ => Exit::Failed,
    };
    let failure = Failure::new(exit, error).record(error);
    match exit {
        Exit::Failed => match error.advice().first() {
            Some(step) => failure.hint(step),
            None => failure,
        },
        Exit::Configuration => match configuration_hint(error.message().unwrap_or_default()) {
            Some(hint) => failure.hint(hint),
            None => failure,
        },
        _ => failure,
    }
}

/// What to type where the key or the address is wrong; any other bad option says itself what to do.
fn configuration_hint(message: &str) -> Option<&'static str> {
    if message.contains("plain http") {
        Some("give --base-url https://..., or --allow-http if you are sure")
    } else if message.contains("base URL") {
        Some("export RESAYIL_BASE_URL=https://llmapi.resayil.io/v1, or give --base-url")
    } else if message.contains("API key") {
        Some("export RESAYIL_API_KEY=...")
    } else {
        None
    }
}

/// Lets Ctrl-C, and what asks a process to end, cancel: the first time what waits, the second time
/// all. `told` is shown at the first.
pub(crate) fn cancel_on_signal(token: &CancelToken, told: &'static str) -> Result<(), Failure> {
    let token = token.clone();
    let mut again = false;
    on_signal(move || {
        if std::mem::replace(&mut again, true) {
            token.cancel();
        } else {
            token.cancel_waits();
            eprintln!("resayil: {told}");
        }
    })
}

/// Lets the first Ctrl-C end all at once, an answer that is coming included.
pub(crate) fn cancel_at_once_on_signal(token: &CancelToken) -> Result<(), Failure> {
    let token = token.clone();
    on_signal(move || token.cancel())
}

fn on_signal(handle: impl FnMut() + Send + 'static) -> Result<(), Failure> {
    ctrlc::set_handler(handle).map_err(|error| {
        Failure::new(Exit::System, format_args!("signals cannot be handled: {error}"))
    })
}

fn parse_priority(text: &str) -> Result<Priority, String> {
    text.parse::<Priority>().map_err(|error| error.to_string())
}

/// A name and perhaps a weight behind a colon.
fn parse_tenant(text: &str) -> Result<(String, u32), String> {
    let (name, weight) = text.rsplit_once(':').unwrap_or((text, "1"));
    match weight.parse() {
        Ok(weight @ 1..=1000) if !name.is_empty() => Ok((name.to_owned(), weight)),
        _ => Err("it has to be a name, or a name, a colon and a weight from 1 to 1000".to_owned()),
    }
}

/// A time in seconds, more than 0 and no more than a week.
pub(crate) fn parse_seconds(text: &str) -> Result<Duration, String> {
    const WEEK: f64 = 7.0 * 24.0 * 3600.0;
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= WEEK => Ok(Duration::from_secs_f64(seconds)),
        _ => {
            Err("it has to be a number of seconds, more than 0 and no more than a week".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_a_range() {
        assert_eq!(parse_seconds("1.5"), Ok(Duration::from_millis(1500)));
        for bad in ["0", "-1", "nan", "inf", "1e300", "x", ""] {
            assert!(parse_seconds(bad).is_err(), "{bad}");
        }
    }
}
