//! One HTTP exchange over ureq: limits, redirects off, and failures as errors of the core.

mod body;
mod connection;
mod failure;
mod progress;

use std::sync::Arc;
use std::time::Duration;

use ureq::http::{HeaderName, HeaderValue, header};
use ureq::{Agent, BodyReader};

pub(crate) use body::{MAX_ERROR_BYTES, read_beginning, read_body};
pub(crate) use connection::is_loopback;
pub(crate) use failure::Failure;
pub(crate) use progress::Progress;

/// The headers of an answer, in order; names in lower case.
pub(crate) type Headers = Vec<(String, Vec<u8>)>;

/// No connection is kept unused for longer than this.
const MAX_IDLE_AGE: Duration = Duration::from_secs(15);
/// No more connections are kept for later.
const MAX_IDLE_CONNECTIONS: usize = 64;
/// The largest head of an answer, in bytes.
const MAX_HEAD_BYTES: usize = 64 * 1024;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Sends requests and receives the heads of answers.
pub(crate) struct Transport {
    agent: Agent,
    authorization: HeaderValue,
}

/// A request, but for the key.
pub(crate) struct Outgoing<'a> {
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

/// The head of an answer, and the way to its body.
pub(crate) struct Incoming {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: BodyReader<'static>,
    /// The length that the head declares, unless the body is compressed.
    pub(crate) declared: Option<u64>,
}

impl Transport {
    /// `authorization` is a whole header value.
    pub(crate) fn new(
        mut authorization: HeaderValue,
        user_agent: &str,
        connect_timeout: Duration,
        use_proxy: bool,
    ) -> Self {
        authorization.set_sensitive(true);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(user_agent)
            .timeout_connect(Some(connect_timeout))
            .timeout_resolve(Some(connect_timeout))
            .max_idle_age(MAX_IDLE_AGE)
            .max_idle_connections(MAX_IDLE_CONNECTIONS)
            .max_idle_connections_per_host(MAX_IDLE_CONNECTIONS)
            .max_response_header_size(MAX_HEAD_BYTES);
        // A proxy of the environment has no way to this machine.
        let config = if use_proxy { config } else { config.proxy(None) }.build();
        let agent =
            Agent::with_parts(config, connection::connector(), connection::Names::default());
        Transport { agent, authorization }
    }

    /// Sends the request and waits for the head of the answer, whatever its status.
    pub(crate) fn send(
        &self,
        request: &Outgoing<'_>,
        progress: &Arc<Progress>,
    ) -> Result<Incoming, Failure> {
        let _entered = progress.enter();
        let accept = if request.stream {
            // An error comes as JSON, and the server of LLM Resayil looks at the first alone.
            "application/json, text/event-stream"
        } else {
            "application/json"
        };
        let result = match request.body {
            None => {
                let mut get = self.agent.get(request.url);
                for (name, value) in self.headers(request, accept) {
                    get = get.header(name, value);
                }
                get.call()
            }
            Some(body) => {
                let mut post = self.agent.post(request.url);
                for (name, value) in self.headers(request, accept) {
                    post = post.header(name, value);
                }
                if request.fresh_connection {
                    // Nothing in the pool is young enough.
                    post = post.config().max_idle_age(Duration::ZERO).build();
                }
                post.send(body)
            }
        };
        let response = result.map_err(Failure::from)?;
        let (head, body) = response.into_parts();
        let headers = head
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
            .collect();
        let declared = body.content_length();
        Ok(Incoming { status: head.status.as_u16(), headers, body: body.into_reader(), declared })
    }

    /// The headers of a request, but for those that ureq adds.
    fn headers(
        &self,
        request: &Outgoing<'_>,
        accept: &'static str,
    ) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let mut own = vec![
            (header::ACCEPT, HeaderValue::from_static(accept)),
            (header::AUTHORIZATION, self.authorization.clone()),
        ];
        if request.body.is_some() {
            own.push((header::CONTENT_TYPE, HeaderValue::from_static("application/json")));
            if let Ok(key) = HeaderValue::from_str(request.idempotency_key) {
                own.push((IDEMPOTENCY_KEY, key));
            }
        }
        if request.stream {
            own.push((header::ACCEPT_ENCODING, HeaderValue::from_static("identity")));
        }
        let given = request.headers;
        own.retain(|(name, _)| given.iter().all(|(replaced, _)| replaced != name));
        own.into_iter().chain(given.iter().cloned())
    }
}
