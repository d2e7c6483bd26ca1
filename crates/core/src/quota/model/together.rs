//! What is shared by several processes, and what one of them does where that is out of reach.

use std::time::Duration;

use super::QuotaModel;
use crate::quota::clock::ServerClock;
use crate::quota::cost::{Amounts, Sum};
use crate::quota::meter::Meter;
use crate::quota::nanos;
use crate::quota::operation::QuotaGrant;
use crate::timestamp::Timestamp;

impl QuotaModel {
    /// A process uses the model now, of which no other one has this name.
    pub fn meet(&mut self, member: u64, now: Duration) {
        self.members.meet(member, nanos(now));
    }

    /// The shared model is out of reach: this copy goes on without it, with this process's part of what is
    /// left: those who [used](Self::meet) it in the last two minutes, or windows if they are longer, are
    /// taken to send as much as it does.
    pub fn part(&mut self, now: Duration) {
        if self.apart.parties > 0 {
            return;
        }
        let windows = self.meters.iter().filter(|meter| !meter.is_daily()).map(Meter::length);
        let lately = windows.max().unwrap_or_default().max(Duration::from_secs(60)) * 2;
        self.apart.parties = self.members.since(nanos(now.saturating_sub(lately))).max(1);
    }

    /// The host was suspended, or its wall clock was set: what was known of the server's clock may be
    /// wrong, so the wall clock is the first guess again.
    pub fn resume(&mut self, wall: Timestamp, now: Duration) {
        self.clock = ServerClock::new(wall, now);
        self.learn_the_time(now);
    }

    /// What was admitted so far is saved where others find it.
    pub fn saved(&mut self) {
        self.apart.unsaved = Sum::default();
    }

    /// The shared model, `self`, is within reach again: it counts what the copy admitted that went on
    /// without it and was not [`saved`](Self::saved), and learns from it what it does not know.
    pub fn rejoin(&mut self, parted: &QuotaModel, now: Duration) {
        if !self.clock.is_observed() {
            self.clock = parted.clock;
        }
        for (meter, other) in self.meters.iter_mut().zip(&parted.meters) {
            meter.learn_from(other);
        }
        self.latch(parted.latched_until);
        self.closed_until = self.closed_until.max(parted.closed_until);
        self.learn_the_time(now);
        let unsaved = parted.apart.unsaved;
        for meter in &mut self.meters {
            meter.take(unsaved.of(meter.scope()), nanos(now));
        }
    }

    /// What is counted for this where so many are taken to send the same.
    pub(super) fn counted(&self, amounts: &Amounts, parties: u32) -> Amounts {
        if parties <= 1 { *amounts } else { amounts.times(parties) }
    }

    pub(super) fn for_all(&self, amount: u64) -> u64 {
        amount.saturating_mul(u64::from(self.apart.parties.max(1)))
    }

    /// How many are taken to have sent what was admitted, and what was counted for it.
    pub(super) fn parties_of(&self, grant: &QuotaGrant) -> u32 {
        if grant.is_apart() { self.apart.parties } else { 1 }
    }

    pub(super) fn cost_of(&self, grant: &QuotaGrant) -> Amounts {
        self.counted(&grant.cost, self.parties_of(grant))
    }
}
