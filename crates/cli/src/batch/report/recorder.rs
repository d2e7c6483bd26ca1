//! Records what happens in a batch, in memory that does not grow with it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use resayil::call::WaitReason;
use resayil::observe::{CallAction, CallEvent};
use resayil::quota::QuotaState;
use resayil::{Error, Kind, Response};

use super::data::{Data, Retries};
use super::latency::Times;
use super::notable::{Failed, Listed, Notable};
use super::timeline::{Span, Timeline};
use super::tokens::Tokens;
use super::told::Groups;
use crate::batch::line::{BadLine, Request};

/// So many reasons of retries are told apart.
const MAX_REASONS: usize = 100;

/// What happens, from the batch's start on. Any number of threads may tell.
#[derive(Debug)]
pub(crate) struct Recorder {
    start: OnceLock<Instant>,
    records: Mutex<Records>,
}

#[derive(Debug)]
struct Records {
    timeline: Timeline,
    calls: Times,
    answers: Times,
    tokens: Tokens,
    retries: BTreeMap<(String, &'static str), u64>,
    failures: Groups,
    notable: Notable,
}

/// The call of this thread.
#[derive(Clone, Copy, Debug, Default)]
struct Course {
    began: Option<Instant>,
    sent: Option<Instant>,
    answer_took: Option<Duration>,
    quota_wait: Duration,
    retry_wait: Duration,
    attempts: u32,
}

thread_local! {
    static COURSE: RefCell<Course> = RefCell::default();
}

impl Recorder {
    /// The batch starts with its first call.
    pub(crate) fn new() -> Self {
        let records = Records {
            timeline: Timeline::new(),
            calls: Times::new(),
            answers: Times::new(),
            tokens: Tokens::default(),
            retries: BTreeMap::new(),
            failures: Groups::default(),
            notable: Notable::default(),
        };
        Recorder { start: OnceLock::new(), records: Mutex::new(records) }
    }

    /// A call of this thread begins.
    pub(in crate::batch) fn begin(&self) {
        let now = Instant::now();
        self.since_start(now);
        COURSE.set(Course { began: Some(now), ..Course::default() });
    }

    /// Something happened to the call of this thread.
    pub(crate) fn observe(&self, event: &CallEvent<'_>) {
        COURSE.with_borrow_mut(|course| self.observe_in(course, event));
    }

    fn observe_in(&self, course: &mut Course, event: &CallEvent<'_>) {
        let instant = Instant::now();
        let now = self.since_start(instant);
        let delay = event.delay.unwrap_or_default();
        let mut records = self.lock();
        match event.action {
            CallAction::Attempt => {
                course.sent = Some(instant);
                course.attempts += 1;
                records.timeline.at(now).sent += 1;
            }
            CallAction::Waited(WaitReason::Quota | WaitReason::Concurrency) => {
                course.quota_wait += delay;
                records.timeline.span(Span::WaitingForQuota, now, delay);
            }
            CallAction::Waited(_) => {
                course.retry_wait += delay;
                records.timeline.span(Span::WaitingToRetry, now, delay);
            }
            CallAction::Answer => {
                course.answer_took = records.attempt_ended(course, now, instant);
                records.timeline.at(now).answered += 1;
            }
            CallAction::Retry(reason) => {
                records.attempt_failed(course, event.kind(), now, instant);
                records.retried(event, reason.name());
            }
            CallAction::Stop(_) => records.attempt_failed(course, event.kind(), now, instant),
            _ => {}
        }
    }

    /// The request of this thread's call was answered.
    pub(in crate::batch) fn answered(&self, request: &Request, answer: &Response, result: u64) {
        let (course, took) = course();
        let mut records = self.lock();
        records.calls.add(took);
        records.answers.add(course.answer_took.unwrap_or(took));
        records.tokens.add(&request.body, answer.body());
        records.notable.add(listed(request, &course, took, result));
    }

    /// The request of this thread's call failed for good.
    pub(in crate::batch) fn failed(&self, request: &Request, error: &Error, result: u64) {
        let (course, took) = course();
        let failure = Failed {
            kind: error.kind().to_string(),
            status: error.status(),
            message: error.message().unwrap_or_default().to_owned(),
            request_id: error.request_id().map(str::to_owned),
        };
        let mut records = self.lock();
        records.failures.failed(error);
        let listed = listed(request, &course, took, result);
        records.notable.add(Listed { failure: Some(failure), ..listed });
    }

    /// A line could not be sent.
    pub(in crate::batch) fn rejected(&self, bad: &BadLine, result: u64) {
        let failure = Failed {
            kind: Kind::Configuration.to_string(),
            status: None,
            message: format!("line {} {}", bad.line, bad.problem),
            request_id: None,
        };
        self.lock().notable.add(Listed {
            line: bad.line,
            result_line: result,
            custom_id: bad.custom_id.clone(),
            failure: Some(failure),
            ..Listed::default()
        });
    }

    /// The quota as it is now.
    pub(in crate::batch) fn look_at(&self, quota: Option<QuotaState>) {
        let (Some(quota), Some(start)) = (quota, self.start.get()) else { return };
        let now = start.elapsed();
        let used = quota.limit.zip(quota.remaining).map(|(limit, left)| limit.saturating_sub(left));
        let mut records = self.lock();
        let bin = records.timeline.at(now);
        bin.quota_used = bin.quota_used.max(used);
        bin.quota_limit = quota.limit.or(bin.quota_limit);
    }

    /// What was recorded so far.
    pub(crate) fn data(&self) -> Data {
        let records = self.lock();
        let retries = records.retries.iter();
        let mut retries_by_reason: Vec<_> = retries
            .map(|((cause, reason), count)| Retries { cause: cause.clone(), reason, count: *count })
            .collect();
        retries_by_reason.sort_by_key(|it| std::cmp::Reverse(it.count));
        Data {
            call_seconds: records.calls.percentiles(),
            answer_seconds: records.answers.percentiles(),
            tokens: records.tokens,
            retries_by_reason,
            failures: records.failures.list(),
            slowest: records.notable.slowest(),
            failed_requests: records.notable.failed(),
            timeline: records.timeline.bins(),
        }
    }

    fn since_start(&self, now: Instant) -> Duration {
        now.saturating_duration_since(*self.start.get_or_init(|| now))
    }

    fn lock(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Records {
    /// The request in flight has ended; says how long it took.
    fn attempt_ended(
        &mut self,
        course: &mut Course,
        now: Duration,
        instant: Instant,
    ) -> Option<Duration> {
        let took = instant.saturating_duration_since(course.sent.take()?);
        self.timeline.span(Span::InFlight, now, took);
        Some(took)
    }

    fn attempt_failed(
        &mut self,
        course: &mut Course,
        kind: Option<Kind>,
        now: Duration,
        instant: Instant,
    ) {
        if self.attempt_ended(course, now, instant).is_none() {
            // It ended a wait, no request.
            return;
        }
        let bin = self.timeline.at(now);
        match kind {
            Some(Kind::RateLimit) => bin.refused += 1,
            _ => bin.errors += 1,
        }
    }

    fn retried(&mut self, event: &CallEvent<'_>, reason: &'static str) {
        let cause = match (event.status(), event.kind()) {
            (Some(status), Some(kind)) => format!("{status} {kind}"),
            (None, Some(kind)) => kind.to_string(),
            _ => "network (the kept connection was closed)".to_owned(),
        };
        let key = (cause, reason);
        if self.retries.len() < MAX_REASONS || self.retries.contains_key(&key) {
            *self.retries.entry(key).or_default() += 1;
        }
        if let Some(error) = event.error {
            self.failures.retried(error);
        }
    }
}

/// The course of this thread's call, and how long it took.
fn course() -> (Course, Duration) {
    let course = COURSE.take();
    (course, course.began.map(|began| began.elapsed()).unwrap_or_default())
}

fn listed(request: &Request, course: &Course, took: Duration, result: u64) -> Listed {
    Listed {
        line: request.line,
        result_line: result,
        custom_id: Some(request.custom_id.clone()),
        seconds: took.as_secs_f64(),
        quota_wait_seconds: course.quota_wait.as_secs_f64(),
        retry_wait_seconds: course.retry_wait.as_secs_f64(),
        attempts: course.attempts,
        failure: None,
    }
}
