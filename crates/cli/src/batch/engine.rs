//! Carrying a batch out: workers that take requests, call, and append results.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use resayil::{CallOptions, CancelToken, Client, Error, Kind, Response};

use super::feed::Extent;
use super::ids::Ids;
use super::input::{Source, check};
use super::key::Keys;
use super::output::{Earlier, Output, Target};
use super::progress::{Display, Progress};
use super::queue::{Queue, Task, Verdict, Work};
use super::record;
use super::report::Recorder;
use super::tally::Tally;
use crate::exit::Failure;
use crate::told::set_subject;

/// How often the quota is looked at for the record.
const QUOTA_INTERVAL: Duration = Duration::from_millis(100);

/// A batch to be carried out.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) source: Source,
    pub(crate) target: Target,
    /// What makes its idempotency keys, instead of the output's path.
    pub(crate) batch_id: Option<String>,
    /// Calls at once.
    pub(crate) concurrency: u16,
    pub(crate) retry_failed: bool,
    pub(crate) fsync: bool,
    /// The length of the quota's window, for the estimate.
    pub(crate) window: Option<Duration>,
    pub(crate) display: Display,
    /// Is told what happens; the client's events, too, if its observer tells them.
    pub(crate) recorder: Arc<Recorder>,
    /// How each call stands in the quota's line.
    pub(crate) calls: CallOptions,
}

/// How a batch ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Requests of the input.
    pub(crate) total: u64,
    /// Answered, by earlier runs and by this one.
    pub(crate) answered: u64,
    /// Failed for good, in earlier runs and in this one.
    pub(crate) failed: u64,
    /// Of the above, those of earlier runs.
    pub(crate) earlier: u64,
    /// How long this run took.
    pub(crate) elapsed: Duration,
    /// Whether a signal ended it.
    pub(crate) interrupted: bool,
    /// The error for which all further requests would fail, too.
    pub(crate) stopped_by: Option<Error>,
}

impl Outcome {
    /// Requests without a result.
    pub(crate) fn open(&self) -> u64 {
        self.total - self.answered - self.failed
    }
}

/// Carries the batch out, as far as no earlier run has.
pub(crate) fn run(job: &Job, client: &Client, token: &CancelToken) -> Result<Outcome, Failure> {
    let mut ids = match &job.source {
        Source::File(path) => check(path)?,
        Source::Pipe => Ids::default(),
    };
    let (output, earlier) =
        Output::open(&job.target, &job.source, &mut ids, job.retry_failed, job.fsync)?;
    let keys = match (&job.batch_id, &job.target) {
        (Some(id), _) => Keys::of_batch(id),
        (None, Target::File(path)) => Keys::of_output(path),
        (None, Target::Pipe) => Keys::of_this_run(),
    };
    let workers = match job.source {
        Source::File(_) => u64::from(job.concurrency).min(ids.len()),
        Source::Pipe => job.concurrency.into(),
    };
    let run = Run {
        client,
        token,
        calls: &job.calls,
        keys: keys.clone(),
        queue: Queue::open(&job.source, ids, earlier, keys, job.concurrency.into())?,
        output: Mutex::new(output),
        tally: Tally::default(),
        ended_by: Mutex::new(None),
        recorder: &job.recorder,
    };
    let start = Instant::now();
    let progress =
        Progress { client, tally: &run.tally, queue: &run.queue, start, window: job.window };
    progress.show_while(job.display, || {
        let (working, done) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(|| run.look_at_quota(done));
            for _ in 0..workers {
                let working = working.clone();
                let run = &run;
                scope.spawn(move || {
                    run.work();
                    drop(working);
                });
            }
            drop(working);
        });
    });
    let ended_by = run.ended_by.into_inner().unwrap_or_else(PoisonError::into_inner);
    let stopped_by = match ended_by {
        Some(End::Failure(failure)) => return Err(failure),
        Some(End::Stopped(error)) => Some(error),
        None => None,
    };
    let Extent { total, earlier: Earlier { answered, failed }, is_whole } = run.queue.extent();
    let outcome = Outcome {
        total,
        answered: answered + run.tally.answered(),
        failed: failed + run.tally.failed(),
        earlier: answered + failed,
        elapsed: start.elapsed(),
        interrupted: false,
        stopped_by,
    };
    // A signal that came when all was done already interrupted nothing.
    let interrupted = (outcome.open() > 0 || !is_whole) && outcome.stopped_by.is_none();
    Ok(Outcome { interrupted, ..outcome })
}

/// What the workers share.
struct Run<'a> {
    client: &'a Client,
    token: &'a CancelToken,
    calls: &'a CallOptions,
    keys: Keys,
    queue: Queue,
    output: Mutex<Output>,
    tally: Tally,
    ended_by: Mutex<Option<End>>,
    recorder: &'a Recorder,
}

/// Why a batch ends before all requests have their result.
enum End {
    /// All further requests would fail in the same way.
    Stopped(Error),
    /// The input or the output is of no use any more.
    Failure(Failure),
}

impl Run<'_> {
    /// Records what is used of the quota, until all workers are gone.
    fn look_at_quota(&self, done: mpsc::Receiver<()>) {
        while done.recv_timeout(QUOTA_INTERVAL) == Err(mpsc::RecvTimeoutError::Timeout) {
            self.recorder.look_at(self.client.quota_state());
        }
    }

    fn work(&self) {
        loop {
            match self.queue.take(|| self.token.forbids_sending()) {
                Ok(Some(Work::Call(task))) => self.carry_out(task),
                Ok(Some(Work::Reject(bad, id))) => {
                    if let Some(line) = self.append(&record::unusable(&id, &bad)) {
                        self.recorder.rejected(&bad, line);
                        self.tally.fail();
                    }
                }
                Ok(None) => return,
                Err(failure) => return self.end(End::Failure(failure)),
            }
        }
    }

    fn carry_out(&self, task: Task) {
        self.tally.begin();
        self.recorder.begin();
        set_subject(&task.request.custom_id);
        let key = self.keys.key(&task.request.custom_id, &task.request.body);
        let options = self.calls.clone().cancel(self.token.clone()).idempotency_key(&key);
        let result = self.client.post(&task.request.path, &task.request.body, &options);
        self.tally.end();
        match result {
            Ok(response) => self.answered(&task, &key, &response),
            Err(error) => self.failed(task, &key, error),
        }
    }

    fn answered(&self, task: &Task, key: &str, response: &Response) {
        let line = record::answered(&Keys::result_id(key), &task.request.custom_id, response);
        if let Some(result) = self.append(&line) {
            self.recorder.answered(&task.request, response, result);
            self.tally.answer();
        }
        self.queue.done(true);
    }

    fn failed(&self, task: Task, key: &str, error: Error) {
        if error.kind() == Kind::Cancelled {
            // It has no result, so that the next run begins it.
            return self.queue.done(false);
        }
        *self.tally.trouble() = Some(error.to_string());
        // A service that was never reached is not waited for: its address may be wrong.
        let unreachable =
            self.tally.answered() == 0 && error.kind() == Kind::Network && !error.is_ambiguous();
        if concerns_all(&error) || unreachable {
            self.queue.done(false);
            return self.end(End::Stopped(error));
        }
        let task = if passes(&error) {
            match self.queue.failed_for_now(task) {
                Verdict::Later => return,
                Verdict::GiveUp => return self.end(End::Stopped(error)),
                Verdict::Failed(task) => task,
            }
        } else {
            self.queue.done(false);
            task
        };
        let line = record::failed(&Keys::result_id(key), &task.request.custom_id, &error);
        if let Some(result) = self.append(&line) {
            self.recorder.failed(&task.request, &error, result);
            self.tally.fail();
        }
    }

    /// Appends a result; gives its line of the output, if that succeeded.
    fn append(&self, line: &str) -> Option<u64> {
        let result = self.output.lock().unwrap_or_else(PoisonError::into_inner).append(line);
        result.map_err(|failure| self.end(End::Failure(failure))).ok()
    }

    /// Ends the batch; the first reason is the one that is told.
    fn end(&self, end: End) {
        self.ended_by.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(end);
        self.queue.close();
        // The others wait for a quota or a service that will not help them.
        self.token.cancel_waits();
    }
}

/// Whether every other request would fail in the same way, until somebody does something.
fn concerns_all(error: &Error) -> bool {
    let kind = error.kind();
    matches!(
        kind,
        Kind::Authentication | Kind::PaymentRequired | Kind::QuotaExhausted | Kind::Configuration
    ) || (kind == Kind::RateLimit && !error.is_exhausted())
}

/// Whether the same request may succeed later.
fn passes(error: &Error) -> bool {
    error.is_retryable() || error.kind() == Kind::Deadline
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_apart() {
        let error = |kind| Error::new(kind, "");
        assert!(concerns_all(&error(Kind::PaymentRequired)));
        assert!(!concerns_all(&error(Kind::Validation)) && !passes(&error(Kind::Validation)));
        assert!(passes(&error(Kind::Server).with_exhausted(true)));
        assert!(passes(&error(Kind::Deadline)));
        // A wait beyond what the policy accepts, against refusals that never end.
        assert!(concerns_all(&error(Kind::RateLimit)));
        assert!(!concerns_all(&error(Kind::RateLimit).with_exhausted(true)));
    }
}
