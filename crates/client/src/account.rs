//! What belongs to an origin and a key, whatever the path: quota, budget, places.

use std::sync::Arc;

use resayil_core::call::Service;
use resayil_core::concurrency::ConcurrencyLimiter;
use resayil_core::observe::{CallAction, CallEvent, Warning};
use resayil_core::quota::QuotaOptions;
use resayil_core::redaction::OwnKey;
use resayil_core::retry::Budget;
use resayil_core::{Error, Kind, Provider, Quota};

use crate::clock::{monotonic_now, wall_now};
#[cfg(feature = "fleet")]
use crate::fleet::FleetQuota;
use crate::host_quota::{HostQuota, HostQuotaOptions};
#[cfg(feature = "fleet")]
use crate::settings::FleetServer;
use crate::settings::{ServiceSettings, Settings};

/// What all calls to one origin with one key share.
pub(crate) struct Account {
    pub(crate) service: Arc<Service>,
    /// The service's.
    pub(crate) budget: Budget,
    /// The service's quota, if it is shared with other processes.
    host_quota: Option<HostQuota>,
    /// The same with processes of other hosts.
    #[cfg(feature = "fleet")]
    fleet: Option<FleetQuota>,
}

/// Which quota an account gets.
pub(crate) enum QuotaChoice {
    Default,
    Options(QuotaOptions),
    Given(Quota),
    None,
}

impl QuotaChoice {
    /// What an account gets that is told nothing else.
    fn default_options(provider: Option<Provider>) -> QuotaOptions {
        match provider {
            Some(Provider::Resayil) => QuotaOptions::default(),
            _ => QuotaOptions::default().with_window(None),
        }
    }

    /// The same where so many tokens a minute are known.
    pub(crate) fn with_tokens_per_minute(
        self,
        tokens: Option<u64>,
        provider: Option<Provider>,
    ) -> Self {
        let options = match (&self, tokens) {
            (QuotaChoice::Options(options), Some(_)) => *options,
            (QuotaChoice::Default, Some(_)) => Self::default_options(provider),
            _ => return self,
        };
        // The options' limit is that of a window.
        let window = options.window.map_or(60.0, |window| window.as_secs_f64());
        let of_window = tokens.map(|tokens| (tokens as f64 * window / 60.0) as u64);
        QuotaChoice::Options(options.with_token_limit(of_window))
    }
}

impl Account {
    /// # Errors
    ///
    /// [`Kind::Configuration`]: a limit out of its range, a group without a name.
    pub(crate) fn open(
        origin: &str,
        key: &str,
        provider: Option<Provider>,
        quota: QuotaChoice,
        budget: Option<Budget>,
        group: Option<&str>,
        settings: &ServiceSettings,
    ) -> Result<Self, Error> {
        let options = match &quota {
            QuotaChoice::Options(options) => *options,
            _ => QuotaChoice::default_options(provider),
        };
        // What shares the quota.
        let (whose, name) = match group {
            None => (origin, key),
            Some("") => return Err(Error::new(Kind::Configuration, "the quota_group is empty")),
            Some(group) => (HostQuota::GROUP, group),
        };
        let mut host_quota = None;
        #[cfg(feature = "fleet")]
        let mut fleet = None;
        let quota = match quota {
            QuotaChoice::None => None,
            QuotaChoice::Given(quota) => Some(quota),
            #[cfg(feature = "fleet")]
            _ if settings.fleet.is_some() => {
                let options = settings.fleet_options.with_quota(options);
                let shared = match &settings.fleet {
                    Some(FleetServer::Own(carry)) => {
                        FleetQuota::open_over(Arc::clone(carry), whose, name, &options)?
                    }
                    Some(FleetServer::Url(url)) => FleetQuota::open(url, whose, name, &options)?,
                    None => return Err(Error::new(Kind::Configuration, "there is no fleet")),
                };
                Some(fleet.insert(shared).quota().clone())
            }
            _ if settings.share_quota => {
                let options = HostQuotaOptions::default()
                    .with_quota(options)
                    .with_folder(settings.quota_folder.clone());
                let shared = host_quota.insert(HostQuota::open(whose, name, &options)?);
                Some(shared.quota().clone())
            }
            _ => Some(Quota::new(options, wall_now(), monotonic_now())),
        };
        let budget = budget.unwrap_or_else(|| match &quota {
            Some(quota) if quota.is_shared() => Budget::shared(settings.budget, quota),
            _ => Budget::new(settings.budget),
        });
        let limiter = settings.concurrency.map(ConcurrencyLimiter::new).transpose();
        let limiter =
            limiter.map_err(|error| Error::new(Kind::Configuration, &error.to_string()))?;
        let service = Service::new()
            .with_provider(provider)
            .with_budget(budget.clone())
            .with_quota(quota, monotonic_now())
            .with_concurrency_limiter(limiter)
            .with_own_key(OwnKey::new(key));
        Ok(Account {
            service: Arc::new(service),
            budget,
            host_quota,
            #[cfg(feature = "fleet")]
            fleet,
        })
    }

    /// The fleet that shares the quota.
    #[cfg(feature = "fleet")]
    pub(crate) fn fleet(&self) -> Option<&FleetQuota> {
        self.fleet.as_ref()
    }

    /// Tells, once, that the quota is not shared with other processes, although it should be.
    pub(crate) fn tell_quota_warning(&self, settings: &Settings) {
        let of_host = self.host_quota.as_ref().and_then(HostQuota::take_warning);
        #[cfg(feature = "fleet")]
        let of_host = of_host.or_else(|| self.fleet.as_ref()?.take_warning());
        if let Some(error) = of_host {
            let event = CallEvent::new(CallAction::Warning(Warning::QuotaNotShared), 0);
            settings.notify(&event.with_error(&error));
        }
    }
}
