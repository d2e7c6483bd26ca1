//! The parts of the page.

use std::fmt::Write;

use super::Data;
use super::chart::{self, OverTime};
use super::lines::link;
use super::notable::Listed;
use super::page::escape;
use super::write::Facts;

/// What a `custom_id` is cut to, in characters.
const MAX_SHOWN_ID: usize = 100;

/// What it is about.
pub(super) fn header(facts: &Facts<'_>) -> String {
    let outcome = facts.outcome;
    let (class, state) = if outcome.stopped_by.is_some() {
        ("bad", "Stopped".to_owned())
    } else if outcome.interrupted {
        ("bad", "Interrupted".to_owned())
    } else if outcome.failed > 0 {
        ("bad", format!("{} failed", number(outcome.failed)))
    } else {
        ("good", "All answered".to_owned())
    };
    format!(
        "<header>\n<p class=\"state {class}\">{state}</p>\n<h1>{}</h1>\n\
         <p class=\"soft\">{} · {} callers at once · {} · results in {}</p>\n</header>\n",
        escape(&facts.source),
        escape(facts.base_url),
        facts.concurrency,
        date(facts.started),
        match &facts.links.output {
            Some(address) => anchor(address, &name_of(&facts.target.to_string())),
            None => escape(&facts.target.to_string()),
        },
    )
}

/// The figures.
pub(super) fn tiles(facts: &Facts<'_>, data: &Data) -> String {
    let (outcome, stats) = (facts.outcome, facts.stats);
    let seconds = outcome.elapsed.as_secs_f64();
    let done = outcome.answered + outcome.failed - outcome.earlier;
    let share = |part: u64, of: u64| format!("{:.1} %", 100.0 * part as f64 / of.max(1) as f64);
    let mut earlier = format!("{} failed, {} open", number(outcome.failed), number(outcome.open()));
    if outcome.earlier > 0 {
        earlier += &format!(", {} by earlier runs", number(outcome.earlier));
    }
    let tokens = &data.tokens;
    let rows = [
        ("Answered", format!("{} of {}", number(outcome.answered), number(outcome.total)), earlier),
        ("Time", time(seconds), format!("{} requests done a second", rate(done as f64 / seconds))),
        (
            "Requests sent",
            number(stats.attempts),
            format!("{} of them again", number(stats.retries + stats.stale_connections)),
        ),
        (
            "Refused for quota",
            number(stats.refused),
            format!("{} of requests", share(stats.refused, stats.attempts)),
        ),
        (
            "A call, waits included",
            time(data.call_seconds.p50),
            format!("median; p95 {}", time(data.call_seconds.p95)),
        ),
        (
            "An answer",
            time(data.answer_seconds.p50),
            format!("median; p95 {}", time(data.answer_seconds.p95)),
        ),
        (
            "Waited for quota",
            time(stats.quota_wait.as_secs_f64()),
            format!("added up over {} callers", facts.concurrency),
        ),
        (
            "Tokens in and out",
            format!("{} + {}", number(tokens.input), number(tokens.output)),
            tokens.estimate(),
        ),
    ];
    let mut out = String::from("<dl class=\"tiles\">\n");
    for (name, value, below) in rows {
        let _ = writeln!(
            out,
            "<div class=\"tile\"><dt>{name}</dt><dd class=\"big\">{value}</dd>\
             <dd class=\"sub\">{below}</dd></div>"
        );
    }
    out + "</dl>\n"
}

fn legend(items: &[(&str, &str)]) -> String {
    let each = |(class, name): &(&str, &str)| format!("<li><i class=\"{class}\"></i>{name}</li>");
    format!("<ul class=\"legend\">{}</ul>", items.iter().map(each).collect::<String>())
}

fn section(title: &str, below: &str, legend: &str, body: &str) -> String {
    format!(
        "<section>\n<div class=\"head\"><div><h2>{title}</h2><p class=\"sub\">{below}</p></div>{legend}</div>\n\
         {body}\n</section>\n"
    )
}

/// What came of requests, over time.
pub(super) fn requests(data: &Data) -> String {
    let plot = OverTime {
        label: "Requests over time, by how they ended",
        layers: &[|bin| bin.answered as f64, |bin| bin.refused as f64, |bin| bin.errors as f64],
        limit: None,
        apart: true,
    };
    section(
        "Requests",
        "By when they ended, and how",
        &legend(&[("c1", "answered"), ("c2", "refused for quota"), ("c3", "failed")]),
        &chart::over_time(&data.timeline, &plot),
    )
}

/// What callers did, over time.
pub(super) fn callers(data: &Data) -> String {
    let plot = OverTime {
        label: "Callers over time, by what they wait for",
        layers: &[|bin| bin.in_flight, |bin| bin.waiting_for_quota, |bin| bin.waiting_to_retry],
        limit: None,
        apart: false,
    };
    section(
        "Callers",
        "What they wait for: the answer, a place in the quota, or the time to try again",
        &legend(&[("c1", "an answer"), ("c2", "the quota"), ("c3", "to try again")]),
        &chart::over_time(&data.timeline, &plot),
    )
}

/// The quota's use, over time.
pub(super) fn quota(data: &Data) -> String {
    let is_known = data.timeline.bins.iter().any(|bin| bin.quota_used.is_some());
    if !is_known {
        return section("Quota", "No limit of requests was given, told or found.", "", "");
    }
    let plot = OverTime {
        label: "Requests used of the quota's window, and its limit",
        layers: &[|bin| bin.quota_used.map_or(0.0, f64::from)],
        limit: Some(|bin| bin.quota_limit.map(f64::from)),
        apart: false,
    };
    section(
        "Quota",
        "Requests used of the window at that time, against its limit",
        &legend(&[("c1", "used"), ("line cl", "limit")]),
        &chart::over_time(&data.timeline, &plot),
    )
}

/// How long it took.
pub(super) fn latency(data: &Data) -> String {
    let mut rows = String::new();
    for (name, times) in
        [("A call, waits included", &data.call_seconds), ("An answer", &data.answer_seconds)]
    {
        let _ = write!(rows, "<tr><td>{name}</td>");
        let values = [times.p50, times.p75, times.p90, times.p95, times.p99, times.max];
        for (of, value) in ["p50", "p75", "p90", "p95", "p99", "max"].into_iter().zip(values) {
            let _ = write!(rows, "<td class=\"n\" data-of=\"{of}\">{}</td>", time(value));
        }
        rows += "</tr>\n";
    }
    let table = format!(
        "<table class=\"percentiles\"><thead><tr><th></th><th class=\"n\">p50</th><th class=\"n\">p75</th>\
         <th class=\"n\">p90</th><th class=\"n\">p95</th><th class=\"n\">p99</th><th class=\"n\">max</th></tr></thead>\
         <tbody>\n{rows}</tbody></table>"
    );
    let plot = chart::latency(&data.call_seconds, "How many calls took how long, waits included");
    section("Latency", "Calls by how long they took, waits included", "", &format!("{plot}{table}"))
}

/// Why requests were sent again.
pub(super) fn retries(data: &Data) -> String {
    let most = data.retries_by_reason.iter().map(|it| it.count).max().unwrap_or(1).max(1);
    let mut rows = String::new();
    for retry in &data.retries_by_reason {
        let colour = if retry.cause.contains("rate_limit") { "c2" } else { "c3" };
        let _ = writeln!(
            rows,
            "<tr><td>{}<br><span class=\"sub\">{}</span></td><td class=\"bar\"><span class=\"meter {colour}\" \
             style=\"width:{:.1}%\"></span></td><td class=\"n\">{}</td></tr>",
            escape(&retry.cause),
            reason(retry.reason),
            100.0 * retry.count as f64 / most as f64,
            number(retry.count),
        );
    }
    let body = format!("<table class=\"retries\"><tbody>\n{rows}</tbody></table>");
    let (below, body) = match data.retries_by_reason.is_empty() {
        true => ("No request had to be sent again.", ""),
        false => {
            ("By the failure, and what the wait before the next attempt followed from", &*body)
        }
    };
    section("Retries", below, "", body)
}

fn reason(name: &str) -> &str {
    match name {
        "backoff" => "after a back-off",
        "hint" | "server_hint" => "after the time that the server asked for",
        "quota_window" => "when the quota admitted it",
        "stale_connection" => "at once: it had not been sent",
        "budget" => "when the retry budget afforded it",
        other => other,
    }
}

/// What users would be told.
pub(super) fn told(data: &Data) -> String {
    if data.failures.is_empty() {
        return String::new();
    }
    let mut body = String::from("<div class=\"told\">\n");
    for group in &data.failures {
        let status = group.status.map(|status| format!("{status} ")).unwrap_or_default();
        let _ = write!(
            body,
            "<article><h3>{status}{}<span>{} ended with it, {} went on</span></h3>\n<div class=\"say\">",
            escape(&group.kind),
            number(group.failed),
            number(group.retried),
        );
        for (language, message) in group.user_message.iter().rev() {
            let direction = if *language == "ar" { " dir=\"rtl\"" } else { "" };
            let _ = write!(body, "<p lang=\"{language}\"{direction}>{}</p>", escape(message));
        }
        body += "</div>\n<ul>";
        for step in &group.advice {
            let _ = write!(body, "<li>{}</li>", escape(step));
        }
        body += "</ul></article>\n";
    }
    section(
        "What users would be told",
        "By failure: what a program can show to its users, and what to do about it",
        "",
        &(body + "</div>"),
    )
}

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
            "<tr id=\"line-{}\">{}<td class=\"n\" data-of=\"attempts:\">{}</td><td>{status}{}: {}{}</td></tr>",
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

fn anchor(address: &str, shown: &str) -> String {
    format!("<a href=\"{}\">{}</a>", escape(address), escape(shown))
}

fn name_of(path: &str) -> String {
    path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned()
}

/// A number with thin spaces between its thousands.
fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

fn rate(value: f64) -> String {
    if !value.is_finite() {
        return "0".to_owned();
    }
    if value < 10.0 { format!("{value:.1}") } else { number(value.round() as u64) }
}

/// A time in seconds, for people.
pub(super) fn time(seconds: f64) -> String {
    let digits = |value: f64| {
        let text = match value {
            100.0.. => format!("{value:.0}"),
            10.0.. => format!("{value:.1}"),
            _ => format!("{value:.2}"),
        };
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        }
    };
    let whole = seconds.max(0.0).round() as u64;
    match seconds {
        7200.0.. => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
        120.0.. => format!("{} min {} s", whole / 60, whole % 60),
        0.9995.. => format!("{} s", digits(seconds)),
        0.0009995.. => format!("{} ms", digits(seconds * 1e3)),
        1e-9.. => format!("{} µs", digits(seconds * 1e6)),
        _ => "0".to_owned(),
    }
}

/// A date and a time, in UTC.
fn date(time: std::time::SystemTime) -> String {
    httpdate::fmt_http_date(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_for_people() {
        assert_eq!(number(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(number(12), "12");
        for (seconds, text) in [
            (0.0, "0"),
            (0.000_05, "50 µs"),
            (0.05, "50 ms"),
            (0.0523, "52.3 ms"),
            (1.0, "1 s"),
            (29.44, "29.4 s"),
            (100.0, "100 s"),
            (125.0, "2 min 5 s"),
            (7260.0, "2 h 1 min"),
        ] {
            assert_eq!(time(seconds), text);
        }
    }
}
