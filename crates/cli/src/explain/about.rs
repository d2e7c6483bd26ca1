//! `explain 429`, `explain rate_limit`: what a status or a kind means, without an answer.

use std::io::Write;

use resayil::answer::Classifier;
use resayil::{Error, Kind, Provider, Timestamp};

use super::answer::Outcome;
use super::{ExplainArgs, report};
use crate::exit::{Exit, Failure};

/// What the argument names, if it is no file.
pub(super) enum Subject {
    Status(u16),
    Kind(Kind),
}

impl Subject {
    pub(super) fn parse(argument: &std::ffi::OsStr) -> Option<Self> {
        let text = argument.to_str()?;
        if std::path::Path::new(argument).exists() {
            return None;
        }
        let status = text.parse().ok().filter(|status| (100..600).contains(status));
        status.map(Subject::Status).or_else(|| text.parse().ok().map(Subject::Kind))
    }

    fn error(&self, provider: Option<Provider>, now: Timestamp) -> Option<Error> {
        match self {
            Subject::Status(status) if *status < 300 => None,
            Subject::Status(status) => {
                let headers: [(&str, &str); 0] = [];
                Classifier::new().provider(provider).classify(*status, &headers, b"", now).err()
            }
            Subject::Kind(kind) => Some(Error::new(*kind, "").with_provider(provider)),
        }
    }
}

/// Tells about a status or a kind.
pub(super) fn print(
    args: &ExplainArgs,
    subject: &Subject,
    now: Timestamp,
) -> Result<Exit, Failure> {
    let outcome = Outcome { error: subject.error(args.provider.0, now), stream: None };
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", outcome.to_json(args.language.0))?;
        return Ok(outcome.exit());
    }
    match (&outcome.error, subject) {
        (None, Subject::Status(status)) => writeln!(out, "{status} is a success.")?,
        (None, Subject::Kind(_)) => {}
        (Some(error), _) => {
            let row = error.kind().row();
            let meaning = row.meaning.split('\n').map(str::trim).collect::<Vec<_>>().join(" ");
            writeln!(out, "{}: {meaning}\n", row.name)?;
            out.write_all(report::facts(error, args.language.0).as_bytes())?;
            writeln!(
                out,
                "{:>10}  {}",
                "statuses",
                if row.statuses.is_empty() { "none" } else { row.statuses }
            )?;
            writeln!(out, "{:>10}  {}", "Python", row.python_class)?;
        }
    }
    Ok(outcome.exit())
}
