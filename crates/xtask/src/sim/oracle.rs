//! A perfect scheduler: it knows the server's clock, its counters and its troubles.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use super::answer::Outcome;
use super::cost::JobCost;
use super::driver::{Driver, Step, Trip};
use super::scenario::Scenario;
use super::server::Books;

/// What all processes know.
pub(crate) struct Knowledge {
    books: Books,
    /// The server's clock at virtual time zero.
    epoch: Duration,
    /// Nothing is sent in this time.
    trouble: Option<(Duration, Duration)>,
    /// How many requests the server works on at once.
    capacity: usize,
    /// Those that are on their way, and when they are counted.
    under_way: HashMap<usize, (JobCost, Duration)>,
    /// Whether jobs are sent in the order in which they began, and those that wait for their turn:
    /// where all cost the same the order changes nothing.
    in_order: bool,
    line: VecDeque<(usize, usize)>,
}

/// How often a free hand of the server is looked for.
const LOOK: Duration = Duration::from_millis(100);

impl Knowledge {
    pub(crate) fn new(scenario: &Scenario, epoch: Duration) -> Rc<RefCell<Self>> {
        let server = &scenario.server;
        Rc::new(RefCell::new(Knowledge {
            books: Books::of_who_knows(server),
            epoch,
            trouble: server.outage.or(server.hang),
            capacity: server.capacity.or(server.at_once).unwrap_or(usize::MAX),
            under_way: HashMap::new(),
            in_order: scenario.costs.is_some(),
            line: VecDeque::new(),
        }))
    }
}

pub(crate) struct Oracle {
    known: Rc<RefCell<Knowledge>>,
    process: usize,
    woken: Vec<usize>,
}

impl Oracle {
    pub(crate) fn new(known: Rc<RefCell<Knowledge>>, process: usize) -> Self {
        Oracle { known, process, woken: Vec::new() }
    }
}

impl Driver for Oracle {
    fn begin(&mut self, job: usize, trip: Trip, now: Duration) -> Step {
        let mut known = self.known.borrow_mut();
        if known.in_order {
            known.line.push_back((job, self.process));
        }
        drop(known);
        self.wake(job, trip, now)
    }

    fn wake(&mut self, job: usize, trip: Trip, now: Duration) -> Step {
        let known = &mut *self.known.borrow_mut();
        if let Some((begin, end)) = known.trouble {
            // What would be answered only within the trouble waits, too.
            if begin <= now + Duration::from_secs(20) && now < end {
                return Step::Wait(end);
            }
        }
        if known.line.front().is_some_and(|(first, _)| *first != job) {
            // Whoever is served wakes the next.
            return Step::Wait(now + 36_000 * LOOK);
        }
        if known.under_way.len() >= known.capacity {
            return Step::Wait(now + LOOK);
        }
        let at = known.epoch + trip.arrives;
        known.books.change(trip.arrives);
        if let Some((wait, _)) = known.books.wait(&trip.cost, at) {
            // What others did not use is given back meanwhile.
            return Step::Wait(now + if known.in_order { wait.min(LOOK) } else { wait });
        }
        known.books.count(&trip.cost, at);
        known.under_way.insert(job, (trip.cost, at));
        known.line.pop_front();
        Step::Send
    }

    fn failed(&mut self, job: usize, _: &Outcome, trip: Trip, now: Duration) -> Step {
        self.known.borrow_mut().under_way.remove(&job);
        self.begin(job, trip, now)
    }

    fn succeeded(&mut self, job: usize, _: &Outcome, now: Duration) {
        let known = &mut *self.known.borrow_mut();
        if let Some((cost, counted)) = known.under_way.remove(&job) {
            known.books.settle(&cost, counted, known.epoch + now);
        }
    }

    fn reserves(&self) -> bool {
        true
    }

    fn woken(&mut self) -> Vec<usize> {
        let known = self.known.borrow();
        // Once for each time that it becomes the first.
        match known.line.front() {
            Some((job, process)) if *process == self.process && self.woken != [*job] => {
                self.woken = vec![*job];
                vec![*job]
            }
            _ => Vec::new(),
        }
    }
}
