//! What is decided, told to an observer.

use std::fmt;
use std::time::Duration;

use crate::call::WaitReason;
use crate::error::Error;
use crate::kind::Kind;
use crate::named::named;
use crate::retry::{Decision, RetryReason, StopReason};
use crate::text::seconds::Seconds;

/// What happened to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallAction {
    /// The call begins.
    Start,
    /// A request is sent.
    Attempt,
    /// The call waits; its delay is the wait as it looks now.
    Wait(WaitReason),
    /// A wait is over; its delay is how long it took.
    Waited(WaitReason),
    /// The request is sent again, after a delay.
    Retry(RetryReason),
    /// The error is given to the caller.
    Stop(StopReason),
    /// The answer is given to the caller.
    Answer,
    /// Something is unwise, but goes on.
    Warning(Warning),
}

named! {
    /// What is unwise.
    Warning, "warning" {
        /// An attempt may take less time than the API asks for, which is the event's delay.
        AttemptTimeout = "attempt_timeout",
        /// The quota is this process's own, although it should be shared; the error says why.
        QuotaNotShared = "quota_not_shared",
    }
}

named! {
    /// How grave an event is, in the words of the crates `log` and `tracing`.
    #[derive(PartialOrd, Ord)]
    LogLevel, "level" {
        /// For counters alone.
        Trace = "trace",
        /// For whoever looks for the cause of a delay.
        Debug = "debug",
        /// The caller has the error, and knows better whether it is grave.
        Info = "info",
        /// Something went wrong, or will.
        Warn = "warn",
    }
}

impl CallAction {
    /// The name in log lines: `start`, `attempt`, `quota_wait`, `concurrency_wait`, `budget_wait`, `backoff_wait`,
    /// `waited`, `retry`, `stop`, `answer` or `warning`.
    pub fn name(self) -> &'static str {
        match self {
            CallAction::Start => "start",
            CallAction::Attempt => "attempt",
            CallAction::Wait(WaitReason::Quota) => "quota_wait",
            CallAction::Wait(WaitReason::Concurrency) => "concurrency_wait",
            CallAction::Wait(WaitReason::Budget) => "budget_wait",
            CallAction::Wait(WaitReason::Backoff) => "backoff_wait",
            CallAction::Waited(_) => "waited",
            CallAction::Retry(_) => "retry",
            CallAction::Stop(_) => "stop",
            CallAction::Answer => "answer",
            CallAction::Warning(_) => "warning",
        }
    }

    /// The name of the reason, if there is one: of a [`RetryReason`], a [`StopReason`], a
    /// [`WaitReason`] or a [`Warning`].
    pub fn reason(self) -> Option<&'static str> {
        match self {
            CallAction::Wait(reason) | CallAction::Waited(reason) => Some(reason.name()),
            CallAction::Retry(reason) => Some(reason.name()),
            CallAction::Stop(reason) => Some(reason.name()),
            CallAction::Warning(warning) => Some(warning.name()),
            CallAction::Start | CallAction::Attempt | CallAction::Answer => None,
        }
    }

    /// At which level of a log it belongs.
    pub fn level(self) -> LogLevel {
        match self {
            CallAction::Retry(_) | CallAction::Warning(_) => LogLevel::Warn,
            CallAction::Stop(_) => LogLevel::Info,
            CallAction::Wait(WaitReason::Quota | WaitReason::Budget) => LogLevel::Debug,
            CallAction::Wait(_)
            | CallAction::Start
            | CallAction::Attempt
            | CallAction::Waited(_)
            | CallAction::Answer => LogLevel::Trace,
        }
    }
}

/// One thing that happened to a call, for a log and for [`Counters`](super::Counters). It holds no key
/// and no prompt, and neither does its text, which is one line.
///
/// An [`Operation`](crate::Operation) tells them to its [`Observer`](super::Observer). A program that
/// only asks for decisions makes the same of them:
///
/// ```
/// use std::time::Duration;
/// use resayil_core::{Error, Kind, Policy};
/// use resayil_core::observe::{CallEvent, LogLevel};
///
/// let mut call = Policy::default().start(Duration::ZERO, 1);
/// let error = Error::new(Kind::Authentication, "bad key").with_status(401);
/// let decision = call.on_error(&error, Duration::from_secs(1));
/// let event = CallEvent::decided(&decision, 1, &error);
/// assert_eq!(
///     event.to_string(),
///     "gave up after 1 attempt (not_retryable): authentication (401): bad key"
/// );
/// assert_eq!(event.level(), LogLevel::Info);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallEvent<'a> {
    /// What happened.
    pub action: CallAction,
    /// How many requests were sent for this call so far.
    pub attempt: u32,
    /// How long the call waits before the next attempt, or has waited.
    pub delay: Option<Duration>,
    /// The failure that led to it.
    pub error: Option<&'a Error>,
}

impl<'a> CallEvent<'a> {
    /// An event of which no more is known.
    pub fn new(action: CallAction, attempt: u32) -> Self {
        CallEvent { action, attempt, delay: None, error: None }
    }

    /// What was decided on a failure, after so many requests of the call.
    pub fn decided(decision: &Decision, attempt: u32, error: &'a Error) -> Self {
        let action = match *decision {
            Decision::Retry { reason, .. } => CallAction::Retry(reason),
            Decision::Stop { reason } => CallAction::Stop(reason),
        };
        CallEvent::new(action, attempt).with_delay(decision.delay()).with_error(error)
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

    /// The name of the reason, if there is one: see [`CallAction::reason`].
    pub fn reason(&self) -> Option<&'static str> {
        self.action.reason()
    }

    /// At which level of a log it belongs.
    pub fn level(&self) -> LogLevel {
        self.action.level()
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
        let attempt = self.attempt;
        let delay = shown(self.delay.unwrap_or_default());
        match self.action {
            CallAction::Retry(reason) => {
                write!(f, "attempt {attempt} failed, next ")?;
                match (self.delay, reason) {
                    (Some(_), _) => write!(f, "in {delay} s")?,
                    (
                        None,
                        RetryReason::StaleConnection | RetryReason::Fallback | RetryReason::Budget,
                    ) => f.write_str("at once")?,
                    (None, _) => f.write_str("when the quota admits it")?,
                }
                write!(f, " ({reason})")?;
            }
            CallAction::Stop(reason) => {
                let plural = if attempt == 1 { "" } else { "s" };
                write!(f, "gave up after {attempt} attempt{plural} ({reason})")?;
            }
            CallAction::Wait(WaitReason::Quota) => write!(f, "waiting {delay} s for the quota")?,
            CallAction::Wait(WaitReason::Concurrency) => {
                f.write_str("waiting for a place among the requests in flight")?;
            }
            CallAction::Wait(WaitReason::Budget) => {
                f.write_str("waiting for a sign of life, because retries are of no use now")?;
            }
            CallAction::Wait(WaitReason::Backoff) => {
                write!(f, "waiting {delay} s before the next attempt")?;
            }
            CallAction::Waited(reason) => write!(f, "waited {delay} s ({reason})")?,
            CallAction::Start => f.write_str("a call begins")?,
            CallAction::Attempt => write!(f, "sending attempt {attempt}")?,
            CallAction::Answer => write!(f, "answered at attempt {attempt}")?,
            CallAction::Warning(Warning::AttemptTimeout) => write!(
                f,
                "an attempt_timeout of {delay} s is short; the API asks for 30 s or more"
            )?,
            CallAction::Warning(warning) => f.write_str(warning.name())?,
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

    #[test]
    fn the_texts_of_events() {
        let error = Error::new(Kind::Server, "down").with_status(500).with_code("E1");
        let delay = Duration::from_micros(1_234_567);
        let retry = Decision::Retry { delay, reason: RetryReason::Backoff };
        let event = CallEvent::decided(&retry, 2, &error);
        assert_eq!((event.kind(), event.status()), (Some(Kind::Server), Some(500)));
        assert_eq!((event.code(), event.request_id()), (Some("E1"), None));
        let stop = Decision::Stop { reason: StopReason::MaxAttempts };
        let plain = CallEvent::new;
        let short = Duration::from_secs(20);
        for (event, text) in [
            (event, "attempt 2 failed, next in 1.235 s (backoff): server (500): down"),
            (
                plain(CallAction::Retry(RetryReason::QuotaWindow), 1).with_error(&error),
                "attempt 1 failed, next when the quota admits it (quota_window): server (500): down",
            ),
            (
                plain(CallAction::Retry(RetryReason::StaleConnection), 1),
                "attempt 1 failed, next at once (stale_connection)",
            ),
            (
                plain(CallAction::Retry(RetryReason::Fallback), 2).with_error(&error),
                "attempt 2 failed, next at once (fallback): server (500): down",
            ),
            (
                CallEvent::decided(&stop, 5, &error),
                "gave up after 5 attempts (max_attempts): server (500): down",
            ),
            (
                plain(CallAction::Stop(StopReason::Cancelled), 0),
                "gave up after 0 attempts (cancelled)",
            ),
            (
                plain(CallAction::Wait(WaitReason::Quota), 0).with_delay(Duration::from_millis(20)),
                "waiting 0.02 s for the quota",
            ),
            (
                plain(CallAction::Warning(Warning::AttemptTimeout), 0).with_delay(short),
                "an attempt_timeout of 20 s is short; the API asks for 30 s or more",
            ),
            (
                plain(CallAction::Warning(Warning::QuotaNotShared), 0).with_error(&error),
                "quota_not_shared: server (500): down",
            ),
        ] {
            assert_eq!(event.to_string(), text);
        }
    }
}
