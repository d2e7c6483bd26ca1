//! No allocation where a call succeeds: deciding about retries and quota costs a program nothing that
//! grows with its traffic.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use resayil_core::call::{OperationOptions, Service, Step};
use resayil_core::observe::{CallEvent, Counters};
use resayil_core::quota::QuotaOptions;
use resayil_core::retry::Budget;
use resayil_core::{Error, Kind, Policy, Quota, Timestamp};

const START: Timestamp = Timestamp::from_unix_seconds(1_760_000_000);

/// What a call that succeeds asks of the core, from its beginning to its answer.
fn succeed(options: &OperationOptions, now: Duration) {
    let mut operation = options.clone().start(now, 7).unwrap();
    let Step::Send(attempt) = operation.poll(now, Waker::noop()) else { panic!("{operation:?}") };
    let headers = [("Date", "Thu, 09 Oct 2025 08:53:20 GMT"), ("X-RateLimit-Remaining", "900000")];
    let wall = Timestamp::from_unix_seconds(1_760_000_000 + now.as_secs() as i64);
    let response = operation.on_headers(attempt, 200, &headers, now, wall);
    operation.on_success(response, now);
}

fn none(allocations: AllocationInfo) {
    assert_eq!(allocations.count_total, 0, "{allocations:?}");
}

#[test]
fn a_call_that_succeeds_allocates_nothing() {
    let windows = QuotaOptions::default().with_limit(1_000_000);
    for options in [windows, QuotaOptions::default(), QuotaOptions::default().with_window(None)] {
        let counters = Arc::new(Counters::new());
        let service = Service::new()
            .with_budget(Budget::default())
            .with_quota(Quota::new(options, START, Duration::ZERO), Duration::ZERO);
        let options = OperationOptions::new(Policy::default(), Arc::new(service))
            .with_counters(Arc::clone(&counters));
        let at = |n: u64| Duration::from_millis(10 * n);
        // Line, flights and what is remembered of the last window make their room once.
        (0..13_000).for_each(|n| succeed(&options, at(n)));
        // Over several windows, too.
        none(measure(|| {
            (13_000..40_000).for_each(|n| succeed(&options, at(n)));
        }));
        assert_eq!(counters.stats().answered, 40_000);
    }
}

#[test]
fn a_decision_on_a_failure_allocates_nothing() {
    let error = Error::new(Kind::Server, "down").with_status(500);
    let (policy, budget, counters) = (Policy::default(), Budget::default(), Counters::new());
    none(measure(|| {
        let mut call = policy.start(Duration::ZERO, 7).with_budget(budget.clone());
        let decision = call.on_error(&error, Duration::from_secs(1));
        counters.record(&CallEvent::decided(&decision, 1, &error));
        assert!(decision.is_retry());
    }));
    assert_eq!(counters.stats().retries, 1);
}

#[test]
fn the_counter_counts() {
    let allocations = measure(|| drop(std::hint::black_box(Box::new(1_u64))));
    assert_eq!(allocations.count_total, 1);
}
