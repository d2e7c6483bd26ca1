//! What is to be asked next, and how a run of failures slows the batch down.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::input::{Known, Request, Requests};
use crate::exit::{Exit, Failure};

/// How often a request is begun that fails for reasons that pass. The client's own retries are
/// within each.
const MAX_ROUNDS: u32 = 3;
/// So many failures in a row, beyond one for each worker, end the batch.
const MAX_FAILURES_IN_A_ROW: u32 = 10;
/// The longest pause after failures in a row.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// How often a waiting worker looks whether it is to stop.
const POLL: Duration = Duration::from_millis(100);

/// A request and how often it was begun before.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) request: Request,
    rounds: u32,
}

/// The requests that have no result yet, in the order of the file.
pub(super) struct Queue<'a> {
    state: Mutex<State<'a>>,
    changed: Condvar,
    workers: u32,
}

struct State<'a> {
    requests: Requests,
    known: &'a HashMap<String, Known>,
    /// Requests to be begun once more.
    again: VecDeque<Task>,
    under_way: usize,
    failures_in_a_row: u32,
    paused_until: Option<Instant>,
    closed: bool,
}

/// What becomes of a request that failed for a reason that passes.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It is begun again later.
    Later,
    /// It was begun often enough.
    Failed(Task),
    /// The service does not answer, and the batch is to end.
    GiveUp,
}

impl<'a> Queue<'a> {
    pub(super) fn new(requests: Requests, known: &'a HashMap<String, Known>, workers: u32) -> Self {
        let state = State {
            requests,
            known,
            again: VecDeque::new(),
            under_way: 0,
            failures_in_a_row: 0,
            paused_until: None,
            closed: false,
        };
        Queue { state: Mutex::new(state), changed: Condvar::new(), workers }
    }

    /// The next request; `None` when there is none and none will come, or when `is_over`.
    pub(super) fn take(&self, is_over: impl Fn() -> bool) -> Result<Option<Task>, Failure> {
        let mut state = self.lock();
        loop {
            if state.closed || is_over() {
                return Ok(None);
            }
            let pause =
                state.paused_until.and_then(|end| end.checked_duration_since(Instant::now()));
            if pause.is_none_or(|pause| pause.is_zero()) {
                state.paused_until = None;
                // Those of the file first: what failed gets time.
                if let Some(request) = state.next_request()? {
                    state.under_way += 1;
                    return Ok(Some(Task { request, rounds: 0 }));
                }
                if let Some(task) = state.again.pop_front() {
                    state.under_way += 1;
                    return Ok(Some(task));
                }
                if state.under_way == 0 {
                    return Ok(None);
                }
            }
            let wait = pause.unwrap_or(POLL).min(POLL);
            state = match self.changed.wait_timeout(state, wait) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    /// Tells that a request has its result: an answer, or a failure that is its own.
    pub(super) fn done(&self, answered: bool) {
        let mut state = self.lock();
        state.under_way -= 1;
        if answered {
            state.failures_in_a_row = 0;
            state.paused_until = None;
        }
        self.changed.notify_all();
    }

    /// Tells that a request failed for a reason that passes. It comes again later, after a pause for
    /// all if nothing succeeds any more.
    pub(super) fn failed_for_now(&self, mut task: Task) -> Verdict {
        let mut state = self.lock();
        state.under_way -= 1;
        state.failures_in_a_row += 1;
        self.changed.notify_all();
        if let Some(beyond) = state.failures_in_a_row.checked_sub(self.workers) {
            if beyond >= MAX_FAILURES_IN_A_ROW {
                return Verdict::GiveUp;
            }
            let pause = Duration::from_secs(1 << beyond.min(6)).min(MAX_PAUSE);
            state.paused_until = Some(Instant::now() + pause);
        }
        task.rounds += 1;
        if task.rounds >= MAX_ROUNDS {
            return Verdict::Failed(task);
        }
        state.again.push_back(task);
        Verdict::Later
    }

    /// Gives nothing more out.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State<'_> {
    /// The next request of the file that has no result.
    fn next_request(&mut self) -> Result<Option<Request>, Failure> {
        while let Some(request) = self.requests.next()? {
            match self.known.get(&request.custom_id) {
                Some(known) if known.line != request.line => return Err(changed(request.line)),
                Some(known) if known.done => {}
                Some(_) => return Ok(Some(request)),
                None => return Err(changed(request.line)),
            }
        }
        Ok(None)
    }
}

fn changed(line: u64) -> Failure {
    Failure::new(Exit::Input, format_args!("the input changed while it was in use, at line {line}"))
        .hint("leave it alone until the batch is done, then run the same command again")
}
