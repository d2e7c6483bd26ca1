//! Waiting for a quota without a thread.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use resayil_core::Quota;
use resayil_core::quota::{Admission, EnterOptions, Ticket};

use crate::Timer;
use crate::alarm::Alarm;

/// Waiting for a [`Quota`] in async code.
pub trait QuotaExt {
    /// Stands in the line at once, and is over when the quota admits the request. Dropping the future
    /// leaves the line. Settle the ticket when the answer is there.
    ///
    /// ```
    /// use resayil_core::quota::{QuotaOptions, Settlement};
    /// use resayil_core::{Quota, Timestamp};
    /// use resayil_retry::{QuotaExt, monotonic_now};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let wall = Timestamp::from(std::time::SystemTime::now());
    /// let quota = Quota::new(QuotaOptions::default().with_limit(20), wall, monotonic_now());
    /// let ticket = quota.acquire_async().await;
    /// // Send, and read the answer.
    /// ticket.settle(&Settlement::unknown(), monotonic_now());
    /// # }
    /// ```
    #[cfg(feature = "tokio")]
    fn acquire_async(&self) -> Acquire<crate::TokioTimer> {
        self.acquire_async_with(&EnterOptions::default(), crate::TokioTimer::new())
    }

    /// The same by priority, tenant or cost, with any timer.
    fn acquire_async_with<T: Timer>(&self, options: &EnterOptions, timer: T) -> Acquire<T>;
}

impl QuotaExt for Quota {
    fn acquire_async_with<T: Timer>(&self, options: &EnterOptions, timer: T) -> Acquire<T> {
        Acquire { ticket: Some(self.enter_with(options)), timer, alarm: Alarm::default() }
    }
}

pin_project_lite::pin_project! {
    /// A place in the line of a [`Quota`]; the ticket when it admits. Made by [`QuotaExt`].
    #[must_use = "a future does nothing until it is awaited"]
    pub struct Acquire<T: Timer> {
        ticket: Option<Ticket>,
        timer: T,
        #[pin]
        alarm: Alarm<T>,
    }
}

impl<T: Timer> Future for Acquire<T> {
    type Output = Ticket;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Ticket> {
        let mut this = self.project();
        loop {
            // Like other futures that are asked again after their end, it never is over then.
            let Some(ticket) = this.ticket.as_mut() else { return Poll::Pending };
            let at = match ticket.poll_with(this.timer.now(), context.waker()) {
                Admission::Ready => return this.ticket.take().map_or(Poll::Pending, Poll::Ready),
                Admission::Wait(_) => ticket.poll_at(),
            };
            if this.alarm.as_mut().poll(this.timer, at, context).is_pending() {
                return Poll::Pending;
            }
        }
    }
}
