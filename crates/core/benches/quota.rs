//! What asking a quota costs, beside governor, whose cells are GCRA in one atomic.

use std::num::NonZeroU32;
use std::time::Duration;

use divan::{Bencher, black_box};
use governor::RateLimiter;
use governor::clock::FakeRelativeClock;
use resayil_core::quota::{Admission, Cost, EnterOptions, QuotaOptions, Settlement};
use resayil_core::{Quota, Timestamp};

fn main() {
    divan::main();
}

const NOW: Duration = Duration::from_secs(1);

/// Calls a sample: as many for all, and enough that two threads overlap for most of it.
const SAMPLE: u32 = 10_000;

/// A limit that is never reached.
fn quota() -> Quota {
    let options = QuotaOptions::default().with_limit(u32::MAX);
    Quota::new(options, Timestamp::from_unix_seconds(1_760_000_000), Duration::ZERO)
}

/// Admission alone: the ticket lives on, as it does while the request is under way.
#[divan::bench(threads = [1, 2], sample_size = SAMPLE)]
fn acquire(bencher: Bencher<'_, '_>) {
    let quota = quota();
    bencher.bench(|| quota.acquire(black_box(NOW)));
}

/// The same where tokens are limited, too, and the cost is told.
#[divan::bench(threads = [1, 2], sample_size = SAMPLE)]
fn acquire_with_cost(bencher: Bencher<'_, '_>) {
    let options = QuotaOptions::default().with_limit(u32::MAX).with_token_limit(u64::MAX / 2);
    let quota = Quota::new(options, Timestamp::from_unix_seconds(1_760_000_000), Duration::ZERO);
    let cost = Cost::default().with_input_tokens(1200).with_output_tokens(500);
    let enter = EnterOptions::default().with_cost(cost);
    bencher.bench(|| quota.acquire_with(black_box(&enter), black_box(NOW)));
}

/// Admission and the answer.
#[divan::bench(threads = [1, 2], sample_size = SAMPLE)]
fn acquire_and_settle(bencher: Bencher<'_, '_>) {
    let quota = quota();
    let settlement = Settlement::default();
    bencher.bench(|| {
        let (ticket, admission) = quota.acquire(black_box(NOW));
        ticket.settle(&settlement, NOW);
        admission == Admission::Ready
    });
}

#[divan::bench(threads = [1, 2], sample_size = SAMPLE)]
fn governor_check(bencher: Bencher<'_, '_>) {
    let limit = governor::Quota::per_second(NonZeroU32::MAX);
    let limiter = RateLimiter::direct_with_clock(limit, FakeRelativeClock::default());
    bencher.bench(|| black_box(&limiter).check().is_ok());
}
