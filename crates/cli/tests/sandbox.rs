//! `resayil sandbox` as a user meets it.

mod support;

use std::io::{BufRead, BufReader};
use std::process::Child;

use serde_json::Value;
use support::{bare, ends, run, text};

/// Starts a sandbox that ends with its standard input, and reads its first line.
fn start(args: &[&str]) -> (Child, String) {
    let mut child = support::spawn(bare().args(["sandbox", "--until-stdin-closes"]).args(args));
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    (child, line)
}

fn end(mut child: Child) {
    drop(child.stdin.take());
    ends(&child.wait_with_output().unwrap(), 0, &[]);
}

#[test]
fn the_first_line_is_for_a_shell() {
    let (child, line) = start(&[]);
    let line = line.trim_end().strip_prefix("export ").unwrap();
    let mut command = bare();
    for setting in line.split(' ') {
        let (name, value) = setting.split_once('=').unwrap();
        command.env(name, value);
    }
    let output = run(command.args(["chat", "Hello"]), "");
    assert_eq!(text(&output.stdout), "echo: Hello\n");
    end(child);
}

#[test]
fn the_first_line_can_be_json() {
    let (child, line) =
        start(&["--json", "--behaviour", "guide", "--limit", "1", "--window", "3600"]);
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["pid"], child.id());
    assert!(line["base_url"].as_str().unwrap().starts_with(line["origin"].as_str().unwrap()));
    let mut command = bare();
    command
        .env("RESAYIL_BASE_URL", line["base_url"].as_str().unwrap())
        .env("RESAYIL_API_KEY", line["api_key"].as_str().unwrap());
    let chat = ["chat", "--deadline", "5", "--model", "mistral", "Hello"];
    ends(&run(command.args(chat), ""), 0, &[]);
    // The window is over in an hour at the most: not at once, if it does not end just now.
    let output = run(command.arg("--json"), "");
    if output.status.code() != Some(0) {
        ends(&output, 1, &["rate_limit (429)"]);
    }
    end(child);
}

#[test]
fn faults_are_carried_out() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script.json");
    std::fs::write(&script, "[\"server_error\", {\"fault\": \"status\", \"status\": 403}]")
        .unwrap();
    let (child, line) = start(&["--json", "--script", script.to_str().unwrap()]);
    let line: Value = serde_json::from_str(&line).unwrap();
    let mut command = bare();
    command
        .env("RESAYIL_BASE_URL", line["base_url"].as_str().unwrap())
        .env("RESAYIL_API_KEY", line["api_key"].as_str().unwrap());
    let output = run(command.args(["chat", "--model", "mistral", "Hello"]), "");
    ends(&output, 1, &["permission (403)", "2 attempts"]);
    end(child);
}

#[test]
fn mistakes_are_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let sandbox = |args: &[&str]| run(bare().arg("sandbox").args(args), "");
    ends(&sandbox(&["--port", &port]), 5, &[&port, "hint: choose another --port"]);
    ends(&sandbox(&["--fault-rate", "2"]), 2, &["between 0 and 1"]);
    ends(&sandbox(&["--behaviour", "moody"]), 2, &["moody"]);
    ends(&sandbox(&["--fault", "explode"]), 2, &["explode"]);
    ends(&sandbox(&["--script", "/no/such/file"]), 3, &["cannot be read"]);
    let script = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&script, "[\"drop\", \"explode\"]").unwrap();
    let output = sandbox(&["--script", script.path().to_str().unwrap()]);
    ends(&output, 3, &["bad fault number 2", "explode"]);
}

#[cfg(unix)]
#[test]
fn a_request_to_end_ends_it() {
    for name in ["TERM", "INT"] {
        let mut child = support::spawn(bare().arg("sandbox"));
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        support::signal(&child, name);
        ends(&child.wait_with_output().unwrap(), 0, &[]);
    }
}

/// A program that asks for one answer and repeats what fails at once, by curl's means.
#[test]
fn a_program_is_judged() {
    let me = env!("CARGO_BIN_EXE_resayil");
    let judge = |faults: &[&str], program: &[&str]| {
        let faults = faults.iter().flat_map(|fault| ["--fault", fault]);
        let mut command = bare();
        command
            .args(["sandbox", "--judge", "--fault-rate", "1"])
            .args(faults)
            .arg("--")
            .args(program);
        run(&mut command, "")
    };
    // Ours gives up where it should, and tells.
    let output = judge(&[r#"{"fault": "status", "status": 403}"#], &[me, "chat", "hi"]);
    ends(&output, 0, &["permission (403)"]);
    assert!(text(&output.stdout).ends_with("verdict: 0 mistakes in 2 requests\n"), "{output:?}");
    // A shell that asks only once.
    let once = [me, "chat", "--deadline", "0.01", "--model", "mistral", "hi"];
    let output = judge(&["server_error"], &once);
    ends(&output, 1, &[]);
    assert!(text(&output.stdout).contains("  gave_up: request 0 met a 500"), "{output:?}");
    let output = judge(&["server_error"], &["/nonsense/program"]);
    ends(&output, 3, &["/nonsense/program cannot be run"]);
}

#[test]
fn the_verdict_can_be_json() {
    let (child, line) = start(&["--json", "--judge"]);
    let line: Value = serde_json::from_str(&line).unwrap();
    let mut command = bare();
    command
        .env("RESAYIL_BASE_URL", line["base_url"].as_str().unwrap())
        .env("RESAYIL_API_KEY", line["api_key"].as_str().unwrap());
    run(command.args(["chat", "--model", "mistral", "Hello"]), "");
    let mut child = child;
    drop(child.stdin.take());
    let output = child.wait_with_output().unwrap();
    ends(&output, 0, &[]);
    let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(verdict, serde_json::json!({"requests": 1, "findings": []}));
}
