//! Headers and query parameters that the program adds to those of the client.

use std::fmt;

use http::{HeaderName, HeaderValue};
use resayil_core::{Error, Kind};

/// Headers that hold the message together, or that have an option of their own.
const RESERVED: &[(&str, &str)] = &[
    ("accept-encoding", "the client unpacks what it asks for itself"),
    ("connection", "it belongs to the connection"),
    ("content-length", "the client counts the body itself"),
    ("expect", "it belongs to the connection"),
    ("host", "the base URL names the host"),
    ("idempotency-key", "there is an option for it"),
    ("proxy-authorization", "it belongs to the proxy"),
    ("te", "it belongs to the connection"),
    ("trailer", "it belongs to the connection"),
    ("transfer-encoding", "the client frames the body itself"),
    ("upgrade", "it belongs to the connection"),
];

/// What is added to requests; of two of one name the later one counts. Nothing prints the values.
#[derive(Clone, Default)]
pub(crate) struct Extras {
    headers: Vec<(String, String)>,
    query: Vec<(String, String)>,
}

/// Headers that can be sent.
pub(crate) type ExtraHeaders = Vec<(HeaderName, HeaderValue)>;

impl Extras {
    pub(crate) fn add_header(&mut self, name: &str, value: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn add_query(&mut self, name: &str, value: &str) {
        self.query.retain(|(known, _)| known != name);
        self.query.push((name.to_owned(), value.to_owned()));
    }

    /// These, and `later` in front of them.
    pub(crate) fn with(&self, later: &Extras) -> Extras {
        let mut all = self.clone();
        later.headers.iter().for_each(|(name, value)| all.add_header(name, value));
        later.query.iter().for_each(|(name, value)| all.add_query(name, value));
        all
    }

    /// The headers as they are sent.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`] for one that cannot be sent, or that the client sets itself.
    pub(crate) fn headers(&self) -> Result<ExtraHeaders, Error> {
        self.headers.iter().map(|(name, value)| header(name, value)).collect()
    }

    /// A URL with the parameters: those of the same name that it has are replaced.
    pub(crate) fn url(&self, url: String) -> String {
        if self.query.is_empty() {
            return url;
        }
        let (path, query) = url.split_once('?').unwrap_or((&url, ""));
        let encoded: Vec<(String, String)> = self
            .query
            .iter()
            .map(|(name, value)| (percent_encoded(name), percent_encoded(value)))
            .collect();
        let is_replaced = |part: &str| {
            let name = part.split_once('=').map_or(part, |(name, _)| name);
            encoded.iter().any(|(known, _)| known == name)
        };
        let mut parts: Vec<String> = query
            .split('&')
            .filter(|part| !part.is_empty() && !is_replaced(part))
            .map(str::to_owned)
            .collect();
        parts.extend(encoded.iter().map(|(name, value)| format!("{name}={value}")));
        format!("{path}?{}", parts.join("&"))
    }
}

impl fmt::Debug for Extras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |list: &[(String, String)]| -> Vec<String> {
            list.iter().map(|(name, _)| name.clone()).collect()
        };
        f.debug_struct("Extras")
            .field("headers", &names(&self.headers))
            .field("query", &names(&self.query))
            .finish()
    }
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Error> {
    let shown: String = name.chars().take(64).collect();
    let invalid =
        |problem: &str| Error::new(Kind::Configuration, &format!("the header {shown:?} {problem}"));
    let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
        return Err(invalid("is no name of a header"));
    };
    if let Some((_, why)) = RESERVED.iter().find(|(reserved, _)| *reserved == name.as_str()) {
        return Err(invalid(&format!("cannot be set: {why}")));
    }
    let Ok(mut value) = HeaderValue::from_str(value) else {
        return Err(invalid("has a value that cannot be sent: it has to be visible ASCII"));
    };
    value.set_sensitive(true);
    Ok((name, value))
}

/// RFC 3986 section 2.3: what is not unreserved is encoded.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_ones_count_and_values_are_not_shown() {
        let mut first = Extras::default();
        first.add_header("X-Team", "a");
        first.add_query("api-version", "1");
        let mut later = Extras::default();
        later.add_header("x-team", "secret");
        later.add_query("key", "a b&c");
        let both = first.with(&later);
        let headers = both.headers().unwrap();
        assert_eq!((headers.len(), headers[0].1.to_str().unwrap()), (1, "secret"));
        assert_eq!(
            both.url("https://h/v1/x?a=1&key=old".to_owned()),
            "https://h/v1/x?a=1&api-version=1&key=a%20b%26c"
        );
        assert!(!format!("{both:?}").contains("secret"));
        assert_eq!(Extras::default().url("https://h/?a".to_owned()), "https://h/?a");
    }

    #[test]
    fn what_cannot_be_sent_is_refused_without_its_value() {
        for (name, value) in
            [("Host", "secret"), ("a b", "secret"), ("", "secret"), ("X-A", "secret\r\nX-B: 1")]
        {
            let mut extras = Extras::default();
            extras.add_header(name, value);
            let error = extras.headers().unwrap_err();
            assert_eq!(error.kind(), Kind::Configuration, "{name}");
            assert!(!format!("{error}{error:?}").contains("secret"), "{name}");
        }
    }
}
