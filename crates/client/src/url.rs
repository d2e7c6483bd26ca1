//! The base URL and what is joined to it.

use http::Uri;
use resayil_core::{Error, Kind};

use crate::transport::is_loopback;

/// The API's address, checked.
#[derive(Clone, Debug)]
pub(crate) struct BaseUrl {
    /// Without a slash at the end, and without the query.
    base: String,
    /// The query without its `?`; often empty.
    query: String,
    origin: Origin,
}

/// Where an address is, without its path.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// Scheme, host and port, as they are written in the address.
    pub(crate) text: String,
    /// Host and port, as they are written in the address.
    pub(crate) authority: String,
    /// With brackets if it is an IPv6 address.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) is_https: bool,
}

impl BaseUrl {
    pub(crate) fn new(text: &str, allow_http: bool) -> Result<Self, Error> {
        let bad = |problem: &str| Err(Error::new(Kind::Configuration, problem));
        let Ok(uri) = text.parse::<Uri>() else {
            return bad("the base URL cannot be read: it looks like https://host/v1");
        };
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return bad("the base URL has to be whole: https://host/v1");
        };
        if authority.host().is_empty() {
            return bad("the base URL names no host");
        }
        if authority.as_str().contains('@') {
            return bad("the base URL contains a user name: remove it, keys go elsewhere");
        }
        let is_https = scheme == "https";
        let port = match authority.port_u16() {
            Some(port) if port > 0 => port,
            None if authority.port().is_none() && !authority.as_str().ends_with(':') => {
                if is_https { 443 } else { 80 }
            }
            _ => return bad("the port of the base URL is not between 1 and 65535"),
        };
        if text.contains('#') {
            return bad("the base URL contains a fragment: remove it");
        }
        match scheme {
            "https" => {}
            "http" if allow_http || is_loopback(authority.host()) => {}
            "http" => {
                return bad(
                    "the base URL is plain http, which would show the key to the network: \
                     use https, or allow_http if you are sure",
                );
            }
            _ => return bad("the base URL has to begin with https://"),
        }
        Ok(BaseUrl {
            base: text.split('?').next().unwrap_or(text).trim_end_matches('/').to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            origin: Origin {
                text: format!("{scheme}://{authority}"),
                authority: authority.as_str().to_owned(),
                host: authority.host().to_owned(),
                port,
                is_https,
            },
        })
    }

    /// The address without its query and without a slash at its end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The whole address, without a slash at the end of its path.
    pub(crate) fn whole(&self) -> String {
        match self.query.as_str() {
            "" => self.base.clone(),
            query => format!("{}?{query}", self.base),
        }
    }

    /// Scheme, host and port.
    pub(crate) fn origin(&self) -> &str {
        &self.origin.text
    }

    /// The parts of the origin.
    pub(crate) fn parts(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn host(&self) -> &str {
        &self.origin.host
    }

    /// The URL of a path below the base, with the base's query.
    pub(crate) fn join(&self, path: &str) -> Result<String, Error> {
        let path = path.trim_start_matches('/');
        let good = !path.is_empty()
            && path.len() <= 1024
            && path.bytes().all(|byte| byte.is_ascii_graphic() && !b"#\\\"<>".contains(&byte))
            && !path.contains("://")
            && path.split(['/', '?']).all(|part| part != "..");
        if !good {
            return Err(Error::new(
                Kind::Configuration,
                "the path has to be below the base URL, such as chat/completions",
            ));
        }
        let joint = if path.contains('?') { '&' } else { '?' };
        Ok(match self.query.as_str() {
            "" => format!("{}/{path}", self.base),
            query => format!("{}/{path}{joint}{query}", self.base),
        })
    }

    /// The URL of a path of the host.
    pub(crate) fn join_origin(&self, path: &str) -> String {
        format!("{}/{path}", self.origin.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_addresses_are_refused() {
        for bad in [
            "",
            "llmapi.resayil.io/v1",
            "ftp://host/v1",
            "http://example.com/v1",
            "https://user:word@host/v1",
            "https://host/v1#part",
            "https:///v1",
            "http://localhost.example.com/v1",
            "https://ho st/v1",
        ] {
            assert_eq!(BaseUrl::new(bad, false).unwrap_err().kind(), Kind::Configuration, "{bad}");
        }
        for good in
            ["https://host/v1/", "http://127.0.0.1:80/v1", "http://[::1]:8/v1", "http://localhost"]
        {
            assert!(BaseUrl::new(good, false).is_ok(), "{good}");
        }
        assert!(BaseUrl::new("http://example.com/v1", true).is_ok());
    }

    #[test]
    fn the_query_of_the_base_follows_each_path() {
        let url = BaseUrl::new("https://host/v1/?api-version=1", false).unwrap();
        assert_eq!(url.whole(), "https://host/v1?api-version=1");
        assert_eq!(url.join("a").unwrap(), "https://host/v1/a?api-version=1");
        assert_eq!(url.join("a?b=2").unwrap(), "https://host/v1/a?b=2&api-version=1");
    }

    #[test]
    fn paths_stay_below_the_base() {
        let url = BaseUrl::new("https://host:81/api/v1/", false).unwrap();
        assert_eq!(
            url.join("/chat/completions").unwrap(),
            "https://host:81/api/v1/chat/completions"
        );
        assert_eq!(url.join_origin("x"), "https://host:81/x");
        for bad in ["", "/", "../x", "a/../b", "https://elsewhere/x", "a b", "a\r\nb", "a#b"] {
            assert!(url.join(bad).is_err(), "{bad:?}");
        }
    }
}
