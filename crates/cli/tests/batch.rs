//! `resayil batch` as a user meets it: nothing is lost, nothing is asked twice, and mistakes are
//! named before anything is sent.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use resayil_sandbox::{Fault, LogEntry, Sandbox};
use serde_json::{Value, json};
use support::{
    bare, ends, finished_log, request, resayil, results, run, text, wait_for, write_batch,
    write_lines,
};

/// A folder with a batch in it.
struct Files {
    _folder: tempfile::TempDir,
    input: PathBuf,
    output: PathBuf,
}

fn files(count: usize) -> Files {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in.jsonl"), folder.path().join("out.jsonl"));
    write_batch(&input, count);
    Files { _folder: folder, input, output }
}

fn command(sandbox: &Sandbox, files: &Files) -> Command {
    let mut command = resayil(sandbox);
    command.arg("batch").arg(&files.input).arg("-o").arg(&files.output);
    command
}

fn batch(sandbox: &Sandbox, files: &Files, more: &[&str]) -> Output {
    run(command(sandbox, files).args(more), "")
}

fn sandbox() -> Sandbox {
    Sandbox::builder().limit(100_000).start().unwrap()
}

fn ids(results: &[Value]) -> BTreeSet<&str> {
    results.iter().map(|result| result["custom_id"].as_str().unwrap()).collect()
}

/// How often each prompt was answered.
fn answers(log: &[LogEntry]) -> BTreeMap<String, usize> {
    let mut answers = BTreeMap::new();
    for entry in log.iter().filter(|entry| entry.answered) {
        *answers.entry(entry.prompt.clone().unwrap()).or_default() += 1;
    }
    answers
}

/// The output has one answer for each of so many requests, and it is the right one.
#[track_caller]
fn assert_complete(output: &Path, count: usize) {
    let results = results(output);
    assert_eq!(results.len(), count);
    assert_eq!(ids(&results).len(), count);
    for result in &results {
        assert_eq!(
            (&result["error"], &result["response"]["status_code"]),
            (&Value::Null, &json!(200))
        );
        let index = result["custom_id"].as_str().unwrap().strip_prefix('r').unwrap();
        let content = &result["response"]["body"]["choices"][0]["message"]["content"];
        assert!(content.as_str().unwrap().ends_with(&format!("prompt {index}")), "{result}");
        assert!(result["id"].as_str().unwrap().starts_with("batch_req_"));
        assert!(result["response"].as_object().unwrap().contains_key("request_id"));
    }
}

#[test]
fn each_prompt_is_answered_once_and_a_second_run_asks_nothing() {
    let (sandbox, files) = (sandbox(), files(40));
    for fault in [Fault::ServerError, Fault::Drop, Fault::HtmlBadGateway] {
        sandbox.push_fault(fault);
    }
    let output = batch(&sandbox, &files, &["--json", "--fsync"]);
    ends(&output, 0, &["40/40 answered", "0 failed"]);
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["answered"], &summary["open"]), (&json!(40), &json!(0)));
    assert_complete(&files.output, 40);
    let log = finished_log(&sandbox);
    let answers = answers(&log);
    assert!(answers.len() == 40 && answers.values().all(|times| *times == 1), "{answers:?}");

    let output = batch(&sandbox, &files, &[]);
    ends(&output, 0, &["40 of 40 answered", "40 by earlier runs"]);
    assert_eq!(sandbox.log().len(), log.len());
}

#[test]
fn each_decision_is_told_with_its_request_or_nothing_is() {
    let sandbox = sandbox();
    sandbox.push_fault(Fault::ServerError);
    let told = batch(&sandbox, &files(1), &["--verbose"]);
    let parts = ["\"r0\": sending attempt 1", "\"r0\": attempt 1 failed", "sending attempt 2"];
    ends(&told, 0, &parts);
    let quiet = batch(&sandbox, &files(3), &["-q"]);
    ends(&quiet, 0, &[]);
    assert_eq!(text(&quiet.stderr), "");
}

#[test]
fn the_quota_is_kept() {
    let sandbox = Sandbox::builder().limit(5).window(Duration::from_secs(1)).start().unwrap();
    let files = files(15);
    let output = batch(&sandbox, &files, &["--limit", "5", "--window", "1"]);
    ends(&output, 0, &["15 of 15 answered", "0 refused"]);
    assert_eq!(finished_log(&sandbox).len(), 15);
}

#[cfg(target_os = "linux")]
#[test]
fn a_group_shares_one_quota_by_its_name() {
    let (sandbox, files) = (sandbox(), files(3));
    let folder = files.input.parent().unwrap();
    let options = ["--limit", "50", "--share-quota", "--quota-group", "account"];
    let mut batch = command(&sandbox, &files);
    batch.args(options).args(["--priority", "low", "--tenant", "acme:3"]);
    ends(&run(batch.env("XDG_RUNTIME_DIR", folder), ""), 0, &["3 of 3 answered"]);
    for (group, used) in [("account", 3), ("another", 0)] {
        let mut quota = bare();
        quota.args(["quota", "--json", "--limit", "50", "--quota-group", group]);
        quota.env("RESAYIL_API_KEY", "sk_llmr_of_another_key_1").env("XDG_RUNTIME_DIR", folder);
        let output = run(&mut quota, "");
        let known: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&known["limit"], &known["used"]), (&50.into(), &used.into()), "{known}");
    }
}

#[test]
fn a_mistake_is_named_by_file_and_line_before_anything_is_sent() {
    let sandbox = sandbox();
    let line = |index: usize, line: &str| {
        let files = files(20);
        let text = std::fs::read_to_string(&files.input).unwrap();
        let mut lines: Vec<_> = text.lines().collect();
        lines[index - 1] = line;
        std::fs::write(&files.input, lines.join("\n")).unwrap();
        let output = batch(&sandbox, &files, &[]);
        assert!(!files.output.exists());
        output
    };
    ends(&line(17, "{\"custom_id\": oops}"), 3, &["line 17 of ", "in.jsonl is not JSON", "hint: "]);
    ends(&line(3, "[]"), 3, &["line 3 of ", "is no JSON object"]);
    let twice = request("r2", "again").to_string();
    ends(&line(9, &twice), 3, &["custom_id \"r2\" twice", "in line 3 and in line 9"]);

    let files = files(1);
    std::fs::write(&files.input, "\n\n").unwrap();
    ends(&batch(&sandbox, &files, &[]), 3, &["holds no requests"]);
    std::fs::remove_file(&files.input).unwrap();
    ends(&batch(&sandbox, &files, &[]), 3, &["cannot read", "name a file that exists"]);
    assert!(sandbox.log().is_empty());
}

#[test]
fn a_bad_command_line_is_named() {
    let (sandbox, files) = (sandbox(), files(2));
    ends(&batch(&sandbox, &files, &["--no-such-flag"]), 2, &["--no-such-flag"]);
    ends(&batch(&sandbox, &files, &["--concurrency", "0"]), 2, &["--concurrency"]);
    ends(&batch(&sandbox, &files, &["--window=-1"]), 2, &["--window"]);
    ends(&batch(&sandbox, &files, &["--priority", "first"]), 2, &["high, normal, low"]);
    ends(&batch(&sandbox, &files, &["--tenant", "acme:1001"]), 2, &["from 1 to 1000"]);
    ends(&batch(&sandbox, &files, &["--quota-group", ""]), 2, &["--quota-group"]);
    ends(&batch(&sandbox, &files, &["--base-url", "http://example.com/v1"]), 4, &["plain http"]);
    let keyless = run(bare().arg("batch").arg(&files.input).arg("-o").arg(&files.output), "");
    ends(&keyless, 4, &["RESAYIL_API_KEY"]);

    let same = files.input.parent().unwrap().join(".").join("in.jsonl");
    let output = run(resayil(&sandbox).arg("batch").arg(&files.input).arg("-o").arg(same), "");
    ends(&output, 2, &["is the input and the output"]);
    let nowhere = files.input.parent().unwrap().join("no folder/out.jsonl");
    let output = run(resayil(&sandbox).arg("batch").arg(&files.input).arg("-o").arg(nowhere), "");
    ends(&output, 5, &["cannot write"]);
    assert!(sandbox.log().is_empty());
}

#[test]
fn a_server_that_is_not_there_ends_the_batch_soon() {
    let files = files(30);
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = bare();
    command
        .env("RESAYIL_API_KEY", "sk_llmr_k")
        .args(["batch", "--base-url", &format!("http://{address}/v1"), "-o"])
        .arg(&files.output)
        .arg(&files.input);
    ends(
        &run(&mut command, ""),
        1,
        &[
            &format!("network: the connection to {address} could not be made"),
            "30 requests are open",
        ],
    );
    assert!(results(&files.output).is_empty());
}

#[test]
fn what_concerns_all_requests_ends_the_batch_and_leaves_no_lines() {
    let sandbox = Sandbox::builder().limit(1000).credits(Some(3.0)).start().unwrap();
    let files = files(20);
    let output = batch(&sandbox, &files, &["--concurrency", "2"]);
    ends(&output, 1, &["payment_required (402)", "17 requests are open", "same command again"]);
    assert_eq!(results(&files.output).len(), 3);
    sandbox.set_credits(None);
    ends(&batch(&sandbox, &files, &[]), 0, &["20 of 20 answered", "3 by earlier runs"]);
    assert_complete(&files.output, 20);
}

#[test]
fn failures_stay_until_they_are_to_be_asked_again() {
    let (sandbox, files) = (sandbox(), files(3));
    let mut lines: Vec<_> =
        (0..3).map(|i| request(&format!("r{i}"), &format!("prompt {i}"))).collect();
    lines[1]["body"]["model"] = json!("not there yet");
    write_lines(&files.input, lines);
    ends(&batch(&sandbox, &files, &[]), 1, &["1 of 3 requests failed", "--retry-failed"]);
    let before = results(&files.output);
    let failed = before.iter().find(|result| result["custom_id"] == "r1").unwrap();
    assert_eq!(failed["response"]["status_code"], 404);
    assert_eq!(
        (&failed["error"]["kind"], &failed["error"]["code"]),
        (&json!("not_found"), &json!("404"))
    );

    // The model is there now, but nobody asks for it.
    write_batch(&files.input, 3);
    ends(&batch(&sandbox, &files, &[]), 1, &["1 of 3 requests failed"]);
    assert_eq!(results(&files.output), before);
    ends(&batch(&sandbox, &files, &["--retry-failed"]), 0, &["3 of 3 answered"]);
    assert_complete(&files.output, 3);
    assert!(answers(&finished_log(&sandbox)).values().all(|times| *times == 1));
}

#[test]
fn a_torn_line_is_dropped_and_a_whole_one_is_kept() {
    let (sandbox, files) = (sandbox(), files(5));
    ends(&batch(&sandbox, &files, &[]), 0, &[]);
    let whole = std::fs::read_to_string(&files.output).unwrap();
    let asked = sandbox.log().len();

    // Without its line end the last answer is still there.
    std::fs::write(&files.output, whole.trim_end()).unwrap();
    ends(&batch(&sandbox, &files, &[]), 0, &["5 by earlier runs"]);
    assert_eq!(std::fs::read_to_string(&files.output).unwrap(), whole);
    assert_eq!(sandbox.log().len(), asked);

    // Half of it is not.
    std::fs::write(&files.output, &whole[..whole.len() - 20]).unwrap();
    ends(&batch(&sandbox, &files, &[]), 0, &["4 by earlier runs"]);
    assert_complete(&files.output, 5);
    assert_eq!(sandbox.log().len(), asked + 1);
}

#[test]
fn a_file_of_something_else_is_left_alone() {
    let (sandbox, files) = (sandbox(), files(2));
    for (content, problem) in [
        ("my diary\n", "line 1 of "),
        ("{\"custom_id\":\"other\",\"response\":null,\"error\":null}\n", "which the input has not"),
        (
            "{\"custom_id\":\"r1\",\"error\":{}}\n{\"custom_id\":\"r1\",\"error\":{}}\n",
            "line 2 of ",
        ),
    ] {
        std::fs::write(&files.output, content).unwrap();
        ends(
            &batch(&sandbox, &files, &["--retry-failed"][..0]),
            3,
            &[problem, "name another file"],
        );
        assert_eq!(std::fs::read_to_string(&files.output).unwrap(), content);
    }
    assert!(sandbox.log().is_empty());
}

#[test]
fn two_runs_do_not_mix() {
    let sandbox = Sandbox::builder().limit(1000).latency(Duration::from_secs(2)).start().unwrap();
    let files = files(2);
    let first = support::spawn(&mut command(&sandbox, &files));
    wait_for("the first run sends", || sandbox.log().len() == 2);
    ends(&batch(&sandbox, &files, &[]), 5, &["another run is writing"]);
    ends(&first.wait_with_output().unwrap(), 0, &["2 of 2 answered"]);
    assert_complete(&files.output, 2);
    assert_eq!(sandbox.log().len(), 2);
}

#[test]
fn a_batch_that_is_killed_again_and_again_loses_nothing() {
    let sandbox =
        Sandbox::builder().limit(100_000).latency(Duration::from_millis(20)).start().unwrap();
    let files = files(120);
    let mut kills = 0;
    loop {
        let before = sandbox.log().len();
        let mut child = support::spawn(command(&sandbox, &files).args(["--concurrency", "4"]));
        wait_for("the batch goes on", || {
            sandbox.log().len() >= before + 30 || child_ended(&files, 120)
        });
        let _ = child.kill(); // SIGKILL
        child.wait().unwrap();
        if child_ended(&files, 120) {
            break;
        }
        kills += 1;
        assert!(kills < 20);
    }
    assert!(kills >= 2, "{kills}");
    ends(&batch(&sandbox, &files, &[]), 0, &["120 of 120 answered"]);
    assert_complete(&files.output, 120);
    // Only what was under way at a kill was asked again, under the same idempotency key.
    let log = finished_log(&sandbox);
    assert!(log.len() <= 120 + 4 * (kills + 1), "{} after {kills} kills", log.len());
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for entry in log {
        // A kill may come while a request is being sent: then the server saw no prompt.
        let Some(prompt) = entry.prompt else { continue };
        keys.entry(prompt).or_default().insert(entry.idempotency_key.unwrap());
    }
    assert!(keys.len() == 120 && keys.values().all(|keys| keys.len() == 1), "{keys:?}");
}

/// Whether the output has a line for each request.
fn child_ended(files: &Files, count: usize) -> bool {
    std::fs::read(&files.output)
        .is_ok_and(|bytes| bytes.iter().filter(|byte| **byte == b'\n').count() >= count)
}

#[cfg(unix)]
#[test]
fn an_interrupted_batch_takes_in_what_is_under_way_and_goes_on_later() {
    for name in ["INT", "TERM"] {
        let sandbox =
            Sandbox::builder().limit(100_000).latency(Duration::from_millis(100)).start().unwrap();
        let files = files(60);
        let child = support::spawn(command(&sandbox, &files).args(["--concurrency", "4"]));
        wait_for("the batch is under way", || sandbox.log().len() >= 10);
        support::signal(&child, name);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("hint: run the same command again to go on"));
        let asked = finished_log(&sandbox).len();
        assert!(asked < 60);
        assert_eq!(results(&files.output).len(), asked, "every answer is in the output");

        ends(&batch(&sandbox, &files, &[]), 0, &["60 of 60 answered"]);
        assert_complete(&files.output, 60);
        assert_eq!(finished_log(&sandbox).len(), 60, "nothing was asked twice");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_batch_does_not_wait_for_the_quota() {
    let sandbox = Sandbox::builder().limit(2).window(Duration::from_secs(3600)).start().unwrap();
    let files = files(10);
    let child =
        support::spawn(command(&sandbox, &files).args(["--limit", "2", "--window", "3600"]));
    wait_for("the quota is used up", || sandbox.log().len() == 2);
    support::signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    assert_eq!(results(&files.output).len(), 2);
}

#[cfg(unix)]
#[test]
fn a_second_interrupt_gives_up_what_is_under_way() {
    let sandbox = Sandbox::builder().limit(10).latency(Duration::from_secs(600)).start().unwrap();
    let files = files(4);
    let child = support::spawn(&mut command(&sandbox, &files));
    wait_for("the batch is under way", || sandbox.log().len() == 4);
    support::signal(&child, "INT");
    std::thread::sleep(Duration::from_millis(300));
    support::signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
}

#[test]
fn a_full_disk_is_told_and_leaves_whole_lines() {
    // /dev/full refuses every write, but is no ordinary file, and so is refused before.
    if !Path::new("/dev/full").exists() {
        return;
    }
    let (sandbox, files) = (sandbox(), files(2));
    let output =
        run(resayil(&sandbox).arg("batch").arg(&files.input).args(["-o", "/dev/full"]), "");
    ends(&output, 5, &["no ordinary file"]);
    assert!(sandbox.log().is_empty());
}

#[test]
fn bodies_pass_through_as_they_are() {
    let (sandbox, files) = (sandbox(), files(1));
    let line = r#"{"body": {"model":"mistral","messages":[{"role":"user","content":"مرحبا \u2028 \"x\""}],"temperature":1.10}, "url": "/v1/chat/completions", "method": "POST", "custom_id": "a \"quoted\" مرحبا"}"#;
    std::fs::File::create(&files.input)
        .unwrap()
        .write_all(format!("\u{feff}{line}\r\n\r\n").as_bytes())
        .unwrap();
    ends(&batch(&sandbox, &files, &[]), 0, &["1 of 1 answered"]);
    let results = results(&files.output);
    assert_eq!(results[0]["custom_id"], "a \"quoted\" مرحبا");
    let content = &results[0]["response"]["body"]["choices"][0]["message"]["content"];
    assert!(content.as_str().unwrap().contains("مرحبا \u{2028} \"x\""), "{content}");
}
