//! `resayil demo`: the main job, from end to end.

mod support;

use serde_json::{Value, json};
use support::{bare, ends, run};

#[test]
fn the_main_job_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("report.html");
    let output = run(bare().args(["demo", "--json", "--report"]).arg(&page), "");
    ends(&output, 0, &[]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["answered"], &report["total"]), (&json!(200), &json!(200)));
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("200 of 200") && page.len() < 1_000_000, "{}", page.len());
    let log = &report["sandbox"];
    assert_eq!(
        (&log["answered_once"], &log["lost"], &log["surplus"]),
        (&json!(200), &json!(0), &json!(0))
    );
    assert!(
        log["faults"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum::<u64>() > 0
    );
    assert_eq!(log["refused_later"], 0, "{report}");
    // The goal is 1.10; a machine that is busy with other tests may be slower.
    let ratio = report["seconds"].as_f64().unwrap() / report["least_seconds"].as_f64().unwrap();
    assert!((1.0..1.25).contains(&ratio), "{ratio}");
    let statuses: Vec<_> = report["guide"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [401, 402, 403, 404, 422, 429, 500]);
}

#[test]
fn the_same_command_runs_on_another_api() {
    let sandbox =
        resayil_sandbox::Sandbox::builder().limit(1000).models(["other"]).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let output = run(
        support::resayil(&sandbox).current_dir(folder.path()).args([
            "demo",
            "--model",
            "other",
            "--base-url",
            &sandbox.base_url(),
        ]),
        "",
    );
    ends(&output, 0, &[]);
    assert!(support::text(&output.stdout).contains("answered  200 of 200"));
    assert_eq!(support::results(&folder.path().join("demo-answers.jsonl")).len(), 200);
    assert_eq!(support::finished_log(&sandbox).len(), 200);
}
