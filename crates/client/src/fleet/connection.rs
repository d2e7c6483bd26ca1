//! The connection to the fleet's server.

use std::time::Duration;

use redis::{ErrorKind, RedisError};
use resayil_core::quota::fleet::{FleetCall, FleetOptions, FleetSnapshot};

use super::address::Address;
use super::carrier::{Carry, FleetFailure};
use crate::clock::monotonic_now;

/// A connection that was silent for so long may have been closed by the server or by something in between.
const STALE: Duration = Duration::from_secs(10);

/// One connection, made when it is needed.
pub(super) struct Connection {
    address: Address,
    connect_timeout: Duration,
    reply_timeout: Duration,
    open: Option<redis::Connection>,
    used: Duration,
}

impl Connection {
    pub(super) fn new(address: Address, options: &FleetOptions) -> Self {
        Connection {
            address,
            connect_timeout: options.connect_timeout,
            reply_timeout: options.reply_timeout,
            open: None,
            used: Duration::ZERO,
        }
    }

    /// Connects if there is no connection.
    fn open(&mut self) -> Result<&mut redis::Connection, RedisError> {
        if self.open.is_some() && monotonic_now().saturating_sub(self.used) > STALE {
            let ping = redis::cmd("PING").exec(self.open.as_mut().ok_or(no_connection())?);
            if ping.is_err() {
                self.open = None;
            }
        }
        if self.open.is_none() {
            let client = redis::Client::open(self.address.info().clone())?;
            let connection = client.get_connection_with_timeout(self.connect_timeout)?;
            connection.set_read_timeout(Some(self.reply_timeout))?;
            connection.set_write_timeout(Some(self.reply_timeout))?;
            self.open = Some(connection);
        }
        self.used = monotonic_now();
        self.open.as_mut().ok_or(no_connection())
    }
}

impl Carry for Connection {
    fn prepare(&mut self) {
        // If it fails, so will the call.
        let _ = self.open();
    }

    fn close(&mut self) {
        self.open = None;
    }

    fn carry_out(&mut self, call: &FleetCall) -> Result<Vec<i64>, FleetFailure> {
        let connection = self.open().map_err(|error| FleetFailure::Lost(error.to_string()))?;
        let words = call.command();
        let mut command = redis::Cmd::new();
        words.iter().for_each(|word| {
            command.arg(word);
        });
        let result = command.query(connection);
        result.map_err(|error| match error.kind() {
            ErrorKind::Server(_) | ErrorKind::Extension => {
                let (code, detail) = (error.code(), error.detail());
                FleetFailure::Server(format!(
                    "{} {}",
                    code.unwrap_or("ERR"),
                    detail.unwrap_or_default()
                ))
            }
            ErrorKind::UnexpectedReturnType | ErrorKind::Parse => {
                FleetFailure::Lost("the answer is not the script's".to_owned())
            }
            _ if error.is_timeout() => FleetFailure::Lost(format!(
                "no answer within {:.3} s (reply_timeout)",
                self.reply_timeout.as_secs_f64()
            )),
            _ => FleetFailure::Lost(error.to_string()),
        })
    }
}

fn no_connection() -> RedisError {
    RedisError::from((ErrorKind::Io, "no connection"))
}

/// What the key holds, over a connection of its own.
pub(super) fn snapshot(
    address: &Address,
    key: &str,
    timeout: Duration,
) -> Result<Option<FleetSnapshot>, String> {
    let read = || {
        let mut connection =
            redis::Client::open(address.info().clone())?.get_connection_with_timeout(timeout)?;
        connection.set_read_timeout(Some(timeout))?;
        let (seconds, micros): (i64, i64) = redis::cmd("TIME").query(&mut connection)?;
        let fields: Vec<(String, String)> =
            redis::cmd("HGETALL").arg(key).query(&mut connection)?;
        Ok((seconds * 1000 + micros / 1000, fields))
    };
    let failed = |error: RedisError| {
        format!("the fleet's server {} cannot be read: {error}", address.shown())
    };
    let (now, fields) = read().map_err(failed)?;
    let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Ok(FleetSnapshot::from_fields(fields, now))
}
