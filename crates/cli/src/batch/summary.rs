//! The end of a batch, told: a line, a JSON object, a page.

use std::path::Path;
use std::time::SystemTime;

use resayil::Client;
use resayil::observe::Stats;
use serde_json::{Value, json};

use super::report::{self, Data, Facts, Links};
use super::{Job, Outcome, Source};
use crate::exit::Failure;

/// What is told.
pub(crate) struct Summary<'a> {
    outcome: &'a Outcome,
    job: &'a Job,
    stats: Stats,
    data: Data,
    base_url: &'a str,
    started: SystemTime,
}

impl<'a> Summary<'a> {
    pub(crate) fn new(
        outcome: &'a Outcome,
        client: &'a Client,
        job: &'a Job,
        started: SystemTime,
    ) -> Self {
        let data = job.recorder.data();
        let (stats, base_url) = (client.stats(), client.base_url());
        Summary { outcome, job, stats, data, base_url, started }
    }

    /// What was recorded.
    pub(crate) fn into_data(self) -> Data {
        self.data
    }

    /// One line.
    pub(crate) fn text(&self) -> String {
        let Summary { outcome, stats, .. } = self;
        let mut text = format!(
            "{} of {} answered in {:.1} s, {} failed, {} retries, {} refused{}; results in {}",
            outcome.answered,
            outcome.total,
            outcome.elapsed.as_secs_f64(),
            outcome.failed,
            stats.retries + stats.stale_connections,
            stats.refused,
            self.data.tokens_text(),
            self.job.target
        );
        if outcome.earlier > 0 {
            text += &format!(" ({} by earlier runs)", outcome.earlier);
        }
        text
    }

    /// The same and all that was recorded.
    pub(crate) fn json(&self) -> Value {
        let Summary { outcome, stats, .. } = self;
        let error = outcome.stopped_by.as_ref().map(resayil::Error::to_json);
        let error = error.and_then(|record| serde_json::from_str::<Value>(&record).ok());
        let mut summary = json!({
            "total": outcome.total,
            "answered": outcome.answered,
            "failed": outcome.failed,
            "open": outcome.open(),
            "earlier": outcome.earlier,
            "interrupted": outcome.interrupted,
            "seconds": outcome.elapsed.as_secs_f64(),
            "attempts": stats.attempts,
            "retries": stats.retries,
            "stale_connections": stats.stale_connections,
            "refused": stats.refused,
            "quota_wait_seconds": stats.quota_wait.as_secs_f64(),
            "error": error,
            "output": self.job.target.to_string(),
        });
        if let (Value::Object(all), Ok(Value::Object(recorded))) =
            (&mut summary, serde_json::to_value(&self.data))
        {
            all.extend(recorded);
        }
        summary
    }

    /// The page.
    pub(crate) fn write_report(&self, path: &Path) -> Result<(), Failure> {
        let source = match &self.job.source {
            Source::File(path) => path.file_name().unwrap_or(path.as_os_str()).to_string_lossy(),
            Source::Pipe => "standard input".into(),
        };
        let facts = Facts {
            source: source.into_owned(),
            target: &self.job.target,
            base_url: self.base_url,
            started: self.started,
            outcome: self.outcome,
            stats: &self.stats,
            concurrency: self.job.concurrency,
            summary: &self.json(),
            links: Links::from(path, &self.job.source, &self.job.target),
        };
        report::write(path, &facts, &self.data)
    }
}
