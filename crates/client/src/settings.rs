//! What the program sets for all calls of a client, at whatever service.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use resayil_core::Policy;
use resayil_core::concurrency::ConcurrencyLimit;
use resayil_core::observe::{CallEvent, Counters, LogLevel};
use resayil_core::retry::BudgetOptions;

use crate::extras::Extras;
use crate::predicate::ResultPredicate;
use crate::trace;
use crate::transport::NetworkOptions;

/// Who is told what is decided.
pub(crate) type Observer = dyn Fn(&CallEvent<'_>) + Send + Sync;

/// What holds for all calls, at whatever service.
pub(crate) struct Settings {
    pub(crate) policy: Policy,
    pub(crate) attempt_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    /// Sent with every request to the origin of the base URL.
    pub(crate) extras: Extras,
    pub(crate) retry_if_result: Option<ResultPredicate>,
    pub(crate) observer: Option<Arc<Observer>>,
    /// From which level on it is told.
    pub(crate) observer_level: LogLevel,
    pub(crate) counters: Arc<Counters>,
}

impl Settings {
    /// Tells what happened to a call, or to the client.
    pub(crate) fn notify(&self, event: &CallEvent<'_>) {
        // Below it are the events that a log's reader does not look for.
        if event.level() >= LogLevel::Debug {
            trace::emit(event);
        }
        if let Some(observer) = &self.observer {
            observer(event);
        }
    }
}

/// How the fleet's server is reached.
#[cfg(feature = "fleet")]
#[derive(Clone)]
pub(crate) enum FleetServer {
    Url(String),
    Own(Arc<crate::fleet::CarryFleetCall>),
}

/// How the services of a client are reached and what each account gets, the first's and those of the
/// fallback.
pub(crate) struct ServiceSettings {
    pub(crate) allow_http: bool,
    pub(crate) network: NetworkOptions,
    pub(crate) user_agent: String,
    pub(crate) budget: BudgetOptions,
    pub(crate) concurrency: Option<ConcurrencyLimit>,
    pub(crate) has_quota: bool,
    pub(crate) share_quota: bool,
    pub(crate) quota_folder: Option<PathBuf>,
    pub(crate) quota_group: Option<String>,
    #[cfg(feature = "fleet")]
    pub(crate) fleet: Option<FleetServer>,
    #[cfg(feature = "fleet")]
    pub(crate) fleet_options: resayil_core::quota::fleet::FleetOptions,
}
