//! The quota of one API key, shared by the processes of many hosts.

mod address;
mod carrier;
mod connection;
mod key;
mod thread;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use resayil_core::quota::fleet::{FleetCall, FleetOptions, FleetSnapshot, FleetState, FleetWatch};
use resayil_core::{Error, Kind, Quota};

pub(crate) use carrier::CarryFleetCall;
pub use carrier::FleetFailure;
pub use key::fleet_key;

use crate::clock::{monotonic_now, wall_now};
use address::Address;
use carrier::{Carry, Own};
use connection::Connection;
use thread::Connect;

/// A [`Quota`] that all processes share which use the same Redis or Valkey, origin, key and window, on whatever
/// hosts and in whatever language.
///
/// What is used of the quota is kept there in one small key, by the [script](resayil_core::quota::fleet); its name
/// has a hash of origin and API key, and neither is in it. One thread of this process carries the calls, over
/// one connection: all who wait when it sends share one round trip, and nobody else waits for the network. It
/// is started with the quota, ends with it, and is started anew after a fork.
///
/// Where the server cannot be reached, or takes longer than
/// [`reply_timeout`](FleetOptions::reply_timeout), the process goes on alone with its share (see
/// [`FleetLoss`](resayil_core::quota::fleet::FleetLoss)), looks for the server every few seconds, and then counts
/// there what it sent in the meantime. The first such event is told by [`take_warning`](Self::take_warning).
///
/// Needs Redis 5, Valkey, or what understands their `EVAL`, `HSET`, `PEXPIRE` and `TIME`; see `docs/fleet.md`.
///
/// ```no_run
/// use resayil::{FleetQuota, monotonic_now};
/// use resayil::quota::QuotaOptions;
/// use resayil::quota::fleet::FleetOptions;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let options = FleetOptions::default().with_quota(QuotaOptions::default().with_limit(600));
/// let fleet = FleetQuota::open(
///     "redis://redis.internal:6379/0",
///     "https://llm.resayil.io",
///     "sk_llmr_example",
///     &options,
/// )?;
/// let (_ticket, _admission) = fleet.quota().acquire(monotonic_now());
/// # Ok(())
/// # }
/// ```
pub struct FleetQuota {
    quota: Quota,
    watch: FleetWatch,
    /// `None` for a connection of the program's own.
    address: Option<Address>,
    key: String,
    connect_timeout: Duration,
}

impl FleetQuota {
    /// The quota of this origin, such as `https://llm.resayil.io`, and API key, kept by the server of this URL:
    /// `redis://`, or with the cargo feature `fleet-tls` `rediss://`, then `user:password@` if need be, host,
    /// port (6379), and the database's number; or `redis+unix:///path`. A user and a password that the URL does
    /// not have are taken from the environment variables `RESAYIL_FLEET_USERNAME` and `RESAYIL_FLEET_PASSWORD`.
    /// It has to be used with [`monotonic_now`](crate::monotonic_now).
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`]: a URL that cannot be used, or an option out of its range. A server that cannot be
    /// reached is no error.
    pub fn open(
        url: &str,
        origin: &str,
        api_key: &str,
        options: &FleetOptions,
    ) -> Result<Self, Error> {
        let address = Address::new(url)?;
        let (server, options_of_connection) = (address.clone(), *options);
        let connect = move || -> Box<dyn Carry> {
            Box::new(Connection::new(server.clone(), &options_of_connection))
        };
        Self::start(Some(address), Box::new(connect), origin, api_key, options)
    }

    /// The same over a connection of the program's own: `carry` sends the words of a call
    /// ([`FleetCall::command`]) to the server and gives the array of integers that it answers. It is called by
    /// the quota's thread, one call at a time, should not take longer than
    /// [`reply_timeout`](FleetOptions::reply_timeout), and must not use the quota. So a pool that is there
    /// already, a cluster or a sentinel can be used.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`]: an option out of its range.
    pub fn open_with(
        carry: impl Fn(&FleetCall) -> Result<Vec<i64>, FleetFailure> + Send + Sync + 'static,
        origin: &str,
        api_key: &str,
        options: &FleetOptions,
    ) -> Result<Self, Error> {
        Self::open_over(Arc::new(carry), origin, api_key, options)
    }

    pub(crate) fn open_over(
        carry: Arc<CarryFleetCall>,
        origin: &str,
        api_key: &str,
        options: &FleetOptions,
    ) -> Result<Self, Error> {
        let connect = move || -> Box<dyn Carry> { Box::new(Own(Arc::clone(&carry))) };
        Self::start(None, Box::new(connect), origin, api_key, options)
    }

    fn start(
        address: Option<Address>,
        connect: Box<Connect>,
        origin: &str,
        api_key: &str,
        options: &FleetOptions,
    ) -> Result<Self, Error> {
        options.check().map_err(|error| Error::new(Kind::Configuration, &error.to_string()))?;
        let key = fleet_key(origin, api_key, options.quota.window);
        let (quota, link) = Quota::fleet(&key, options, wall_now(), monotonic_now());
        let watch = link.watch();
        thread::start(link, connect);
        Ok(FleetQuota { quota, watch, address, key, connect_timeout: options.connect_timeout })
    }

    /// The quota, for a client or for a loop of one's own.
    pub fn quota(&self) -> &Quota {
        &self.quota
    }

    /// Host and port of the server, or its path; without user and password.
    pub fn server(&self) -> &str {
        self.address.as_ref().map_or("a connection of the program's own", Address::shown)
    }

    /// What the server's key holds now, whoever wrote it; `None` if there is no such key. It is read over a
    /// connection of its own, and nothing is changed.
    ///
    /// # Errors
    ///
    /// [`Kind::Network`]: the server cannot be reached, or answers something else.
    /// [`Kind::Configuration`]: the connection is the program's own.
    pub fn snapshot(&self) -> Result<Option<FleetSnapshot>, Error> {
        let Some(address) = &self.address else {
            let problem = "the fleet's key can only be read over a connection that a URL names";
            return Err(Error::new(Kind::Configuration, problem));
        };
        connection::snapshot(address, &self.key, self.connect_timeout)
            .map_err(|problem| Error::new(Kind::Network, &problem))
    }

    /// What is known of the fleet.
    pub fn state(&self) -> FleetState {
        self.watch.state()
    }

    /// Why the quota is not shared, or was not for some time; once.
    pub fn take_warning(&self) -> Option<Error> {
        let problem = self.watch.take_warning()?;
        let message = format!(
            "the quota is not shared with the fleet over {}: {problem}; this process goes on alone",
            self.server()
        );
        Some(Error::new(Kind::Configuration, &message))
    }
}

impl fmt::Debug for FleetQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FleetQuota")
            .field("server", &self.server())
            .field("quota", &self.quota)
            .field("state", &self.state())
            .finish()
    }
}
