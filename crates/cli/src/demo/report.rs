//! The table at the end of the demo.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::time::Duration;

use resayil::Error;
use resayil::messages::Messages;
use resayil::observe::Stats;
use serde_json::{Value, json};

use super::audit::Audit;
use crate::batch::Outcome;

/// What is reported.
pub(super) struct Report {
    pub(super) outcome: Outcome,
    pub(super) stats: Stats,
    /// What retries followed from, and how often.
    pub(super) causes: BTreeMap<String, u64>,
    pub(super) concurrency: u16,
    /// What the sandbox says; nothing is known of a real API.
    pub(super) checked: Option<Checked>,
}

/// What the sandbox's log says.
pub(super) struct Checked {
    pub(super) audit: Audit,
    /// The least time that the batch could take.
    pub(super) least: Duration,
}

impl Checked {
    fn ratio(&self, elapsed: Duration) -> f64 {
        elapsed.as_secs_f64() / self.least.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

impl Report {
    /// The table.
    pub(super) fn text(&self) -> String {
        let mut out = String::from("\n");
        // Writing to a string does not fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let outcome = &self.outcome;
        row(out, "answered", format_args!("{} of {}", outcome.answered, outcome.total))?;
        if outcome.failed > 0 {
            row(out, "failed", outcome.failed)?;
        }
        row(out, "requests sent", self.stats.attempts)?;
        row(out, "retries", self.causes.values().sum::<u64>())?;
        for (cause, count) in &self.causes {
            row(out, "", format_args!("{count:>3}  {cause}"))?;
        }
        match &self.checked {
            None => row(out, "refused", self.stats.refused)?,
            Some(Checked { audit, .. }) => row(
                out,
                "refused",
                format_args!(
                    "{} in the first window, {} after it",
                    audit.refused_at_first, audit.refused_later
                ),
            )?,
        }
        let waited = self.stats.quota_wait.as_secs_f64();
        row(
            out,
            "waited for quota",
            format_args!(
                "{:.1} s each of {} callers, {waited:.1} s in all",
                waited / f64::from(self.concurrency),
                self.concurrency
            ),
        )?;
        let elapsed = outcome.elapsed;
        let Some(checked) = &self.checked else {
            return row(out, "time", format_args!("{:.1} s", elapsed.as_secs_f64()));
        };
        row(
            out,
            "time",
            format_args!(
                "{:.2} s; the least for this quota and {} requests, of which the server lets {} fail, \
                 is {:.2} s: {:.3} times it",
                elapsed.as_secs_f64(),
                checked.audit.admitted,
                checked.audit.faults.values().sum::<u64>(),
                checked.least.as_secs_f64(),
                checked.ratio(elapsed)
            ),
        )?;
        row(out, "the server's log", log_text(&checked.audit))
    }

    /// The same as JSON, and the errors of the guide.
    pub(super) fn json(&self, errors: &[Error], messages: &Messages) -> Value {
        let outcome = &self.outcome;
        let mut value = json!({
            "total": outcome.total,
            "answered": outcome.answered,
            "failed": outcome.failed,
            "attempts": self.stats.attempts,
            "retries": self.causes,
            "refused": self.stats.refused,
            "quota_wait_seconds": self.stats.quota_wait.as_secs_f64(),
            "seconds": outcome.elapsed.as_secs_f64(),
        });
        if let Some(Checked { audit, least }) = &self.checked {
            value["sandbox"] = json!({
                "answered_once": audit.once,
                "lost": audit.lost,
                "surplus": audit.surplus,
                "admitted": audit.admitted,
                "admitted_by_window": audit.by_window,
                "faults": audit.faults,
                "refused_in_first_window": audit.refused_at_first,
                "refused_later": audit.refused_later,
            });
            value["least_seconds"] = json!(least.as_secs_f64());
        }
        value["guide"] = errors
            .iter()
            .map(|error| serde_json::from_str(&error.to_json_in(messages)).unwrap_or(Value::Null))
            .collect();
        value
    }
}

fn row(out: &mut String, name: &str, value: impl Display) -> std::fmt::Result {
    writeln!(out, "{name:>16}  {value}")
}

fn log_text(audit: &Audit) -> String {
    let faults: Vec<_> =
        audit.faults.iter().map(|(name, count)| format!("{count} {name}")).collect();
    let faults = if faults.is_empty() { "none".to_owned() } else { faults.join(", ") };
    if audit.is_clean() {
        format!("each of {} prompts answered once, none lost; faults: {faults}", audit.once)
    } else {
        format!(
            "{} prompts answered once, {} lost, {} answered too often; faults: {faults}",
            audit.once, audit.lost, audit.surplus
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_time_says_that_it_counts_the_injected_failures() {
        let outcome = Outcome {
            total: 3,
            answered: 3,
            failed: 0,
            earlier: 0,
            elapsed: Duration::from_secs(3),
            interrupted: false,
            stopped_by: None,
        };
        let audit = Audit {
            once: 3,
            admitted: 5,
            faults: BTreeMap::from([("drop".to_owned(), 2)]),
            ..Audit::default()
        };
        let checked = Some(Checked { audit, least: Duration::from_secs(2) });
        let stats = Stats::default();
        let report = Report { outcome, stats, causes: BTreeMap::new(), concurrency: 1, checked };
        let text = report.text();
        let part = "5 requests, of which the server lets 2 fail, is 2.00 s: 1.500 times it";
        assert!(text.contains(part), "{text}");
    }
}
