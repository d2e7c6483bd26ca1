//! The handle of a running sandbox.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::error::StartError;
use crate::fault::Fault;
use crate::judge::Verdict;
use crate::log::LogEntry;
use crate::options::Builder;
use crate::quota::State;
use crate::server::{self, Shared};
use crate::stop::lock;
use crate::tls::{self, Door};

/// How long [`Sandbox::stop`] waits for threads at most. They end at once unless the machine is stuck.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running server on 127.0.0.1. It stops when this is dropped.
pub struct Sandbox {
    shared: Arc<Shared>,
    address: SocketAddr,
    thread: Mutex<Option<JoinHandle<()>>>,
    door: Option<Door>,
}

impl Sandbox {
    /// Options with their defaults: any free port, [`Behaviour::Server`](crate::Behaviour::Server),
    /// 20 requests a minute, no faults.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn start(options: Builder) -> Result<Self, StartError> {
        let port = options.port;
        let bind_error = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => StartError::PortInUse { port },
            _ => StartError::Bind { port, source },
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(bind_error)?;
        let address = listener.local_addr().map_err(bind_error)?;
        let shared = Arc::new(Shared::new(options, address.port()));
        let door = match shared.options.tls {
            Some(kind) => Some(tls::open(kind, &shared, address)?),
            None => None,
        };
        let thread = thread::Builder::new()
            .name("resayil-sandbox-accept".to_owned())
            .spawn({
                let shared = Arc::clone(&shared);
                move || server::accept(&listener, &shared)
            })
            .map_err(StartError::Thread)?;
        Ok(Self { shared, address, thread: Mutex::new(Some(thread)), door })
    }

    /// `http://127.0.0.1:PORT/v1`. The server's other base, `{origin}/api/v1`, works too.
    pub fn base_url(&self) -> String {
        self.shared.base_url()
    }

    /// `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> String {
        self.shared.origin.clone()
    }

    /// `https://localhost:PORT/v1`, where the sandbox speaks TLS as [`Builder::tls`] says.
    pub fn tls_base_url(&self) -> Option<String> {
        let port = self.door.as_ref()?.address.port();
        Some(format!("https://localhost:{port}/v1"))
    }

    /// The certificate of the CA that signs the sandbox's, as PEM; another one with each start.
    pub fn ca_pem(&self) -> Option<&str> {
        self.door.as_ref().map(|door| door.papers.ca.as_str())
    }

    /// A certificate that the CA signed for a client, and its private key, as PEM.
    pub fn client_cert_pem(&self) -> Option<(&str, &str)> {
        let papers = &self.door.as_ref()?.papers;
        Some((&papers.client_cert, &papers.client_key))
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The key that is accepted.
    pub fn api_key(&self) -> &str {
        &self.shared.options.api_key.0
    }

    /// Every request so far in order of arrival, but for the control plane's. An entry is complete
    /// when `finished` is true; status and `answered` are there before a client has the whole answer.
    pub fn log(&self) -> Vec<LogEntry> {
        self.shared.log.entries()
    }

    /// What the log says about the program that sent the requests. `failed` says that the program itself
    /// told of a failure: then it has not taken a broken stream for whole.
    pub fn verdict(&self, failed: bool) -> Verdict {
        self.shared.verdict(failed)
    }

    /// The state of quota, credits and connections.
    pub fn state(&self) -> State {
        self.shared.state()
    }

    /// Appends a fault to the script; see [`Fault`] for which request it befalls. A fault that does not
    /// [validate](Fault::validate) becomes a 500 that says why.
    pub fn push_fault(&self, fault: Fault) {
        self.shared.account.push_fault(fault);
    }

    /// Changes the requests a window, from now on.
    pub fn set_limit(&self, limit: u32) {
        self.shared.account.set_limit(limit);
    }

    /// Changes the credits; `None` for unlimited.
    pub fn set_credits(&self, credits: Option<f64>) {
        self.shared.account.set_credits(credits);
    }

    /// Moves the server's clock by `seconds`, forward or (negative) back.
    pub fn advance_clock(&self, seconds: f64) {
        self.shared.clock.advance(seconds);
    }

    /// Forgets the log, the script, the quota used and changes of clock, limit and credits.
    pub fn reset(&self) {
        self.shared.reset();
    }

    /// Stops the server: no new connection is taken, open ones are closed, requests in progress end
    /// without an answer. Returns when its threads have ended. A second call does nothing.
    pub fn stop(&self) {
        if self.shared.stop.set() {
            // Wakes the thread from accept().
            let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
            self.shared.close_connections(PATIENCE);
        }
        if let Some(thread) = lock(&self.thread).take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("base_url", &self.base_url()).finish_non_exhaustive()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop();
    }
}
