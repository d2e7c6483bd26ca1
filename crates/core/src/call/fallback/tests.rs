//! When a call goes on at another target.

use super::*;
use crate::retry::{Budget, BudgetOptions, Policy};

const T0: Duration = Duration::ZERO;

fn error(kind: Kind) -> Error {
    Error::new(kind, "")
}

/// Tells the same failure to both.
fn next_target(call: &mut Call, targets: &mut FallbackCall, error: &Error) -> Option<usize> {
    let _ = call.on_error(error, T0);
    let next = targets.next(call, error, T0);
    if next.is_some() {
        call.restart();
    }
    next
}

#[test]
fn a_missing_model_is_left_at_once_and_the_last_target_is_the_last() {
    let mut targets = Fallback::models(["b", "c"]).unwrap().start();
    let mut call = Policy::default().start(T0, 1);
    let missing = error(Kind::NotFound);
    assert_eq!(targets.current(), None);
    for expected in [Some(0), Some(1), None] {
        assert_eq!(next_target(&mut call, &mut targets, &missing), expected);
    }
    assert_eq!(targets.current(), Some(1));
}

#[test]
fn overload_gets_one_retry_at_each_target() {
    let mut targets = Fallback::models(["b", "c"]).unwrap().start();
    let mut call = Policy::default().start(T0, 1);
    let overloaded = error(Kind::Overloaded);
    for expected in [None, Some(0), None, Some(1), None, None] {
        assert_eq!(next_target(&mut call, &mut targets, &overloaded), expected);
    }
    // By choice none, or all that the policy has.
    for (attempts, retries) in [(1, 0), (3, 2), (1000, 4)] {
        let fallback = Fallback::builder().target("b").overloaded_attempts(attempts);
        let mut targets = fallback.build().unwrap().start();
        let mut call = Policy::default().start(T0, 1);
        for _ in 0..retries {
            assert_eq!(next_target(&mut call, &mut targets, &overloaded), None, "{attempts}");
        }
        assert_eq!(next_target(&mut call, &mut targets, &overloaded), Some(0), "{attempts}");
    }
}

#[test]
fn a_long_wait_for_an_overloaded_target_is_not_waited() {
    let hinted = |seconds| {
        let wait = Duration::from_secs(seconds);
        error(Kind::Overloaded).with_retry_after(wait, crate::error::HintSource::RetryAfter)
    };
    let policy = Policy::builder().jitter(crate::retry::Jitter::None).build().unwrap();
    for (seconds, expected) in [(9, None), (11, Some(0)), (600, Some(0))] {
        let mut targets = Fallback::models(["b"]).unwrap().start();
        let mut call = policy.start(T0, 1);
        assert_eq!(next_target(&mut call, &mut targets, &hinted(seconds)), expected, "{seconds}");
    }
    let patient = Fallback::builder().target("b").max_wait(Duration::from_secs(100));
    let mut targets = patient.build().unwrap().start();
    assert_eq!(next_target(&mut policy.start(T0, 1), &mut targets, &hinted(60)), None);
    // Nothing was decided yet.
    let call = policy.start(T0, 1);
    assert_eq!(targets.next(&call, &error(Kind::NotFound), T0), None);
}

#[test]
fn other_kinds_stay_unless_they_are_listed() {
    let policy = Policy::builder().max_attempts(1).build().unwrap();
    for kind in Kind::table().iter().map(|row| row.kind) {
        let default = matches!(kind, Kind::Overloaded | Kind::NotFound);
        let mut targets = Fallback::models(["b"]).unwrap().start();
        let next = next_target(&mut policy.start(T0, 1), &mut targets, &error(kind));
        assert_eq!(next.is_some(), default, "{kind}");
        let Ok(all) = Fallback::builder().target("b").on([kind]).build() else { continue };
        assert_eq!(next_target(&mut policy.start(T0, 1), &mut all.start(), &error(kind)), Some(0));
    }
    // When the retries are used up, not before.
    let fallback = Fallback::builder().target("b").on([Kind::Server]).build().unwrap();
    let (mut call, mut targets) = (Policy::default().start(T0, 1), fallback.start());
    for expected in [None, None, None, None, Some(0)] {
        assert_eq!(next_target(&mut call, &mut targets, &error(Kind::Server)), expected);
    }
}

#[test]
fn a_closed_budget_leads_to_another_service_alone() {
    let closed = Budget::new(BudgetOptions { ratio: 0.0, reserve: 0.0 });
    let there = FallbackTarget::new().with_base_url("https://b.example/v1").with_api_key("k");
    let fallback = Fallback::builder()
        .target("second")
        .target(there.clone())
        .target(there.with_model("m"))
        .target(FallbackTarget::new().with_base_url("https://c.example/v1"))
        .build()
        .unwrap();
    let mut call = Policy::default().start(T0, 1).with_budget(closed);
    let mut targets = fallback.start();
    for expected in [Some(1), Some(3), None] {
        assert_eq!(next_target(&mut call, &mut targets, &error(Kind::Server)), expected);
    }
    // A kind that is listed may be the model's alone.
    let mut targets = fallback.start();
    assert_eq!(next_target(&mut call, &mut targets, &error(Kind::Overloaded)), Some(0));
}

#[test]
fn nothing_is_sent_twice_that_must_not_be() {
    let fallback = Fallback::models(["b"]).unwrap();
    let next = |policy: &Policy, error: &Error, now| {
        let mut call = policy.start(T0, 1);
        let _ = call.on_error(error, now);
        fallback.start().next(&call, error, now)
    };
    let missing = error(Kind::NotFound);
    assert_eq!(next(&Policy::default(), &missing, T0), Some(0));
    assert_eq!(next(&Policy::default(), &missing.clone().with_delivered(true), T0), None);
    let ambiguous = missing.clone().with_ambiguous(true);
    assert_eq!(next(&Policy::default(), &ambiguous, T0), Some(0));
    let careful = Policy::builder().retry_ambiguous(false).build().unwrap();
    assert_eq!(next(&careful, &ambiguous, T0), None);
    let second = Duration::from_secs(1);
    let hurried = Policy::default().with_deadline(second);
    assert_eq!(next(&hurried, &missing, second), None);
    // A wait that does not fit is no reason to give up.
    let overloaded = error(Kind::Overloaded)
        .with_retry_after(Duration::from_secs(5), crate::error::HintSource::RetryAfter);
    assert_eq!(next(&hurried, &overloaded, T0), Some(0));
}

#[test]
fn a_new_target_has_all_attempts_and_the_old_deadline() {
    let policy = Policy::builder().max_attempts(2).deadline(Duration::from_secs(9));
    let mut call = policy.build().unwrap().start(T0, 1);
    for _ in 0..2 {
        assert!(call.on_error(&error(Kind::Server), T0).is_retry());
        assert_eq!(call.on_error(&error(Kind::Server), T0).reason(), "max_attempts");
        call.restart();
        assert_eq!(call.failures(), 0);
    }
    assert_eq!(call.remaining(Duration::from_secs(4)), Some(Duration::from_secs(5)));
}

#[test]
fn bad_options_are_named_and_keys_are_not_shown() {
    let good = || Fallback::builder().target("b");
    for (builder, option) in [
        (Fallback::builder(), "targets"),
        (good().target(""), "targets"),
        (good().target(FallbackTarget::new().with_api_key("secret")), "targets"),
        (good().on([Kind::Overloaded, Kind::Cancelled]), "on"),
        (good().overloaded_attempts(0), "overloaded_attempts"),
        (good().overloaded_attempts(1001), "overloaded_attempts"),
        (good().max_wait(Duration::from_secs(86_401)), "max_wait"),
    ] {
        let shown = format!("{builder:?}");
        assert!(!shown.contains("secret"), "{shown}");
        assert_eq!(builder.build().unwrap_err().option(), option);
    }
    let many = (0..101).fold(good(), |builder, _| builder.target("c"));
    assert_eq!(many.build().unwrap_err().option(), "targets");
    assert_eq!(good().on([]).build().unwrap().on(), []);
}
