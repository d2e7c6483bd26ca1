//! What a call does when the service is down.

use super::*;

fn in_an_outage(succeeds_first: bool) -> OperationOptions {
    let options = plan(Service::new().with_budget(Budget::default()));
    if succeeds_first {
        answer(&mut start(options.clone()), 200, GOOD, T0);
    }
    for _ in 0..6 {
        network(&mut start(options.clone()), Reached::Server, T0);
    }
    options
}

#[test]
fn what_the_budget_does_not_afford_waits_for_a_success_of_another() {
    let options = in_an_outage(true);
    let mut waiting = start(options.clone());
    network(&mut waiting, Reached::Server, T0);
    assert_eq!(wait(&mut waiting, T0).0, WaitReason::Budget);
    answer(&mut start(options), 200, GOOD, seconds(2));
    answer(&mut waiting, 200, GOOD, seconds(2));
    assert!(waiting.is_over());
}

#[test]
fn patience_ends_and_the_last_failure_says_why() {
    let options = in_an_outage(true);
    let mut waiting = start(options);
    network(&mut waiting, Reached::Server, T0);
    let mut now = T0;
    let error = loop {
        match waiting.poll(now, Waker::noop()) {
            Step::Wait { until, .. } => now = until.unwrap(),
            Step::Send(attempt) => {
                let error = Error::new(Kind::Network, "").with_ambiguous(true);
                waiting.on_failure(attempt, error, Reached::Server, now);
            }
            Step::Failed(error) => break error,
            step => panic!("{step:?}"),
        }
    };
    assert_eq!(error.stop_reason(), Some(StopReason::Budget));
    assert_eq!((error.kind(), now), (Kind::Network, seconds(15)));
    // One probe in each silence of five seconds.
    assert_eq!(error.attempts(), 3);
}

#[test]
fn a_service_that_was_never_reached_is_not_waited_for() {
    let options = in_an_outage(false);
    let mut lost = start(options);
    network(&mut lost, Reached::Nothing, T0);
    assert_eq!(failed(&mut lost, T0).stop_reason(), Some(StopReason::Budget));
}

#[test]
fn those_who_wait_try_one_after_the_other_until_the_service_is_back() {
    let policy = Policy::patient();
    let service = Arc::new(Service::new().with_budget(Budget::default()));
    let options = OperationOptions::new(policy, service);
    answer(&mut start(options.clone()), 200, GOOD, T0);
    for _ in 0..6 {
        network(&mut start(options.clone()), Reached::Server, T0);
    }
    // As a driver does it that sleeps until it is woken or its time has come.
    struct Alarm(std::sync::atomic::AtomicBool);
    impl std::task::Wake for Alarm {
        fn wake(self: Arc<Self>) {
            self.0.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    }
    let mut calls: Vec<_> =
        (0..4).map(|_| (start(options.clone()), T0, Arc::new(Alarm(true.into())))).collect();
    let (back, mut now, mut sent) = (seconds(75), T0, 0);
    while now < seconds(100) && calls.iter().any(|(operation, ..)| !operation.is_over()) {
        for (operation, until, alarm) in &mut calls {
            let woken = alarm.0.swap(false, std::sync::atomic::Ordering::Relaxed);
            if operation.is_over() || !woken && *until > now {
                continue;
            }
            match operation.poll(now, &Waker::from(Arc::clone(alarm))) {
                Step::Wait { until: at, .. } => *until = at.unwrap(),
                Step::Send(attempt) => {
                    sent += 1;
                    let status = if now < back { 500 } else { 200 };
                    let response = operation.on_headers(attempt, status, &NONE, now, WALL + now);
                    let body = if now < back { &b"{}"[..] } else { GOOD };
                    let good = operation.on_body(response, &NONE, body, now, WALL + now);
                    if let Some(good) = good {
                        operation.on_success(good, now);
                    }
                    *until = now;
                }
                step => panic!("{step:?}"),
            }
        }
        now += Duration::from_millis(100);
    }
    assert!(calls.iter().all(|(operation, ..)| operation.is_over()), "still waiting at {now:?}");
    assert!(now <= back + seconds(6), "{now:?}");
    // The first attempts, a probe each five seconds, and the answers.
    assert!(sent <= 4 + 15 + 4 + 4, "{sent}");
}
