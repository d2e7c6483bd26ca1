//! What a person is told on standard error while calls go on.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use clap::Args;
use resayil::observe::{CallAction, CallEvent, Warning};
use resayil::retry::RetryReason;

/// A wait that is shorter is not worth a line of its own.
const LEAST_WAIT: Duration = Duration::from_secs(1);

/// How much is told.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct ToldArgs {
    /// Tell nothing on standard error but the error at the end
    #[arg(long, short, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Tell each decision on standard error: requests, waits, retries and why
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Told {
    Nothing,
    /// What is unwise.
    Warnings,
    /// And what is waited for, and why.
    Waits,
    /// And each decision.
    All,
}

impl ToldArgs {
    /// What the options ask for, or this.
    pub(crate) fn or(self, default: Told) -> Told {
        match (self.quiet, self.verbose) {
            (true, _) => Told::Nothing,
            (_, true) => Told::All,
            _ => default,
        }
    }
}

thread_local! {
    /// Of which request of many the calls of this thread are.
    static SUBJECT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Says of which request the calls of this thread are from now on.
pub(crate) fn set_subject(subject: &str) {
    SUBJECT.set(Some(subject.to_owned()));
}

/// Tells events, each on a line of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Teller {
    told: Told,
    start: Instant,
}

impl Teller {
    pub(crate) fn new(told: Told) -> Self {
        Teller { told, start: Instant::now() }
    }

    pub(crate) fn tell(self, event: &CallEvent<'_>) {
        let Some(text) = self.text(event) else { return };
        if self.told < Told::All || matches!(event.action, CallAction::Warning(_)) {
            return eprintln!("{text}");
        }
        let time = self.start.elapsed().as_secs_f64();
        match SUBJECT.with_borrow(Clone::clone) {
            Some(subject) => eprintln!("[{time:8.3} s] {subject:?}: {text}"),
            None => eprintln!("[{time:8.3} s] {text}"),
        }
    }

    /// What to say, if anything.
    fn text(self, event: &CallEvent<'_>) -> Option<String> {
        let least = match event.action {
            CallAction::Warning(_) => Told::Warnings,
            CallAction::Retry(RetryReason::StaleConnection) => Told::All,
            CallAction::Retry(_) => Told::Waits,
            CallAction::Wait(_) if event.delay.is_none_or(|delay| delay >= LEAST_WAIT) => {
                Told::Waits
            }
            _ => Told::All,
        };
        if self.told < least {
            return None;
        }
        Some(match (event.action, event.error) {
            (CallAction::Warning(Warning::QuotaNotShared), Some(error)) => {
                format!("resayil: warning: {error}")
            }
            (CallAction::Warning(_), _) => format!("resayil: warning: {event}"),
            _ => event.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use resayil::call::WaitReason;
    use resayil::{Error, Kind};

    #[test]
    fn each_level_tells_more() {
        let error = Error::new(Kind::Server, "down");
        let event = |action, seconds: u64| {
            CallEvent::new(action, 1).with_delay(Duration::from_secs(seconds)).with_error(&error)
        };
        for (event, least) in [
            (event(CallAction::Warning(Warning::AttemptTimeout), 5), Told::Warnings),
            (event(CallAction::Warning(Warning::QuotaNotShared), 0), Told::Warnings),
            (event(CallAction::Retry(RetryReason::Backoff), 0), Told::Waits),
            (event(CallAction::Wait(WaitReason::Quota), 1), Told::Waits),
            (event(CallAction::Wait(WaitReason::Quota), 0), Told::All),
            (event(CallAction::Retry(RetryReason::StaleConnection), 0), Told::All),
            (event(CallAction::Attempt, 0), Told::All),
        ] {
            for told in [Told::Nothing, Told::Warnings, Told::Waits, Told::All] {
                let text = Teller::new(told).text(&event);
                assert_eq!(text.is_some(), told >= least, "{event} {told:?}");
            }
        }
    }
}
