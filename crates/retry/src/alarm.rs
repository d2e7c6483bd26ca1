//! A sleep that is set anew when its end moves.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::Timer;

pin_project_lite::pin_project! {
    /// A sleep that is set anew when its end moves. For drivers of the core's operation.
    #[doc(hidden)]
    pub struct Alarm<T: Timer> {
        at: Option<Duration>,
        #[pin]
        sleep: Option<T::Sleep>,
    }
}

impl<T: Timer> Default for Alarm<T> {
    fn default() -> Self {
        Alarm { at: None, sleep: None }
    }
}

impl<T: Timer> Alarm<T> {
    /// Ready from `at` on, on the timer's clock; never without one. Wakes the task then.
    pub fn poll(
        mut self: Pin<&mut Self>,
        timer: &T,
        at: Option<Duration>,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        let Some(at) = at else {
            self.as_mut().stop();
            return Poll::Pending;
        };
        loop {
            let left = at.saturating_sub(timer.now());
            if left.is_zero() {
                self.as_mut().stop();
                return Poll::Ready(());
            }
            let mut this = self.as_mut().project();
            if *this.at != Some(at) {
                *this.at = Some(at);
                this.sleep.set(Some(timer.sleep(left)));
            }
            let Some(sleep) = this.sleep.as_mut().as_pin_mut() else { return Poll::Pending };
            if sleep.poll(context).is_pending() {
                return Poll::Pending;
            }
            // A timer that is early is asked again.
            *this.at = None;
        }
    }

    /// Gives the sleep back, if there is one.
    pub fn stop(self: Pin<&mut Self>) {
        let mut this = self.project();
        if this.at.take().is_some() {
            this.sleep.set(None);
        }
    }
}
