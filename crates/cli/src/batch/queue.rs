//! What is to be asked next, and how a run of failures slows the batch down.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::feed::{Extent, Fed, Feed};
use super::ids::Ids;
use super::input::{Lines, Source};
use super::key::Keys;
use super::line::{BadLine, Request};
use super::output::Earlier;
use crate::exit::Failure;

/// How often a request is begun that fails for reasons that pass. The client's own retries are
/// within each.
const MAX_ROUNDS: u32 = 3;
/// When every worker has failed since the last answer, all pause, for 1 s, 2 s, 4 s and so on; after
/// so many pauses in vain, some five minutes, the batch ends.
const MAX_PAUSES: u32 = 10;
/// The longest pause.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// How often a waiting worker looks whether it is to stop.
const POLL: Duration = Duration::from_millis(100);

/// So many requests that failed for now are kept; then they come first.
const MAX_AGAIN: usize = 1000;

/// A request and how often it was begun before.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) request: Request,
    rounds: u32,
}

impl Task {
    pub(super) fn new(request: Request) -> Self {
        Task { request, rounds: 0 }
    }
}

/// What is to be done next.
#[derive(Debug)]
pub(super) enum Work {
    Call(Task),
    /// A line that cannot be sent, and the id of its result.
    Reject(BadLine, String),
}

/// The requests that have no result yet, in the order of the input.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Arc<Condvar>,
    workers: u32,
}

struct State {
    feed: Feed,
    /// Requests to be begun once more.
    again: VecDeque<Task>,
    under_way: usize,
    failures_in_a_row: u32,
    pauses: u32,
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

impl Queue {
    /// Of an input of which this is known.
    pub(super) fn open(
        source: &Source,
        ids: Ids,
        earlier: Earlier,
        keys: Keys,
        workers: u32,
    ) -> Result<Self, Failure> {
        let changed = Arc::new(Condvar::new());
        let feed = match source {
            Source::File(path) => Feed::of_file(Lines::open(path)?, ids, earlier),
            Source::Pipe => Feed::of_pipe(Lines::of_pipe(), ids, keys, Arc::clone(&changed)),
        };
        let state = State {
            feed,
            again: VecDeque::new(),
            under_way: 0,
            failures_in_a_row: 0,
            pauses: 0,
            paused_until: None,
            closed: false,
        };
        Ok(Queue { state: Mutex::new(state), changed, workers })
    }

    /// The next request; `None` when there is none and none will come, or when `is_over`.
    pub(super) fn take(&self, is_over: impl Fn() -> bool) -> Result<Option<Work>, Failure> {
        let mut state = self.lock();
        loop {
            if state.closed || is_over() {
                return Ok(None);
            }
            let pause =
                state.paused_until.and_then(|end| end.checked_duration_since(Instant::now()));
            if pause.is_none_or(|pause| pause.is_zero()) {
                state.paused_until = None;
                match state.next()? {
                    Fed::Work(Work::Call(task)) => {
                        state.under_way += 1;
                        return Ok(Some(Work::Call(task)));
                    }
                    Fed::Work(work) => return Ok(Some(work)),
                    Fed::End if state.under_way == 0 => return Ok(None),
                    Fed::End | Fed::NotYet => {}
                }
            }
            let wait = pause.unwrap_or(POLL).min(POLL);
            state = match self.changed.wait_timeout(state, wait) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    /// What is known of the input by now.
    pub(super) fn extent(&self) -> Extent {
        self.lock().feed.extent()
    }

    /// Tells that a request has its result: an answer, or a failure that is its own.
    pub(super) fn done(&self, answered: bool) {
        let mut state = self.lock();
        state.under_way -= 1;
        if answered {
            state.failures_in_a_row = 0;
            state.pauses = 0;
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
        // Those that were under way when the pause began tell nothing new.
        let is_paused = state.paused_until.is_some_and(|end| end > Instant::now());
        if state.failures_in_a_row >= self.workers && !is_paused {
            if state.pauses >= MAX_PAUSES {
                return Verdict::GiveUp;
            }
            let pause = Duration::from_secs(1 << state.pauses.min(6)).min(MAX_PAUSE);
            state.pauses += 1;
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

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What is next: of the input, for what failed gets time, unless too much failed.
    fn next(&mut self) -> Result<Fed, Failure> {
        let has_many = self.again.len() >= MAX_AGAIN;
        let fed = if has_many { Fed::NotYet } else { self.feed.next()? };
        Ok(match fed {
            Fed::NotYet | Fed::End => {
                self.again.pop_front().map_or(fed, |it| Fed::Work(Work::Call(it)))
            }
            work => work,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::ids::{Ended, Known};
    use crate::batch::input::check;

    /// A queue of so many requests for one worker, and what it holds on to.
    fn with_queue(requests: usize, test: impl FnOnce(&Queue)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("in.jsonl");
        let line = |id| {
            format!(r#"{{"custom_id":"{id}","method":"POST","url":"/v1/x","body":{{}}}}"#) + "\n"
        };
        std::fs::write(&path, (0..requests).map(line).collect::<String>()).unwrap();
        let mut ids = check(&path).unwrap();
        ids.insert("0", Known { line: 1, result: Some(Ended::Answered) });
        let (source, keys) = (Source::File(path), Keys::of_this_run());
        test(&Queue::open(&source, ids, Earlier::default(), keys, 1).unwrap());
    }

    fn take(queue: &Queue) -> Option<Task> {
        match queue.take(|| false).unwrap()? {
            Work::Call(task) => Some(task),
            work => panic!("{work:?}"),
        }
    }

    #[test]
    fn what_is_done_is_left_out_and_what_failed_comes_last_but_not_for_ever() {
        with_queue(3, |queue| {
            let first = take(queue).unwrap();
            assert_eq!(first.request.custom_id, "1");
            assert!(matches!(queue.failed_for_now(first), Verdict::Later));
            let second = take(queue).unwrap();
            assert_eq!(second.request.custom_id, "2");
            queue.done(true);
            let again = take(queue).unwrap();
            assert_eq!(again.request.custom_id, "1");
            assert!(matches!(queue.failed_for_now(again), Verdict::Later));
            let Verdict::Failed(task) = queue.failed_for_now(take(queue).unwrap()) else {
                panic!()
            };
            assert_eq!(task.request.custom_id, "1");
            assert!(take(queue).is_none());
        });
    }

    #[test]
    fn a_service_that_is_down_is_given_up() {
        with_queue(40, |queue| {
            let fail = || {
                queue.lock().paused_until = None;
                queue.failed_for_now(take(queue).unwrap())
            };
            for pauses in 1..=MAX_PAUSES {
                assert!(matches!(fail(), Verdict::Later));
                let state = queue.lock();
                let pause = state.paused_until.unwrap() - Instant::now();
                assert_eq!((state.pauses, pause <= MAX_PAUSE), (pauses, true));
            }
            assert!(matches!(fail(), Verdict::GiveUp));
            queue.close();
            assert!(take(queue).is_none());
        });
    }

    #[test]
    fn failures_within_a_pause_do_not_lengthen_it_and_an_answer_ends_it() {
        with_queue(40, |queue| {
            let tasks: Vec<_> = (0..4).map(|_| take(queue).unwrap()).collect();
            for task in tasks {
                assert!(matches!(queue.failed_for_now(task), Verdict::Later));
            }
            assert_eq!(queue.lock().pauses, 1);
            queue.lock().under_way += 1;
            queue.done(true);
            let state = queue.lock();
            assert_eq!((state.pauses, state.paused_until), (0, None));
        });
    }

    #[test]
    fn what_failed_for_now_does_not_pile_up() {
        with_queue(MAX_AGAIN + 5, |queue| {
            for _ in 0..MAX_AGAIN {
                let task = take(queue).unwrap();
                assert!(matches!(queue.failed_for_now(task), Verdict::Later));
                let mut state = queue.lock();
                (state.failures_in_a_row, state.pauses, state.paused_until) = (0, 0, None);
            }
            assert_eq!(take(queue).unwrap().request.custom_id, "1", "before more of the file");
            assert_eq!(take(queue).unwrap().request.line, MAX_AGAIN as u64 + 2);
        });
    }

    #[test]
    fn nothing_is_given_out_when_it_is_over_or_the_file_has_changed() {
        with_queue(3, |queue| assert!(queue.take(|| true).unwrap().is_none()));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("in.jsonl");
        std::fs::write(&path, r#"{"custom_id":"a","method":"POST","url":"/v1/x","body":{}}"#)
            .unwrap();
        let (source, keys) = (Source::File(path), Keys::of_this_run());
        let queue = Queue::open(&source, Ids::default(), Earlier::default(), keys, 1).unwrap();
        assert!(queue.take(|| false).is_err());
    }
}
