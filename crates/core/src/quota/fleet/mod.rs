//! One quota for a fleet: for processes on many hosts, over Redis or Valkey.
//!
//! The core has no connection. It owns the [script](SCRIPT) that the server carries out, what it is asked and what
//! its answers mean; whoever has a connection carries [calls](FleetCall) for a [`FleetLink`]: the bundled thread
//! of the client, a pool that is there already, or a function of another language.
//!
//! Rules, each the lesson of a bug that users of other limiters met:
//!
//! - The script answers with a time, not with no. Who may not go yet gets a turn in the next window and asks
//!   again when it begins, so nobody polls, and a refusal elsewhere is known before anything is sent. State and
//!   work do not grow with members, requests or limits.
//! - Members take turns: none is promised more than its share of a window, by weight, while others may come.
//! - The server's `TIME` alone counts, and it does not go back. How far the provider's clock is ahead of it is
//!   an interval that all members narrow by the `Date` of answers.
//! - Whole numbers of milliseconds. One key, in a hash tag, without secrets. It lives for two windows, and two
//!   minutes at least, after the last call.
//! - `EVALSHA`, then `EVAL` where the server does not know the script; `SCRIPT LOAD` is never needed. A call that
//!   had no answer in time is not sent again: it may have counted.
//! - Without the server a member goes on [alone](FleetLoss) with its share, and says so once.

mod alone;
mod asked;
mod call;
mod link;
mod model;
mod options;
mod reply;
mod script;
mod shared;
mod snapshot;
mod state;
mod store;

use std::sync::{Arc, Mutex};
use std::time::Duration;

pub use call::FleetCall;
pub use link::{FleetLink, FleetStep, FleetWatch};
pub use model::FleetModel;
pub use options::{FleetLoss, FleetOptions};
pub use reply::FleetReply;
pub use script::{SCRIPT, SCRIPT_SHA1};
pub use snapshot::FleetSnapshot;
pub use state::FleetState;

use super::Quota;
use crate::timestamp::Timestamp;
use shared::Fleet;
use store::FleetStore;

impl Quota {
    /// A quota that a fleet shares under this key, and the link by which its calls are carried: see the
    /// [module](self). `wall` is the wall clock at `now`, as for [`Quota::new`].
    ///
    /// The link ends when the last clone of the quota is gone. Until the server answers for the first time, calls
    /// wait, and after [`FleetOptions::connect_timeout`] and [`reply_timeout`](FleetOptions::reply_timeout) the
    /// quota goes on alone.
    ///
    /// ```
    /// use std::task::Waker;
    /// use std::time::Duration;
    /// use resayil_core::{Quota, Timestamp};
    /// use resayil_core::quota::Admission;
    /// use resayil_core::quota::fleet::{FleetModel, FleetOptions, FleetStep};
    /// use resayil_core::quota::QuotaOptions;
    ///
    /// // Two processes. The model stands for the server.
    /// let mut server = FleetModel::new();
    /// let options = FleetOptions::default().with_quota(QuotaOptions::default().with_limit(1));
    /// let (wall, now) = (Timestamp::from_unix_seconds(1_800_000_030), Duration::ZERO);
    /// let members = [(); 2].map(|()| Quota::fleet("{resayil}", &options, wall, now));
    ///
    /// let mut tickets = Vec::new();
    /// for (quota, link) in &members {
    ///     let (mut ticket, _) = quota.acquire(now);
    ///     while let FleetStep::Call(call) = link.poll(now, Waker::noop()) {
    ///         let reply = server.carry_out(&call, 1_800_000_030_000);
    ///         link.on_reply(reply.numbers(), now);
    ///     }
    ///     tickets.push(ticket.poll(now));
    /// }
    /// assert_eq!(tickets[0], Admission::Ready);
    /// assert!(matches!(tickets[1], Admission::Wait(wait) if wait > Duration::from_secs(29)));
    /// ```
    pub fn fleet(
        key: &str,
        options: &FleetOptions,
        wall: Timestamp,
        now: Duration,
    ) -> (Quota, FleetLink) {
        let fleet = Arc::new(Mutex::new(Fleet::new(key, *options, wall, now)));
        let quota = Quota::shared(FleetStore::new(Arc::clone(&fleet)));
        let link = FleetLink::new(fleet, Arc::downgrade(&quota.0));
        (quota, link)
    }
}

#[cfg(test)]
mod tests;
