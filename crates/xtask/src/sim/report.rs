//! The tables and the JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::measure::Numbers;

/// The numbers of one policy in one scenario.
pub(crate) struct Row {
    pub(crate) scenario: &'static str,
    pub(crate) policy: &'static str,
    /// Medians over the seeds, and the 95th percentiles.
    pub(crate) numbers: Numbers,
    pub(crate) p95: Numbers,
    /// Whether anything went wrong on purpose, and so what recovery is.
    pub(crate) trouble: bool,
}

pub(crate) fn json(rows: &[Row]) -> Value {
    let round = |number: f64| (number * 10_000.0).round() / 10_000.0;
    rows.iter()
        .map(|Row { scenario, policy, numbers, p95, trouble }| {
            json!({
                "scenario": scenario,
                "policy": policy,
                "jobs": round(numbers.jobs),
                "failed": round(numbers.failed),
                "refused": round(numbers.refused),
                "refused_p95": round(p95.refused),
                "refused_first": round(numbers.refused_first),
                "refused_later": round(numbers.refused_later),
                "requests": round(numbers.requests),
                "completion_s": round(numbers.completion),
                "limit_s": round(numbers.limit),
                "completion_ratio": round(numbers.ratio),
                "completion_ratio_p95": round(p95.ratio),
                "over": round(numbers.over),
                "p50_s": round(numbers.p50),
                "p99_s": round(numbers.p99),
                "lost_share": round(numbers.lost_share),
                "amplification": round(numbers.amplification),
                "sent_in_trouble": trouble.then(|| round(numbers.sent_in_trouble)),
                "lost_late": trouble.then(|| round(numbers.lost_late)),
                "back_s": trouble.then(|| round(numbers.back)),
                "recovery_s": trouble.then(|| round(numbers.recovery)),
                "failed_after": trouble.then(|| round(numbers.failed_after)),
            })
        })
        .collect()
}

/// One Markdown table of the rows of one scenario.
pub(crate) fn table(rows: &[&Row]) -> String {
    let trouble = rows.iter().any(|row| row.trouble);
    let mut text = String::from(
        "| policy | failed | refused | p95 | first minute | a later one | requests | completion \
         | of the limit | p95 | p50 | p99 | amplification |",
    );
    text.push_str(match trouble {
        true => " sent in it | late ones lost | failed after | back | recovery |\n",
        false => "\n",
    });
    text.push_str("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    text.push_str(if trouble { "--:|--:|--:|--:|--:|\n" } else { "\n" });
    for Row { policy, numbers, p95, .. } in rows {
        let _ = write!(
            text,
            "| {policy} | {} | {} | {} | {} | {} | {} | {:.1} s | {:.3} | {:.3} | {:.1} s | {:.1} s \
             | {:.2} |",
            numbers.failed,
            numbers.refused,
            p95.refused,
            numbers.refused_first,
            numbers.refused_later,
            numbers.requests,
            numbers.completion,
            numbers.ratio,
            p95.ratio,
            numbers.p50,
            numbers.p99,
            numbers.amplification,
        );
        if trouble {
            let _ = write!(
                text,
                " {:.2} | {:.1} % | {} | {:.1} s | {:.1} s |",
                numbers.sent_in_trouble,
                100.0 * numbers.lost_late,
                numbers.failed_after,
                numbers.back,
                numbers.recovery
            );
        }
        text.push('\n');
    }
    text
}
