//! How a client reaches its service.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use resayil_core::Error;

use super::limits::Limits;
use super::proxy::{Proxy, from_environment};
use super::tls::{Identity, Tls, Trust};
use crate::url::Origin;

/// What a builder was told about the network.
#[derive(Clone, Debug, Default)]
pub(crate) struct NetworkOptions {
    pub(crate) limits: Limits,
    pub(crate) proxy: ProxyChoice,
    pub(crate) ca: Option<Pem>,
    /// The certificate and its key.
    pub(crate) client_cert: Option<(Pem, Pem)>,
    #[cfg(feature = "in-memory")]
    pub(crate) memory: Option<Arc<super::memory::Memory>>,
}

/// Which proxy is used.
#[derive(Clone, Default)]
pub(crate) enum ProxyChoice {
    /// The one that the environment names, if any.
    #[default]
    Environment,
    None,
    Given(String),
}

/// PEM, or a file of it.
#[derive(Clone)]
pub(crate) enum Pem {
    File(PathBuf),
    Text(Vec<u8>),
}

impl NetworkOptions {
    /// The proxy to this origin.
    pub(super) fn proxy(&self, origin: &Origin) -> Result<Option<Proxy>, Error> {
        match &self.proxy {
            ProxyChoice::None => Ok(None),
            ProxyChoice::Given(text) => Proxy::parse(text, "proxy").map(Some),
            ProxyChoice::Environment => {
                from_environment(|name| std::env::var_os(name), origin.is_https, &origin.host)
            }
        }
    }

    /// Whom to trust and who to be.
    pub(super) fn tls(&self) -> Result<Arc<Tls>, Error> {
        let trust = match &self.ca {
            None => Trust::Platform,
            Some(Pem::File(path)) => Trust::file(path)?,
            Some(Pem::Text(text)) => Trust::pem(text)?,
        };
        let identity = match &self.client_cert {
            None => None,
            Some((certificate, key)) => Some(Identity::new(certificate, key)?),
        };
        Tls::new(trust, identity).map(Arc::new)
    }
}

impl fmt::Debug for ProxyChoice {
    /// Without the proxy's password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ProxyChoice::Environment => "Environment",
            ProxyChoice::None => "None",
            ProxyChoice::Given(_) => "Given",
        })
    }
}

impl fmt::Debug for Pem {
    /// Without the private key that it may be.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pem::File(path) => path.fmt(f),
            Pem::Text(_) => f.write_str("[redacted]"),
        }
    }
}
