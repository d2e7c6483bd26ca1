//! One run of one scenario under one policy.

use std::collections::VecDeque;
use std::time::Duration;

use fastrand::Rng;

use super::answer::{self, Outcome};
use super::clock::Agenda;
use super::cost::{JobCost, log_normal};
use super::driver::{Driver, Step, Trip};
use super::scenario::{Load, Network, Scenario, Service};
use super::server::{Headers, Reception, Server};

/// What is planned.
enum Event {
    Start(usize),
    Arrive(usize),
    /// A job, and the number of its wait.
    Wake(usize, u32),
    Reach(usize),
    Served(usize),
    Reply(usize, Outcome),
    Timeout(usize),
    /// The server works again.
    Resume,
}

/// One job and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    process: usize,
    pub(crate) begun: Duration,
    pub(crate) ended: Duration,
    pub(crate) answered: bool,
    pub(crate) requests: u32,
    /// Its waits so far, if they were ended or not.
    waits: u32,
}

struct Request {
    job: usize,
    sent: Duration,
    /// When the server counted it, by its clock, and what it told then.
    admitted: Duration,
    told: Headers,
    /// Answered, or given up.
    over: bool,
}

/// What is told of a run.
pub(crate) struct Run {
    pub(crate) jobs: Vec<Job>,
    /// When requests were sent, and when they were refused.
    pub(crate) sent: Vec<Duration>,
    pub(crate) refusals: Vec<Duration>,
    /// By how much a limit was exceeded in its most used window, as a share of it.
    pub(crate) over: f64,
    /// The time by the server's clock at the beginning.
    pub(crate) epoch: Duration,
}

pub(crate) struct World<'a> {
    scenario: &'a Scenario,
    seed: u64,
    agenda: Agenda<Event>,
    now: Duration,
    server: Server,
    drivers: Vec<Box<dyn Driver>>,
    waiting: Vec<VecDeque<usize>>,
    jobs: Vec<Job>,
    requests: Vec<Request>,
    refusals: Vec<Duration>,
    epoch: Duration,
}

/// When the server's clock is at virtual time zero: some moment of a minute.
pub(crate) fn epoch(seed: u64) -> Duration {
    let within_minute = Rng::with_seed(seed ^ 0x65_706f_6368).f64() * 60.0;
    Duration::from_secs(1_760_000_040) + Duration::from_secs_f64(within_minute)
}

impl<'a> World<'a> {
    /// `drivers` has one policy for each process.
    pub(crate) fn new(scenario: &'a Scenario, seed: u64, drivers: Vec<Box<dyn Driver>>) -> Self {
        let epoch = epoch(seed);
        let mut world = World {
            scenario,
            seed,
            agenda: Agenda::new(),
            now: Duration::ZERO,
            server: Server::new(scenario.server.clone(), epoch),
            drivers,
            waiting: vec![VecDeque::new(); scenario.processes.len()],
            jobs: Vec::new(),
            requests: Vec::new(),
            refusals: Vec::new(),
            epoch,
        };
        world.plan_jobs();
        if let Some((_, end)) = scenario.server.hang {
            world.agenda.plan(end, Event::Resume);
        }
        world
    }

    fn plan_jobs(&mut self) {
        let mut random = Rng::with_seed(self.seed ^ 0x6a6f_6273);
        for (process, plan) in self.scenario.processes.iter().enumerate() {
            let mut at = plan.starts;
            self.agenda.plan(at, Event::Start(process));
            for _ in 0..plan.jobs {
                let job = self.jobs.len();
                self.jobs.push(Job {
                    process,
                    begun: Duration::ZERO,
                    ended: Duration::ZERO,
                    answered: false,
                    requests: 0,
                    waits: 0,
                });
                match plan.load {
                    Load::Workers(_) => self.waiting[process].push_back(job),
                    Load::Arrivals(gap) => {
                        at += gap.mul_f64(-(1.0 - random.f64()).ln());
                        self.agenda.plan(at, Event::Arrive(job));
                    }
                }
            }
        }
    }

    pub(crate) fn run(mut self) -> Run {
        while let Some((at, event)) = self.agenda.next() {
            self.now = at;
            self.happen(event);
            for process in 0..self.drivers.len() {
                for job in self.drivers[process].woken() {
                    self.agenda.plan(at, Event::Wake(job, self.jobs[job].waits));
                }
            }
        }
        Run {
            jobs: self.jobs,
            sent: self.requests.iter().map(|request| request.sent).collect(),
            refusals: self.refusals,
            over: self.server.books.over(),
            epoch: self.epoch,
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Start(process) => {
                if let Load::Workers(workers) = self.scenario.processes[process].load {
                    (0..workers).for_each(|_| self.next_job(process));
                }
            }
            Event::Arrive(job) => self.begin(job),
            // It was woken earlier.
            Event::Wake(job, wait) if wait != self.jobs[job].waits => {}
            Event::Wake(job, _) => {
                let trip = self.trip(job);
                let process = self.jobs[job].process;
                let step = self.drivers[process].wake(job, trip, self.now);
                self.take(job, step);
            }
            Event::Reach(request) => self.reach(request),
            Event::Served(request) => {
                self.server.release();
                let outcome = self.serve(request);
                self.reply(request, outcome);
                self.work();
            }
            Event::Reply(request, outcome) => self.finish(request, outcome),
            Event::Timeout(request) => self.finish(request, Outcome::Timeout),
            Event::Resume => self.work(),
        }
    }

    fn next_job(&mut self, process: usize) {
        if let Some(job) = self.waiting[process].pop_front() {
            self.begin(job);
        }
    }

    fn begin(&mut self, job: usize) {
        self.jobs[job].begun = self.now;
        let trip = self.trip(job);
        let process = self.jobs[job].process;
        let step = self.drivers[process].begin(job, trip, self.now);
        self.take(job, step);
    }

    fn take(&mut self, job: usize, step: Step) {
        self.jobs[job].waits += 1;
        match step {
            Step::Send => {
                let arrives = self.trip(job).arrives;
                let request = self.requests.len();
                self.jobs[job].requests += 1;
                self.requests.push(Request {
                    job,
                    sent: self.now,
                    admitted: Duration::ZERO,
                    told: Headers::new(),
                    over: false,
                });
                self.agenda.plan(arrives, Event::Reach(request));
                let timeout = self.now + self.scenario.attempt_timeout;
                self.agenda.plan(timeout, Event::Timeout(request));
            }
            Step::Wait(at) => {
                let wait = self.jobs[job].waits;
                self.agenda.plan(at.max(self.now), Event::Wake(job, wait));
            }
            Step::Fail => self.end(job, false),
        }
    }

    fn end(&mut self, job: usize, answered: bool) {
        let it = &mut self.jobs[job];
        (it.ended, it.answered) = (self.now, answered);
        let process = it.process;
        if matches!(self.scenario.processes[process].load, Load::Workers(_)) {
            self.next_job(process);
        }
    }

    fn reach(&mut self, request: usize) {
        let job = self.requests[request].job;
        let reserved = self.drivers[self.jobs[job].process].reserves();
        let cost = self.cost(job);
        self.requests[request].admitted = self.server.clock(self.now);
        match self.server.receive(request, &cost, reserved, self.now) {
            Reception::Now(answer) => {
                if answer.status == 429 {
                    self.refusals.push(self.now);
                }
                // The server looks up the user and the counter first.
                let mut random = self.random(request as u64, 1);
                let done = self.now + millis(5.0 + 10.0 * random.f64());
                self.agenda.plan(
                    done + self.network(&mut random),
                    Event::Reply(request, Outcome::Answer(answer)),
                );
            }
            Reception::Working(told) => {
                self.requests[request].told = told;
                self.start_work(request);
            }
            Reception::Queued(told) => self.requests[request].told = told,
        }
    }

    /// Works on a request; what was begun before everything hangs is finished after it.
    fn start_work(&mut self, request: usize) {
        let done = self.now + self.service_time(self.requests[request].job);
        let done = match self.scenario.server.hang {
            Some((begin, end)) if begin <= done && self.now < end => end + (done - begin),
            _ => done,
        };
        self.agenda.plan(done, Event::Served(request));
    }

    /// Goes on with the queue.
    fn work(&mut self) {
        while let Some(request) = self.server.take(self.now) {
            self.start_work(request);
        }
    }

    fn serve(&mut self, request: usize) -> Outcome {
        let mut random = self.random(request as u64, 2);
        let at = self.server.clock(self.now);
        let Request { job, admitted, .. } = self.requests[request];
        let cost = self.scenario.costs.is_some().then(|| self.cost(job));
        if let Some(cost) = &cost {
            self.server.books.settle(cost, admitted, at);
        }
        let options = &self.server.options;
        let mut answer = if random.f64() < options.faults {
            match random.u8(0..4) {
                _ if options.only_500 => answer::failure(500, at),
                0 => return Outcome::Broken,
                1 => answer::failure(503, at),
                _ => answer::failure(500, at),
            }
        } else {
            answer::success(cost.as_ref(), at)
        };
        answer.headers.append(&mut self.requests[request].told);
        Outcome::Answer(answer)
    }

    fn reply(&mut self, request: usize, outcome: Outcome) {
        let mut random = self.random(request as u64, 3);
        let at = self.now + self.network(&mut random);
        self.agenda.plan(at, Event::Reply(request, outcome));
    }

    fn finish(&mut self, request: usize, outcome: Outcome) {
        let Request { job, over, .. } = &mut self.requests[request];
        if std::mem::replace(over, true) {
            return;
        }
        let job = *job;
        let process = self.jobs[job].process;
        if outcome.is_success() {
            self.drivers[process].succeeded(job, &outcome, self.now);
            self.end(job, true);
        } else {
            let trip = self.trip(job);
            let step = self.drivers[process].failed(job, &outcome, trip, self.now);
            self.take(job, step);
        }
    }

    /// The same for a job's next request, whenever it is asked.
    fn trip(&self, job: usize) -> Trip {
        let attempt = u64::from(self.jobs[job].requests);
        let mut random = self.random(job as u64, 16 + attempt);
        Trip { arrives: self.now + self.network(&mut random), cost: self.cost(job) }
    }

    /// What a job costs: the same under every policy.
    fn cost(&self, job: usize) -> JobCost {
        let draw = |costs: super::cost::HeavyTail| costs.draw(&mut self.random(job as u64, 5));
        self.scenario.costs.map(draw).unwrap_or_default()
    }

    /// How long the model takes for this job: the same under every policy.
    fn service_time(&self, job: usize) -> Duration {
        let mut random = self.random(job as u64, 4);
        let seconds = match self.scenario.service {
            Service::Short => log_normal(&mut random, 1.0, 0.5).min(20.0),
            Service::LongTail if random.f64() < 0.1 => 30.0 * (10f64).powf(random.f64()),
            Service::LongTail => log_normal(&mut random, 3.0, 0.8).min(30.0),
        };
        Duration::from_secs_f64(seconds)
    }

    /// One way through the network.
    fn network(&self, random: &mut Rng) -> Duration {
        millis(match self.scenario.network {
            Network::Near => 5.0 + (-10.0 * (1.0 - random.f64()).ln()).min(100.0),
            Network::Far => 80.0 + 120.0 * random.f64(),
        })
    }

    fn random(&self, number: u64, purpose: u64) -> Rng {
        let mix = self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (number << 8) ^ purpose;
        let mut random = Rng::with_seed(mix.wrapping_mul(0xd134_2543_de82_ef95));
        random.u64(..);
        random
    }
}

fn millis(millis: f64) -> Duration {
    Duration::from_secs_f64(millis / 1000.0)
}
