//! Asking a SOCKS proxy for a way: RFC 1928, with user and password by RFC 1929.

use std::net::{IpAddr, SocketAddr};

use super::{Proxy, ProxyFailure};
use crate::transport::channel::{Channel, write_all};
use crate::transport::failure::Failure;
use crate::transport::names::bare;
use crate::transport::patience::Patience;

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;

/// Makes `channel` one to `host` and `port`, or to `address` where the name was looked up here.
///
/// # Errors
///
/// The proxy refuses, does not answer as a proxy does, or the time is over.
pub(in crate::transport) fn open(
    channel: &mut dyn Channel,
    proxy: &Proxy,
    host: &str,
    port: u16,
    address: Option<SocketAddr>,
    patience: Patience<'_>,
) -> Result<(), Failure> {
    let greeting: &[u8] = match &proxy.user {
        Some(_) => &[VERSION, 2, NO_AUTHENTICATION, USER_AND_PASSWORD],
        None => &[VERSION, 1, NO_AUTHENTICATION],
    };
    write_all(channel, greeting, patience)?;
    let refused = |problem| Err(ProxyFailure::of(proxy, problem, false));
    match (read::<2>(channel, patience)?, &proxy.user) {
        ([VERSION, NO_AUTHENTICATION], _) => {}
        ([VERSION, USER_AND_PASSWORD], Some((name, password))) => {
            let mut login = vec![1, length(name)];
            login.extend_from_slice(name.as_bytes());
            login.push(length(password));
            login.extend_from_slice(password.as_bytes());
            write_all(channel, &login, patience)?;
            if read::<2>(channel, patience)?[1] != 0 {
                return refused("does not know this user and password");
            }
        }
        ([VERSION, _], _) => return refused("wants a user and a password that it knows"),
        _ => return Err(Failure::Protocol("the proxy's answer")),
    }
    let mut request = vec![VERSION, 1, 0];
    match address.map(|address| address.ip()).or_else(|| bare(host).parse().ok()) {
        Some(IpAddr::V4(ip)) => {
            request.push(1);
            request.extend_from_slice(&ip.octets());
        }
        Some(IpAddr::V6(ip)) => {
            request.push(4);
            request.extend_from_slice(&ip.octets());
        }
        None if host.len() <= 255 => {
            request.extend_from_slice(&[3, length(host)]);
            request.extend_from_slice(host.as_bytes());
        }
        None => return refused("takes no host name as long as this"),
    }
    request.extend_from_slice(&port.to_be_bytes());
    write_all(channel, &request, patience)?;
    let [version, reply, _, kind] = read::<4>(channel, patience)?;
    if version != VERSION {
        return Err(Failure::Protocol("the proxy's answer"));
    }
    if reply != 0 {
        let (problem, retryable) = meaning(reply);
        return Err(ProxyFailure::of(proxy, problem, retryable));
    }
    // The address that it uses, which nobody needs.
    let rest = match kind {
        1 => 4,
        4 => 16,
        3 => usize::from(read::<1>(channel, patience)?[0]),
        _ => return Err(Failure::Protocol("the proxy's answer")),
    };
    for _ in 0..rest + 2 {
        read::<1>(channel, patience)?;
    }
    Ok(())
}

/// No text here is longer than 255 bytes.
fn length(text: &str) -> u8 {
    u8::try_from(text.len()).unwrap_or(u8::MAX)
}

fn read<const N: usize>(
    channel: &mut dyn Channel,
    patience: Patience<'_>,
) -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    let mut filled = 0;
    while filled < N {
        match channel.read(&mut bytes[filled..], patience)? {
            0 => return Err(Failure::closed()),
            count => filled += count,
        }
    }
    Ok(bytes)
}

/// What a reply says, and whether it may be another one the next time.
fn meaning(reply: u8) -> (&'static str, bool) {
    match reply {
        2 => ("does not allow connections to the service", false),
        3 => ("cannot reach the network of the service", true),
        4 => ("cannot reach the service's host", true),
        5 => ("found that the service refuses connections", true),
        6 => ("found no answer of the service in time", true),
        7 | 8 => ("cannot make such connections", false),
        _ => ("failed", true),
    }
}
