//! The proxy that the environment names, as curl reads it.
//!
//! `https_proxy` or `HTTPS_PROXY` for https, `http_proxy` for http, else `all_proxy` or `ALL_PROXY`; the
//! name in small letters comes first, and what is empty is not set. Unlike curl, `HTTP_PROXY` counts, too,
//! as other clients have it; but not where `REQUEST_METHOD` is set, for there a request's header `Proxy`
//! would name it (CGI, "httpoxy"). `no_proxy` or `NO_PROXY` lists the hosts that need none.

use std::ffi::OsString;

use resayil_core::{Error, Kind};

use super::Proxy;
use super::no_proxy::is_exempt;

/// The proxy for requests to this host.
///
/// # Errors
///
/// [`Kind::Configuration`] for a variable that names no proxy that can be used.
pub(crate) fn from_environment(
    variable: impl Fn(&str) -> Option<OsString>,
    is_https: bool,
    host: &str,
) -> Result<Option<Proxy>, Error> {
    let names: &[&str] = match is_https {
        true => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        false if variable("REQUEST_METHOD").is_some() => &["http_proxy", "all_proxy", "ALL_PROXY"],
        false => &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
    };
    let Some((name, value)) = first(&variable, names) else { return Ok(None) };
    if let Some((_, exempt)) = first(&variable, &["no_proxy", "NO_PROXY"]) {
        // What is not text names no host that is.
        if is_exempt(host, &exempt.to_string_lossy()) {
            return Ok(None);
        }
    }
    let source = format!("the environment variable {name}");
    match value.to_str() {
        Some(text) => Proxy::parse(text, &source).map(Some),
        None => Err(Error::new(Kind::Configuration, &format!("{source} is not text"))),
    }
}

fn first<'a>(
    variable: impl Fn(&str) -> Option<OsString>,
    names: &[&'a str],
) -> Option<(&'a str, OsString)> {
    names.iter().find_map(|name| {
        let value = variable(name).filter(|value| !value.is_empty())?;
        Some((*name, value))
    })
}
