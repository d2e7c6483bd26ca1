//! A perfect scheduler: it knows the server's clock, its counter and its troubles.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::answer::Outcome;
use super::driver::{Driver, Step, Trip};
use super::limiter::Limiter;
use super::server::ServerOptions;

/// What all processes know.
pub(crate) struct Knowledge {
    limiter: Limiter,
    limit_change: Option<(Duration, u32)>,
    /// The server's clock at virtual time zero.
    epoch: Duration,
    /// Nothing is sent in this time.
    trouble: Option<(Duration, Duration)>,
    /// How many requests the server works on at once, and how many are on their way.
    capacity: usize,
    under_way: usize,
}

/// How often a free hand of the server is looked for.
const LOOK: Duration = Duration::from_millis(100);

impl Knowledge {
    pub(crate) fn new(server: &ServerOptions, epoch: Duration) -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(Knowledge {
            limiter: Limiter::new(server.rule),
            limit_change: server.limit_change,
            epoch,
            trouble: server.outage.or(server.hang),
            capacity: server.capacity.unwrap_or(usize::MAX),
            under_way: 0,
        }))
    }
}

pub(crate) struct Oracle(pub(crate) Rc<RefCell<Knowledge>>);

impl Driver for Oracle {
    fn begin(&mut self, job: usize, trip: Trip, now: Duration) -> Step {
        self.wake(job, trip, now)
    }

    fn wake(&mut self, _: usize, trip: Trip, now: Duration) -> Step {
        let mut known = self.0.borrow_mut();
        if let Some((begin, end)) = known.trouble {
            // What would be answered only within the trouble waits, too.
            if begin <= now + Duration::from_secs(20) && now < end {
                return Step::Wait(end);
            }
        }
        if known.under_way >= known.capacity {
            return Step::Wait(now + LOOK);
        }
        let at = known.epoch + trip.arrives;
        let change = known.limit_change;
        known.limiter.change(change, trip.arrives);
        match known.limiter.admit(at) {
            Ok(_) => {
                known.under_way += 1;
                Step::Send
            }
            Err(wait) => Step::Wait(now + wait),
        }
    }

    fn failed(&mut self, job: usize, _: &Outcome, trip: Trip, now: Duration) -> Step {
        self.0.borrow_mut().under_way -= 1;
        self.begin(job, trip, now)
    }

    fn succeeded(&mut self, _: usize, _: &Outcome, _: Duration) {
        self.0.borrow_mut().under_way -= 1;
    }

    fn reserves(&self) -> bool {
        true
    }
}
