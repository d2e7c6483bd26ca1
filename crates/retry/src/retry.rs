//! Trying an async call again.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use resayil_core::call::{OperationOptions, Reached, Step};
use resayil_core::error::RequestState;
use resayil_core::{Error, Kind, Operation};

use crate::alarm::Alarm;
use crate::clock::random_seed;
use crate::{IntoError, Timer};

/// Carries out a call until it succeeds or the policy says to stop, with the waits between that the
/// server asks for.
///
/// `call` makes one attempt each time; its error may be anything that becomes an [`Error`]: see
/// [`IntoError`]. Switch the retries of what is below off, or they multiply. Dropping the future stops at
/// once, wherever it is. Waits with tokio; [`retry_with`] takes any timer, and a quota or budget that is
/// shared.
///
/// ```
/// use resayil_core::{Policy, Timestamp, classify};
///
/// # async fn send() -> (u16, Vec<(String, String)>, Vec<u8>) { (200, vec![], b"{}".to_vec()) }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), resayil_core::Error> {
/// let body = resayil_retry::retry(&Policy::default(), async || {
///     let (status, headers, body) = send().await; // By any client that shows these three.
///     classify(status, &headers, &body, Timestamp::from(std::time::SystemTime::now()))?;
///     Ok::<_, resayil_core::Error>(body)
/// })
/// .await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// The last error, marked with the number of attempts and with what stopped them.
#[cfg(feature = "tokio")]
pub async fn retry<V, E: IntoError, F: Future<Output = Result<V, E>>>(
    policy: &resayil_core::Policy,
    call: impl FnMut() -> F,
) -> Result<V, Error> {
    let service = resayil_core::call::Service::new();
    let options = OperationOptions::new(policy.clone(), service.into());
    retry_with(crate::TokioTimer::new(), options, call).await
}

/// The same with any timer, and all that the options hold: a [`Service`](resayil_core::call::Service) with a quota, a budget and a
/// limit of concurrency that calls share, counters, an observer. A success settles the quota as counted.
///
/// An attempt that passes the deadline, or the options' time for one attempt, is dropped.
///
/// # Errors
///
/// The last error, marked with the number of attempts and with what stopped them.
pub async fn retry_with<T: Timer, V, E: IntoError, F: Future<Output = Result<V, E>>>(
    timer: T,
    options: OperationOptions,
    mut call: impl FnMut() -> F,
) -> Result<V, Error> {
    let mut operation = options.start(timer.now(), random_seed())?;
    loop {
        let attempt = match next(&mut operation, &timer).await {
            Step::Send(attempt) => attempt,
            Step::Failed(error) => return Err(error),
            _ => return Err(Error::new(Kind::Configuration, "the call is over already")),
        };
        let result = within(&timer, attempt.ends_at(), call()).await;
        let now = timer.now();
        match result {
            Some(Ok(value)) => {
                operation.on_success(attempt.into_response(), now);
                return Ok(value);
            }
            Some(Err(error)) => {
                let error = error.into_error(timer.wall());
                let reached = reached(&error);
                operation.on_failure(attempt, error, reached, now);
            }
            None => {
                let error = operation.timeout_error(true, now);
                operation.on_failure(attempt, error, Reached::Server, now);
            }
        }
    }
}

/// How far the request got that ended so.
#[doc(hidden)]
pub fn reached(error: &Error) -> Reached {
    match error.request_state() {
        RequestState::NotSent => Reached::Nothing,
        _ => Reached::Server,
    }
}

/// What comes after all waits.
async fn next<T: Timer>(operation: &mut Operation, timer: &T) -> Step {
    let mut alarm = pin!(Alarm::<T>::default());
    poll_fn(|context| {
        loop {
            match operation.poll(timer.now(), context.waker()) {
                Step::Wait { until, .. } => {
                    if alarm.as_mut().poll(timer, until, context).is_pending() {
                        return Poll::Pending;
                    }
                }
                step => return Poll::Ready(step),
            }
        }
    })
    .await
}

/// What a future gives before that time; `None` afterwards.
async fn within<T: Timer, F: Future>(
    timer: &T,
    end: Option<std::time::Duration>,
    future: F,
) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut alarm = pin!(Alarm::<T>::default());
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => alarm.as_mut().poll(timer, end, context).map(|()| None),
    })
    .await
}
