//! One HTTP/1.1 exchange: over what connection, within what limits, and failures as errors of the core.
//!
//! The connections are our own, on sockets that never block by themselves, so that the time, a
//! cancellation and the limits are looked at on every read and write, and so that an answer is read even
//! where the request could not be sent to its end.

mod body;
mod channel;
mod chunked;
mod coding;
mod connect;
mod dial;
mod exchange;
mod failure;
mod framing;
mod head;
mod incoming;
mod limits;
#[cfg(feature = "in-memory")]
mod memory;
mod names;
mod options;
mod patience;
mod pool;
mod progress;
mod proxy;
mod socket;
mod tls;
#[cfg(feature = "wire")]
pub(crate) mod wire;

use std::borrow::Cow;
use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use resayil_core::Error;

pub(crate) use body::{MAX_ERROR_BYTES, read_beginning, read_body};
use dial::Dialer;
use exchange::{Connection, Request};
pub(crate) use failure::Failure;
pub(crate) use incoming::Incoming;
pub(crate) use limits::{Limits, above_zero};
#[cfg(feature = "in-memory")]
pub(crate) use memory::Memory;
pub(crate) use names::is_loopback;
pub(crate) use options::{NetworkOptions, Pem, ProxyChoice};
use pool::Pool;
pub(crate) use progress::Progress;
use proxy::Proxy;
use proxy::ProxyFailure;

use crate::secret::ApiKey;
use crate::url::{BaseUrl, Origin};

/// The headers of an answer, in order; names in lower case.
pub(crate) type Headers = Vec<(String, Vec<u8>)>;

/// Sends requests to one origin, and receives the heads of answers.
pub(crate) struct Transport {
    dialer: Dialer,
    pool: Arc<Pool>,
    key: ApiKey,
    limits: Limits,
}

/// A request, but for the key.
pub(crate) struct Outgoing<'a> {
    /// Below the transport's origin.
    pub(crate) url: &'a str,
    /// `None` is a GET.
    pub(crate) body: Option<&'a [u8]>,
    pub(crate) idempotency_key: &'a str,
    /// Whether an event stream is asked for, which has to come uncompressed to come at once.
    pub(crate) stream: bool,
    /// Whether the connection has to be a new one.
    pub(crate) fresh_connection: bool,
    /// Headers that replace the client's own or come to them.
    pub(crate) headers: &'a [(HeaderName, HeaderValue)],
}

impl Transport {
    /// # Errors
    ///
    /// [`Kind::Configuration`](resayil_core::Kind::Configuration): a proxy, certificate or limit that
    /// cannot be used.
    pub(crate) fn new(
        url: &BaseUrl,
        key: ApiKey,
        user_agent: &str,
        options: &NetworkOptions,
    ) -> Result<Self, Error> {
        let dialer = Dialer {
            origin: url.parts().clone(),
            proxy: options.proxy(url.parts())?,
            tls: options.tls()?,
            user_agent: user_agent.to_owned(),
            #[cfg(feature = "in-memory")]
            memory: options.memory.clone(),
        };
        Ok(Transport { dialer, pool: Arc::default(), key, limits: options.limits })
    }

    /// What an answer may cost.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Sends the request and waits for the head of the answer, whatever its status.
    ///
    /// # Errors
    ///
    /// Why there is no answer; `progress` knows whether the service may have the request.
    pub(crate) fn send(
        &self,
        request: &Outgoing<'_>,
        progress: &Arc<Progress>,
    ) -> Result<Incoming, Failure> {
        let body = request.body.unwrap_or_default();
        let above = self.limits.expect_continue_above;
        let mut expects = above.is_some_and(|size| body.len() > size);
        loop {
            let kept = if request.fresh_connection { None } else { self.pool.take() };
            let mut connection = match kept {
                Some(connection) => connection,
                None => self.dialer.dial(&self.limits, progress)?,
            };
            let head = self.head(request, expects, &connection)?;
            let sent = Request { head: &head, body, expects };
            let answer = connection.exchange(&sent, &self.limits, progress)?;
            if answer.head.status == 417 && std::mem::take(&mut expects) {
                // RFC 9110 section 10.1.1: the same again without it.
                continue;
            }
            if let (407, Some(proxy)) = (answer.head.status, &connection.proxy) {
                return Err(ProxyFailure::status(proxy, 407));
            }
            let mut incoming =
                Incoming::new(answer, connection, &self.pool, progress, &self.limits);
            for (_, value) in &mut incoming.headers {
                if let Cow::Owned(masked) = self.key.own().mask_bytes(value) {
                    *value = masked;
                }
            }
            return Ok(incoming);
        }
    }

    fn head(
        &self,
        request: &Outgoing<'_>,
        expects: bool,
        connection: &Connection,
    ) -> Result<Vec<u8>, Failure> {
        let Origin { text, authority, .. } = &self.dialer.origin;
        let below = request.url.strip_prefix(text.as_str()).filter(|rest| rest.starts_with('/'));
        let Some(path) = below else {
            return Err(Failure::Unusable("the URL is of another origin".to_owned()));
        };
        let method = if request.body.is_some() { "POST" } else { "GET" };
        // RFC 9112 section 3.2.2: a proxy is told the whole address.
        let asked = if connection.proxy.is_some() { request.url } else { path };
        let mut head = format!("{method} {asked} HTTP/1.1\r\nHost: {authority}\r\n").into_bytes();
        let mut line = |name: &str, value: &[u8]| {
            for part in [name.as_bytes(), b": ", value, b"\r\n"] {
                head.extend_from_slice(part);
            }
        };
        let is_given = |own: &str| {
            request.headers.iter().any(|(name, _)| own.eq_ignore_ascii_case(name.as_str()))
        };
        for (name, value) in self.own_headers(request).iter().filter(|(name, _)| !is_given(name)) {
            line(name, value.as_bytes());
        }
        for (name, value) in request.headers {
            line(name.as_str(), value.as_bytes());
        }
        if expects {
            line("Expect", b"100-continue");
        }
        if let Some(authorization) = connection.proxy.as_ref().and_then(Proxy::authorization) {
            line("Proxy-Authorization", authorization.as_bytes());
        }
        head.extend_from_slice(b"\r\n");
        Ok(head)
    }

    /// What the client says by itself, unless the program says it.
    fn own_headers(&self, request: &Outgoing<'_>) -> Vec<(&'static str, String)> {
        // An error comes as JSON, and the server of LLM Resayil looks at the first alone.
        let accept = match request.stream {
            true => "application/json, text/event-stream",
            false => "application/json",
        };
        let coding = if request.stream { "identity" } else { "gzip" };
        let mut own = vec![
            ("Accept", accept.to_owned()),
            ("Accept-Encoding", coding.to_owned()),
            ("User-Agent", self.dialer.user_agent.clone()),
            ("Authorization", self.key.authorization()),
        ];
        if let Some(body) = request.body {
            own.push(("Content-Type", "application/json".to_owned()));
            own.push(("Content-Length", body.len().to_string()));
            own.push(("Idempotency-Key", request.idempotency_key.to_owned()));
        }
        own
    }
}
