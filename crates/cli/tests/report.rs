//! `resayil batch --report`: one page, whole in itself, with all that happened and no secret.

mod support;

use std::path::Path;

use resayil_sandbox::{Fault, Sandbox};
use serde_json::Value;
use support::{ends, request, resayil, run, text, write_lines};

/// The page of a batch in which all sorts of things happen, and the summary.
fn report(folder: &Path) -> (String, Value) {
    let sandbox = Sandbox::builder().limit(100_000).start().unwrap();
    for fault in [Fault::ServerError, Fault::RateLimited { retry_after: 1 }, Fault::HtmlBadGateway]
    {
        sandbox.push_fault(fault);
    }
    let mut lines: Vec<_> =
        (0..30).map(|index| request(&format!("r-{index}"), "a secret prompt")).collect();
    lines[7]["body"]["model"] = "no such <model>".into();
    lines[9]["body"]["model"] = "gone".into();
    lines[9]["custom_id"] = "<b>&\"'</b>".into();
    let (input, output) = (folder.join("in put.jsonl"), folder.join("out.jsonl"));
    write_lines(&input, lines);
    let mut command = resayil(&sandbox);
    command.arg("batch").arg(&input).arg("-o").arg(&output).arg("--json");
    let run = run(command.arg("--report").arg(folder.join("report.html")), "");
    ends(&run, 1, &["2 of 30 requests failed"]);
    let page = std::fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(!page.contains(sandbox.api_key()) && !page.contains("a secret prompt"));
    (page, serde_json::from_slice(&run.stdout).unwrap())
}

/// Tags are closed in the order in which they were opened.
#[track_caller]
fn assert_well_formed(page: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>").unwrap();
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let end = rest.find('>').unwrap();
        let tag = &rest[..end];
        assert!(!tag.contains('<'), "{tag}");
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed));
        } else if !tag.ends_with('/') && !["meta", "link", "br"].contains(&name) {
            open.push(name);
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn a_report_is_one_page_that_needs_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (page, summary) = report(folder.path());
    assert_well_formed(&page);
    for foreign in [" src=", "@import", "url(", "stylesheet", "<script>", " on"] {
        let found = page.find(foreign).map(|at| &page[at..(at + 60).min(page.len())]);
        // Words of text may begin with "on".
        let found = found.filter(|text| foreign != " on" || text[..12].contains('='));
        assert_eq!(found, None);
    }
    for link in page.split(" href=\"").skip(1) {
        let address = link.split('"').next().unwrap();
        assert!(address.starts_with("./") || address == "data:,", "{address}");
    }
    assert!(page.len() < 200_000, "{}", page.len());
    assert_eq!(page.matches("<svg").count(), 8, "four plots, each for a desk and a phone");

    // The page has what --json prints.
    let data = page.split("id=\"data\">").nth(1).unwrap().split("</script>").next().unwrap();
    assert_eq!(serde_json::from_str::<Value>(data).unwrap(), summary);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 3, "nothing else is left behind: {left:?}");
}

#[test]
fn a_report_tells_what_happened() {
    let folder = tempfile::tempdir().unwrap();
    let (page, summary) = report(folder.path());
    for part in [
        "28 of 30",
        "500 server",
        "429 rate_limit",
        "502 server",
        "404 not_found",
        "lang=\"ar\" dir=\"rtl\"",
        "&lt;b&gt;&amp;&quot;&#39;&lt;/b&gt;",
        "./in%20put.jsonl#:~:text=%22r%2D7%22",
        "./out.jsonl#:~:text=%22custom_id%22%3A%20%22r%2D7%22",
        "id=\"line-8\"",
    ] {
        assert!(page.contains(part), "{part} is missing");
    }
    let failed = &summary["failed_requests"][0];
    assert_eq!((&failed["custom_id"], &failed["line"]), (&"r-7".into(), &8.into()));
    // The line of the output that it names is its own.
    let results = std::fs::read_to_string(folder.path().join("out.jsonl")).unwrap();
    let index = failed["result_line"].as_u64().unwrap() as usize - 1;
    assert!(results.lines().nth(index).unwrap().contains("\"r-7\""));

    let bins = summary["timeline"]["bins"].as_array().unwrap();
    let sum = |name: &str| bins.iter().map(|bin| bin[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("answered"), sum("refused")), (28, 1));
    assert_eq!(sum("sent"), summary["attempts"].as_u64().unwrap());
    assert_eq!(sum("sent"), sum("answered") + sum("refused") + sum("errors"));
    let calls = &summary["call_seconds"];
    assert_eq!(calls["count"], 28);
    assert!(calls["p50"].as_f64().unwrap() <= calls["p99"].as_f64().unwrap());
    assert!(calls["max"].as_f64().unwrap() >= 1.0, "one waited for a second: {calls}");
    let tokens = &summary["tokens"];
    assert_eq!(tokens["answers"], 28);
    assert!(tokens["input"].as_u64() > Some(0) && tokens["estimated_input"].as_u64() > Some(0));
    let retries = summary["retries_by_reason"].as_array().unwrap();
    let counted: u64 = retries.iter().map(|retry| retry["count"].as_u64().unwrap()).sum();
    assert_eq!(
        counted,
        summary["retries"].as_u64().unwrap() + summary["stale_connections"].as_u64().unwrap()
    );
    assert_eq!(summary["slowest"].as_array().unwrap().len(), 20);
}

#[test]
fn a_report_that_cannot_be_written_is_told_before_anything_is_sent() {
    let sandbox = Sandbox::builder().start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_lines(&path("in.jsonl"), [request("a", "hi")]);
    let batch = |report: &str| {
        let mut command = resayil(&sandbox);
        command.arg("batch").arg(path("in.jsonl")).arg("-o").arg(path("out.jsonl"));
        run(command.arg("--report").arg(path(report)), "")
    };
    ends(&batch("in.jsonl"), 2, &["is the input and the report"]);
    ends(&batch("out.jsonl"), 2, &["is the output and the report"]);
    ends(&batch("no folder/report.html"), 5, &["cannot write", "\nhint: "]);
    assert!(sandbox.log().is_empty());
    // An old one is replaced.
    std::fs::write(path("report.html"), "old").unwrap();
    let output = batch("report.html");
    ends(&output, 0, &["report in "]);
    assert!(text(&std::fs::read(path("report.html")).unwrap()).starts_with("<!DOCTYPE html>"));
}
