//! The whole client: HTTP, quota, retries.

mod builder;
mod calls;
mod fleet;
mod network;

use ::client::observe::Stats;
use ::client::{Client, Quota};

use crate::metrics::resayil_metrics;
use crate::panic::{give, guard, take_back};
use crate::quota::resayil_quota_state;
use crate::status::resayil_status;

/// A client of one API with one key. It keeps connections, a quota, a retry budget and counters. Any
/// number of threads may call at once.
pub struct resayil_client {
    pub(crate) client: Client,
}

/// What a client did since it was made.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct resayil_stats {
    /// Calls that were begun.
    pub calls: u64,
    /// Requests that were sent, refused ones included.
    pub attempts: u64,
    /// Calls that gave an answer. A stream counts when its end was read.
    pub answered: u64,
    /// Calls that gave an error.
    pub failed: u64,
    /// Requests that the server refused for quota.
    pub refused: u64,
    /// Attempts that followed a failed one.
    pub retries: u64,
    /// Requests that were sent again because a kept connection proved to be closed.
    pub stale_connections: u64,
    /// How often a call waited for the quota.
    pub quota_waits: u64,
    /// Seconds that calls waited for the quota, added up over all calls.
    pub quota_wait_seconds: f64,
    /// How often a call waited between attempts for other reasons.
    pub backoff_waits: u64,
    /// Seconds that calls waited between attempts for other reasons, added up over all calls.
    pub backoff_wait_seconds: f64,
}

impl From<Stats> for resayil_stats {
    fn from(stats: Stats) -> Self {
        resayil_stats {
            calls: stats.calls,
            attempts: stats.attempts,
            answered: stats.answered,
            failed: stats.failed,
            refused: stats.refused,
            retries: stats.retries,
            stale_connections: stats.stale_connections,
            quota_waits: stats.quota_waits,
            quota_wait_seconds: stats.quota_wait.as_secs_f64(),
            backoff_waits: stats.backoff_waits,
            backoff_wait_seconds: stats.backoff_wait.as_secs_f64(),
        }
    }
}

/// Reads the counters of a client into `*stats`. Any thread may ask, at any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_get_stats(
    client: *const resayil_client,
    stats: *mut resayil_stats,
) -> resayil_status {
    guard(|| {
        let out = out!(stats, resayil_stats::default());
        *out = borrow!(client).client.stats().into();
        resayil_status::OK
    })
}

/// The same with more detail, by kind of error and by reason, and what quota and budget have left; as a
/// list for an exporter. `*metrics` is yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_get_metrics(
    client: *const resayil_client,
    metrics: *mut *mut resayil_metrics,
) -> resayil_status {
    guard(|| {
        let out = out!(metrics);
        *out = give(resayil_metrics::new(&borrow!(client).client.stats().metrics()));
        resayil_status::OK
    })
}

/// Reads what the quota of a client knows at this moment into `*state`. Says whether the client has
/// a quota.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_get_quota_state(
    client: *const resayil_client,
    state: *mut resayil_quota_state,
) -> bool {
    guard(|| {
        let out = out!(state, resayil_quota_state::default());
        let quota: Option<&Quota> = borrow!(client).client.quota();
        let state = quota.map(|quota| quota.state(::client::monotonic_now()));
        *out = state.map_or_else(resayil_quota_state::default, resayil_quota_state::from);
        state.is_some()
    })
}

/// How many retries the budget of a client has left.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_budget_remaining(client: *const resayil_client) -> f64 {
    guard(|| borrow!(client).client.budget().remaining())
}

/// Frees the client; NULL is nothing. Calls that run go on, and what they gave stays valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_free(client: *mut resayil_client) {
    // SAFETY: the header asks for NULL or a handle that is alive and that no call is using.
    unsafe { take_back(client) }
}
