//! The course of an operation, step by step.

use std::sync::{Arc, Mutex};
use std::task::Waker;

use super::*;
use crate::call::{Fallback, FallbackTarget, Step};
use crate::concurrency::{ConcurrencyLimit, ConcurrencyLimiter};
use crate::error::HintSource;
use crate::observe::Counters;
use crate::provider::Provider;
use crate::quota::{Quota, QuotaOptions};
use crate::retry::{Budget, BudgetOptions, Jitter, Policy};

const T0: Duration = Duration::ZERO;
/// Ten seconds before a minute ends.
const WALL: Timestamp = Timestamp::from_unix_seconds(1_760_000_030);
const NONE: [(&str, &str); 0] = [];
const GOOD: &[u8] =
    br#"{"choices":[{"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}"#;
const REFUSED: &[u8] = br#"{"error":{"message":"Rate limit exceeded","code":429}}"#;
const REFUSED_FOR_7: &[u8] =
    br#"{"error":{"message":"Rate limit exceeded","code":429},"retry_after":7}"#;

mod limits;
mod outages;
mod refusals;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn policy() -> Policy {
    Policy::builder().jitter(Jitter::None).build().unwrap()
}

fn plan(service: Service) -> OperationOptions {
    OperationOptions::new(policy(), Arc::new(service))
}

fn start(options: OperationOptions) -> Operation {
    options.start(T0, 1).unwrap()
}

fn send(operation: &mut Operation, now: Duration) -> Attempt {
    match operation.poll(now, Waker::noop()) {
        Step::Send(attempt) => attempt,
        step => panic!("{step:?}"),
    }
}

/// What is waited for, and until when.
fn wait(operation: &mut Operation, now: Duration) -> (WaitReason, Option<Duration>) {
    match operation.poll(now, Waker::noop()) {
        Step::Wait { until, reason } => (reason, until),
        step => panic!("{step:?}"),
    }
}

fn failed(operation: &mut Operation, now: Duration) -> Error {
    match operation.poll(now, Waker::noop()) {
        Step::Failed(error) => error,
        step => panic!("{step:?}"),
    }
}

/// Sends, and tells this answer to it.
fn answer(operation: &mut Operation, status: u16, body: &[u8], now: Duration) {
    let attempt = send(operation, now);
    let response = operation.on_headers(attempt, status, &NONE, now, WALL + now);
    if let Some(good) = operation.on_body(response, &NONE, body, now, WALL + now) {
        operation.on_success(good, now);
    }
}

fn network(operation: &mut Operation, reached: Reached, now: Duration) {
    let attempt = send(operation, now);
    let error = Error::new(Kind::Network, "broken").with_ambiguous(reached != Reached::Nothing);
    operation.on_failure(attempt, error, reached, now);
}

/// Keeps what is told.
fn told(options: OperationOptions) -> (OperationOptions, Arc<Mutex<Vec<String>>>) {
    let list = Arc::<Mutex<Vec<String>>>::default();
    let keeper = Arc::clone(&list);
    let observer = move |event: &CallEvent<'_>| keeper.lock().unwrap().push(event.to_string());
    (options.with_observer(Arc::new(observer) as Arc<dyn crate::observe::Observer>), list)
}

#[test]
fn an_answer_at_the_first_attempt_is_counted_and_not_told() {
    let counters = Arc::new(Counters::new());
    let (options, told) = told(plan(Service::new()).with_counters(Arc::clone(&counters)));
    let mut operation = start(options);
    answer(&mut operation, 200, GOOD, T0);
    assert!(matches!(operation.poll(T0, Waker::noop()), Step::Done));
    assert!(operation.is_over());
    let stats = counters.stats();
    assert_eq!((stats.calls, stats.attempts, stats.answered, stats.failed), (1, 1, 1, 0));
    drop(operation);
    assert_eq!(counters.stats().failed, 0);
    assert!(told.lock().unwrap().is_empty());
}

#[test]
fn an_observer_may_want_to_know_of_each_request() {
    #[derive(Default)]
    struct Curious(Mutex<Vec<&'static str>>);

    impl crate::observe::Observer for Curious {
        fn on_event(&self, event: &CallEvent<'_>) {
            self.0.lock().unwrap().push(event.action.name());
        }

        fn level(&self) -> crate::observe::LogLevel {
            crate::observe::LogLevel::Trace
        }
    }

    let curious = Arc::new(Curious::default());
    let observer = Arc::clone(&curious) as Arc<dyn crate::observe::Observer>;
    let mut operation = start(plan(Service::new()).with_observer(observer));
    answer(&mut operation, 200, GOOD, T0);
    assert_eq!(*curious.0.lock().unwrap(), ["start", "attempt", "answer"]);
}

#[test]
fn a_failure_is_waited_out_and_what_was_waited_is_counted() {
    let counters = Arc::new(Counters::new());
    let (options, told) = told(plan(Service::new()).with_counters(Arc::clone(&counters)));
    let mut operation = start(options);
    answer(&mut operation, 500, b"{}", seconds(1));
    for now in [seconds(1), Duration::from_millis(1999)] {
        assert_eq!(wait(&mut operation, now), (WaitReason::Backoff, Some(seconds(2))));
    }
    answer(&mut operation, 503, b"{}", seconds(4));
    assert_eq!(wait(&mut operation, seconds(4)), (WaitReason::Backoff, Some(seconds(6))));
    answer(&mut operation, 200, GOOD, seconds(6));
    let stats = counters.stats();
    assert_eq!((stats.attempts, stats.retries, stats.answered), (3, 2, 1));
    assert_eq!((stats.backoff_waits, stats.backoff_wait), (2, seconds(5)));
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 2);
    assert!(told[0].starts_with("attempt 1 failed, next in 1 s (backoff): server"), "{told:?}");
}

#[test]
fn the_last_error_is_marked_with_what_the_operation_knows() {
    let counters = Arc::new(Counters::new());
    let options = plan(Service::new().with_provider(Provider::OpenAi))
        .with_model("small".to_owned())
        .with_counters(Arc::clone(&counters));
    let mut operation = start(options);
    let mut now = T0;
    for _ in 0..5 {
        answer(&mut operation, 500, b"{}", now);
        now += seconds(60);
    }
    let error = failed(&mut operation, now);
    assert_eq!((error.kind(), error.attempts(), error.is_exhausted()), (Kind::Server, 5, true));
    assert_eq!((error.provider(), error.model()), (Some(Provider::OpenAi), Some("small")));
    assert_eq!(error.stop_reason(), Some(StopReason::MaxAttempts));
    assert_eq!(counters.stats().stops_by_reason, [(StopReason::MaxAttempts, 1)]);
    assert_eq!(failed(&mut operation, now).kind(), Kind::Cancelled);
}

#[test]
fn requests_that_a_layer_below_sent_are_counted_in() {
    let mut operation = start(plan(Service::new()));
    let attempt = send(&mut operation, T0);
    let error = Error::new(Kind::Server, "").with_attempts(3);
    operation.on_failure(attempt, error, Reached::Server, T0);
    answer(&mut operation, 401, b"{}", seconds(9));
    let error = failed(&mut operation, seconds(9));
    assert_eq!((error.kind(), error.attempts()), (Kind::Authentication, 4));
    assert_eq!(error.stop_reason(), Some(StopReason::NotRetryable));
}

#[test]
fn a_hint_is_a_wait_for_the_quota_and_one_above_the_ceiling_ends_it() {
    let mut operation = start(plan(Service::new()));
    answer(&mut operation, 429, REFUSED_FOR_7, T0);
    assert_eq!(wait(&mut operation, T0), (WaitReason::Quota, Some(seconds(7))));
    let body = br#"{"error":{"message":"Rate limit exceeded","code":429},"retry_after":500}"#;
    answer(&mut operation, 429, body, seconds(7));
    let error = failed(&mut operation, seconds(7));
    assert_eq!(error.stop_reason(), Some(StopReason::MaxHint));
    assert_eq!(error.retry_after(), Some(seconds(500)));
}

fn resayil(limit: Option<u32>) -> Service {
    let quota = Quota::new(QuotaOptions::default().with_limit(limit), WALL, T0);
    Service::new().with_provider(Provider::Resayil).with_quota(quota, T0)
}

#[test]
fn a_wait_past_the_deadline_ends_at_once_with_the_failure_before_it() {
    let service = Arc::new(resayil(Some(1)));
    let hurried = policy().with_deadline(seconds(5));
    let options = OperationOptions::new(hurried, Arc::clone(&service));
    let mut first = start(options.clone());
    answer(&mut first, 200, GOOD, T0);
    let mut second = start(options);
    let error = failed(&mut second, T0);
    assert_eq!((error.kind(), error.attempts()), (Kind::Deadline, 0));
    assert_eq!(error.retry_after(), Some(seconds(10)));
    assert_eq!(error.retry_after_source(), Some(HintSource::Quota));
    assert_eq!(error.stop_reason(), Some(StopReason::Deadline));
    assert!(error.is_exhausted());
    assert_eq!(service.quota().unwrap().state(T0).waiting, 0);

    let mut third = start(plan(Service::new()).with_attempt_timeout(seconds(9)));
    assert_eq!(third.timeout_error(true, seconds(99)).kind(), Kind::Timeout);
    let attempt = send(&mut third, seconds(1));
    assert_eq!(attempt.ends_at(), Some(seconds(10)));
}

#[test]
fn the_deadline_cuts_attempts_short_and_is_named() {
    let options = OperationOptions::new(policy().with_deadline(seconds(30)), Arc::default())
        .with_attempt_timeout(seconds(20));
    let mut operation = start(options);
    let attempt = send(&mut operation, T0);
    assert_eq!(attempt.ends_at(), Some(seconds(20)));
    let error = operation.timeout_error(true, seconds(20));
    assert_eq!((error.kind(), error.is_ambiguous()), (Kind::Timeout, true));
    operation.on_failure(attempt, error, Reached::Server, seconds(20));
    let attempt = send(&mut operation, seconds(21));
    assert_eq!(attempt.ends_at(), Some(seconds(30)));
    let error = operation.timeout_error(false, seconds(30));
    assert_eq!((error.kind(), error.is_ambiguous()), (Kind::Deadline, false));
    operation.on_failure(attempt, error, Reached::Server, seconds(30));
    assert_eq!(failed(&mut operation, seconds(30)).kind(), Kind::Deadline);
}

#[test]
fn a_place_is_held_for_the_exchange_and_not_between() {
    let limiter = ConcurrencyLimiter::new(ConcurrencyLimit::fixed(1)).unwrap();
    let service = Arc::new(Service::new().with_concurrency_limiter(limiter.clone()));
    let options = OperationOptions::new(policy(), service);
    let (mut first, mut second) = (start(options.clone()), start(options));
    let attempt = send(&mut first, T0);
    assert_eq!(wait(&mut second, T0), (WaitReason::Concurrency, None));
    let response = first.on_headers(attempt, 200, &NONE, T0, WALL);
    assert_eq!(wait(&mut second, T0), (WaitReason::Concurrency, None));
    first.on_error(response, Error::new(Kind::Network, "cut"), T0);
    let attempt = send(&mut second, T0);
    assert_eq!(wait(&mut first, T0).0, WaitReason::Backoff);
    drop(attempt);
    assert_eq!(limiter.state().in_flight, 0);
    assert_eq!(failed(&mut second, T0).kind(), Kind::Configuration);
}

#[test]
fn nobody_holds_a_place_while_the_quota_keeps_him_waiting() {
    let limiter = ConcurrencyLimiter::new(ConcurrencyLimit::fixed(1)).unwrap();
    let service = Arc::new(resayil(Some(1)).with_concurrency_limiter(limiter.clone()));
    let options = OperationOptions::new(policy(), service);
    answer(&mut start(options.clone()), 200, GOOD, T0);
    let mut waiting = start(options.clone());
    assert_eq!(wait(&mut waiting, T0).0, WaitReason::Quota);
    assert_eq!(limiter.state().in_flight, 0);
    let mut asking = start(options.with_metered(false));
    let attempt = send(&mut asking, T0);
    assert_eq!(limiter.state().in_flight, 1);
    drop(attempt);
}

#[test]
fn a_stale_connection_is_free_once() {
    let counters = Arc::new(Counters::new());
    let mut operation = start(plan(Service::new()).with_counters(Arc::clone(&counters)));
    network(&mut operation, Reached::StaleConnection, T0);
    let attempt = send(&mut operation, T0);
    assert!(attempt.needs_fresh_connection());
    assert_eq!(attempt.number(), 2);
    let error = Error::new(Kind::Network, "").with_ambiguous(true);
    operation.on_failure(attempt, error, Reached::StaleConnection, T0);
    assert_eq!(wait(&mut operation, T0).0, WaitReason::Backoff);
    let stats = counters.stats();
    assert_eq!((stats.stale_connections, stats.retries, stats.attempts), (1, 1, 2));

    let careful = Policy::builder().retry_ambiguous(false).build().unwrap();
    let mut operation = start(OperationOptions::new(careful, Arc::default()));
    network(&mut operation, Reached::StaleConnection, T0);
    let attempt = failed(&mut operation, T0);
    assert_eq!(attempt.kind(), Kind::Network);
}

#[test]
fn only_what_reached_the_server_is_taken_from_the_quota() {
    let remaining = |reached| {
        let service = Arc::new(resayil(Some(5)));
        let mut operation = start(OperationOptions::new(policy(), Arc::clone(&service)));
        network(&mut operation, reached, T0);
        service.quota().unwrap().state(T0).remaining
    };
    assert_eq!(remaining(Reached::Nothing), Some(5));
    assert_eq!(remaining(Reached::Server), Some(4));
    // An error of something below that has seen an answer.
    let service = Arc::new(resayil(Some(5)));
    for (status, left) in [(402, 5), (500, 4)] {
        let mut operation = start(OperationOptions::new(policy(), Arc::clone(&service)));
        let attempt = send(&mut operation, T0);
        let error = Error::new(Kind::Server, "").with_status(status);
        let error = error.with_provider(Some(Provider::Resayil));
        operation.on_failure(attempt, error, Reached::Server, T0);
        assert_eq!(service.quota().unwrap().state(T0).remaining, Some(left), "{status}");
    }
}

#[test]
fn a_fallback_is_another_request_with_another_key_at_another_service() {
    let there = FallbackTarget::new().with_base_url("https://b").with_api_key("k");
    let fallback = Fallback::builder().target("b").target(there.with_model("c")).build().unwrap();
    let budgets = [(); 2].map(|()| Budget::new(BudgetOptions::default()));
    let [first, other] = budgets.clone().map(|budget| Arc::new(Service::new().with_budget(budget)));
    let (options, told) = told(
        OperationOptions::new(policy(), Arc::clone(&first))
            .with_fallback(fallback, [Arc::clone(&first), Arc::clone(&other)])
            .with_idempotency_key("order-1".to_owned())
            .with_model("a".to_owned()),
    );
    let mut operation = start(options);
    assert_eq!((operation.target(), operation.idempotency_key()), (None, Some("order-1")));
    answer(&mut operation, 404, b"{}", T0);
    assert_eq!((operation.target(), operation.idempotency_key()), (Some(0), Some("order-1-1")));
    assert_eq!(operation.model(), Some("b"));
    answer(&mut operation, 404, b"{}", T0);
    assert!(Arc::ptr_eq(operation.service(), &other));
    let attempt = send(&mut operation, T0);
    assert_eq!(attempt.target(), Some(1));
    let error = Error::new(Kind::Server, "").with_status(500);
    operation.on_failure(attempt, error, Reached::Server, T0);
    assert_eq!(budgets.map(|budget| budget.remaining()), [10.0, 9.0]);
    assert_eq!(operation.idempotency_key(), Some("order-1-2"));
    answer(&mut operation, 404, b"{}", seconds(9));
    let error = failed(&mut operation, seconds(9));
    assert_eq!((error.model(), error.attempts()), (Some("c"), 4));
    let told = told.lock().unwrap();
    assert!(told[0].contains("next at once (fallback)"), "{told:?}");
    assert_eq!(told.len(), 4);
}

#[test]
fn a_rejected_answer_is_asked_for_anew_with_another_key() {
    let mut operation = start(plan(Service::new()).with_idempotency_key("k".to_owned()));
    let attempt = send(&mut operation, T0);
    let response = operation.on_headers(attempt, 200, &NONE, T0, WALL);
    operation.on_error(response, Error::rejected(), T0);
    assert_eq!(operation.idempotency_key(), Some("k-1"));
    answer(&mut operation, 500, b"{}", seconds(1));
    assert_eq!(operation.idempotency_key(), Some("k-1"));
    assert!(plan(Service::new()).with_idempotency_key("a b".to_owned()).start(T0, 1).is_err());
}

#[test]
fn a_cancelled_wait_ends_at_once_and_says_what_was_before() {
    let counters = Arc::new(Counters::new());
    let options = plan(Service::new()).with_counters(Arc::clone(&counters));
    let mut operation = start(options.clone());
    network(&mut operation, Reached::Server, T0);
    assert_eq!(wait(&mut operation, T0).0, WaitReason::Backoff);
    operation.cancel(seconds(1));
    let error = failed(&mut operation, seconds(1));
    assert_eq!((error.kind(), error.is_ambiguous()), (Kind::Cancelled, true));
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("broken"));
    assert_eq!(counters.stats().backoff_wait, seconds(1));
    // While an attempt is under way it is the driver that ends it.
    let mut operation = start(options.clone());
    let attempt = send(&mut operation, T0);
    operation.cancel(T0);
    assert!(!operation.is_over());
    operation.on_failure(attempt, Error::cancelled(), Reached::Server, T0);
    assert_eq!(failed(&mut operation, T0).stop_reason(), Some(StopReason::Cancelled));
    // And whoever drops it has cancelled it.
    drop(start(options));
    assert_eq!(counters.stats().stops_by_reason, [(StopReason::Cancelled, 3)]);
}

#[test]
fn what_cannot_be_sent_again_is_given_up_whatever_the_policy() {
    let always = Policy::builder().retry_kind(Kind::Unknown, true).build().unwrap();
    let mut operation = start(OperationOptions::new(always, Arc::default()));
    let attempt = send(&mut operation, T0);
    operation.give_up(attempt.into_response(), Error::new(Kind::Unknown, "odd"), T0);
    let error = failed(&mut operation, T0);
    assert_eq!(
        (error.kind(), error.stop_reason()),
        (Kind::Unknown, Some(StopReason::NotRetryable))
    );
}

#[test]
fn answers_that_are_neither_success_nor_error_are_not_retried() {
    for (status, text) in [
        (302, "redirect"),
        (101, "another request"),
        (304, "another request"),
        (600, "unknown"),
        (999, "unknown"),
    ] {
        let mut operation = start(plan(Service::new()));
        answer(&mut operation, status, b"", T0);
        let error = failed(&mut operation, T0);
        assert_eq!(error.status(), Some(status));
        assert!(!error.is_retryable() && error.to_string().contains(text), "{error}");
    }
}

#[test]
fn an_error_in_a_success_is_an_error() {
    let mut operation = start(plan(Service::new()));
    answer(&mut operation, 200, br#"{"error":{"message":"overloaded","code":503}}"#, T0);
    assert_eq!(wait(&mut operation, T0).0, WaitReason::Backoff);
    assert!(!operation.is_over());
}
