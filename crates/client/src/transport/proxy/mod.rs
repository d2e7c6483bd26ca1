//! Proxies: which one serves an address, and how it opens the way.

mod environment;
mod failure;
mod no_proxy;
mod socks;
#[cfg(test)]
mod tests;
mod tunnel;

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use resayil_core::{Error, Kind};

pub(crate) use environment::from_environment;
pub(crate) use failure::ProxyFailure;
pub(super) use socks::open as open_socks;
pub(super) use tunnel::open as open_tunnel;

/// A proxy, checked.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Proxy {
    pub(super) scheme: Scheme,
    /// With brackets if it is an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
    /// User and password.
    pub(super) user: Option<(String, String)>,
}

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
    /// Names are looked up here.
    Socks5,
    /// Names are looked up by the proxy.
    Socks5h,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
            Scheme::Socks5 => "socks5",
            Scheme::Socks5h => "socks5h",
        }
    }
}

impl Proxy {
    /// Reads `[scheme://][user:password@]host[:port]`, as curl does: the scheme is `http` if none is
    /// given, the port 1080, and 443 for `https`. `source` says in the message where the text is from.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`] for what cannot be read or is not spoken; the message shows none of it.
    pub(crate) fn parse(text: &str, source: &str) -> Result<Self, Error> {
        let bad = |problem: &str| {
            let rest = "it looks like http://host:port, https://, socks5:// or socks5h://";
            Err(Error::new(Kind::Configuration, &format!("{source}: {problem}: {rest}")))
        };
        let text = text.trim();
        let (scheme, rest) = match text.split_once("://") {
            None => (Scheme::Http, text),
            Some((scheme, rest)) => match scheme.to_ascii_lowercase().as_str() {
                "http" => (Scheme::Http, rest),
                "https" => (Scheme::Https, rest),
                "socks5" => (Scheme::Socks5, rest),
                "socks5h" => (Scheme::Socks5h, rest),
                _ => return bad("the proxy's scheme is not supported"),
            },
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (user, address) = match authority.rsplit_once('@') {
            None => (None, authority),
            Some((user, address)) => {
                let (name, password) = user.split_once(':').unwrap_or((user, ""));
                match (decode(name), decode(password)) {
                    (Some(name), Some(password)) => (Some((name, password)), address),
                    _ => return bad("the proxy's user or password cannot be read"),
                }
            }
        };
        let port_at = address.rfind(':').filter(|&colon| !address[colon..].contains(']'));
        let (host, port) = match port_at {
            None => (address, if scheme == Scheme::Https { 443 } else { 1080 }),
            Some(colon) => match address[colon + 1..].parse() {
                Ok(port) if port > 0 => (&address[..colon], port),
                _ => return bad("the proxy's port is not between 1 and 65535"),
            },
        };
        let bracketed = host.starts_with('[') && host.ends_with(']');
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let good = match bracketed {
            true => host[1..host.len() - 1].parse::<std::net::Ipv6Addr>().is_ok(),
            false => !host.is_empty() && host.bytes().all(good),
        };
        if !good {
            return bad("the proxy's host cannot be read");
        }
        let too_long =
            |(name, password): &(String, String)| name.len() > 255 || password.len() > 255;
        if user.as_ref().is_some_and(too_long) {
            return bad("the proxy's user or password is longer than 255 bytes");
        }
        Ok(Proxy { scheme, host: host.to_owned(), port, user })
    }

    /// Whether it speaks HTTP itself.
    pub(super) fn is_http(&self) -> bool {
        matches!(self.scheme, Scheme::Http | Scheme::Https)
    }

    /// The value of `Proxy-Authorization`.
    pub(super) fn authorization(&self) -> Option<String> {
        let (name, password) = self.user.as_ref()?;
        Some(format!("Basic {}", BASE64_STANDARD.encode(format!("{name}:{password}"))))
    }
}

impl fmt::Display for Proxy {
    /// Without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme.name(), self.host, self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Takes `%xx` apart; nothing that would break a header may come of it.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, tail @ ..] = tail else { return None };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        bytes.push(u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?);
        rest = tail;
    }
    String::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}
