//! The counters of a client: readable at any time, adding up.

mod common;

use std::time::Duration;

use common::{builder, finished_log, hello, sandbox};
use resayil::quota::{QuotaOptions, QuotaState};
use resayil::retry::{RetryReason, StopReason};
use resayil::{CallOptions, CancelToken, Client, Kind, Policy, Provider};
use resayil_sandbox::Fault;

/// The values of the metrics of this name, by their attributes.
fn metrics(client: &Client, name: &str) -> Vec<(String, f64)> {
    let stats = client.stats();
    let found = stats.metrics().into_iter().filter(|metric| metric.name() == name);
    let values = found.map(|metric| {
        let attributes: Vec<_> = metric.attributes().map(|(_, value)| value).collect();
        (attributes.join(" "), metric.value())
    });
    values.collect()
}

#[test]
fn what_befell_the_calls_is_counted() {
    let sandbox = sandbox();
    let client = builder(&sandbox).provider(Provider::Resayil).build().unwrap();
    assert_eq!(client.stats().budget_remaining, Some(10.0));

    sandbox.push_fault(Fault::ServerError);
    sandbox.push_fault(Fault::HtmlBadGateway);
    client.chat(&hello()).unwrap();

    sandbox.set_credits(Some(0.0));
    client.chat(&hello()).unwrap_err();
    sandbox.set_credits(None);

    sandbox.push_fault(Fault::ServerError);
    let once = CallOptions::new().policy(Policy::none());
    client.chat_with(&hello(), &once).unwrap_err();

    let token = CancelToken::new();
    token.cancel();
    client.chat_with(&hello(), &CallOptions::new().cancel(token)).unwrap_err();

    sandbox.push_fault(Fault::RateLimited { retry_after: 1 });
    client.chat(&hello()).unwrap();

    let stats = client.stats();
    assert_eq!((stats.calls, stats.answered, stats.failed), (5, 2, 3));
    assert_eq!(stats.attempts, finished_log(&sandbox).len() as u64);
    assert_eq!((stats.attempts, stats.retries, stats.refused), (7, 3, 1));
    let reasons = [(RetryReason::QuotaWindow, 1), (RetryReason::Backoff, 2)];
    assert_eq!(stats.retries_by_reason, reasons);
    assert_eq!(stats.retries_by_kind, [(Kind::RateLimit, 1), (Kind::Server, 2)]);
    let failed = [(Kind::PaymentRequired, 1), (Kind::Server, 1), (Kind::Cancelled, 1)];
    assert_eq!(stats.failed_by_kind, failed);
    let stops = [StopReason::NotRetryable, StopReason::MaxAttempts, StopReason::Cancelled]
        .map(|it| (it, 1));
    assert_eq!(stats.stops_by_reason, stops);
    assert_eq!((stats.quota_waits, stats.backoff_waits), (1, 2));
    assert!(stats.quota_wait >= Duration::from_millis(900), "{stats:?}");
    assert!(stats.backoff_wait > Duration::ZERO && stats.backoff_wait < stats.quota_wait);
    // Two retries were paid; each success earns one.
    assert_eq!(stats.budget_remaining, Some(10.0), "{stats:?}");
    // The time until the window's end goes on between two looks.
    let told = |state: Option<QuotaState>| {
        state.map(|it| (it.limit, it.remaining, it.admitted, it.refused))
    };
    assert_eq!(told(stats.quota), told(client.quota_state()));
    let quota = stats.quota.unwrap();
    assert_eq!((quota.limit, quota.admitted, quota.refused), (Some(1000), 7, 1));

    let retries = metrics(&client, "resayil.client.retries");
    let expected = [("rate_limit quota_window", 1.0), ("server backoff", 2.0)];
    assert_eq!(retries, expected.map(|(name, count)| (name.to_owned(), count)));
    let failed: f64 = metrics(&client, "resayil.client.failed_calls").iter().map(|it| it.1).sum();
    assert_eq!(failed, 3.0);
}

#[test]
fn other_threads_read_what_the_quota_has_left_while_calls_run() {
    let sandbox = sandbox();
    let options = QuotaOptions::default().with_limit(100);
    let client = builder(&sandbox).quota_options(options).build().unwrap();
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| (0..5).for_each(|_| drop(client.chat(&hello()).unwrap()))))
            .collect();
        let mut seen = client.stats();
        while !callers.iter().all(|caller| caller.is_finished()) {
            let now = client.stats();
            assert!(now.attempts >= seen.attempts && now.answered >= seen.answered);
            assert!(now.answered <= now.attempts && now.failed == 0);
            seen = now;
        }
    });
    let stats = client.stats();
    assert_eq!((stats.calls, stats.answered, stats.attempts), (20, 20, 20));
    let quota = stats.quota.unwrap();
    assert_eq!((quota.limit, quota.waiting, quota.admitted), (Some(100), 0, 20));
    let left = f64::from(quota.remaining.unwrap());
    assert_eq!(metrics(&client, "resayil.client.quota.limit"), [(String::new(), 100.0)]);
    let shown = metrics(&client, "resayil.client.quota.remaining")[0].1;
    // A minute may begin between the two looks.
    assert!(shown == left || shown == 100.0, "{shown} {left}");
}

#[test]
fn a_client_without_a_quota_has_no_metrics_of_it() {
    let sandbox = sandbox();
    let client = builder(&sandbox).no_quota().build().unwrap();
    assert_eq!(client.stats().quota, None);
    assert!(metrics(&client, "resayil.client.quota.waiting").is_empty());
    assert_eq!(metrics(&client, "resayil.client.budget.health"), [(String::new(), 1.0)]);
}
