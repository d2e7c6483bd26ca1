//! Where requests go: a base URL, and the way there with a key.

use std::sync::Arc;

use resayil_core::{Error, Provider};

use crate::account::Account;
use crate::secret::ApiKey;
use crate::settings::ServiceSettings;
use crate::transport::Transport;
use crate::url::BaseUrl;

/// A base URL with a key. What calls share beyond that belongs to the account.
pub(crate) struct Endpoint {
    pub(crate) url: BaseUrl,
    pub(crate) transport: Transport,
    pub(crate) account: Arc<Account>,
}

impl Endpoint {
    /// Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`](crate::Kind::Configuration): a key of bad form, a proxy or certificate that
    /// cannot be used.
    pub(crate) fn new(
        url: BaseUrl,
        key: &str,
        account: Arc<Account>,
        settings: &ServiceSettings,
    ) -> Result<Self, Error> {
        let key = ApiKey::new(key)?;
        let transport = Transport::new(&url, key, &settings.user_agent, &settings.network)?;
        Ok(Endpoint { url, transport, account })
    }

    pub(crate) fn provider(&self) -> Option<Provider> {
        self.account.service.provider()
    }
}
