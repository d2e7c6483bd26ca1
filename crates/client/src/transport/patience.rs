//! How long one step of an exchange may wait.

use std::time::Duration;

use super::failure::{Failure, Step};
use super::progress::Progress;
use crate::cancel::CancelToken;
use crate::clock::monotonic_now;

/// The end of a step: that of the attempt, or an earlier one of its own. It is asked before every
/// read and write, whether or not there is anything to wait for.
#[derive(Clone, Copy)]
pub(crate) struct Patience<'a> {
    progress: &'a Progress,
    /// On the monotonic clock.
    until: Option<(Duration, Step)>,
}

impl<'a> Patience<'a> {
    /// As long as the attempt lasts.
    pub(crate) fn of(progress: &'a Progress) -> Self {
        Patience { progress, until: None }
    }

    /// The same, but no longer than this from now.
    pub(crate) fn at_most(self, time: Duration, step: Step) -> Self {
        self.until(monotonic_now().saturating_add(time), step)
    }

    /// The same, but no longer than to this time on the monotonic clock.
    pub(crate) fn until(self, end: Duration, step: Step) -> Self {
        match self.until {
            Some((earlier, _)) if earlier <= end => self,
            _ => Patience { until: Some((end, step)), ..self },
        }
    }

    /// How long the step may still wait; more than zero.
    ///
    /// # Errors
    ///
    /// The time is over, or the call was cancelled.
    pub(crate) fn left(&self) -> Result<Duration, Failure> {
        if self.progress.is_cancelled() {
            return Err(Failure::Cancelled);
        }
        let of_attempt = self.progress.left();
        let (left, step) = match self.until {
            Some((end, step)) => {
                let left = end.saturating_sub(monotonic_now());
                if left < of_attempt { (left, step) } else { (of_attempt, Step::Attempt) }
            }
            None => (of_attempt, Step::Attempt),
        };
        if left.is_zero() { Err(Failure::Timeout(step)) } else { Ok(left) }
    }

    pub(crate) fn cancel_token(&self) -> Option<&'a CancelToken> {
        self.progress.cancel_token()
    }
}
