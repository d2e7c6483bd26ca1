//! Who carries the calls to the fleet's server.

use std::sync::Arc;

use resayil_core::quota::fleet::FleetCall;

/// Why a call of a [fleet's quota](crate::FleetQuota) has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FleetFailure {
    /// The server answered with this error, such as `NOSCRIPT No matching script`.
    Server(String),
    /// It was not reached, or did not answer in time, for this reason. It must hold no secret.
    Lost(String),
}

/// Carries one call over a connection of the program's own, and gives the array of integers that the server
/// answers. It should not take longer than [`reply_timeout`](resayil_core::quota::fleet::FleetOptions), and must
/// not use the quota.
pub(crate) type CarryFleetCall = dyn Fn(&FleetCall) -> Result<Vec<i64>, FleetFailure> + Send + Sync;

/// A connection, in whatever way.
pub(super) trait Carry: Send {
    /// There may be time to make a connection.
    fn prepare(&mut self) {}

    /// The connection is of no use any more.
    fn close(&mut self) {}

    fn carry_out(&mut self, call: &FleetCall) -> Result<Vec<i64>, FleetFailure>;
}

/// One that the program has.
pub(super) struct Own(pub(super) Arc<CarryFleetCall>);

impl Carry for Own {
    fn carry_out(&mut self, call: &FleetCall) -> Result<Vec<i64>, FleetFailure> {
        (self.0)(call)
    }
}
