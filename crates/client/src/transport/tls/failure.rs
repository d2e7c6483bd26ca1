//! What was wrong with a secure connection, in words that say what to do.

use resayil_core::{Error, Kind};
use rustls::{AlertDescription, CertificateError};

/// A secure connection that could not be made, which another try does not change.
#[derive(Debug)]
pub(crate) struct TlsFailure {
    kind: Kind,
    message: String,
    source: Option<rustls::Error>,
}

impl TlsFailure {
    /// What is wrong with the handshake or a record of the connection to this host.
    pub(super) fn new(error: rustls::Error, host: &str) -> Self {
        use rustls::Error as E;
        let problem = match &error {
            E::InvalidCertificate(certificate) => certificate_problem(certificate, host),
            E::AlertReceived(alert) => alert_problem(*alert),
            E::PeerIncompatible(_) => {
                "the server and this client have no version or cipher of TLS in common: the server \
                 has to offer TLS 1.2 or 1.3"
                    .to_owned()
            }
            E::InvalidMessage(_) => {
                "the server does not speak TLS on this port: check the scheme and port of the base URL"
                    .to_owned()
            }
            _ => "the server does not keep to TLS".to_owned(),
        };
        let message = format!("a secure connection could not be made: {problem}");
        TlsFailure { kind: Kind::Network, message, source: Some(error) }
    }

    /// A host that no certificate can name.
    pub(super) fn name(host: &str) -> Self {
        let message = format!("no certificate can be for a host of this name: {host}");
        TlsFailure { kind: Kind::Configuration, message, source: None }
    }

    pub(super) fn setup(problem: &str, error: rustls::Error) -> Self {
        let message = format!("{problem}: {error}");
        TlsFailure { kind: Kind::Configuration, message, source: Some(error) }
    }

    pub(super) fn no_roots(variable: &str) -> Self {
        let message = format!("{variable} is set, but no certificate can be read from it");
        TlsFailure { kind: Kind::Configuration, message, source: None }
    }

    pub(crate) fn into_error(self) -> Error {
        let error = Error::new(self.kind, &self.message).with_retryable(false);
        match self.source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}

fn certificate_problem(error: &CertificateError, host: &str) -> String {
    use CertificateError as C;
    match error {
        C::UnknownIssuer => {
            "the server's certificate is from an unknown issuer (unknown CA): if it \
             is your own CA's, name it with ca_file"
                .to_owned()
        }
        C::NotValidForName | C::NotValidForNameContext { .. } => {
            format!("the server's certificate is for another host than {host}: check the base URL")
        }
        C::Expired | C::ExpiredContext { .. } => "the server's certificate has expired: its owner \
             has to renew it; check this machine's clock, too"
            .to_owned(),
        C::NotValidYet | C::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet: \
             check this machine's clock"
                .to_owned()
        }
        C::Revoked => "the server's certificate was revoked".to_owned(),
        C::BadSignature => {
            "the server's certificate has a bad signature: something may be between \
             this machine and the server"
                .to_owned()
        }
        _ => "the server's certificate cannot be used".to_owned(),
    }
}

fn alert_problem(alert: AlertDescription) -> String {
    use AlertDescription as A;
    let problem = match alert {
        A::ProtocolVersion => {
            "the server and this client have no version of TLS in common: the server has to offer \
             TLS 1.2 or 1.3"
        }
        A::HandshakeFailure | A::InsufficientSecurity => {
            "the server and this client have no version or cipher of TLS in common"
        }
        A::UnrecognisedName => "the server does not know this host name: check the base URL",
        A::CertificateRequired => {
            "the server asks for a client certificate: name one with client_cert_file"
        }
        A::BadCertificate
        | A::UnsupportedCertificate
        | A::CertificateRevoked
        | A::CertificateExpired
        | A::CertificateUnknown
        | A::UnknownCA
        | A::AccessDenied => "the server does not accept the client certificate",
        _ => return format!("the server refused it ({alert:?})"),
    };
    problem.to_owned()
}
