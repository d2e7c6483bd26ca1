//! Connections that know which attempt they serve: they end with it, and tell how far it came.

use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout, RustlsConnector,
    ShutdownHandle, TcpConnector, Transport,
};
use ureq::{Error, Timeout};

use super::progress::Progress;

/// The connections of a client: perhaps through a proxy, over TCP, perhaps with TLS.
pub(super) fn connector() -> impl Connector {
    ().chain(ConnectProxyConnector::default())
        .chain(Socket)
        .chain(RustlsConnector::default())
        .chain(Exchange)
}

/// Opens TCP connections whose waits end with the attempt or its cancellation.
#[derive(Debug)]
struct Socket;

impl<In: Transport> Connector<In> for Socket {
    type Out = SocketTransport<<TcpConnector as Connector<In>>::Out>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        // The connector tells ureq's agent how to shut the socket down, and so this one as well.
        let told: Arc<Mutex<Option<Weak<dyn ShutdownHandle>>>> = Arc::default();
        let register = {
            let told = Arc::clone(&told);
            let outer = Arc::clone(&details.register_shutdown);
            move |handle: Weak<dyn ShutdownHandle>| {
                *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(handle.clone());
                outer(handle)
            }
        };
        let details = ConnectionDetails {
            uri: details.uri,
            addrs: details.addrs.clone(),
            config: details.config,
            request_level: details.request_level,
            resolver: details.resolver,
            now: details.now,
            timeout: capped(details.timeout),
            current_time: Arc::clone(&details.current_time),
            run_connector: Arc::clone(&details.run_connector),
            register_shutdown: Arc::new(register),
        };
        let inner = TcpConnector::default().connect(&details, chained)?;
        let handle = told.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(inner.map(|inner| SocketTransport { inner, handle }))
    }
}

struct SocketTransport<T> {
    inner: T,
    /// `None` for a proxied connection, which is watched by its own socket.
    handle: Option<Weak<dyn ShutdownHandle>>,
}

impl<T: Transport> SocketTransport<T> {
    fn watched<R>(
        &mut self,
        timeout: NextTimeout,
        operation: impl FnOnce(&mut T, NextTimeout) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let progress = Progress::current();
        let token = progress.as_ref().and_then(|progress| progress.cancel_token());
        let _watch = match (token, &self.handle) {
            (Some(token), Some(handle)) => match token.watch(Weak::clone(handle)) {
                Some(watch) => Some(watch),
                None => return Err(cancelled()),
            },
            _ => None,
        };
        operation(&mut self.inner, capped(timeout))
    }
}

impl<T: Transport> Transport for SocketTransport<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.watched(timeout, |inner, timeout| inner.transmit_output(amount, timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.watched(timeout, |inner, timeout| inner.await_input(timeout))
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

impl<T: fmt::Debug> fmt::Debug for SocketTransport<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// Watches the exchange itself, behind TLS: whether anything was sent, and whether anything came.
#[derive(Debug)]
struct Exchange;

impl<In: Transport> Connector<In> for Exchange {
    type Out = ExchangeTransport<In>;

    fn connect(
        &self,
        _: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        // What was sent until now went to a proxy.
        if let Some(progress) = Progress::current() {
            progress.on_connected();
        }
        Ok(chained.map(|inner| ExchangeTransport { inner, used: false }))
    }
}

#[derive(Debug)]
struct ExchangeTransport<T> {
    inner: T,
    /// Whether an answer came on this connection before.
    used: bool,
}

impl<T: Transport> Transport for ExchangeTransport<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if let Some(progress) = Progress::current() {
            progress.on_send(self.used);
        }
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let came = self.inner.await_input(timeout)?;
        if came {
            self.used = true;
            if let Some(progress) = Progress::current() {
                progress.on_received();
            }
        }
        Ok(came)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// The time-out, cut to what is left of the attempt.
fn capped(mut timeout: NextTimeout) -> NextTimeout {
    if let Some(progress) = Progress::current() {
        // Zero would mean no time-out at all further down.
        let left = progress.left().max(Duration::from_millis(1));
        if left < *timeout.after {
            timeout.after = left.into();
            timeout.reason = Timeout::Global;
        }
    }
    timeout
}

fn cancelled() -> Error {
    std::io::Error::new(std::io::ErrorKind::ConnectionAborted, "cancelled").into()
}

/// Looks names up, and stops waiting when the attempt ends or is cancelled.
#[derive(Debug, Default)]
pub(super) struct Names(DefaultResolver);

/// How often a look-up sees whether it was cancelled.
const LOOK_UP_POLL: Duration = Duration::from_millis(20);

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return self.0.resolve(uri, config, timeout);
        };
        let Some(host) = DefaultResolver::host_and_port(scheme, authority) else {
            return Err(Error::HostNotFound);
        };
        let found: Vec<SocketAddr> = match host.parse() {
            Ok(address) => vec![address],
            Err(_) => look_up(host, capped(timeout))?,
        };
        let mut result = self.0.empty();
        // The array holds 16.
        config.ip_family().keep_wanted(found.into_iter()).take(16).for_each(|a| result.push(a));
        if result.is_empty() { Err(Error::HostNotFound) } else { Ok(result) }
    }
}

fn look_up(host: String, timeout: NextTimeout) -> Result<Vec<SocketAddr>, Error> {
    let progress = Progress::current();
    let (sender, receiver) = mpsc::sync_channel(1);
    // The system's look-up cannot be interrupted, so that a thread is left behind if need be.
    std::thread::Builder::new()
        .name("resayil-look-up".to_owned())
        .spawn(move || sender.send(host.to_socket_addrs().map(Iterator::collect)))?;
    let start = Instant::now();
    loop {
        if progress.as_ref().is_some_and(|progress| progress.is_cancelled()) {
            return Err(cancelled());
        }
        let Some(left) = timeout.after.checked_sub(start.elapsed()).filter(|left| !left.is_zero())
        else {
            return Err(Error::Timeout(Timeout::Resolve));
        };
        match receiver.recv_timeout(left.min(LOOK_UP_POLL)) {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => return Err(Error::HostNotFound),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// Whether this host is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
