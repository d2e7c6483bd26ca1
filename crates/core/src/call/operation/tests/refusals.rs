//! Refusals for quota, which are waited out in the line.

use super::*;

#[test]
fn who_is_refused_waits_in_the_line_for_the_next_window_and_pays_nothing() {
    let counters = Arc::new(Counters::new());
    let budget = Budget::new(BudgetOptions::default());
    let service = resayil(None).with_budget(budget.clone());
    let (options, told) = told(plan(service).with_counters(Arc::clone(&counters)));
    let mut operation = start(options);
    // It names no wait: that is until the minute ends.
    answer(&mut operation, 429, REFUSED, T0);
    assert_eq!(wait(&mut operation, T0), (WaitReason::Quota, Some(seconds(10))));
    let mut now = seconds(10);
    let attempt = loop {
        match operation.poll(now, Waker::noop()) {
            Step::Send(attempt) => break attempt,
            Step::Wait { until, .. } => now = until.unwrap(),
            step => panic!("{step:?}"),
        }
    };
    drop(attempt);
    assert!(now >= seconds(10) && now < seconds(80), "{now:?}");
    assert_eq!(budget.remaining(), 10.0);
    let stats = counters.stats();
    assert_eq!((stats.refused, stats.retries), (1, 1));
    assert_eq!(stats.retries_by_reason, [(RetryReason::QuotaWindow, 1)]);
    assert_eq!((stats.quota_waits, stats.backoff_waits), (1, 0));
    assert_eq!(stats.quota_wait, now);
    let told = told.lock().unwrap();
    assert!(told[0].contains("(quota_window)"), "{told:?}");
    assert!(told[1].starts_with("waiting 10 s for the quota"), "{told:?}");
}

#[test]
fn a_refusal_that_a_quota_orders_spends_no_attempt() {
    let options = QuotaOptions::default().with_window(seconds(1));
    let quota = Quota::new(options, WALL, T0);
    let policy = Policy::builder().max_attempts(2).build().unwrap();
    let service = Arc::new(Service::new().with_quota(quota, T0));
    let mut operation = start(OperationOptions::new(policy, service));
    let mut now = T0;
    for _ in 0..5 {
        let attempt = loop {
            match operation.poll(now, Waker::noop()) {
                Step::Send(attempt) => break attempt,
                Step::Wait { until, .. } => now = until.unwrap(),
                step => panic!("{step:?}"),
            }
        };
        let response = operation.on_headers(attempt, 429, &NONE, now, WALL + now);
        assert!(operation.on_body(response, &NONE, REFUSED, now, WALL + now).is_none());
    }
    assert_eq!(operation.attempts(), 5);
    assert!(!operation.is_over());
}
