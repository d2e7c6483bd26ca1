//! What was found, in the order of looking, and how it is shown.

use std::io::{self, Write};

use resayil::redaction::redact;
use serde_json::{Value, json};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Ok,
    /// Calls work, but not as well as they could.
    Warning,
    /// Calls fail.
    Problem,
    /// Not carried out, because of a problem before it, or because it does not apply.
    Skipped,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Problem => "problem",
            Verdict::Skipped => "skipped",
        }
    }
}

/// The end of one check.
#[derive(Debug)]
struct Finding {
    check: &'static str,
    verdict: Verdict,
    found: String,
    advice: Option<String>,
}

/// All that was found.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn ok(&mut self, check: &'static str, found: &str) {
        self.add(check, Verdict::Ok, found, None);
    }

    pub(super) fn warning(&mut self, check: &'static str, found: &str, advice: &str) {
        self.add(check, Verdict::Warning, found, Some(advice));
    }

    pub(super) fn problem(&mut self, check: &'static str, found: &str, advice: &str) {
        self.add(check, Verdict::Problem, found, Some(advice));
    }

    pub(super) fn skipped(&mut self, check: &'static str, found: &str) {
        self.add(check, Verdict::Skipped, found, None);
    }

    fn add(&mut self, check: &'static str, verdict: Verdict, found: &str, advice: Option<&str>) {
        let advice = advice.filter(|advice| !advice.is_empty()).map(str::to_owned);
        self.0.push(Finding { check, verdict, found: redact(found), advice });
    }

    /// Whether calls fail.
    pub(super) fn has_problem(&self) -> bool {
        self.0.iter().any(|finding| finding.verdict == Verdict::Problem)
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.0.iter().filter(|finding| finding.verdict == verdict).count()
    }

    /// One line a check, what to do below it, and a line that sums up.
    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let width = self.0.iter().map(|finding| finding.check.len()).max().unwrap_or_default();
        for Finding { check, verdict, found, advice } in &self.0 {
            writeln!(out, "{:<7}  {check:<width$}  {found}", verdict.name())?;
            if let Some(advice) = advice {
                writeln!(out, "{:<7}  {:<width$}  -> {advice}", "", "")?;
            }
        }
        let (problems, warnings) = (self.count(Verdict::Problem), self.count(Verdict::Warning));
        match (problems, warnings) {
            (0, 0) => writeln!(out, "\nAll is well."),
            (0, _) => writeln!(out, "\nCalls work; warnings: {warnings}."),
            _ => writeln!(out, "\nCalls fail; begin with the first of the problems ({problems})."),
        }
    }

    pub(super) fn json(&self) -> Value {
        let checks = self.0.iter().map(|Finding { check, verdict, found, advice }| {
            json!({"check": check, "verdict": verdict.name(), "found": found, "advice": advice})
        });
        json!({"ok": !self.has_problem(), "checks": checks.collect::<Vec<_>>()})
    }
}
