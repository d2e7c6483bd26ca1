//! The requests that are worth a look, each with links to its lines.

use std::fmt::Write;

use super::Data;
use super::human::{number, time};
use super::lines::link;
use super::notable::Listed;
use super::page::{anchor, escape};
use super::sections::section;
use super::write::Facts;

/// What a `custom_id` is cut to, in characters.
const MAX_SHOWN_ID: usize = 100;

/// Those that failed.
pub(super) fn failed(facts: &Facts<'_>, data: &Data) -> String {
    let list = &data.failed_requests;
    if list.is_empty() {
        return String::new();
    }
    let mut rows = String::new();
    for it in list {
        let Some(failure) = &it.failure else { continue };
        let status = failure.status.map(|status| format!("{status} ")).unwrap_or_default();
        let id = failure.request_id.as_deref().map(|id| format!(" (request {})", escape(id)));
        let _ = writeln!(
            rows,
            "<tr id=\"line-{}\">{}<td class=\"n\" data-of=\"attempts:\">{}</td><td class=\"why\">{status}{}: {}{}</td></tr>",
            it.line,
            places(facts, it),
            it.attempts,
            escape(&failure.kind),
            escape(&failure.message),
            id.unwrap_or_default(),
        );
    }
    let more = facts.outcome.failed.saturating_sub(list.len() as u64);
    let below = match more {
        0 => "Their lines in the output say more".to_owned(),
        more => format!("The first of them; the output has {} more", number(more)),
    };
    let head = "<tr><th>Request</th><th class=\"n\">Line</th><th class=\"n\">Result</th>\
                <th class=\"n\">Attempts</th><th>Why</th></tr>";
    section("Failed", &below, "", &table(head, &rows))
}

/// Those that took longest.
pub(super) fn slowest(facts: &Facts<'_>, data: &Data) -> String {
    let mut rows = String::new();
    for it in &data.slowest {
        let _ = writeln!(
            rows,
            "<tr id=\"line-{}\">{}<td class=\"n\" data-of=\"took\">{}</td>\
             <td class=\"n\" data-of=\"for the quota\">{}</td>\
             <td class=\"n\" data-of=\"to try again\">{}</td><td class=\"n\" data-of=\"attempts:\">{}</td></tr>",
            it.line,
            places(facts, it),
            time(it.seconds),
            time(it.quota_wait_seconds),
            time(it.retry_wait_seconds),
            it.attempts,
        );
    }
    let head = "<tr><th>Request</th><th class=\"n\">Line</th><th class=\"n\">Result</th><th class=\"n\">Took</th>\
                <th class=\"n\">For the quota</th><th class=\"n\">To try again</th><th class=\"n\">Attempts</th></tr>";
    section("Slowest", "Of those that were answered, waits included", "", &table(head, &rows))
}

fn table(head: &str, rows: &str) -> String {
    format!("<table class=\"list\"><thead>{head}</thead><tbody>\n{rows}</tbody></table>")
}

/// The request's name and its lines, linked where there are files.
fn places(facts: &Facts<'_>, it: &Listed) -> String {
    let id = it.custom_id.as_deref().unwrap_or("(no custom_id)");
    let is_long = id.chars().count() > MAX_SHOWN_ID;
    let quoted = serde_json::Value::from(id).to_string();
    let place = |address: &Option<String>, line: u64, text: &str, name: &str| {
        let shown = format!("{name} {}", number(line));
        match address {
            Some(address) if it.custom_id.is_some() && !is_long => {
                anchor(&link(address, text), &shown)
            }
            Some(address) => anchor(address, &shown),
            None => shown,
        }
    };
    let mut shown: String = id.chars().take(MAX_SHOWN_ID).collect();
    if is_long {
        shown.push('…');
    }
    format!(
        "<td><code>{}</code></td><td class=\"n\">{}</td><td class=\"n\">{}</td>",
        escape(&shown),
        place(&facts.links.input, it.line, &quoted, "line"),
        place(&facts.links.output, it.result_line, &format!("\"custom_id\": {quoted}"), "result"),
    )
}
