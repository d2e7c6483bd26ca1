//! `resayil models` and `resayil balance`.

mod support;

use resayil_sandbox::Sandbox;
use serde_json::Value;
use support::{ends, resayil, run, text};

#[test]
fn models_are_listed() {
    let sandbox = Sandbox::builder().models(["one", "two"]).start().unwrap();
    let output = run(resayil(&sandbox).arg("models"), "");
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "one\ntwo\n"));
    let output = run(resayil(&sandbox).args(["models", "--json"]), "");
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(list[1]["id"], "two");
}

#[test]
fn the_balance_is_shown() {
    let sandbox = Sandbox::builder().credits(Some(12.5)).start().unwrap();
    let output = run(resayil(&sandbox).arg("balance"), "");
    assert!(text(&output.stdout).starts_with("credits     12.5\n"), "{}", text(&output.stdout));
    let output = run(resayil(&sandbox).args(["balance", "--json"]), "");
    let record: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(record["credits"], 12.5);
}

#[test]
fn failures_are_failures() {
    let sandbox = Sandbox::builder().balance_fails(true).start().unwrap();
    let output = run(resayil(&sandbox).args(["balance", "--json", "--deadline", "1"]), "");
    ends(&output, 1, &["500"]);
    let record: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(record["kind"], "server");
    let mut wrong = resayil(&sandbox);
    let output = run(wrong.arg("models").env("RESAYIL_API_KEY", "sk_llmr_no_such_key_1"), "");
    ends(&output, 1, &["authentication"]);
}
