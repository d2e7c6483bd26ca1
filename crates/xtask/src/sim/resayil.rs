//! This project's own policy: the code that ships, driven as the client drives it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Wake, Waker};
use std::time::Duration;

use resayil_core::call::{Attempt, OperationOptions, Reached, Service};
use resayil_core::quota::store::{QuotaModel, QuotaOperation, QuotaReply, QuotaStore};
use resayil_core::quota::{Cost, EnterOptions, QuotaOptions};
use resayil_core::retry::{Budget, BudgetOptions};
use resayil_core::{Error, Kind, Operation, Policy, Provider, Quota, Timestamp};

use super::answer::{Dialect, Outcome};
use super::cost::JobCost;
use super::driver::{Driver, Step, Trip};
use super::scenario::Scenario;

pub(crate) struct Resayil {
    options: OperationOptions,
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

impl QuotaStore for Shared {
    fn exchange(&mut self, operations: &[QuotaOperation], now: Duration) -> QuotaReply {
        let mut bytes = self.lock();
        let mut model = QuotaModel::from_bytes(&bytes).expect("bytes of a model");
        let (reply, changed) = model.apply(operations, now);
        if changed {
            *bytes = model.to_bytes();
        }
        reply
    }
}

struct State {
    operation: Operation,
    /// The request that is under way.
    attempt: Option<Attempt>,
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
        let options = options.with_limit(scenario.tier).with_token_limit(scenario.token_tier);
        let quota = match shared {
            Some(shared) => Quota::shared(shared.opened(options, wall + now, now)),
            None => Quota::new(options, wall + now, now),
        };
        let policy = if scenario.patient { Policy::patient() } else { Policy::default() };
        let budget = match shared {
            Some(_) => Budget::shared(BudgetOptions::default(), &quota),
            None => Budget::default(),
        };
        let service =
            Service::new().with_provider(provider).with_budget(budget).with_quota(quota, now);
        Resayil {
            options: OperationOptions::new(policy, Arc::new(service)),
            wall,
            calls: HashMap::new(),
            woken: Arc::default(),
            seed,
        }
    }

    /// Tells the operation what came of its request.
    fn hand_on(&mut self, job: usize, outcome: &Outcome, now: Duration) {
        let wall = self.wall + now;
        let Some(state) = self.calls.get_mut(&job) else { return };
        let Some(attempt) = state.attempt.take() else { return };
        let operation = &mut state.operation;
        let lost = |kind| Error::new(kind, "").with_ambiguous(true);
        match outcome {
            Outcome::Answer(answer) => {
                let response =
                    operation.on_headers(attempt, answer.status, &answer.headers, now, wall);
                let body = answer.body();
                if let Some(good) = operation.on_body(response, &answer.headers, body, now, wall) {
                    operation.on_success(good, now);
                }
            }
            Outcome::Timeout => {
                operation.on_failure(attempt, lost(Kind::Timeout), Reached::Server, now);
            }
            Outcome::Broken => {
                operation.on_failure(attempt, lost(Kind::Network), Reached::Server, now);
            }
        }
    }
}

impl Driver for Resayil {
    fn begin(&mut self, job: usize, trip: Trip, now: Duration) -> Step {
        let seed = self.seed ^ (job as u64).wrapping_mul(0x2545_f491_4f6c_dd1d);
        let mut options = self.options.clone();
        if trip.cost != JobCost::default() {
            // As the client estimates it.
            let cost = Cost::default()
                .with_input_tokens(trip.cost.bytes.div_ceil(4))
                .with_output_tokens(trip.cost.max_output);
            options = options.with_enter_options(EnterOptions::default().with_cost(cost));
        }
        let operation = options.start(now, seed).expect("there is no key to be bad");
        let waker = Waker::from(Arc::new(Alarm { job, woken: self.woken.clone() }));
        self.calls.insert(job, State { operation, attempt: None, waker });
        self.wake(job, trip, now)
    }

    fn wake(&mut self, job: usize, _: Trip, now: Duration) -> Step {
        let Some(state) = self.calls.get_mut(&job) else { return Step::Fail };
        match state.operation.poll(now, &state.waker) {
            resayil_core::call::Step::Send(attempt) => {
                state.attempt = Some(attempt);
                Step::Send
            }
            resayil_core::call::Step::Wait { until, .. } => {
                Step::Wait(until.unwrap_or(Duration::MAX))
            }
            _ => {
                self.calls.remove(&job);
                Step::Fail
            }
        }
    }

    fn failed(&mut self, job: usize, outcome: &Outcome, trip: Trip, now: Duration) -> Step {
        self.hand_on(job, outcome, now);
        self.wake(job, trip, now)
    }

    fn succeeded(&mut self, job: usize, outcome: &Outcome, now: Duration) {
        self.hand_on(job, outcome, now);
        self.calls.remove(&job);
    }

    fn woken(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.woken.lock().expect("nobody panics with it"))
    }
}
