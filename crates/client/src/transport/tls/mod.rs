//! TLS: whom to trust, who we are, and what went wrong.

mod channel;
mod failure;
mod trust;

use std::fmt;
use std::sync::{Arc, OnceLock};

use resayil_core::Error;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;

pub(crate) use channel::TlsChannel;
pub(crate) use failure::TlsFailure;
pub(crate) use trust::{Identity, Trust};

use super::channel::Channel;
use super::failure::Failure;
use super::names::bare;
use super::patience::Patience;

/// How secure connections are made.
pub(crate) struct Tls {
    trust: Trust,
    identity: Option<Identity>,
    /// Made at the first connection: many clients make none.
    config: OnceLock<Arc<ClientConfig>>,
}

impl Tls {
    /// # Errors
    ///
    /// A certificate or key that cannot be used.
    pub(crate) fn new(trust: Trust, identity: Option<Identity>) -> Result<Self, Error> {
        let tls = Tls { trust, identity, config: OnceLock::new() };
        if !matches!(tls.trust, Trust::Platform) || tls.identity.is_some() {
            tls.config().map_err(TlsFailure::into_error)?;
        }
        Ok(tls)
    }

    fn config(&self) -> Result<Arc<ClientConfig>, TlsFailure> {
        if let Some(config) = self.config.get() {
            return Ok(Arc::clone(config));
        }
        let config = trust::config(&self.trust, self.identity.as_ref())?;
        Ok(Arc::clone(self.config.get_or_init(|| Arc::new(config))))
    }

    /// Secures a connection to this host.
    ///
    /// # Errors
    ///
    /// The other side is not who it should be, speaks no TLS, or the time is over.
    pub(crate) fn secure(
        &self,
        channel: Box<dyn Channel>,
        host: &str,
        patience: Patience<'_>,
    ) -> Result<Box<dyn Channel>, Failure> {
        let config = self.config().map_err(Failure::Tls)?;
        let name = ServerName::try_from(bare(host).to_owned())
            .map_err(|_| Failure::Tls(TlsFailure::name(host)))?;
        Ok(Box::new(TlsChannel::connect(config, name, host, channel, patience)?))
    }
}

impl fmt::Debug for Tls {
    /// Without the private key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("trust", &self.trust).finish_non_exhaustive()
    }
}
