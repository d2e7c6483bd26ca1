//! What the clients of a fallback's services take from the first.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use resayil_core::{Budget, BudgetOptions, ConcurrencyLimit, Counters, Error, Provider};

use crate::client::{Client, Inner, Observer};
use crate::extras::Extras;
use crate::transport::NetworkOptions;
use crate::url::BaseUrl;

/// The options of a client that hold for the services of its fallback, too.
pub(crate) struct Seed {
    pub(crate) base_url: String,
    pub(crate) origin: String,
    pub(crate) key: String,
    pub(crate) allow_http: bool,
    pub(crate) provider: Option<Provider>,
    pub(crate) budget: BudgetOptions,
    pub(crate) has_quota: bool,
    pub(crate) share_quota: bool,
    pub(crate) quota_folder: Option<PathBuf>,
    pub(crate) network: NetworkOptions,
    pub(crate) attempt_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) user_agent: String,
    pub(crate) extras: Extras,
    pub(crate) observer: Option<Arc<Observer>>,
    pub(crate) concurrency: Option<ConcurrencyLimit>,
    pub(crate) counters: Arc<Counters>,
}

impl Seed {
    /// The address of a service.
    ///
    /// # Errors
    ///
    /// As [`BaseUrl::new`].
    pub(crate) fn url(&self, text: &str) -> Result<BaseUrl, Error> {
        BaseUrl::new(text, self.allow_http)
    }

    /// A client of another service, or of another address of `account`, whose quota and budget it
    /// shares then.
    ///
    /// # Errors
    ///
    /// An address or key of bad form.
    pub(crate) fn client(
        &self,
        base_url: &str,
        key: &str,
        account: Option<&Inner>,
    ) -> Result<Client, Error> {
        let same_origin = self.url(base_url)?.origin() == self.origin;
        let mut builder = Client::builder()
            .api_key(key)
            .base_url(base_url)
            .allow_http(self.allow_http)
            .provider(self.provider.filter(|_| same_origin))
            .network(self.network.clone())
            .attempt_timeout(self.attempt_timeout)
            .idle_timeout(self.idle_timeout)
            .user_agent(&self.user_agent)
            .share_quota(self.share_quota);
        if let Some(folder) = &self.quota_folder {
            builder = builder.quota_folder(folder);
        }
        if let Some(observer) = self.observer.clone() {
            builder = builder.observer(move |event| observer(event));
        }
        builder = match account {
            Some(Inner { quota: Some(quota), .. }) => builder.quota(quota.clone()),
            Some(_) => builder.no_quota(),
            None if self.has_quota => builder,
            None => builder.no_quota(),
        };
        builder = match (account.and_then(|account| account.limiter.clone()), self.concurrency) {
            (Some(limiter), _) => builder.limiter(limiter),
            (None, Some(limit)) => builder.concurrency_limit(limit),
            (None, None) => builder,
        };
        builder = builder.budget(match account {
            Some(account) => account.budget.clone(),
            None => Budget::new(self.budget),
        });
        let (mut inner, _) = builder.inner(Arc::clone(&self.counters))?;
        if same_origin {
            // They may hold what no other service is to see.
            inner.extras = self.extras.clone();
        }
        Ok(Client::new(inner))
    }
}
