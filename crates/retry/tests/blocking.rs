//! Blocking calls that are tried again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use resayil_core::call::{OperationOptions, Service};
use resayil_core::concurrency::{ConcurrencyLimit, ConcurrencyLimiter};
use resayil_core::error::HintSource;
use resayil_core::retry::StopReason;
use resayil_core::{Error, Kind, Policy};
use resayil_retry::blocking::{retry, retry_with};

#[test]
fn it_waits_as_the_server_says() {
    let start = Instant::now();
    let mut attempts = 0;
    let answer = retry(&Policy::default(), || {
        attempts += 1;
        let wait = Duration::from_millis(200);
        let refused = Error::new(Kind::RateLimit, "").with_status(429);
        match attempts {
            1 => Err(refused.with_retry_after(wait, HintSource::Body)),
            _ => Ok("Hello"),
        }
    });
    assert_eq!((answer.unwrap(), attempts), ("Hello", 2));
    assert!(start.elapsed() >= Duration::from_millis(200));
}

#[test]
fn what_cannot_succeed_is_given_back_at_once() {
    let mut attempts = 0;
    let error = retry(&Policy::default(), || -> Result<(), _> {
        attempts += 1;
        Err(Error::new(Kind::Authentication, "bad key").with_status(401))
    });
    let error = error.unwrap_err();
    assert_eq!((attempts, error.attempts()), (1, 1));
    assert_eq!(error.stop_reason(), Some(StopReason::NotRetryable));
}

#[test]
fn threads_share_places_and_are_woken() {
    let limiter = ConcurrencyLimiter::new(ConcurrencyLimit::fixed(2)).unwrap();
    let service = Arc::new(Service::new().with_concurrency_limiter(limiter.clone()));
    let (inside, most) = (AtomicU32::new(0), AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let options = OperationOptions::new(Policy::default(), Arc::clone(&service));
                retry_with(options, || {
                    most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(5));
                    inside.fetch_sub(1, Ordering::SeqCst);
                    Ok::<_, Error>(())
                })
                .unwrap();
            });
        }
    });
    assert_eq!(most.load(Ordering::SeqCst), 2);
    let state = limiter.state();
    assert_eq!((state.in_flight, state.waiting), (0, 0));
}
