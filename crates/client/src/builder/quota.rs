//! Which quota the calls of a client share, and with whom.

use std::path::PathBuf;
#[cfg(feature = "fleet")]
use std::sync::Arc;

use resayil_core::Quota;
use resayil_core::quota::QuotaOptions;

use super::ClientBuilder;
use crate::account::QuotaChoice;

/// The quota of the calls.
impl ClientBuilder {
    /// A quota that is shared with other clients of the same key. It has to measure time by
    /// [`monotonic_now`](crate::monotonic_now).
    pub fn quota(mut self, quota: Quota) -> Self {
        self.quota = QuotaChoice::Given(quota);
        self
    }

    /// A quota of this client's own. Default: clock-aligned windows of a minute whose limit is
    /// learned, if the provider is LLM Resayil; else no windows, and only refusals hold calls back.
    pub fn quota_options(mut self, options: QuotaOptions) -> Self {
        self.quota = QuotaChoice::Options(options);
        self
    }

    /// Tokens of prompts and answers that the key has in a minute, if you know: 1 or more. Default: unknown,
    /// and learned where headers tell. It is added to the [`quota_options`](Self::quota_options), whatever
    /// the length of their window; it has no effect together with [`quota`](Self::quota) or
    /// [`no_quota`](Self::no_quota).
    ///
    /// A call's cost is told by [`CallOptions::cost`](crate::CallOptions::cost), or else
    /// [estimated](resayil_core::quota::Cost::estimate); the answer's usage corrects it. What is larger than
    /// the limit fails at once, with the stop reason `exceeds_limit`.
    pub fn tokens_per_minute(mut self, tokens: impl Into<Option<u64>>) -> Self {
        self.tokens_per_minute = tokens.into();
        self
    }

    /// Whether all processes of this host that share the quota of this base URL's origin and this key
    /// do so by a file: see [`HostQuota`](crate::HostQuota). Default: no. It has no effect together with
    /// [`quota`](Self::quota) or [`no_quota`](Self::no_quota). Where it cannot be done, the client has
    /// a quota of its own, and the [`observer`](Self::observer) is told once.
    pub fn share_quota(mut self, share: bool) -> Self {
        self.share_quota = share;
        self
    }

    /// The folder of the files of shared quotas: see
    /// [`HostQuotaOptions::folder`](crate::HostQuotaOptions::folder).
    pub fn quota_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.quota_folder = Some(folder.into());
        self
    }

    /// The name of what shares one quota with other processes, in place of origin and key: for an account that
    /// has several keys or base URLs and one quota for all of them. It goes with
    /// [`share_quota`](Self::share_quota) or [`fleet`](Self::fleet), and is the `group` of Python's `Quota`.
    /// Default: none; not empty. Targets of the [`fallback`](Self::fallback) are not in the group.
    pub fn quota_group(mut self, name: impl Into<String>) -> Self {
        self.quota_group = Some(name.into());
        self
    }

    /// The URL of the Redis or Valkey over which all processes that are given it share the quota of this base
    /// URL's origin and this key, on whatever hosts: see [`FleetQuota`](crate::FleetQuota), also for its form.
    /// Default: none. It has no effect together with [`quota`](Self::quota) or [`no_quota`](Self::no_quota), and
    /// cannot be used together with [`share_quota`](Self::share_quota). Where the server cannot be reached, the
    /// client goes on with its share, and the [`observer`](Self::observer) is told once.
    #[cfg(feature = "fleet")]
    pub fn fleet(mut self, url: &str) -> Self {
        self.fleet = Some(crate::settings::FleetServer::Url(url.to_owned()));
        self
    }

    /// The same over a connection of the program's own: see [`FleetQuota::open_with`](crate::FleetQuota::open_with).
    #[cfg(feature = "fleet")]
    pub fn fleet_with(
        mut self,
        carry: impl Fn(&resayil_core::quota::fleet::FleetCall) -> Result<Vec<i64>, crate::FleetFailure>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.fleet = Some(crate::settings::FleetServer::Own(Arc::new(carry)));
        self
    }

    /// How the [fleet's](Self::fleet) quota is shared. Limits and window are those of the
    /// [`quota_options`](Self::quota_options), not of these.
    #[cfg(feature = "fleet")]
    pub fn fleet_options(mut self, options: resayil_core::quota::fleet::FleetOptions) -> Self {
        self.fleet_options = options;
        self
    }

    /// No quota at all: every call is sent at once.
    pub fn no_quota(mut self) -> Self {
        self.quota = QuotaChoice::None;
        self
    }
}
