//! How the command ends: exit codes, and one clear line for what went wrong.

use std::fmt::Display;
use std::io::{self, Write};

use resayil::{Error, Kind};
use serde_json::{Value, json};

/// The exit codes, as `--help` shows them.
pub(crate) const HELP: &str = "\
Exit codes:
  0    all is well
  1    a call failed, or not all of them succeeded; of `sandbox --judge`: a mistake was found
  2    the command line is wrong
  3    an input cannot be read, or is not what it should be
  4    the configuration is wrong: no key, a bad address
  5    a file cannot be written, or a port is in use
  10   of `explain`: an error after which another try may succeed
  11   of `explain`: an error after which another try would not help
  130  interrupted by Ctrl-C";

/// How the command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Success = 0,
    Failed = 1,
    Usage = 2,
    Input = 3,
    Configuration = 4,
    System = 5,
    Retryable = 10,
    Terminal = 11,
    Interrupted = 130,
}

/// A failure of the command: one line, a hint, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    hint: Option<String>,
    /// The error record, where a call failed.
    record: Option<String>,
    /// Whether standard output has it as JSON already.
    in_output: bool,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Display) -> Self {
        Failure { exit, message: message.to_string(), hint: None, record: None, in_output: false }
    }

    /// A failure that has been told to the user already.
    pub(crate) fn told(exit: Exit) -> Self {
        Failure::new(exit, "")
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub(crate) fn hint(mut self, hint: impl Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// The call that failed.
    pub(crate) fn record(mut self, error: &Error) -> Self {
        self.record = Some(error.to_json());
        self
    }

    /// The same failure, of which the JSON on standard output tells already.
    pub(crate) fn in_output(mut self) -> Self {
        self.in_output = true;
        self
    }

    /// The error record of the failure, also of one that is no call's: its hint is the advice.
    fn json(&self) -> String {
        if let Some(record) = &self.record {
            return record.clone();
        }
        let kind = match self.exit {
            Exit::Usage | Exit::Input | Exit::Configuration => Kind::Configuration,
            Exit::Interrupted => Kind::Cancelled,
            _ => Kind::Unknown,
        };
        let record = Error::new(kind, &self.message).to_json();
        let mut record: Value = serde_json::from_str(&record).unwrap_or_default();
        record["advice"] = json!(self.hint.iter().collect::<Vec<_>>());
        record.to_string()
    }
}

/// Tells a failure on standard error, for a program that asked for JSON also on standard output, and
/// gives the exit code.
pub(crate) fn report(result: Result<Exit, Failure>, json: bool) -> u8 {
    let failure = match result {
        Ok(exit) => return exit as u8,
        Err(failure) => failure,
    };
    if !failure.message.is_empty() {
        if json && !failure.in_output {
            // Nobody may read it any more.
            let _ = writeln!(io::stdout(), "{}", failure.json());
        }
        eprintln!("resayil: {}", failure.message);
        if let Some(hint) = &failure.hint {
            eprintln!("hint: {hint}");
        }
    }
    failure.exit as u8
}

/// A write to standard output that failed: a closed pipe ends the command quietly.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Failure::told(Exit::System);
        }
        Failure::new(Exit::System, format_args!("cannot write the output: {error}"))
    }
}
