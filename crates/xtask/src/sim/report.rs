//! The tables and the JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::measure::Numbers;

/// The numbers of one policy in one scenario.
pub(crate) struct Row {
    pub(crate) scenario: &'static str,
    pub(crate) policy: &'static str,
    pub(crate) numbers: Numbers,
    /// Whether anything went wrong on purpose, and so what recovery is.
    pub(crate) trouble: bool,
}

pub(crate) fn json(rows: &[Row]) -> Value {
    let round = |number: f64| (number * 1000.0).round() / 1000.0;
    rows.iter()
        .map(|Row { scenario, policy, numbers, trouble }| {
            json!({
                "scenario": scenario,
                "policy": policy,
                "jobs": round(numbers.jobs),
                "failed": round(numbers.failed),
                "refused": round(numbers.refused),
                "requests": round(numbers.requests),
                "completion_s": round(numbers.completion),
                "limit_s": round(numbers.limit),
                "p50_s": round(numbers.p50),
                "p99_s": round(numbers.p99),
                "amplification": round(numbers.amplification),
                "recovery_s": trouble.then(|| round(numbers.recovery)),
                "refused_later": round(numbers.refused_later),
                "failed_after": trouble.then(|| round(numbers.failed_after)),
            })
        })
        .collect()
}

/// One Markdown table of the rows of one scenario.
pub(crate) fn table(rows: &[&Row]) -> String {
    let trouble = rows.iter().any(|row| row.trouble);
    let mut text = String::from(
        "| policy | failed | refused | a later minute | requests | completion | of the limit | p50 | p99 | amplification |",
    );
    text.push_str(if trouble { " failed after | recovery |\n" } else { "\n" });
    text.push_str("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    text.push_str(if trouble { "--:|--:|\n" } else { "\n" });
    for Row { policy, numbers, .. } in rows {
        let _ = write!(
            text,
            "| {policy} | {} | {} | {} | {} | {:.1} s | {:.3} | {:.1} s | {:.1} s | {:.2} |",
            numbers.failed,
            numbers.refused,
            numbers.refused_later,
            numbers.requests,
            numbers.completion,
            numbers.completion / numbers.limit,
            numbers.p50,
            numbers.p99,
            numbers.amplification,
        );
        if trouble {
            let _ = write!(text, " {} | {:.1} s |", numbers.failed_after, numbers.recovery);
        }
        text.push('\n');
    }
    text
}
