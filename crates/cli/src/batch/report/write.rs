//! The report as a file, which is there whole or not at all.

use std::io;
use std::path::Path;
use std::time::SystemTime;

use resayil::observe::Stats;
use serde_json::Value;

use super::{Data, page};
use crate::batch::{Outcome, Source, Target};
use crate::exit::{Exit, Failure};
use crate::files::{self, folder_of};

/// What a report tells besides what was recorded.
pub(crate) struct Facts<'a> {
    pub(crate) source: String,
    pub(crate) target: &'a Target,
    /// Without its query.
    pub(crate) base_url: &'a str,
    pub(crate) started: SystemTime,
    pub(crate) outcome: &'a Outcome,
    pub(crate) stats: &'a Stats,
    pub(crate) concurrency: u16,
    /// What `--json` prints.
    pub(crate) summary: &'a Value,
    pub(crate) links: Links,
}

/// Addresses of input and output, as seen from the report.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Links {
    pub(super) input: Option<String>,
    pub(super) output: Option<String>,
}

impl Links {
    /// From a report at this place.
    pub(crate) fn from(report: &Path, source: &Source, target: &Target) -> Self {
        let folder = folder_of(report);
        Links {
            input: match source {
                Source::File(path) => super::lines::address(&folder, path),
                Source::Pipe => None,
            },
            output: match target {
                Target::File(path) => super::lines::address(&folder, path),
                Target::Pipe => None,
            },
        }
    }
}

/// Says before a long batch what would go wrong after it.
pub(crate) fn check(path: &Path, source: &Source, target: &Target) -> Result<(), Failure> {
    let is = |file: &Path| file == path || same_file::is_same_file(file, path).unwrap_or(false);
    let clash = match (source, target) {
        (Source::File(file), _) if is(file) => Some("input"),
        (_, Target::File(file)) if is(file) => Some("output"),
        _ => None,
    };
    if let Some(name) = clash {
        let problem = format!("{} is the {name} and the report", path.display());
        return Err(Failure::new(Exit::Usage, problem).hint("name another file for the report"));
    }
    if !folder_of(path).is_dir() || path.is_dir() {
        return Err(Failure::new(
            Exit::System,
            format_args!("cannot write {}: it has no folder, or is one", path.display()),
        )
        .hint("name a file in a folder that exists"));
    }
    Ok(())
}

/// Writes the report.
pub(crate) fn write(path: &Path, facts: &Facts<'_>, data: &Data) -> Result<(), Failure> {
    let fail = |error: io::Error| {
        Failure::new(Exit::System, format_args!("cannot write {}: {error}", path.display()))
            .hint("see that the folder exists, may be written to and has room")
    };
    files::replace(path, page::html(facts, data).as_bytes()).map_err(fail)
}
