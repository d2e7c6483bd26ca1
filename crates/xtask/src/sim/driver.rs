//! What the simulation asks of a policy.

use std::time::Duration;

use super::answer::Outcome;
use super::cost::JobCost;

/// What a call does next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    /// Send the request now.
    Send,
    /// Ask again at this time.
    Wait(Duration),
    /// The call is over, without an answer.
    Fail,
}

/// What is known of one request before it is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trip {
    /// When it would arrive if it were sent now.
    pub(crate) arrives: Duration,
    /// What it costs; its client knows the bytes and the most that the answer may be.
    pub(crate) cost: JobCost,
}

/// A policy within one process. Jobs are numbers that are never used twice.
pub(crate) trait Driver {
    /// A job begins.
    fn begin(&mut self, job: usize, trip: Trip, now: Duration) -> Step;

    /// The time that a job waited for has come.
    fn wake(&mut self, job: usize, trip: Trip, now: Duration) -> Step;

    /// A job's request failed; [`Driver::succeeded`] is told of the others.
    fn failed(&mut self, job: usize, outcome: &Outcome, trip: Trip, now: Duration) -> Step;

    /// A job's request succeeded, and with it the job.
    fn succeeded(&mut self, job: usize, outcome: &Outcome, now: Duration);

    /// Whether its requests are counted by the server when they are sent.
    fn reserves(&self) -> bool {
        false
    }

    /// The waiting jobs that are to be woken now.
    fn woken(&mut self) -> Vec<usize> {
        Vec::new()
    }
}
