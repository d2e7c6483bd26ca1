//! What has to be true of this project's policy.

use std::fmt::Write as _;

use super::measure::Numbers;
use super::report::Row;

/// A number that may not be exceeded, by the median over the seeds or the 95th percentile.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    /// Jobs without an answer.
    Lost(f64),
    /// Requests that were refused: in all, in the first window of the clock, and in the worst of the
    /// later ones.
    Refused(f64),
    RefusedP95(f64),
    RefusedFirst(f64),
    RefusedLater(f64),
    /// Refused requests for each job.
    RefusedShare(f64),
    /// The time that all took, by that of a perfect scheduler.
    Completion(f64),
    CompletionP95(f64),
    /// By how much a limit was exceeded, as a share of it.
    Over(f64),
    /// The share of jobs that were lost, of those that began after the warm-up.
    LostShare(f64),
    /// The share that was lost of the jobs that began in the last 12 s of the trouble.
    LostLate(f64),
    /// Requests that were sent in the trouble for each job that began in it.
    SentInTrouble(f64),
    /// From the end of the trouble to the first answer, in seconds.
    Back(f64),
    Amplification(f64),
    Recovery(f64),
}

impl Goal {
    /// What it is about, what was measured, and the most that it may be.
    fn judge(self, median: &Numbers, p95: &Numbers) -> (&'static str, f64, f64) {
        match self {
            Goal::Lost(most) => ("lost", median.failed, most),
            Goal::Refused(most) => ("refused", median.refused, most),
            Goal::RefusedP95(most) => ("refused, p95", p95.refused, most),
            Goal::RefusedFirst(most) => ("refused in the first window", median.refused_first, most),
            Goal::RefusedLater(most) => ("refused in a later window", median.refused_later, most),
            Goal::RefusedShare(most) => {
                ("refused for each job", median.refused / median.jobs, most)
            }
            Goal::Completion(most) => ("completion / bound", median.ratio, most),
            Goal::CompletionP95(most) => ("completion / bound, p95", p95.ratio, most),
            Goal::Over(most) => ("above the limit", median.over, most),
            Goal::LostShare(most) => ("share lost", median.lost_share, most),
            Goal::LostLate(most) => ("share lost of the last 12 s", median.lost_late, most),
            Goal::SentInTrouble(most) => ("sent for each call", median.sent_in_trouble, most),
            Goal::Back(most) => ("back after, s", median.back, most),
            Goal::Amplification(most) => ("amplification", median.amplification, most),
            Goal::Recovery(most) => ("recovery, s", median.recovery, most),
        }
    }
}

/// The head of a table of goals.
pub(crate) const HEAD: &str =
    "| scenario | what | measured | at most | met |\n|---|---|--:|--:|---|\n";

/// The lines for the goals of this row's scenario.
pub(crate) fn table(goals: &[Goal], row: &Row) -> String {
    let mut text = String::new();
    for goal in goals {
        let (what, measured, most) = goal.judge(&row.numbers, &row.p95);
        let met = if measured <= most + 1e-9 { "yes" } else { "**no**" };
        let (name, measured, most) = (row.scenario, short(measured), short(most));
        let _ = writeln!(text, "| {name} | {what} | {measured} | {most} | {met} |");
    }
    text
}

/// No more digits than tell something.
fn short(number: f64) -> String {
    if number == number.round() { format!("{number}") } else { format!("{number:.4}") }
}
