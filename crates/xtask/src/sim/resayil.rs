//! This project's own policy: the code that ships, driven as the client drives it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Wake, Waker};
use std::time::Duration;

use resayil_core::{
    Admission, Budget, BudgetOptions, Call, Classifier, Decision, Error, Kind, Policy, Provider,
    Quota, QuotaModel, QuotaOptions, Settlement, SharedQuota, Ticket, Timestamp,
};

use super::answer::{Answer, Dialect, Outcome};
use super::driver::{Driver, Step, Trip};
use super::scenario::Scenario;

pub(crate) struct Resayil {
    quota: Quota,
    budget: Budget,
    policy: Policy,
    classifier: Classifier,
    /// The client's wall clock at virtual time zero.
    wall: Timestamp,
    calls: HashMap<usize, State>,
    woken: Arc<Mutex<Vec<usize>>>,
    seed: u64,
}

/// What a waiting job leaves to be woken by.
struct Alarm {
    job: usize,
    woken: Arc<Mutex<Vec<usize>>>,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.woken.lock().expect("nobody panics with it").push(self.job);
    }
}

/// What the processes of one host share: the client keeps these bytes in a file.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().expect("nobody panics with it")
    }

    /// The first process makes it.
    fn opened(&self, options: QuotaOptions, wall: Timestamp, now: Duration) -> Self {
        if self.lock().is_empty() {
            *self.lock() = QuotaModel::new(options, wall, now).to_bytes();
        }
        self.clone()
    }
}

impl SharedQuota for Shared {
    fn update(&mut self, _: Duration, change: &mut dyn FnMut(&mut QuotaModel) -> bool) {
        let mut bytes = self.lock();
        let mut model = QuotaModel::from_bytes(&bytes).expect("bytes of a model");
        if change(&mut model) {
            *bytes = model.to_bytes();
        }
    }
}

struct State {
    call: Call,
    ticket: Option<Ticket>,
    not_before: Duration,
    waker: Waker,
}

impl Resayil {
    /// `wall` is the client's clock at virtual time zero, and the process starts at `now`.
    pub(crate) fn new(
        scenario: &Scenario,
        wall: Duration,
        now: Duration,
        seed: u64,
        shared: Option<&Shared>,
    ) -> Self {
        let wall = Timestamp::from_unix_micros(wall.as_micros() as i64);
        // As the client has it.
        let (provider, options) = match scenario.server.dialect {
            Dialect::Resayil => (Some(Provider::Resayil), QuotaOptions::default()),
            Dialect::OpenAi => (Some(Provider::OpenAi), QuotaOptions::default().with_window(None)),
            Dialect::Anthropic => {
                (Some(Provider::Anthropic), QuotaOptions::default().with_window(None))
            }
            Dialect::Bare => (None, QuotaOptions::default().with_window(None)),
        };
        let options = options.with_limit(scenario.tier);
        let quota = match shared {
            Some(shared) => Quota::shared(shared.opened(options, wall + now, now)),
            None => Quota::new(options, wall + now, now),
        };
        Resayil {
            quota,
            budget: Budget::new(BudgetOptions::default()),
            policy: Policy::default(),
            classifier: Classifier::new().provider(provider),
            wall,
            calls: HashMap::new(),
            woken: Arc::default(),
            seed,
        }
    }

    fn read(&self, answer: &Answer, now: Duration) -> Option<Error> {
        self.classifier
            .classify(answer.status, &answer.headers, answer.body(), self.wall + now)
            .err()
    }

    fn settle(&self, ticket: Option<Ticket>, settlement: &Settlement, now: Duration) {
        if let Some(ticket) = ticket {
            ticket.settle(settlement, now);
        }
    }
}

impl Driver for Resayil {
    fn begin(&mut self, job: usize, trip: Trip, now: Duration) -> Step {
        let seed = self.seed ^ (job as u64).wrapping_mul(0x2545_f491_4f6c_dd1d);
        let call = self.policy.start(now, seed).with_budget(self.budget.clone());
        let waker = Waker::from(Arc::new(Alarm { job, woken: self.woken.clone() }));
        self.calls.insert(job, State { call, ticket: None, not_before: now, waker });
        self.wake(job, trip, now)
    }

    fn wake(&mut self, job: usize, _: Trip, now: Duration) -> Step {
        let Some(state) = self.calls.get_mut(&job) else { return Step::Fail };
        let ticket = state.ticket.get_or_insert_with(|| self.quota.enter());
        // In the line already while the server's own wait lasts.
        if now < state.not_before {
            return Step::Wait(state.not_before);
        }
        match ticket.poll_with(now, &state.waker) {
            Admission::Ready => Step::Send,
            Admission::Wait(wait) => Step::Wait(ticket.poll_at().unwrap_or(now + wait)),
        }
    }

    fn failed(&mut self, job: usize, outcome: &Outcome, trip: Trip, now: Duration) -> Step {
        let error = match outcome {
            Outcome::Answer(answer) => self.read(answer, now),
            Outcome::Timeout => Some(Error::new(Kind::Timeout, "no answer").with_ambiguous(true)),
            Outcome::Broken => Some(Error::new(Kind::Network, "broken").with_ambiguous(true)),
        };
        let settlement = match outcome {
            Outcome::Answer(answer) => Settlement::from_answer(
                answer.status,
                &answer.headers,
                error.as_ref(),
                self.wall + now,
            ),
            Outcome::Timeout | Outcome::Broken => Settlement::unknown(),
        };
        let (Some(mut state), Some(error)) = (self.calls.remove(&job), error) else {
            return Step::Fail;
        };
        self.settle(state.ticket.take(), &settlement, now);
        let step = match state.call.on_error(&error, now) {
            Decision::Stop { .. } => return Step::Fail,
            Decision::Retry { .. } if error.kind() == Kind::RateLimit => {
                state.not_before = now + error.retry_after().unwrap_or_default();
                None
            }
            Decision::Retry { delay, .. } => {
                state.not_before = now + delay;
                Some(Step::Wait(now + delay))
            }
        };
        self.calls.insert(job, state);
        step.unwrap_or_else(|| self.wake(job, trip, now))
    }

    fn succeeded(&mut self, job: usize, outcome: &Outcome, now: Duration) {
        let Some(mut state) = self.calls.remove(&job) else { return };
        if let Outcome::Answer(answer) = outcome {
            let settlement =
                Settlement::from_answer(answer.status, &answer.headers, None, self.wall + now);
            self.settle(state.ticket.take(), &settlement, now);
        }
        state.call.on_success();
    }

    fn woken(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.woken.lock().expect("nobody panics with it"))
    }
}
