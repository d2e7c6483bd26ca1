//! What is decided, told to an observer.

use std::fmt;
use std::time::Duration;

use crate::error::Error;
use crate::kind::Kind;
use crate::named::named;
use crate::retry::Decision;
use crate::text::seconds::Seconds;

named! {
    /// What was decided.
    CallAction, "action" {
        /// The request is sent again after a delay.
        Retry = "retry",
        /// The error is given to the caller.
        Stop = "stop",
        /// The request waits until the quota admits it.
        QuotaWait = "quota_wait",
        /// Something is unwise, but goes on.
        Warning = "warning",
    }
}

/// One decision, for a log. It holds no key and no prompt, and neither does its text, which is one
/// line.
///
/// The client of the crate `resayil` tells them to its observer. A program with an HTTP client of its
/// own makes the same of its decisions:
///
/// ```
/// use std::time::Duration;
/// use resayil_core::{CallEvent, Error, Kind, Policy};
///
/// let mut call = Policy::default().start(Duration::ZERO, 1);
/// let error = Error::new(Kind::Authentication, "bad key").with_status(401);
/// let decision = call.on_error(&error, Duration::from_secs(1));
/// let event = CallEvent::decided(&decision, 1, &error);
/// assert_eq!(
///     event.to_string(),
///     "gave up after 1 attempt (not_retryable): authentication (401): bad key"
/// );
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallEvent<'a> {
    /// What was decided.
    pub action: CallAction,
    /// The name of the reason: of a [`RetryReason`](crate::RetryReason), of a
    /// [`StopReason`](crate::StopReason), `quota`, `stale_connection`, `attempt_timeout` or
    /// `quota_not_shared`.
    pub reason: &'static str,
    /// How many requests were sent for this call so far.
    pub attempt: u32,
    /// How long the call waits before the next attempt. For a quota wait it is the wait as it
    /// looks now.
    pub delay: Option<Duration>,
    /// The failure that led to the decision.
    pub error: Option<&'a Error>,
}

impl<'a> CallEvent<'a> {
    /// An event of which no more is known.
    pub fn new(action: CallAction, reason: &'static str, attempt: u32) -> Self {
        CallEvent { action, reason, attempt, delay: None, error: None }
    }

    /// What was decided on a failure, after so many requests of the call.
    pub fn decided(decision: &Decision, attempt: u32, error: &'a Error) -> Self {
        let action = if decision.is_retry() { CallAction::Retry } else { CallAction::Stop };
        CallEvent::new(action, decision.reason(), attempt)
            .with_delay(decision.delay())
            .with_error(error)
    }

    /// The same event with the wait before the next attempt.
    #[must_use]
    pub fn with_delay(mut self, delay: impl Into<Option<Duration>>) -> Self {
        self.delay = delay.into();
        self
    }

    /// The same event with the failure that led to the decision.
    #[must_use]
    pub fn with_error(mut self, error: impl Into<Option<&'a Error>>) -> Self {
        self.error = error.into();
        self
    }

    /// The kind of the failure.
    pub fn kind(&self) -> Option<Kind> {
        self.error.map(Error::kind)
    }

    /// The HTTP status of the failure.
    pub fn status(&self) -> Option<u16> {
        self.error.and_then(Error::status)
    }

    /// The provider's error code.
    pub fn code(&self) -> Option<&'a str> {
        self.error.and_then(Error::code)
    }

    /// The provider's id of the request.
    pub fn request_id(&self) -> Option<&'a str> {
        self.error.and_then(Error::request_id)
    }
}

impl fmt::Display for CallEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CallEvent { reason, attempt, .. } = *self;
        match self.action {
            CallAction::Retry => {
                write!(f, "attempt {attempt} failed, next ")?;
                match self.delay {
                    Some(delay) => write!(f, "in {} s", shown(delay))?,
                    None if matches!(reason, "stale_connection" | "fallback") => {
                        f.write_str("at once")?
                    }
                    None => f.write_str("when the quota admits it")?,
                }
                write!(f, " ({reason})")?;
            }
            CallAction::Stop => {
                let plural = if attempt == 1 { "" } else { "s" };
                write!(f, "gave up after {attempt} attempt{plural} ({reason})")?;
            }
            CallAction::QuotaWait => {
                write!(f, "waiting {} s for the quota", shown(self.delay.unwrap_or_default()))?;
            }
            CallAction::Warning => match (reason, self.delay) {
                ("attempt_timeout", Some(timeout)) => write!(
                    f,
                    "an attempt_timeout of {} s is short; the API asks for 30 s or more",
                    shown(timeout)
                )?,
                _ => f.write_str(reason)?,
            },
        }
        match self.error {
            Some(error) => write!(f, ": {error}"),
            None => Ok(()),
        }
    }
}

/// A wait for people, to the millisecond.
fn shown(wait: Duration) -> Seconds {
    let rounded = wait.saturating_add(Duration::from_micros(500));
    Seconds(
        rounded.saturating_sub(Duration::from_nanos((rounded.subsec_nanos() % 1_000_000).into())),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retry::{RetryReason, StopReason};

    #[test]
    fn the_texts_of_events() {
        let error = Error::new(Kind::Server, "down").with_status(500).with_code("E1");
        let delay = Duration::from_micros(1_234_567);
        let retry = Decision::Retry { delay, reason: RetryReason::Backoff };
        let event = CallEvent::decided(&retry, 2, &error);
        assert_eq!((event.kind(), event.status()), (Some(Kind::Server), Some(500)));
        assert_eq!((event.code(), event.request_id()), (Some("E1"), None));
        let stop = Decision::Stop { reason: StopReason::MaxAttempts };
        let plain = |action, reason, attempt| CallEvent::new(action, reason, attempt);
        let short = Duration::from_secs(20);
        for (event, text) in [
            (event, "attempt 2 failed, next in 1.235 s (backoff): server (500): down"),
            (
                plain(CallAction::Retry, "quota_window", 1).with_error(&error),
                "attempt 1 failed, next when the quota admits it (quota_window): server (500): down",
            ),
            (
                plain(CallAction::Retry, "stale_connection", 1),
                "attempt 1 failed, next at once (stale_connection)",
            ),
            (
                plain(CallAction::Retry, "fallback", 2).with_error(&error),
                "attempt 2 failed, next at once (fallback): server (500): down",
            ),
            (
                CallEvent::decided(&stop, 5, &error),
                "gave up after 5 attempts (max_attempts): server (500): down",
            ),
            (plain(CallAction::Stop, "cancelled", 0), "gave up after 0 attempts (cancelled)"),
            (
                plain(CallAction::QuotaWait, "quota", 0).with_delay(Duration::from_millis(20)),
                "waiting 0.02 s for the quota",
            ),
            (
                plain(CallAction::Warning, "attempt_timeout", 0).with_delay(short),
                "an attempt_timeout of 20 s is short; the API asks for 30 s or more",
            ),
            (
                plain(CallAction::Warning, "quota_not_shared", 0).with_error(&error),
                "quota_not_shared: server (500): down",
            ),
        ] {
            assert_eq!(event.to_string(), text);
        }
    }
}
