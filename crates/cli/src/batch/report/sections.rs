//! The parts of the page.

use std::fmt::Write;

use super::Data;
use super::chart::{self, OverTime};
use super::human::{date, number, rate, time};
use super::page::{anchor, escape};
use super::write::Facts;

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

pub(super) fn section(title: &str, below: &str, legend: &str, body: &str) -> String {
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
        &format!("By when they ended, and how; a bar is {}", bar(data)),
        &legend(&[("c1", "answered"), ("c2", "refused for quota"), ("c3", "failed")]),
        &chart::over_time(&data.timeline, &plot),
    )
}

/// How long a bar is, on a desk and on a phone.
fn bar(data: &Data) -> String {
    let each = |frame: &chart::Frame| {
        let seconds = data.timeline.at_most(frame.bars).bin_seconds;
        format!("<span class=\"{}\">{}</span>", frame.class, time(seconds))
    };
    chart::FRAMES.iter().map(each).collect()
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

fn name_of(path: &str) -> String {
    path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned()
}
