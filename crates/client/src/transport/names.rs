//! Looking names up.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::failure::Failure;
use super::patience::Patience;

/// How often a look-up sees whether it was cancelled.
const CANCEL_POLL: Duration = Duration::from_millis(20);
/// No more addresses of a name are tried.
const MAX_ADDRESSES: usize = 16;

/// The addresses of a host. The system's look-up cannot be interrupted: where the time is over, or
/// the call was cancelled, its thread is left behind and the call goes on.
///
/// # Errors
///
/// There is no such name, the time is over, or the call was cancelled.
pub(super) fn look_up(
    host: &str,
    port: u16,
    patience: Patience<'_>,
) -> Result<Vec<SocketAddr>, Failure> {
    if let Ok(address) = bare(host).parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let not_found = || Failure::HostNotFound(host.to_owned());
    let (sender, receiver) = mpsc::sync_channel(1);
    let name = host.to_owned();
    std::thread::Builder::new().name("resayil-look-up".to_owned()).spawn(move || {
        let found = (name.as_str(), port).to_socket_addrs();
        // Nobody may wait any more.
        let _ = sender.send(found.map(|found| found.take(MAX_ADDRESSES).collect::<Vec<_>>()));
    })?;
    loop {
        match receiver.recv_timeout(patience.left()?.min(CANCEL_POLL)) {
            Ok(Ok(found)) if !found.is_empty() => return Ok(found),
            Ok(_) | Err(RecvTimeoutError::Disconnected) => return Err(not_found()),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// A host without the brackets that URLs have around IPv6 addresses.
pub(super) fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// Whether this host is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    bare(host).eq_ignore_ascii_case("localhost")
        || bare(host).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
