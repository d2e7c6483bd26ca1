//! Where the fleet's server is, by its URL.

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};
use resayil_core::{Error, Kind};

/// The server, with what it takes to get in. It is never printed but as host and port.
#[derive(Clone)]
pub(super) struct Address {
    info: ConnectionInfo,
    shown: String,
}

impl Address {
    pub(super) fn new(url: &str) -> Result<Self, Error> {
        // The parser's own message may hold a part of the URL, and so of the password.
        let unusable = || {
            invalid(
                "the fleet's URL cannot be used: it has to be redis://, rediss:// or redis+unix://, then \
                 user:password@ if need be, host:port and /database",
            )
        };
        let mut info = url.trim().into_connection_info().map_err(|_| unusable())?;
        let settings = info.redis_settings().clone();
        let mut given = settings;
        if given.password().is_none() {
            if let Some(password) = from_env("RESAYIL_FLEET_PASSWORD") {
                if let (None, Some(user)) = (given.username(), from_env("RESAYIL_FLEET_USERNAME")) {
                    given = given.set_username(user);
                }
                given = given.set_password(password);
            }
        }
        info = info.set_redis_settings(given);
        let shown = match info.addr() {
            ConnectionAddr::Tcp(host, port) => format!("{host}:{port}"),
            ConnectionAddr::TcpTls { host, port, insecure, .. } => {
                if *insecure {
                    return Err(invalid(
                        "the fleet's URL must not end in #insecure: the server's certificate is checked",
                    ));
                }
                prepare_tls()?;
                format!("{host}:{port}")
            }
            ConnectionAddr::Unix(path) => path.display().to_string(),
            _ => return Err(unusable()),
        };
        Ok(Address { info, shown })
    }

    pub(super) fn info(&self) -> &ConnectionInfo {
        &self.info
    }

    /// Host and port, without user and password.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }
}

/// Makes sure that TLS has a crypto provider: without one it would panic when the connection is made.
#[cfg(feature = "fleet-tls")]
fn prepare_tls() -> Result<(), Error> {
    use rustls::crypto::CryptoProvider;
    if CryptoProvider::get_default().is_none() {
        // Another thread may have been faster.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    match CryptoProvider::get_default() {
        Some(_) => Ok(()),
        None => Err(invalid("TLS for the fleet's server has no crypto provider in this process")),
    }
}

#[cfg(not(feature = "fleet-tls"))]
fn prepare_tls() -> Result<(), Error> {
    Err(invalid("rediss:// needs the cargo feature fleet-tls"))
}

fn from_env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn invalid(problem: &str) -> Error {
    Error::new(Kind::Configuration, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_their_secrets_are_not_shown() {
        let address = Address::new("redis://user:secret@redis.internal:6380/2").unwrap();
        assert_eq!(address.shown(), "redis.internal:6380");
        assert_eq!(address.info().redis_settings().password(), Some("secret"));
        assert_eq!(Address::new("redis://localhost").unwrap().shown(), "localhost:6379");
        #[cfg(unix)]
        assert_eq!(
            Address::new("redis+unix:///run/redis.sock").unwrap().shown(),
            "/run/redis.sock"
        );
        for bad in
            ["", "http://user:secret@host", "redis://:secret@host:port/x", "rediss://h#insecure"]
        {
            let error = Address::new(bad).err().unwrap();
            assert_eq!(error.kind(), Kind::Configuration, "{bad}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }
}
