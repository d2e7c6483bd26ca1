//! A proxy that did not open the way: nothing reached the service.

use resayil_core::{Error, Kind};

use super::Proxy;
use crate::transport::failure::Failure;

/// What a proxy did instead of opening the way.
#[derive(Debug)]
pub(crate) struct ProxyFailure {
    /// Without user and password.
    proxy: String,
    problem: String,
    retryable: bool,
    source: Option<std::io::Error>,
}

impl ProxyFailure {
    pub(super) fn of(proxy: &Proxy, problem: &str, retryable: bool) -> Failure {
        let (proxy, problem) = (proxy.to_string(), problem.to_owned());
        Failure::Proxy(ProxyFailure { proxy, problem, retryable, source: None })
    }

    /// Its answer to CONNECT, or a 407 to the request itself.
    pub(crate) fn status(proxy: &Proxy, status: u16) -> Failure {
        let problem = match status {
            407 => "answered 407, it wants a user and a password that it knows".to_owned(),
            _ => format!("answered {status}"),
        };
        // What it refuses it refuses again.
        ProxyFailure::of(proxy, &problem, !(400..500).contains(&status))
    }

    /// What happened on the way to the proxy or in talking to it.
    pub(crate) fn on_the_way(proxy: &Proxy, failure: Failure) -> Failure {
        let name = proxy.to_string();
        let (problem, source) = match failure {
            Failure::HostNotFound(_) => ("has a host name that was not found", None),
            Failure::Network(error) => ("cannot be reached, or closed the connection", Some(error)),
            Failure::Protocol(_) => ("does not answer as a proxy does", None),
            other => return other,
        };
        let problem = problem.to_owned();
        Failure::Proxy(ProxyFailure { proxy: name, problem, retryable: true, source })
    }

    pub(crate) fn into_error(self) -> Error {
        let (proxy, problem) = (self.proxy, self.problem);
        let message = format!("the proxy {proxy} {problem}; nothing was sent to the service");
        let error = Error::new(Kind::Network, &message).with_retryable(self.retryable);
        match self.source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}
