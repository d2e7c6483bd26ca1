//! Trying a blocking call again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use std::time::SystemTime;

use resayil_core::call::{OperationOptions, Service, Step};
use resayil_core::{Error, Kind, Operation, Policy};

use crate::clock::random_seed;
use crate::{IntoError, monotonic_now, retry::reached};

/// Carries out a blocking call until it succeeds or the policy says to stop, with the waits between that
/// the server asks for, in this thread. See [`retry`](fn@crate::retry), the same for async code.
///
/// A call that is under way is not cut off at the deadline: give it a time-out of its own.
///
/// ```
/// use std::io::{Error, ErrorKind};
/// use std::time::Duration;
/// use resayil_core::Policy;
///
/// let policy = Policy::builder().base_delay(Duration::from_millis(1)).build()?;
/// let mut attempts = 0;
/// let answer = resayil_retry::blocking::retry(&policy, || {
///     attempts += 1;
///     if attempts < 3 { Err(Error::from(ErrorKind::ConnectionRefused)) } else { Ok("Hello") }
/// })?;
/// assert_eq!((answer, attempts), ("Hello", 3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// The last error, marked with the number of attempts and with what stopped them.
pub fn retry<V, E: IntoError>(
    policy: &Policy,
    call: impl FnMut() -> Result<V, E>,
) -> Result<V, Error> {
    retry_with(OperationOptions::new(policy.clone(), Arc::new(Service::new())), call)
}

/// The same with all that the options hold: a [`Service`] with a quota, a budget and a limit of
/// concurrency that calls share, counters, an observer. The clock is
/// [`monotonic_now`].
///
/// # Errors
///
/// The last error, marked with the number of attempts and with what stopped them.
pub fn retry_with<V, E: IntoError>(
    options: OperationOptions,
    mut call: impl FnMut() -> Result<V, E>,
) -> Result<V, Error> {
    let mut operation = options.start(monotonic_now(), random_seed())?;
    loop {
        let attempt = match next(&mut operation) {
            Step::Send(attempt) => attempt,
            Step::Failed(error) => return Err(error),
            _ => return Err(Error::new(Kind::Configuration, "the call is over already")),
        };
        match call() {
            Ok(value) => {
                operation.on_success(attempt.into_response(), monotonic_now());
                return Ok(value);
            }
            Err(error) => {
                let error = error.into_error(SystemTime::now().into());
                let reached = reached(&error);
                operation.on_failure(attempt, error, reached, monotonic_now());
            }
        }
    }
}

/// Wakes a thread. A thread may be unparked by anybody, so what counts is the flag.
struct Unpark {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// What comes after all waits.
fn next(operation: &mut Operation) -> Step {
    let mut unpark = None;
    loop {
        // Most calls never wait, and so need nothing to be woken by.
        let waker = unpark.as_ref().map(|unpark: &Arc<Unpark>| Waker::from(Arc::clone(unpark)));
        let step = operation.poll(monotonic_now(), waker.as_ref().unwrap_or(Waker::noop()));
        let Step::Wait { until, .. } = step else { return step };
        let Some(unpark) = &unpark else {
            let thread = thread::current();
            unpark = Some(Arc::new(Unpark { thread, woken: AtomicBool::new(false) }));
            continue;
        };
        while !unpark.woken.swap(false, Ordering::Acquire) {
            match until.map(|until| until.saturating_sub(monotonic_now())) {
                Some(left) if left.is_zero() => break,
                Some(left) => thread::park_timeout(left),
                None => thread::park(),
            }
        }
    }
}
