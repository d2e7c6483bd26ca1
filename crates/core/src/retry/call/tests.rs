use super::*;
use crate::error::HintSource;
use crate::retry::BudgetOptions;

const T0: Duration = Duration::ZERO;

fn server_error() -> Error {
    Error::new(Kind::Server, "").with_status(500)
}

fn refused(seconds: u64) -> Error {
    let wait = Duration::from_secs(seconds);
    Error::new(Kind::RateLimit, "").with_status(429).with_retry_after(wait, HintSource::Body)
}

fn stop(decision: Decision) -> StopReason {
    match decision {
        Decision::Stop { reason } => reason,
        Decision::Retry { .. } => panic!("{decision:?}"),
    }
}

#[test]
fn five_attempts_by_default() {
    let mut call = Policy::default().start(T0, 1);
    for _ in 0..4 {
        assert_eq!(call.on_error(&server_error(), T0).reason(), "backoff");
    }
    assert_eq!(stop(call.on_error(&server_error(), T0)), StopReason::MaxAttempts);
}

#[test]
fn rejected_answers_spend_attempts_and_no_budget() {
    let budget = Budget::new(BudgetOptions { ratio: 0.0, reserve: 1.0 });
    let policy = Policy::builder().max_attempts(3).retry_kind(Kind::Protocol, false);
    for _ in 0..4 {
        let mut call = policy.clone().build().unwrap().start(T0, 1).with_budget(budget.clone());
        for _ in 0..2 {
            assert_eq!(call.on_error(&Error::rejected(), T0).reason(), "backoff");
        }
        assert_eq!(stop(call.on_error(&Error::rejected(), T0)), StopReason::MaxAttempts);
    }
    assert_eq!((budget.remaining(), budget.health()), (1.0, 1.0));
    let exhausted = Error::rejected().with_exhausted(true);
    let call = &mut policy.build().unwrap().start(T0, 1);
    assert_eq!(stop(call.on_error(&exhausted, T0)), StopReason::Exhausted);
}

#[test]
fn a_hint_is_a_floor() {
    for seed in 0..100 {
        let mut call = Policy::default().start(T0, seed);
        let delay = call.on_error(&refused(45), T0).delay().unwrap();
        assert!((45.0..=46.0).contains(&delay.as_secs_f64()), "{delay:?}");
    }
}

#[test]
fn a_hint_above_the_ceiling_stops_at_once() {
    let mut call = Policy::default().start(T0, 1);
    assert_eq!(stop(call.on_error(&refused(121), T0)), StopReason::MaxHint);
}

#[test]
fn a_wait_past_the_deadline_stops_at_once_and_one_that_fits_does_not() {
    let policy = Policy::builder().deadline(Duration::from_secs(46)).build().unwrap();
    assert_eq!(stop(policy.start(T0, 1).on_error(&refused(46), T0)), StopReason::Deadline);
    for seed in 0..100 {
        let delay = policy.start(T0, seed).on_error(&refused(45), T0).delay().unwrap();
        assert!(delay < Duration::from_secs(46));
    }
}

#[test]
fn quota_waits_spend_no_attempts_but_are_counted() {
    let mut call =
        Policy::default().start(T0, 1).with_budget(Budget::new(BudgetOptions::default()));
    for _ in 0..20 {
        assert_eq!(call.on_error(&refused(1), T0).reason(), "quota_window");
    }
    assert_eq!(stop(call.on_error(&refused(1), T0)), StopReason::MaxQuotaWaits);
    assert_eq!(call.budget.unwrap().remaining(), 10.0);
}

#[test]
fn a_refusal_without_a_hint_is_a_failure_like_others() {
    let mut call = Policy::default().start(T0, 1);
    let error = Error::new(Kind::RateLimit, "").with_status(429);
    assert_eq!(call.on_error(&error, T0).reason(), "backoff");
}

#[test]
fn the_server_decides_first() {
    let body = br#"{"error":{"message":"x","code":500}}"#;
    let at = crate::Timestamp::UNIX_EPOCH;
    let no = crate::classify(500, &[("x-should-retry", "false")], body, at).unwrap_err();
    assert_eq!(
        stop(Policy::default().start(T0, 1).on_error(&no, T0)),
        StopReason::ServerInstruction
    );
    let yes = crate::classify(400, &[("x-should-retry", "true")], body, at).unwrap_err();
    assert!(Policy::default().start(T0, 1).on_error(&yes, T0).is_retry());
}

#[test]
fn delivered_exhausted_and_ambiguous_errors_stop() {
    let decide = |policy: &Policy, error: &Error| stop(policy.start(T0, 1).on_error(error, T0));
    let policy = Policy::default();
    let delivered = Error::new(Kind::Network, "").with_partial_text("Hel");
    assert_eq!(decide(&policy, &delivered), StopReason::Delivered);
    assert_eq!(decide(&policy, &server_error().with_exhausted(true)), StopReason::Exhausted);
    let cancelled = Error::new(Kind::Cancelled, "");
    assert_eq!(decide(&policy, &cancelled), StopReason::Cancelled);
    let cautious = Policy::builder().retry_ambiguous(false).build().unwrap();
    let timeout = Error::new(Kind::Timeout, "").with_ambiguous(true);
    assert_eq!(decide(&cautious, &timeout), StopReason::Ambiguous);
    assert!(policy.start(T0, 1).on_error(&timeout, T0).is_retry());
}

#[test]
fn a_call_that_used_up_what_it_may_marks_its_error() {
    let end =
        |policy: &Policy, reason| policy.start(T0, 1).mark(server_error(), reason).is_exhausted();
    let policy = Policy::default();
    for reason in StopReason::ALL {
        let used_up = [
            StopReason::MaxAttempts,
            StopReason::MaxQuotaWaits,
            StopReason::Budget,
            StopReason::Deadline,
        ];
        assert_eq!(end(&policy, *reason), used_up.contains(reason), "{reason}");
    }
    // Who makes no retries has not used any up.
    assert!(!end(&Policy::none(), StopReason::MaxAttempts));
    assert!(!end(&Policy::none(), StopReason::MaxQuotaWaits));
    let inner = server_error().with_exhausted(true);
    assert!(policy.start(T0, 1).mark(inner, StopReason::Exhausted).is_exhausted());
}

#[test]
fn an_empty_budget_makes_calls_wait_and_a_success_fills_it() {
    let budget = Budget::new(BudgetOptions { ratio: 1.0, reserve: 1.0 });
    let mut call = Policy::default().start(T0, 1).with_budget(budget.clone());
    assert_eq!(call.on_error(&server_error(), T0).reason(), "backoff");
    assert_eq!(call.on_error(&server_error(), T0).reason(), "budget");
    call.on_success();
    let mut next = Policy::default().start(T0, 2).with_budget(budget);
    assert!(next.on_error(&server_error(), T0).is_retry());
}

#[test]
fn the_policy_can_overrule_the_table() {
    let policy = Policy::builder()
        .retry_kind(Kind::Server, false)
        .retry_kind(Kind::NotFound, true)
        .build()
        .unwrap();
    assert_eq!(stop(policy.start(T0, 1).on_error(&server_error(), T0)), StopReason::NotRetryable);
    let not_found = Error::new(Kind::NotFound, "").with_status(404);
    assert!(policy.start(T0, 1).on_error(&not_found, T0).is_retry());
}

#[test]
fn the_same_seed_gives_the_same_delays() {
    let delays = |seed| {
        let mut call = Policy::default().start(T0, seed);
        (0..4).map(|_| call.on_error(&server_error(), T0).delay()).collect::<Vec<_>>()
    };
    assert_eq!(delays(9), delays(9));
    assert_ne!(delays(9), delays(10));
}

/// The wait for the budget, in seconds.
fn turn(decision: Decision) -> u64 {
    match decision {
        Decision::Retry { delay, reason: RetryReason::Budget } => delay.as_secs(),
        _ => panic!("{decision:?}"),
    }
}

#[test]
fn who_waits_for_the_budget_itself_is_told_when_one_after_the_other() {
    let budget = Budget::new(BudgetOptions { ratio: 1.0, reserve: 1.0 });
    let policy = Policy::builder().jitter(crate::retry::Jitter::None).build().unwrap();
    let start = || policy.start(T0, 1).with_budget(budget.clone());
    let _ = start().on_error(&server_error(), T0);
    let mut calls: Vec<Call> = (0..4).map(|_| start()).collect();
    let mut told = calls.iter_mut().map(|call| call.on_error(&server_error(), T0));
    assert_eq!([(); 3].map(|()| turn(told.next().unwrap())), [5, 10, 15]);
    // Longer than the patience of fifteen seconds.
    assert_eq!(stop(told.next().unwrap()), StopReason::Budget);
    drop(told);
    // A try in vain spends no attempt, and the patience is that of all tries together.
    let mut now = Duration::from_secs(5);
    assert_eq!(calls[0].failures(), 1);
    assert_eq!(stop(calls[0].on_error(&server_error(), now)), StopReason::Budget);
    now = Duration::from_secs(15);
    let mut late = start();
    for _ in 0..3 {
        assert_eq!(turn(late.on_error(&server_error(), now)), 5);
        now += Duration::from_secs(5);
    }
    assert_eq!(late.failures(), 1);
    assert_eq!(stop(late.on_error(&server_error(), now)), StopReason::Budget);
    // Whoever is answered shows that others need not wait.
    calls[1].on_success();
    let mut next = start();
    assert_eq!(next.on_error(&server_error(), now).reason(), "backoff");
}

#[test]
fn where_waiting_is_of_no_use_the_budget_stops_at_once() {
    let end = |reserve: f64, policy: &Policy, error: &Error| {
        let budget = Budget::new(BudgetOptions { ratio: 0.0, reserve });
        let start = || policy.start(T0, 1).with_budget(budget.clone());
        let _ = start().on_error(error, T0);
        stop(start().on_error(error, T0))
    };
    let policy = Policy::default();
    assert_eq!(end(0.0, &policy, &server_error()), StopReason::Budget);
    let unreached = Error::new(Kind::Network, "");
    assert_eq!(end(1.0, &policy, &unreached), StopReason::Budget);
    let hurried = policy.clone().with_deadline(Duration::from_secs(4));
    assert_eq!(end(1.0, &hurried, &server_error()), StopReason::Budget);
    let impatient = Policy::builder().patience(Duration::ZERO).build().unwrap();
    assert_eq!(end(1.0, &impatient, &server_error()), StopReason::Budget);
}

#[test]
fn in_an_outage_one_call_of_a_batch_tries_each_four_seconds() {
    let budget = Budget::new(BudgetOptions { ratio: 0.0, reserve: 1.0 });
    let start = || Policy::patient().start(T0, 1).with_budget(budget.clone());
    let _ = start().on_error(&server_error(), T0);
    let told: Vec<u64> = (0..64).map(|_| turn(start().on_error(&server_error(), T0))).collect();
    assert_eq!(told, (1..65).map(|place| 4 * place).collect::<Vec<_>>());
}
