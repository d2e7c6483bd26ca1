//! A model of the server: it counts, it answers, it fails.

use std::collections::VecDeque;
use std::time::Duration;

use super::answer::{self, Answer, Dialect, LimitHeaders, Refused};
use super::cost::{Charge, Counts, JobCost};
use super::limiter::{Limiter, Rule};

/// How the server behaves.
#[derive(Clone, Debug)]
pub(crate) struct ServerOptions {
    /// All of them have to admit a request. The first one is what headers are about.
    pub(crate) limits: Vec<(Counts, Rule)>,
    /// From this time on the first limit is another one.
    pub(crate) limit_change: Option<(Duration, u64)>,
    pub(crate) charge: Charge,
    pub(crate) dialect: Dialect,
    pub(crate) headers: LimitHeaders,
    /// Whether a refusal names the wait.
    pub(crate) hints: bool,
    /// How many requests it admits at once; it refuses more, without a hint.
    pub(crate) at_once: Option<usize>,
    /// The share of admitted requests that fail.
    pub(crate) faults: f64,
    /// Whether all of these are a 500; else half are that, and a quarter each a 503 and a broken
    /// connection.
    pub(crate) only_500: bool,
    /// All admitted requests fail in this time, with this status.
    pub(crate) outage: Option<(Duration, Duration)>,
    pub(crate) outage_status: u16,
    /// Nothing is begun or finished in this time.
    pub(crate) hang: Option<(Duration, Duration)>,
    /// How many requests it works on at once; the others queue, and nobody tells it that a client
    /// has given up.
    pub(crate) capacity: Option<usize>,
}

impl ServerOptions {
    pub(crate) fn new(limits: Vec<(Counts, Rule)>) -> Self {
        ServerOptions {
            limits,
            limit_change: None,
            charge: Charge::AtEntry,
            dialect: Dialect::Resayil,
            headers: LimitHeaders::OnRefusal,
            hints: true,
            at_once: None,
            faults: 0.0,
            only_500: false,
            outage: None,
            outage_status: 500,
            hang: None,
            capacity: None,
        }
    }

    /// The limit of requests that headers and pacing are about.
    pub(crate) fn request_limit(&self) -> Option<(u64, Duration)> {
        let (_, rule) = self.limits.iter().find(|(counts, _)| *counts == Counts::Requests)?;
        Some((rule.limit(), rule.window()))
    }
}

/// What the server counted, and all limits together: the oracle has its own.
#[derive(Clone)]
pub(crate) struct Books {
    limits: Vec<(Counts, Limiter)>,
    charge: Charge,
    knows: bool,
    limit_change: Option<(Duration, u64)>,
}

impl Books {
    pub(crate) fn new(options: &ServerOptions) -> Self {
        let limiter = |(counts, rule): &(Counts, Rule)| (*counts, Limiter::new(*rule));
        Books {
            limits: options.limits.iter().map(limiter).collect(),
            charge: options.charge,
            knows: false,
            limit_change: options.limit_change,
        }
    }

    /// The books of who knows beforehand what answers will take, and keeps the limits in the end, too.
    pub(crate) fn of_who_knows(options: &ServerOptions) -> Self {
        Books { knows: options.charge == Charge::AtEnd, ..Books::new(options) }
    }

    /// What is counted for a request when it is admitted.
    fn at_entry(&self, counts: Counts, cost: &JobCost) -> u64 {
        if self.knows { counts.in_the_end(cost) } else { counts.at_entry(cost, self.charge) }
    }

    /// Another limit is in force, if its time has come.
    pub(crate) fn change(&mut self, now: Duration) {
        if let (Some((at, limit)), Some((_, limiter))) =
            (self.limit_change, self.limits.first_mut())
        {
            if now >= at {
                limiter.set_limit(limit);
            }
        }
    }

    /// How long this request would have to wait, and for which limit.
    pub(crate) fn wait(&mut self, cost: &JobCost, at: Duration) -> Option<(Duration, usize)> {
        let amounts: Vec<_> =
            self.limits.iter().map(|(counts, _)| self.at_entry(*counts, cost)).collect();
        let limits = self.limits.iter_mut().zip(amounts).enumerate();
        let waits = limits
            .filter_map(|(index, ((_, limiter), amount))| Some((limiter.wait(amount, at)?, index)));
        waits.max()
    }

    pub(crate) fn count(&mut self, cost: &JobCost, at: Duration) {
        let amounts: Vec<_> =
            self.limits.iter().map(|(counts, _)| self.at_entry(*counts, cost)).collect();
        for ((_, limiter), amount) in self.limits.iter_mut().zip(amounts) {
            limiter.count(amount, at);
        }
    }

    /// The request that was admitted at this time is done.
    pub(crate) fn settle(&mut self, cost: &JobCost, admitted: Duration, at: Duration) {
        if self.knows {
            return;
        }
        for (counts, limiter) in &mut self.limits {
            let (taken, used) = (counts.at_entry(cost, self.charge), counts.in_the_end(cost));
            limiter.settle(taken, used, admitted, at);
        }
    }

    /// By how much the most used window is above its limit, as a share of that.
    pub(crate) fn over(&self) -> f64 {
        let over = |(_, limiter): &(Counts, Limiter)| {
            limiter.most_used as f64 / limiter.rule().limit() as f64 - 1.0
        };
        self.limits.iter().map(over).fold(0.0, f64::max)
    }
}

/// Headers that tell of limits, as they are when a request is admitted.
pub(crate) type Headers = Vec<(&'static str, String)>;

/// What becomes of a request that has arrived.
pub(crate) enum Reception {
    /// It is answered at once.
    Now(Answer),
    /// It is being worked on.
    Working(Headers),
    /// It waits until the server has a hand free.
    Queued(Headers),
}

pub(crate) struct Server {
    pub(crate) options: ServerOptions,
    pub(crate) books: Books,
    /// The server's clock at virtual time zero.
    epoch: Duration,
    busy: usize,
    queue: VecDeque<usize>,
}

impl Server {
    pub(crate) fn new(options: ServerOptions, epoch: Duration) -> Self {
        let books = Books::new(&options);
        Server { options, books, epoch, busy: 0, queue: VecDeque::new() }
    }

    /// The server's clock.
    pub(crate) fn clock(&self, now: Duration) -> Duration {
        self.epoch + now
    }

    /// Takes a request. `reserved` says that it was counted already, by the oracle.
    pub(crate) fn receive(
        &mut self,
        request: usize,
        cost: &JobCost,
        reserved: bool,
        now: Duration,
    ) -> Reception {
        let at = self.clock(now);
        self.books.change(now);
        if !reserved {
            if self.options.at_once.is_some_and(|most| self.busy + self.queue.len() >= most) {
                let refused = Refused { by: None, hint: None };
                return Reception::Now(answer::refusal(self.options.dialect, &refused, at));
            }
            if let Some((wait, limit)) = self.books.wait(cost, at) {
                return Reception::Now(self.refuse(wait, limit, at));
            }
            self.books.count(cost, at);
        }
        let told = match self.options.headers {
            LimitHeaders::Always => self.told(at),
            _ => Headers::new(),
        };
        if within(self.options.outage, now) {
            let mut answer = answer::failure(self.options.outage_status, at);
            answer.headers.extend(told);
            return Reception::Now(answer);
        }
        let full = self.options.capacity.is_some_and(|capacity| self.busy >= capacity);
        if full || within(self.options.hang, now) {
            self.queue.push_back(request);
            return Reception::Queued(told);
        }
        self.busy += 1;
        Reception::Working(told)
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

    fn refuse(&mut self, wait: Duration, limit: usize, at: Duration) -> Answer {
        let by =
            self.books.limits.get(limit).map(|(counts, limiter)| {
                (*counts, limiter.rule().limit(), limiter.rule().window())
            });
        let refused = Refused { by, hint: self.options.hints.then_some(wait) };
        let mut answer = answer::refusal(self.options.dialect, &refused, at);
        if self.options.headers != LimitHeaders::Never {
            answer.headers.extend(self.told(at));
        }
        answer
    }

    /// What headers tell of the limits now.
    fn told(&mut self, at: Duration) -> Headers {
        let limits = &mut self.books.limits;
        let first = |wanted: fn(Counts) -> bool| move |it: &&mut (Counts, Limiter)| wanted(it.0);
        match self.options.dialect {
            Dialect::Bare => Headers::new(),
            Dialect::Resayil => limits.first_mut().map_or_else(Headers::new, |(_, limiter)| {
                answer::resayil_headers(limiter.rule().limit(), limiter.remaining(at), at)
            }),
            Dialect::OpenAi => {
                let mut told = Headers::new();
                for wanted in [|it| it == Counts::Requests, |it| it != Counts::Requests] {
                    if let Some((counts, limiter)) = limits.iter_mut().find(first(wanted)) {
                        let (remaining, reset) = (limiter.remaining(at), limiter.reset(at));
                        let limit = limiter.rule().limit();
                        told.extend(answer::openai_headers(*counts, limit, remaining, reset));
                    }
                }
                told
            }
            Dialect::Anthropic => limits
                .iter_mut()
                .flat_map(|(counts, limiter)| {
                    let (remaining, reset_at) = (limiter.remaining(at), at + limiter.reset(at));
                    let limit = limiter.rule().limit();
                    answer::anthropic_headers(*counts, limit, remaining, reset_at)
                })
                .collect(),
        }
    }
}

/// Whether this moment lies in the stretch of time.
pub(crate) fn within(stretch: Option<(Duration, Duration)>, now: Duration) -> bool {
    stretch.is_some_and(|(begin, end)| begin <= now && now < end)
}
