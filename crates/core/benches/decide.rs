//! What a retry decision costs, beside others that decide less: backon and retry-policies know a
//! number of attempts and a back-off, tower's budget a balance.
//!
//! retry-policies and tower read a clock inside, which here the caller does: `decide_and_read_clock`
//! is what compares with them, `decide` with backon.

use std::time::{Duration, Instant, SystemTime};

use divan::{Bencher, black_box};
use resayil_core::error::HintSource;
use resayil_core::retry::Budget;
use resayil_core::{Error, Kind, Policy};

fn main() {
    divan::main();
}

const NOW: Duration = Duration::from_secs(1);

fn errors() -> [Error; 2] {
    let wait = Duration::from_secs(45);
    [
        Error::new(Kind::Server, "unexpected error").with_status(500),
        Error::new(Kind::RateLimit, "").with_status(429).with_retry_after(wait, HintSource::Body),
    ]
}

#[divan::bench(args = ["backoff", "quota_window"])]
fn decide(bencher: Bencher<'_, '_>, which: &str) {
    let [server, refused] = errors();
    let error = if which == "backoff" { server } else { refused };
    let call = Policy::default().start(Duration::ZERO, 1);
    bencher
        .with_inputs(|| call.clone())
        .bench_local_refs(|call| call.on_error(black_box(&error), NOW));
}

/// With budget and clock, as a client decides.
#[divan::bench]
fn decide_and_read_clock(bencher: Bencher<'_, '_>) {
    let [error, _] = errors();
    let start = Instant::now();
    bencher
        .with_inputs(|| Policy::default().start(Duration::ZERO, 1).with_budget(Budget::default()))
        .bench_local_refs(|call| call.on_error(black_box(&error), start.elapsed()));
}

/// With the budget that all calls of a client share.
#[divan::bench]
fn decide_with_budget(bencher: Bencher<'_, '_>) {
    let [error, _] = errors();
    bencher
        .with_inputs(|| Policy::default().start(Duration::ZERO, 1).with_budget(Budget::default()))
        .bench_local_refs(|call| call.on_error(black_box(&error), NOW));
}

#[divan::bench]
fn succeed_with_budget(bencher: Bencher<'_, '_>) {
    let mut call = Policy::default().start(Duration::ZERO, 1).with_budget(Budget::default());
    bencher.bench_local(|| black_box(&mut call).on_success());
}

#[divan::bench]
fn backon_next_delay(bencher: Bencher<'_, '_>) {
    use backon::BackoffBuilder as _;
    let builder = backon::ExponentialBuilder::default().with_jitter().with_max_times(5);
    bencher.with_inputs(|| builder.build()).bench_local_refs(|backoff| backoff.next());
}

// Its first call seeds a generator, by which divan would think that every call is slow.
#[divan::bench(sample_size = 512)]
fn retry_policies_should_retry(bencher: Bencher<'_, '_>) {
    use retry_policies::RetryPolicy as _;
    let policy = retry_policies::policies::ExponentialBackoff::builder().build_with_max_retries(5);
    let start = SystemTime::now();
    bencher.bench_local(|| black_box(&policy).should_retry(start, black_box(1)));
}

#[divan::bench]
fn tower_budget_withdraw(bencher: Bencher<'_, '_>) {
    use tower::retry::budget::{Budget as _, TpsBudget};
    let budget = TpsBudget::default();
    bencher.bench_local(|| {
        black_box(&budget).deposit();
        black_box(&budget).withdraw()
    });
}
