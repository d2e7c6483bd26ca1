//! Whom a client trusts, and the certificate that it shows itself.
//!
//! The platform's roots are read with `rustls-native-certs`, so that one verifier decides the same on
//! every platform and says why, and so that `SSL_CERT_FILE` and `SSL_CERT_DIR` hold everywhere. Where a
//! platform has no roots at all, as in an empty container, Mozilla's, which are compiled in, stand in.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use resayil_core::{Error, Kind};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::TlsFailure;
use crate::transport::options::Pem;

/// Who may sign the certificates of servers.
#[derive(Clone, Debug, Default)]
pub(crate) enum Trust {
    /// Whoever the platform trusts, or the file that `SSL_CERT_FILE` names.
    #[default]
    Platform,
    /// These alone.
    Only(Arc<Vec<CertificateDer<'static>>>),
}

impl Trust {
    /// Reads certificates from a PEM file.
    pub(crate) fn file(path: &Path) -> Result<Self, Error> {
        let option = format!("ca_file {}", path.display());
        certificates(&option, &read("ca_file", path)?).map(|found| Trust::Only(Arc::new(found)))
    }

    /// Reads certificates from PEM text.
    pub(crate) fn pem(text: &[u8]) -> Result<Self, Error> {
        certificates("ca_pem", text).map(|found| Trust::Only(Arc::new(found)))
    }

    fn roots(&self) -> Result<Arc<RootCertStore>, TlsFailure> {
        match self {
            Trust::Platform => platform(),
            Trust::Only(certificates) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates.iter() {
                    roots
                        .add(certificate.clone())
                        .map_err(|error| TlsFailure::setup("the CA cannot be used", error))?;
                }
                Ok(Arc::new(roots))
            }
        }
    }
}

/// The certificate that a client shows, with its private key, both PEM.
#[derive(Clone)]
pub(crate) struct Identity {
    certificates: Vec<CertificateDer<'static>>,
    key: Arc<PrivateKeyDer<'static>>,
}

impl Identity {
    /// # Errors
    ///
    /// What cannot be read.
    pub(crate) fn new(certificate: &Pem, key: &Pem) -> Result<Self, Error> {
        let pem = |option, from: &Pem| match from {
            Pem::File(path) => read(option, path),
            Pem::Text(text) => Ok(text.clone()),
        };
        let (option, of_key) = ("the client certificate", "the client certificate's key");
        let certificates = certificates(option, &pem(option, certificate)?)?;
        let key = PrivateKeyDer::from_pem_slice(&pem(of_key, key)?)
            .map_err(|_| invalid(&format!("{of_key} is no PEM of a private key")))?;
        Ok(Identity { certificates, key: Arc::new(key) })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity([redacted])")
    }
}

pub(super) fn config(
    trust: &Trust,
    identity: Option<&Identity>,
) -> Result<ClientConfig, TlsFailure> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsFailure::setup("TLS cannot be set up", error))?
        .with_root_certificates(trust.roots()?);
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => builder
            .with_client_auth_cert(identity.certificates.clone(), identity.key.clone_key())
            .map_err(|error| TlsFailure::setup("the client certificate cannot be used", error))?,
    };
    Ok(config)
}

/// The platform's roots, read once in a process unless the environment names others.
fn platform() -> Result<Arc<RootCertStore>, TlsFailure> {
    static PLATFORM: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
        .into_iter()
        .find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    if let (None, Some(roots)) = (named, PLATFORM.get()) {
        return Ok(Arc::clone(roots));
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    match named {
        Some(name) if roots.is_empty() => Err(TlsFailure::no_roots(name)),
        Some(_) => Ok(Arc::new(roots)),
        None => {
            if roots.is_empty() {
                roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            }
            Ok(Arc::clone(PLATFORM.get_or_init(|| Arc::new(roots))))
        }
    }
}

fn certificates(option: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(invalid(&format!("{option} has no certificate: it has to be PEM"))),
        Err(_) => Err(invalid(&format!("{option} is no PEM that can be read"))),
    }
}

/// Certificates are short; whatever is longer is no file of them.
const MAX_PEM_BYTES: u64 = 8 * 1024 * 1024;

fn read(option: &str, path: &Path) -> Result<Vec<u8>, Error> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_PEM_BYTES).read_to_end(&mut bytes))
        .map_err(|error| {
            let path = path.display();
            invalid(&format!("{option} cannot be read: {path}: {}", error.kind()))
                .with_source(error)
        })?;
    Ok(bytes)
}

fn invalid(problem: &str) -> Error {
    Error::new(Kind::Configuration, problem)
}
