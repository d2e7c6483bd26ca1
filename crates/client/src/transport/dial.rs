//! Making a connection to the service: directly or through a proxy, and with TLS where it belongs.

use std::net::SocketAddr;
use std::sync::Arc;

use super::channel::Channel;
use super::connect::connect;
use super::exchange::Connection;
use super::failure::{Failure, Step};
use super::limits::Limits;
use super::names::look_up;
use super::patience::Patience;
use super::progress::Progress;
use super::proxy::{Proxy, ProxyFailure, Scheme, open_socks, open_tunnel};
use super::socket::Socket;
use super::tls::Tls;
use crate::url::Origin;

/// The way to one origin.
pub(super) struct Dialer {
    pub(super) origin: Origin,
    pub(super) proxy: Option<Proxy>,
    pub(super) tls: Arc<Tls>,
    pub(super) user_agent: String,
    #[cfg(feature = "in-memory")]
    pub(super) memory: Option<Arc<super::memory::Memory>>,
}

impl Dialer {
    /// Makes a new connection.
    ///
    /// # Errors
    ///
    /// There is no way, the time is over, or the call was cancelled. Nothing of the request was sent.
    pub(super) fn dial(&self, limits: &Limits, progress: &Progress) -> Result<Connection, Failure> {
        #[cfg(feature = "in-memory")]
        if let Some(memory) = &self.memory {
            return Ok(Connection::new(Box::new(memory.connect()), None));
        }
        let time = limits.connect_timeout;
        let Origin { host, port, is_https, .. } = &self.origin;
        let Some(proxy) = &self.proxy else {
            let patience = Patience::of(progress).at_most(time, Step::Connect);
            let addresses = look_up(host, *port, patience)?;
            let patience = Patience::of(progress).at_most(time, Step::Connect);
            let channel = Box::new(Socket::new(connect(&addresses, patience)?));
            return self.secured(channel, *is_https, None, patience);
        };
        let of_proxy = |failure| ProxyFailure::on_the_way(proxy, failure);
        let patience = Patience::of(progress).at_most(time, Step::Connect);
        let addresses = look_up(&proxy.host, proxy.port, patience).map_err(of_proxy)?;
        // A name that the proxy is not to look up; its failure is not the proxy's.
        let address = match proxy.scheme {
            Scheme::Socks5 => look_up(host, *port, patience)?.first().copied(),
            _ => None,
        };
        let patience = Patience::of(progress).at_most(time, Step::Connect);
        let channel = self.through(proxy, &addresses, address, patience).map_err(of_proxy)?;
        let asks_it = proxy.is_http() && !is_https;
        self.secured(channel, *is_https, asks_it.then(|| proxy.clone()), patience)
    }

    /// A way that the proxy opened.
    fn through(
        &self,
        proxy: &Proxy,
        addresses: &[SocketAddr],
        address: Option<SocketAddr>,
        patience: Patience<'_>,
    ) -> Result<Box<dyn Channel>, Failure> {
        let Origin { host, port, is_https, .. } = &self.origin;
        let mut channel: Box<dyn Channel> = Box::new(Socket::new(connect(addresses, patience)?));
        if proxy.scheme == Scheme::Https {
            channel = self.tls.secure(channel, &proxy.host, patience)?;
        }
        match proxy.scheme {
            Scheme::Http | Scheme::Https if *is_https => {
                open_tunnel(&mut *channel, proxy, host, *port, &self.user_agent, patience)?;
            }
            // It is asked for the whole address with each request.
            Scheme::Http | Scheme::Https => {}
            Scheme::Socks5 | Scheme::Socks5h => {
                open_socks(&mut *channel, proxy, host, *port, address, patience)?;
            }
        }
        Ok(channel)
    }

    fn secured(
        &self,
        channel: Box<dyn Channel>,
        is_https: bool,
        proxy: Option<Proxy>,
        patience: Patience<'_>,
    ) -> Result<Connection, Failure> {
        let channel = match is_https {
            true => self.tls.secure(channel, &self.origin.host, patience)?,
            false => channel,
        };
        Ok(Connection::new(channel, proxy))
    }
}
