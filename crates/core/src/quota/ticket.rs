//! A sender's place in the line, and its admission.

use std::time::Duration;

use super::line::Place;
use super::store::Grant;
use super::{Admission, Quota, Settlement};

/// A sender's place in the line, then its admission, to be settled when the answer is there.
#[must_use]
pub struct Ticket {
    quota: Quota,
    place: Place,
    stage: Stage,
}

enum Stage {
    Waiting,
    Admitted(Grant),
    Settled,
}

impl Ticket {
    pub(super) fn waiting(quota: Quota, place: Place) -> Self {
        Ticket { quota, place, stage: Stage::Waiting }
    }

    pub(super) fn admitted(quota: Quota, place: Place, grant: Grant) -> Self {
        Ticket { quota, place, stage: Stage::Admitted(grant) }
    }

    /// Asks whether to send now. Once it said [`Admission::Ready`] it goes on to say so.
    pub fn poll(&mut self, now: Duration) -> Admission {
        if !matches!(self.stage, Stage::Waiting) {
            return Admission::Ready;
        }
        let result = self.quota.lock().poll(self.place, now);
        match result {
            Ok(grant) => {
                self.stage = Stage::Admitted(grant);
                Admission::Ready
            }
            Err(wait) => Admission::Wait(wait),
        }
    }

    /// The place, to stand there once more if the request was refused and has to be sent again: see
    /// [`EnterOptions::with_place`](super::EnterOptions::with_place).
    pub fn place(&self) -> Place {
        self.place
    }

    /// Tells what the answer says of the quota. `now` is when it arrived.
    pub fn settle(mut self, settlement: &Settlement, now: Duration) {
        if let Stage::Admitted(grant) = self.stage {
            self.stage = Stage::Settled;
            self.quota.lock().settle(&grant, &settlement.bounded(), now);
        }
    }
}

impl Drop for Ticket {
    /// Leaves the line. An admitted request that is never settled counts as consumed.
    fn drop(&mut self) {
        match self.stage {
            Stage::Waiting => self.quota.lock().leave(self.place),
            Stage::Admitted(grant) => self.quota.lock().abandon(&grant),
            Stage::Settled => {}
        }
    }
}
