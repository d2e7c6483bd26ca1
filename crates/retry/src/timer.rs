//! How a call waits, and by which clock.

use std::future::Future;
use std::time::Duration;

use resayil_core::Timestamp;

/// A clock and a way to sleep: what a runtime gives.
///
/// [`TokioTimer`] is the one of tokio, with the feature `tokio`. Any other is a few lines: this one has
/// a thread for each wait, and no runtime at all.
///
/// ```
/// use std::future::Future;
/// use std::pin::Pin;
/// use std::task::{Context, Poll};
/// use std::time::Duration;
/// use resayil_core::Timestamp;
/// use resayil_retry::{Timer, monotonic_now};
///
/// #[derive(Clone)]
/// struct ThreadTimer;
///
/// struct ThreadSleep(Duration);
///
/// impl Future for ThreadSleep {
///     type Output = ();
///     fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
///         let left = self.0.saturating_sub(monotonic_now());
///         if left.is_zero() {
///             return Poll::Ready(());
///         }
///         let waker = context.waker().clone();
///         std::thread::spawn(move || {
///             std::thread::sleep(left);
///             waker.wake();
///         });
///         Poll::Pending
///     }
/// }
///
/// impl Timer for ThreadTimer {
///     type Sleep = ThreadSleep;
///     fn now(&self) -> Duration {
///         monotonic_now()
///     }
///     fn wall(&self) -> Timestamp {
///         std::time::SystemTime::now().into()
///     }
///     fn sleep(&self, duration: Duration) -> ThreadSleep {
///         ThreadSleep(monotonic_now() + duration)
///     }
/// }
/// ```
pub trait Timer: Clone {
    /// What is over after the time that was asked for.
    type Sleep: Future<Output = ()>;

    /// The time since any fixed point, by a clock that nobody sets. A [`Quota`](resayil_core::Quota)
    /// that is waited for has to be made with the same clock.
    fn now(&self) -> Duration;

    /// The wall clock, against which dates in answers are read.
    fn wall(&self) -> Timestamp;

    /// Is over after this time, and wakes the task then.
    fn sleep(&self, duration: Duration) -> Self::Sleep;
}

/// The timer of tokio. It implements [`Timer`] with the feature `tokio`, which is on by default. Its clock
/// is that of [`monotonic_now`](crate::monotonic_now), unless a test has paused tokio's.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TokioTimer;

impl TokioTimer {
    /// The timer of whatever runtime it is used in.
    pub fn new() -> Self {
        TokioTimer
    }
}

#[cfg(feature = "tokio")]
impl Timer for TokioTimer {
    type Sleep = tokio::time::Sleep;

    fn now(&self) -> Duration {
        // Tokio's instant, so that a test in virtual time has one clock.
        tokio::time::Instant::now().into_std().saturating_duration_since(crate::clock::origin())
    }

    fn wall(&self) -> Timestamp {
        std::time::SystemTime::now().into()
    }

    fn sleep(&self, duration: Duration) -> tokio::time::Sleep {
        tokio::time::sleep(duration)
    }
}
