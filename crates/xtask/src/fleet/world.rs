//! Processes with jobs, one provider, and the model of the fleet's script in virtual time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};
use std::time::Duration;

use resayil_core::error::HintSource;
use resayil_core::quota::fleet::{FleetCall, FleetLink, FleetModel, FleetOptions, FleetStep};
use resayil_core::quota::{Admission, EnterOptions, QuotaOptions, Settlement, Ticket};
use resayil_core::{Quota, Timestamp};

/// What is simulated.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// For each process when its jobs come, from the beginning on.
    pub(crate) jobs: Vec<Vec<Duration>>,
    /// Requests that a minute of the provider's clock admits.
    pub(crate) limit: u32,
    /// Whether the processes know it.
    pub(crate) is_known: bool,
    /// When the store cannot be reached, and whether it comes back empty.
    pub(crate) lost: Option<(Duration, Duration, bool)>,
    /// The last second before this time is forgotten: a fail-over.
    pub(crate) fail_over: Option<Duration>,
    /// When processes are killed: which, and when.
    pub(crate) killed: Vec<(usize, Duration)>,
    pub(crate) seed: u64,
}

const MINUTE: Duration = Duration::from_secs(60);
const MS: Duration = Duration::from_millis(1);

/// The provider's clock at virtual time zero: 20 s into a minute. The store's is another one.
pub(crate) const PROVIDER: Duration = Duration::from_millis(1_800_000_020_370);
pub(crate) const STORE: Duration = Duration::from_millis(1_800_000_023_000);

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) done: usize,
    pub(crate) lost_jobs: usize,
    pub(crate) refused: usize,
    /// When the last answer came.
    pub(crate) took: Duration,
    /// Calls that reached the store.
    pub(crate) round_trips: usize,
    /// Requests that waited for less than a second, and others; that no call of theirs was shared is assumed.
    pub(crate) short: usize,
    pub(crate) long: usize,
    /// The longest wait of each process.
    pub(crate) waits: Vec<Duration>,
    /// What arrived in each window, refused ones included.
    pub(crate) arrived: BTreeMap<u64, u32>,
}

impl Outcome {
    /// By how much the window was overrun that was overrun most, as a share of the limit.
    pub(crate) fn over(&self, limit: u32) -> f64 {
        let most = self.arrived.values().max().copied().unwrap_or(0);
        f64::from(most.saturating_sub(limit)) / f64::from(limit)
    }
}

enum Event {
    Job(usize, usize),
    PollJob(usize, usize),
    PollLink(usize),
    AtStore(usize, Box<FleetCall>, u64),
    Reply(usize, Option<Box<[i64]>>, u64),
    AtProvider(usize, usize),
    Answer(usize, usize, bool),
    Kill(usize),
    FailOver,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct At(Duration, u64, usize);

/// Who was woken.
#[derive(Default)]
struct Woken(Mutex<Vec<(usize, Option<usize>)>>);

struct Waking {
    who: (usize, Option<usize>),
    woken: Arc<Woken>,
}

impl Wake for Waking {
    fn wake(self: Arc<Self>) {
        self.woken.0.lock().unwrap().push(self.who);
    }
}

struct Member {
    quota: Quota,
    link: FleetLink,
    waker: Waker,
    /// The call under way; another one's outcome is too late.
    call: u64,
    jobs: Vec<Job>,
    is_dead: bool,
}

#[derive(Default)]
struct Job {
    ticket: Option<Ticket>,
    waker: Option<Waker>,
    began: Duration,
    first_sent: Option<Duration>,
    sent: Duration,
    is_done: bool,
}

pub(crate) struct World {
    scenario: Scenario,
    now: Duration,
    events: BinaryHeap<Reverse<At>>,
    pending: Vec<Option<Event>>,
    free: Vec<usize>,
    next: u64,
    members: Vec<Member>,
    store: FleetModel,
    a_second_ago: Vec<(Duration, FleetModel)>,
    woken: Arc<Woken>,
    random: fastrand::Rng,
    admitted: BTreeMap<u64, u32>,
    outcome: Outcome,
}

impl World {
    pub(crate) fn new(scenario: Scenario) -> Self {
        let woken = Arc::new(Woken::default());
        let limit = scenario.is_known.then_some(scenario.limit);
        let quota = QuotaOptions::default().with_limit(limit);
        let options = FleetOptions::default().with_quota(quota);
        let members = (0..scenario.jobs.len()).map(|index| {
            // Clocks of hosts differ by some seconds.
            let wall = PROVIDER + MS * ((index * 37) % 3000) as u32;
            let wall = Timestamp::from_unix_seconds(wall.as_secs() as i64);
            let (quota, link) = Quota::fleet("{resayil}", &options, wall, Duration::ZERO);
            let waker =
                Waker::from(Arc::new(Waking { who: (index, None), woken: Arc::clone(&woken) }));
            let jobs = scenario.jobs.get(index).map_or(0, Vec::len);
            let jobs = (0..jobs).map(|_| Job::default()).collect();
            Member { quota, link, waker, call: 0, jobs, is_dead: false }
        });
        World {
            members: members.collect(),
            now: Duration::ZERO,
            events: BinaryHeap::new(),
            pending: Vec::new(),
            free: Vec::new(),
            next: 0,
            store: FleetModel::new(),
            a_second_ago: Vec::new(),
            woken,
            random: fastrand::Rng::with_seed(scenario.seed),
            admitted: BTreeMap::new(),
            outcome: Outcome {
                waits: vec![Duration::ZERO; scenario.jobs.len()],
                ..Outcome::default()
            },
            scenario,
        }
    }

    fn at(&mut self, time: Duration, event: Event) {
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                self.pending.push(None);
                self.pending.len() - 1
            }
        };
        self.pending[index] = Some(event);
        self.next += 1;
        self.events.push(Reverse(At(time.max(self.now), self.next, index)));
    }

    fn network(&mut self) -> Duration {
        // 1 to 5 ms there and back.
        Duration::from_micros(self.random.u64(500..2500))
    }

    /// Carries it out to the end, but for no more than this time.
    pub(crate) fn run(mut self, at_most: Duration) -> Outcome {
        let jobs = self.scenario.jobs.clone();
        for (member, times) in jobs.iter().enumerate() {
            self.at(Duration::ZERO, Event::PollLink(member));
            for (job, time) in times.iter().enumerate() {
                self.at(*time, Event::Job(member, job));
            }
        }
        for (member, time) in self.scenario.killed.clone() {
            self.at(time, Event::Kill(member));
        }
        if let Some(time) = self.scenario.fail_over {
            self.at(time, Event::FailOver);
        }
        let mut wanted: usize = jobs.iter().map(Vec::len).sum();
        while let Some(Reverse(At(time, _, index))) = self.events.pop() {
            if time > at_most || self.outcome.done + self.outcome.lost_jobs >= wanted {
                break;
            }
            self.now = time;
            let Some(event) = self.pending[index].take() else { continue };
            self.free.push(index);
            self.carry_out(event);
            loop {
                let woken = std::mem::take(&mut *self.woken.0.lock().unwrap());
                if woken.is_empty() {
                    break;
                }
                for (member, job) in woken {
                    match job {
                        Some(job) => self.poll_job(member, job),
                        None => self.poll_link(member),
                    }
                }
            }
        }
        wanted -= self.outcome.lost_jobs;
        self.outcome.lost_jobs = wanted - self.outcome.done;
        self.outcome
    }

    fn carry_out(&mut self, event: Event) {
        match event {
            Event::Job(member, job) => {
                if self.members[member].is_dead {
                    self.outcome.lost_jobs += 1;
                    return;
                }
                let waking = Waking { who: (member, Some(job)), woken: Arc::clone(&self.woken) };
                let ticket = self.members[member].quota.enter();
                let it = &mut self.members[member].jobs[job];
                it.began = self.now;
                it.waker = Some(Waker::from(Arc::new(waking)));
                it.ticket = Some(ticket);
                self.poll_job(member, job);
            }
            Event::PollJob(member, job) => self.poll_job(member, job),
            Event::PollLink(member) => self.poll_link(member),
            Event::AtStore(member, call, number) => {
                self.outcome.round_trips += 1;
                let clock = (STORE + self.now).as_millis() as i64;
                let reply = self.store.carry_out(&call, clock);
                if self.scenario.fail_over.is_some_and(|at| at > self.now) {
                    self.a_second_ago.push((self.now, self.store.clone()));
                    let now = self.now;
                    self.a_second_ago.retain(|(at, _)| *at + Duration::from_secs(2) > now);
                }
                let at = self.now + self.network();
                self.at(at, Event::Reply(member, Some(reply.numbers().into()), number));
            }
            Event::Reply(member, numbers, number) => {
                let it = &mut self.members[member];
                if it.call == number && !it.is_dead {
                    match numbers {
                        Some(numbers) => it.link.on_reply(&numbers, self.now),
                        None => it.link.on_lost("no connection", self.now),
                    }
                    self.poll_link(member);
                }
            }
            Event::AtProvider(member, job) => {
                let clock = PROVIDER + self.now;
                let window = clock.as_secs() / 60;
                *self.outcome.arrived.entry(window).or_default() += 1;
                let used = self.admitted.entry(window).or_default();
                let is_refused = *used >= self.scenario.limit;
                *used += u32::from(!is_refused);
                let takes = if is_refused { 2..10 } else { 300..1200 };
                let takes = MS * self.random.u32(takes);
                self.at(self.now + takes, Event::Answer(member, job, is_refused));
            }
            Event::Answer(member, job, is_refused) => self.answer(member, job, is_refused),
            Event::Kill(member) => {
                let it = &mut self.members[member];
                it.is_dead = true;
                let now = self.now;
                let begun = it.jobs.iter_mut().filter(|job| job.ticket.is_some() && !job.is_done);
                self.outcome.lost_jobs += begun.count();
                // Nobody tells anything: the tickets of a process that is killed are not dropped.
                it.jobs.iter_mut().for_each(|job| std::mem::forget(job.ticket.take()));
                let _ = now;
            }
            Event::FailOver => {
                let second = Duration::from_secs(1);
                let known = self.a_second_ago.iter().rev().find(|(at, _)| *at + second <= self.now);
                self.store = known.map(|(_, store)| store.clone()).unwrap_or_default();
            }
        }
    }

    fn poll_link(&mut self, member: usize) {
        let it = &mut self.members[member];
        if it.is_dead {
            return;
        }
        match it.link.poll(self.now, &it.waker) {
            FleetStep::Call(call) => {
                it.call += 1;
                let number = it.call;
                let lost = self.scenario.lost;
                if let Some((from, to, is_empty)) = lost.filter(|(from, ..)| self.now >= *from) {
                    if self.now < to {
                        // Nobody listens there.
                        let at = self.now + MS;
                        return self.at(at, Event::Reply(member, None, number));
                    }
                    if is_empty {
                        self.store = FleetModel::new();
                        self.scenario.lost = Some((from, to, false));
                    }
                }
                let at = self.now + self.network();
                self.at(at, Event::AtStore(member, Box::new(call), number));
            }
            FleetStep::Wait(Some(until)) => self.at(until, Event::PollLink(member)),
            _ => {}
        }
    }

    fn poll_job(&mut self, member: usize, job: usize) {
        let now = self.now;
        let it = &mut self.members[member].jobs[job];
        let (Some(ticket), Some(waker)) = (&mut it.ticket, &it.waker) else { return };
        if it.sent > it.began.max(MS) && ticket.poll_at().is_none() {
            return;
        }
        match ticket.poll_with(now, waker) {
            Admission::Ready => {
                if it.first_sent.is_none() {
                    it.first_sent = Some(now);
                    let wait = now - it.began;
                    let longest = &mut self.outcome.waits[member];
                    *longest = wait.max(*longest);
                    match wait < Duration::from_secs(1) {
                        true => self.outcome.short += 1,
                        false => self.outcome.long += 1,
                    }
                }
                it.sent = now.max(it.began + MS * 2);
                it.waker = None;
                let at = now + self.network();
                self.at(at, Event::AtProvider(member, job));
            }
            Admission::Wait(_) => {
                if let Some(at) = ticket.poll_at() {
                    self.at(at, Event::PollJob(member, job));
                }
            }
        }
    }

    fn answer(&mut self, member: usize, job: usize, is_refused: bool) {
        let clock = PROVIDER + self.now;
        let (now, woken) = (self.now, Arc::clone(&self.woken));
        let it = &mut self.members[member];
        if it.is_dead {
            return;
        }
        let Some(ticket) = it.jobs[job].ticket.take() else { return };
        let mut settlement = Settlement::unknown();
        settlement.refused = is_refused;
        settlement.consumed = Some(!is_refused);
        settlement.date = Some(Timestamp::from_unix_seconds(clock.as_secs() as i64));
        if is_refused {
            self.outcome.refused += 1;
            let left = MINUTE - Duration::from_nanos((clock.as_nanos() % MINUTE.as_nanos()) as u64);
            settlement.retry_after = Some(Duration::from_secs(left.as_secs() + 1));
            settlement.retry_after_source = Some(HintSource::Body);
        }
        let place = ticket.place();
        ticket.settle(&settlement, now);
        if is_refused {
            let ticket = it.quota.enter_with(&EnterOptions::default().with_place(place));
            let it = &mut it.jobs[job];
            it.ticket = Some(ticket);
            it.waker = Some(Waker::from(Arc::new(Waking { who: (member, Some(job)), woken })));
            it.sent = Duration::ZERO;
            self.poll_job(member, job);
        } else {
            it.jobs[job].is_done = true;
            self.outcome.done += 1;
            self.outcome.took = now;
        }
    }
}
