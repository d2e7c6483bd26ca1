//! Calls that are tried again, in virtual time.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use resayil_core::call::{OperationOptions, Service};
use resayil_core::concurrency::{ConcurrencyLimit, ConcurrencyLimiter};
use resayil_core::quota::{EnterOptions, QuotaOptions, Settlement};
use resayil_core::retry::{Jitter, StopReason};
use resayil_core::{Error, Kind, Policy, Quota, Timestamp, classify};
use resayil_retry::{QuotaExt, Timer, TokioTimer, retry, retry_with};

fn policy() -> Policy {
    Policy::builder().jitter(Jitter::None).build().unwrap()
}

fn refused() -> Error {
    classify(429, &[("retry-after", "7")], b"{}", Timestamp::UNIX_EPOCH).unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn what_can_succeed_is_tried_again_as_the_server_says() {
    let start = tokio::time::Instant::now();
    let attempts = Cell::new(0);
    let answer = retry(&policy(), async || {
        attempts.set(attempts.get() + 1);
        match attempts.get() {
            1 => Err(refused()),
            2 => Err(Error::new(Kind::Network, "broken").with_ambiguous(true)),
            _ => Ok("Hello"),
        }
    })
    .await;
    assert_eq!((answer.unwrap(), attempts.get()), ("Hello", 3));
    // Seven seconds of the server's, and the first step of the back-off.
    let took = start.elapsed();
    assert!(took >= Duration::from_secs(8) && took < Duration::from_secs(9), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_is_given_back_at_once() {
    let attempts = Cell::new(0);
    let result: Result<(), _> = retry(&policy(), async || {
        attempts.set(attempts.get() + 1);
        Err(io::Error::from(io::ErrorKind::InvalidInput))
    })
    .await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), attempts.get()), (Kind::Configuration, 1));
    assert_eq!(error.stop_reason(), Some(StopReason::NotRetryable));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_ends_with_the_deadline() {
    let policy = Policy::builder().deadline(Duration::from_secs(3)).build().unwrap();
    let start = tokio::time::Instant::now();
    let result = retry(&policy, std::future::pending::<Result<(), Error>>).await;
    assert_eq!(result.unwrap_err().kind(), Kind::Deadline);
    assert!(start.elapsed() < Duration::from_secs(4));
}

#[tokio::test(start_paused = true)]
async fn attempts_have_a_time_of_their_own() {
    let service = Arc::new(Service::new());
    let options =
        OperationOptions::new(policy(), service).with_attempt_timeout(Duration::from_secs(5));
    let attempts = Cell::new(0);
    let result = retry_with(TokioTimer::new(), options, async || {
        attempts.set(attempts.get() + 1);
        if attempts.get() == 1 {
            std::future::pending::<()>().await;
        }
        Ok::<_, Error>(())
    })
    .await;
    assert!(result.is_ok() && attempts.get() == 2);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_frees_its_place() {
    let limiter = ConcurrencyLimiter::new(ConcurrencyLimit::fixed(1)).unwrap();
    let service = Arc::new(Service::new().with_concurrency_limiter(limiter.clone()));
    let call = || {
        let options = OperationOptions::new(policy(), service.clone());
        retry_with(TokioTimer::new(), options, std::future::pending::<Result<(), Error>>)
    };
    {
        let mut context = Context::from_waker(Waker::noop());
        let (mut first, mut second) = (pin!(call()), pin!(call()));
        assert!(first.as_mut().poll(&mut context).is_pending());
        assert!(second.as_mut().poll(&mut context).is_pending());
        let state = limiter.state();
        assert_eq!((state.in_flight, state.waiting), (1, 1));
    }
    let state = limiter.state();
    assert_eq!((state.in_flight, state.waiting), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_quota_admits_in_order_and_whoever_goes_leaves_the_line() {
    let timer = TokioTimer::new();
    let options = QuotaOptions::default().with_limit(1).with_window(Duration::from_secs(60));
    let quota = Quota::new(options, Timestamp::from_unix_seconds(50), timer.now());
    let first = quota.acquire_async().await;
    let gone = quota.acquire_async();
    let second = tokio::spawn(quota.acquire_async_with(&EnterOptions::default(), timer));
    tokio::task::yield_now().await;
    assert_eq!(quota.state(timer.now()).waiting, 2);
    drop(gone);
    assert_eq!(quota.state(timer.now()).waiting, 1);
    let start = tokio::time::Instant::now();
    first.settle(
        &Settlement::from_answer(200, &[("x", "y")], None, Timestamp::from_unix_seconds(50)),
        timer.now(),
    );
    let second = second.await.unwrap();
    // Not before the next minute begins.
    assert!(start.elapsed() >= Duration::from_secs(9), "{:?}", start.elapsed());
    // A request that was not counted frees its place at once, which wakes.
    let third = tokio::spawn(quota.acquire_async());
    tokio::task::yield_now().await;
    let start = tokio::time::Instant::now();
    let mut settlement = Settlement::unknown();
    settlement.consumed = Some(false);
    second.settle(&settlement, timer.now());
    third.await.unwrap().settle(&Settlement::unknown(), timer.now());
    assert!(start.elapsed() < Duration::from_secs(9), "{:?}", start.elapsed());
}
