//! A model of the server: it counts, it answers, it fails.

use std::collections::VecDeque;
use std::time::Duration;

use super::answer::{self, Answer, LimitHeaders};
use super::limiter::{Limiter, Rule};

/// How the server behaves.
#[derive(Clone, Debug)]
pub(crate) struct ServerOptions {
    pub(crate) rule: Rule,
    /// From this time on another limit is in force.
    pub(crate) limit_change: Option<(Duration, u32)>,
    pub(crate) headers: LimitHeaders,
    /// Whether a refusal's body names the wait.
    pub(crate) body_hint: bool,
    /// The share of admitted requests that fail: half with a 500, a quarter each with a 503 and a
    /// broken connection.
    pub(crate) faults: f64,
    /// All admitted requests fail with a 500 in this time.
    pub(crate) outage: Option<(Duration, Duration)>,
    /// Nothing is begun or finished in this time.
    pub(crate) hang: Option<(Duration, Duration)>,
    /// How many requests it works on at once; the others queue, and nobody tells it that a client
    /// has given up.
    pub(crate) capacity: Option<usize>,
}

impl ServerOptions {
    pub(crate) fn new(rule: Rule) -> Self {
        ServerOptions {
            rule,
            limit_change: None,
            headers: LimitHeaders::OnRefusal,
            body_hint: true,
            faults: 0.0,
            outage: None,
            hang: None,
            capacity: None,
        }
    }
}

/// What becomes of a request that has arrived.
pub(crate) enum Reception {
    /// It is answered at once.
    Now(Answer),
    /// It is being worked on.
    Working { remaining: u32 },
    /// It waits until the server has a hand free.
    Queued { remaining: u32 },
}

pub(crate) struct Server {
    pub(crate) options: ServerOptions,
    limiter: Limiter,
    /// The server's clock at virtual time zero.
    epoch: Duration,
    busy: usize,
    queue: VecDeque<usize>,
}

impl Server {
    pub(crate) fn new(options: ServerOptions, epoch: Duration) -> Self {
        let limiter = Limiter::new(options.rule);
        Server { options, limiter, epoch, busy: 0, queue: VecDeque::new() }
    }

    /// The server's clock.
    pub(crate) fn clock(&self, now: Duration) -> Duration {
        self.epoch + now
    }

    /// Takes a request. `reserved` says that it was counted already, by the oracle.
    pub(crate) fn receive(&mut self, request: usize, reserved: bool, now: Duration) -> Reception {
        let at = self.clock(now);
        self.limiter.change(self.options.limit_change, now);
        let remaining = if reserved {
            0
        } else {
            match self.limiter.admit(at) {
                Ok(remaining) => remaining,
                Err(wait) => return Reception::Now(self.refuse(wait, at)),
            }
        };
        if within(self.options.outage, now) {
            return Reception::Now(self.decorate(answer::failure(500, at), remaining, now));
        }
        let full = self.options.capacity.is_some_and(|capacity| self.busy >= capacity);
        if full || within(self.options.hang, now) {
            self.queue.push_back(request);
            return Reception::Queued { remaining };
        }
        self.busy += 1;
        Reception::Working { remaining }
    }

    /// A request is done: a hand is free.
    pub(crate) fn release(&mut self) {
        self.busy -= 1;
    }

    /// The next request from the queue, if there is a hand for it.
    pub(crate) fn take(&mut self, now: Duration) -> Option<usize> {
        let free = self.options.capacity.is_none_or(|capacity| self.busy < capacity);
        if !free || within(self.options.hang, now) {
            return None;
        }
        let request = self.queue.pop_front()?;
        self.busy += 1;
        Some(request)
    }

    /// Adds what the server tells about its limit.
    pub(crate) fn decorate(&self, answer: Answer, remaining: u32, now: Duration) -> Answer {
        match self.limiter.limit() {
            Some(limit) if self.options.headers == LimitHeaders::Always => {
                answer.with_limit(limit, remaining, self.clock(now))
            }
            _ => answer,
        }
    }

    fn refuse(&self, wait: Duration, at: Duration) -> Answer {
        let answer = answer::refusal(self.options.body_hint.then_some(wait), at);
        match self.limiter.limit() {
            Some(limit) if self.options.headers != LimitHeaders::Never => {
                answer.with_limit(limit, 0, at)
            }
            _ => answer,
        }
    }
}

/// Whether this moment lies in the stretch of time.
pub(crate) fn within(stretch: Option<(Duration, Duration)>, now: Duration) -> bool {
    stretch.is_some_and(|(begin, end)| begin <= now && now < end)
}
