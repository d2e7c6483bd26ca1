//! Limits that begin anew only after longer than the policy accepts, and places in the line.

use super::*;

/// What ends at once says when it is worth to come back, by the server's clock.
fn assert_ends(operation: &mut Operation, now: Duration, reset: Duration) {
    let error = failed(operation, now);
    assert_eq!(error.stop_reason(), Some(StopReason::MaxHint));
    assert_eq!((error.attempts(), error.retry_after()), (0, Some(reset)));
    assert_eq!(error.retry_at(), Some(WALL + now + reset));
}

#[test]
fn a_day_that_is_used_up_ends_a_call_and_tells_when_the_next_one_begins() {
    let quota = Quota::new(QuotaOptions::default().with_daily_limit(1), WALL, T0);
    let options = plan(Service::new().with_quota(quota, T0));
    answer(&mut start(options.clone()), 200, GOOD, T0);
    let midnight = Duration::from_secs(86_400 - 1_760_000_030 % 86_400);
    assert_ends(&mut start(options), seconds(60), midnight - seconds(60));
}

#[test]
fn a_wait_that_the_server_asks_for_ends_all_who_would_have_to_wait_so_long() {
    for options in [QuotaOptions::default(), QuotaOptions::default().with_window(None)] {
        let quota = Quota::new(options, WALL, T0);
        let options = plan(Service::new().with_quota(quota, T0));
        let (mut refused, mut waiting) = (start(options.clone()), start(options.clone()));
        let body = br#"{"error":{"message":"Rate limit exceeded","code":429},"retry_after":500}"#;
        answer(&mut refused, 429, body, T0);
        let error = failed(&mut refused, T0);
        assert_eq!(error.stop_reason(), Some(StopReason::MaxHint));
        assert_eq!(error.retry_at(), Some(WALL + seconds(500)));
        assert_ends(&mut waiting, seconds(20), seconds(480));
        // Who may wait so long waits.
        let patient = Policy::builder().max_hint(seconds(481)).build().unwrap();
        let options = OperationOptions { policy: patient, ..options };
        let (reason, _) = wait(&mut start(options), seconds(20));
        assert_eq!(reason, WaitReason::Quota);
    }
}

#[test]
fn headers_of_a_limit_that_is_far_from_its_reset_end_a_call() {
    let quota = Quota::new(QuotaOptions::default().with_window(None), WALL, T0);
    let options = plan(Service::new().with_quota(quota, T0));
    let headers = [
        ("x-ratelimit-limit-requests", "200"),
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "2h0m0s"),
    ];
    let mut first = start(options.clone());
    let attempt = send(&mut first, T0);
    let response = first.on_headers(attempt, 200, &headers, T0, WALL);
    let good = first.on_body(response, &headers, GOOD, T0, WALL).unwrap();
    first.on_success(good, T0);
    let error = failed(&mut start(options), seconds(1));
    assert_eq!(error.stop_reason(), Some(StopReason::MaxHint));
    let at = error.retry_at().unwrap().unix_seconds_f64() - WALL.unix_seconds_f64();
    assert!((7199.0..7201.0).contains(&at), "{at}");
}

#[test]
fn a_place_in_the_line_never_ends_a_call() {
    let options = plan(resayil(Some(1)));
    let mut calls: Vec<_> = (0..20).map(|_| start(options.clone())).collect();
    let _sent = send(&mut calls[0], T0);
    let waits: Vec<_> = calls.iter_mut().skip(1).map(|call| wait(call, T0)).collect();
    // The last one's turn comes after eighteen minutes, much later than the longest hint.
    assert!(waits.iter().all(|(reason, _)| *reason == WaitReason::Quota), "{waits:?}");
    let last = waits.last().and_then(|(_, until)| *until).unwrap();
    assert!(last > policy().max_hint(), "{last:?}");
}
