//! The hosts that need no proxy, as curl reads `NO_PROXY`.
//!
//! A list, separated by commas or blanks. `*` alone is every host. A name stands for itself and all names
//! below it; a dot in front of it or behind it says nothing more. For a host that is an address, an
//! address stands for itself and one with `/bits` for its network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::transport::names::bare;

/// Whether the list names this host.
pub(super) fn is_exempt(host: &str, list: &str) -> bool {
    if list == "*" {
        return true;
    }
    let mut tokens = list.split([',', ' ', '\t']).filter(|token| !token.is_empty());
    match bare(host).parse::<IpAddr>() {
        Ok(address) => tokens.any(|token| is_in_network(address, token)),
        Err(_) => {
            let host = host.strip_suffix('.').unwrap_or(host);
            tokens.any(|token| is_below(host, token))
        }
    }
}

fn is_below(host: &str, token: &str) -> bool {
    let token = token.strip_suffix('.').unwrap_or(token);
    let token = token.strip_prefix('.').unwrap_or(token);
    let Some(rest) = host.len().checked_sub(token.len()) else { return false };
    if token.is_empty() || !host.is_char_boundary(rest) {
        return false;
    }
    let (above, end) = host.split_at(rest);
    end.eq_ignore_ascii_case(token) && (above.is_empty() || above.ends_with('.'))
}

fn is_in_network(address: IpAddr, token: &str) -> bool {
    let (network, bits) = match token.split_once('/') {
        None => (token, None),
        Some((network, bits)) => match bits.parse::<u32>() {
            Ok(bits) => (network, Some(bits)),
            Err(_) => return false,
        },
    };
    match address {
        IpAddr::V4(address) => network.parse::<Ipv4Addr>().is_ok_and(|network| {
            let bits = bits.unwrap_or(32);
            same_start(address.to_bits().into(), network.to_bits().into(), bits, 32)
        }),
        IpAddr::V6(address) => bare(network).parse::<Ipv6Addr>().is_ok_and(|network| {
            same_start(address.to_bits(), network.to_bits(), bits.unwrap_or(128), 128)
        }),
    }
}

/// Whether the first bits are the same; none at all count as all, as with curl.
fn same_start(one: u128, other: u128, bits: u32, of: u32) -> bool {
    match bits {
        0 => one == other,
        bits if bits > of => false,
        bits => (one ^ other) >> (of - bits) == 0,
    }
}
