//! `resayil chat` as a user meets it.

mod support;

use std::time::Duration;

use resayil_sandbox::{CutEnd, Fault, Sandbox};
use serde_json::Value;
use support::{bare, ends, resayil, run, text};

fn sandbox() -> Sandbox {
    Sandbox::builder().limit(1000).start().unwrap()
}

#[test]
fn a_question_is_answered() {
    let sandbox = sandbox();
    let output = run(resayil(&sandbox).args(["chat", "Hello"]), "");
    ends(&output, 0, &[]);
    assert_eq!(text(&output.stdout), "echo: Hello\n");
    let output =
        run(resayil(&sandbox).args(["chat", "--stream", "--model", "mistral", "-"]), "Hi\nyou");
    ends(&output, 0, &[]);
    assert_eq!(text(&output.stdout), "echo: Hi\nyou\n");
    let log = sandbox.log();
    let models: Vec<_> = log.iter().filter_map(|entry| entry.model.as_deref()).collect();
    assert_eq!(models, ["llama3.2:3b", "mistral"], "the first is the first of the list");
}

#[test]
fn json_is_the_whole_answer_and_the_whole_error() {
    let sandbox = sandbox();
    let answer = run(resayil(&sandbox).args(["chat", "--json", "Hello"]), "");
    let value: Value = serde_json::from_slice(&answer.stdout).unwrap();
    assert_eq!(value["choices"][0]["message"]["content"], "echo: Hello");

    let stream = run(resayil(&sandbox).args(["chat", "--json", "--stream", "Hello"]), "");
    let mut events = text(&stream.stdout).lines().map(serde_json::from_str::<Value>);
    assert!(events.all(|event| event.unwrap()["choices"].is_array()));

    let error = run(resayil(&sandbox).args(["chat", "--json", "--model", "gone", "Hello"]), "");
    ends(&error, 1, &["not_found (404)"]);
    let record: Value = serde_json::from_slice(&error.stdout).unwrap();
    assert_eq!((&record["kind"], &record["status"]), (&"not_found".into(), &404.into()));
}

#[test]
fn failures_have_one_line_a_hint_and_a_code() {
    let sandbox = sandbox();
    sandbox.set_credits(Some(0.0));
    let chat = ["chat", "--model", "mistral", "Hello"];
    ends(&run(resayil(&sandbox).args(chat), ""), 1, &["payment_required (402)", "hint: Top up"]);
    ends(&run(bare().args(chat), ""), 4, &["\nhint: export RESAYIL_API_KEY=..."]);
    let address = run(resayil(&sandbox).args(["chat", "--base-url", "llmapi", "x"]), "");
    ends(&address, 4, &["the base URL", "\nhint: export RESAYIL_BASE_URL=https://"]);
    let spaced = run(bare().env("RESAYIL_API_KEY", "sk_llmr_a b").args(chat), "");
    ends(&spaced, 4, &["contains a space"]);
    let wrong = run(resayil(&sandbox).env("RESAYIL_API_KEY", "sk_llmr_wrong").args(chat), "");
    ends(&wrong, 1, &["authentication (401)"]);
    ends(&run(resayil(&sandbox).arg("chat"), ""), 2, &["<PROMPT>"]);
    ends(&run(resayil(&sandbox).args(["chat", "--deadline", "0", "x"]), ""), 2, &["--deadline"]);
    let negative = run(resayil(&sandbox).args(["chat", "--deadline", "-1", "x"]), "");
    ends(&negative, 2, &["--deadline", "more than 0", "\nhint: "]);
    assert_eq!(text(&negative.stderr).lines().count(), 2);
    let help = run(bare().args(["chat", "--help"]), "");
    ends(&help, 0, &[]);
    assert!(text(&help.stdout).contains("Usage: resayil chat"));
}

#[test]
fn a_stream_that_is_cut_shows_what_came_and_fails() {
    let sandbox = sandbox();
    sandbox.push_fault(Fault::CutStream { end: CutEnd::Done, events: 1 });
    let prompt = "one two three four five six seven eight nine ten";
    let chat = ["chat", "--model", "mistral", "--stream", prompt];
    let output = run(resayil(&sandbox).args(chat), "");
    ends(&output, 1, &["the stream ended before the answer did"]);
    assert!(text(&output.stdout).ends_with('\n') && output.stdout.len() > 1);
}

#[test]
fn a_deadline_ends_the_wait() {
    let sandbox = sandbox();
    sandbox.push_fault(Fault::Hang);
    let chat = ["chat", "--model", "mistral", "--deadline", "0.5", "Hello"];
    ends(&run(resayil(&sandbox).args(chat), ""), 1, &["deadline: "]);
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_wait() {
    let sandbox = sandbox();
    sandbox.push_fault(Fault::RateLimited { retry_after: 100 });
    let child = support::spawn(resayil(&sandbox).args(["chat", "--model", "mistral", "Hello"]));
    support::wait_for("the refusal", || sandbox.log().iter().any(|entry| entry.finished));
    support::signal(&child, "INT");
    ends(&child.wait_with_output().unwrap(), 130, &["cancelled"]);
}

#[test]
fn what_it_waits_for_is_told_unless_it_is_to_be_quiet() {
    let sandbox = sandbox();
    let refused = || sandbox.push_fault(Fault::RateLimited { retry_after: 1 });
    let chat = ["chat", "--model", "mistral", "Hello"];
    refused();
    let plain = run(resayil(&sandbox).args(chat), "");
    ends(&plain, 0, &["attempt 1 failed, next ", ": rate_limit (429): "]);
    assert_eq!(text(&plain.stdout), "echo: Hello\n");

    refused();
    let quiet = run(resayil(&sandbox).args(chat).arg("-q"), "");
    ends(&quiet, 0, &[]);
    assert_eq!(text(&quiet.stderr), "");

    sandbox.push_fault(Fault::ServerError);
    let verbose = run(resayil(&sandbox).args(chat).arg("--verbose"), "");
    let told = ["sending attempt 1", "(backoff): server (500)", "sending attempt 2", "answered at"];
    ends(&verbose, 0, &told);
    assert!(text(&verbose.stderr).lines().all(|line| line.starts_with('[')));
    ends(&run(resayil(&sandbox).args(chat).args(["-q", "--verbose"]), ""), 2, &["cannot be used"]);
}

#[test]
fn a_short_time_out_is_warned_about() {
    let sandbox = sandbox();
    let chat = ["chat", "--model", "mistral", "--attempt-timeout", "29", "Hello"];
    ends(
        &run(resayil(&sandbox).args(chat), ""),
        0,
        &["warning: an attempt_timeout of 29 s is short"],
    );
    let quiet = run(resayil(&sandbox).args(chat).arg("-q"), "");
    assert_eq!(text(&quiet.stderr), "");
}

#[test]
fn a_long_hint_is_waited_for_only_if_allowed() {
    let sandbox = sandbox();
    sandbox.push_fault(Fault::RateLimited { retry_after: 7200 });
    let chat = ["chat", "--model", "mistral", "Hello"];
    ends(&run(resayil(&sandbox).args(chat), ""), 1, &["rate_limit (429)"]);
    // Now it would wait: the deadline, which is nearer, says so.
    sandbox.push_fault(Fault::RateLimited { retry_after: 7200 });
    let record = run(
        resayil(&sandbox).args(chat).args(["--json", "--max-hint", "10000", "--deadline", "5"]),
        "",
    );
    let record: Value = serde_json::from_slice(&record.stdout).unwrap();
    assert_eq!(record["stop_reason"], "deadline", "{record}");
}

#[test]
fn every_failure_is_json_on_request() {
    let sandbox = sandbox();
    let record = |output: &std::process::Output, code| {
        ends(output, code, &[]);
        let record: Value = serde_json::from_slice(&output.stdout).unwrap();
        for member in ["kind", "message", "user_message", "retryable", "advice"] {
            assert!(record.get(member).is_some(), "{member} is missing: {record}");
        }
        record
    };
    let keyless = record(&run(bare().args(["chat", "--json", "x"]), ""), 4);
    assert_eq!(keyless["kind"], "configuration");
    let usage = record(&run(resayil(&sandbox).args(["chat", "--json", "--no-such"]), ""), 2);
    assert!(usage["message"].as_str().unwrap().contains("--no-such"), "{usage}");
    for command in ["models", "balance"] {
        let wrong = ["--json", "--base-url", "llmapi"];
        record(&run(resayil(&sandbox).arg(command).args(wrong), ""), 4);
    }
    let missing = ["batch", "no such file", "-o", "out", "--json"];
    let missing = record(&run(resayil(&sandbox).args(missing), ""), 3);
    assert_eq!(missing["advice"][0], "name a file that exists");
}

#[test]
fn colours_can_be_forbidden() {
    let help = |name: &str, value: &str| {
        run(bare().args(["chat", "--help"]).env("CLICOLOR_FORCE", "1").env(name, value), "").stdout
    };
    assert!(help("OTHER", "1").contains(&0x1b), "there are colours");
    assert!(!help("NO_COLOR", "1").contains(&0x1b));
    let error = run(bare().args(["chat", "--nonsense"]).env("NO_COLOR", "1"), "");
    assert!(!error.stderr.contains(&0x1b));
}

#[cfg(unix)]
#[test]
fn the_first_interrupt_ends_a_stream_at_once() {
    let sandbox = sandbox();
    sandbox.push_fault(Fault::SlowDrip { bytes: 16, interval: Duration::from_secs(600) });
    let chat = ["chat", "--model", "mistral", "--stream", "one two three four"];
    let child = support::spawn(resayil(&sandbox).args(chat));
    support::wait_for("the answer is under way", || !sandbox.log().is_empty());
    support::signal(&child, "INT");
    // It would go on for an hour.
    ends(&child.wait_with_output().unwrap(), 130, &["cancelled"]);
}
