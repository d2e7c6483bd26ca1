//! `resayil batch` among pipes, and what it says of lines that cannot be sent.

mod support;

use std::io::Write;
use std::process::Command;

use resayil_sandbox::Sandbox;
use serde_json::Value;
use support::{ends, finished_log, request, resayil, results, run, text, wait_for};

fn sandbox() -> Sandbox {
    Sandbox::builder().limit(100_000).start().unwrap()
}

fn batch(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let mut command = resayil(sandbox);
    command.arg("batch").args(arguments);
    command
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Ten requests, of which some lines are others.
fn input(others: &[(usize, &str)]) -> String {
    let mut lines: Vec<_> =
        (0..10).map(|index| request(&format!("r{index}"), "hi").to_string()).collect();
    for (index, other) in others {
        lines[*index] = (*other).to_owned();
    }
    lines.join("\n") + "\n"
}

#[test]
fn requests_come_by_a_pipe_and_results_go_into_one() {
    let sandbox = sandbox();
    let output = run(&mut batch(&sandbox, &["-", "-o", "-"]), &input(&[]));
    ends(&output, 0, &["10 of 10 answered", "results in standard output"]);
    let mut ids: Vec<_> = lines(text(&output.stdout))
        .iter()
        .map(|line| line["custom_id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    assert_eq!(ids, (0..10).map(|index| format!("r{index}")).collect::<Vec<_>>());
    ends(&run(&mut batch(&sandbox, &["-", "-o", "-", "--json"]), ""), 2, &["--json"]);
    ends(&run(&mut batch(&sandbox, &["-", "-o", "-", "--retry-failed"]), ""), 2, &["a file"]);
}

#[test]
fn results_come_while_the_pipe_is_open() {
    let sandbox = sandbox();
    let mut child = support::spawn(&mut batch(&sandbox, &["-", "-o", "-"]));
    let mut stdin = child.stdin.take().unwrap();
    for asked in 1..=3 {
        writeln!(stdin, "{}", request(&format!("r{asked}"), "hi")).unwrap();
        stdin.flush().unwrap();
        wait_for("the request is sent", || sandbox.log().len() == asked);
    }
    drop(stdin);
    ends(&child.wait_with_output().unwrap(), 0, &["3 of 3 answered"]);
}

#[cfg(unix)]
#[test]
fn a_pipe_that_is_silent_does_not_hold_an_interrupt_up() {
    let sandbox = sandbox();
    let mut child = support::spawn(&mut batch(&sandbox, &["-", "-o", "-"]));
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{}", request("r1", "hi")).unwrap();
    wait_for("the request is sent", || sandbox.log().iter().any(|entry| entry.finished));
    support::signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    let error = support::text(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{error}");
    assert!(error.contains("interrupted before the end of the input"), "{error}");
    assert_eq!(lines(text(&output.stdout)).len(), 1);
    drop(stdin);
}

#[test]
fn bad_lines_of_a_pipe_are_errors_in_the_output() {
    let sandbox = sandbox();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    let arguments = ["-", "-o", path.to_str().unwrap()];
    let bad = r#"{"custom_id": "named", "method": "GET"}"#;
    let twice = request("r0", "again").to_string();
    let text = input(&[(2, "{oops"), (4, bad), (6, &twice)]);
    ends(&run(&mut batch(&sandbox, &arguments), &text), 1, &["3 of 10 requests failed"]);
    let found = results(&path);
    assert_eq!(found.len(), 10);
    let mut errors: Vec<_> = found
        .iter()
        .filter(|line| !line["error"].is_null())
        .map(|line| {
            assert_eq!(
                (&line["error"]["code"], &line["response"]),
                (&"invalid_line".into(), &Value::Null)
            );
            (line["error"]["message"].as_str().unwrap().to_owned(), line["custom_id"].clone())
        })
        .collect();
    errors.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        errors,
        [
            ("line 3 is not JSON: a mistake at column 2".to_owned(), Value::Null),
            ("line 5 has a method that is not POST".to_owned(), "named".into()),
            (
                "line 7 has the custom_id \"r0\" twice: in line 1 and in line 7".to_owned(),
                Value::Null
            ),
        ]
    );

    // Again: nothing is asked, and nothing is told twice.
    let again = run(&mut batch(&sandbox, &arguments), &text);
    ends(&again, 1, &["7 of 10 answered", "10 by earlier runs"]);
    assert_eq!(results(&path), found);
    assert_eq!(finished_log(&sandbox).len(), 7);

    // Mended, and more.
    let mended = input(&[]) + &request("r10", "hi").to_string();
    let retried = [&arguments[..], &["--retry-failed"]].concat();
    ends(&run(&mut batch(&sandbox, &retried), &mended), 0, &["11 of 11 answered"]);
    assert_eq!(results(&path).len(), 11);
    assert_eq!(finished_log(&sandbox).len(), 11);
}

#[test]
fn of_a_file_the_first_20_bad_lines_are_named_at_once() {
    let sandbox = sandbox();
    let folder = tempfile::tempdir().unwrap();
    let (path, target) = (folder.path().join("in.jsonl"), folder.path().join("out.jsonl"));
    let mut text = input(&[(3, "[]"), (5, "{}")]);
    text += &"nonsense\n".repeat(30);
    std::fs::write(&path, text).unwrap();
    let arguments = [path.to_str().unwrap(), "-o", target.to_str().unwrap()];
    let output = run(&mut batch(&sandbox, &arguments), "");
    ends(&output, 3, &["32 lines of ", "in.jsonl cannot be sent", "and 12 more", "\nhint: a line"]);
    let error = support::text(&output.stderr);
    for line in [4, 6].into_iter().chain(11..29) {
        assert!(error.contains(&format!("\n  line {line} ")), "{line}: {error}");
    }
    assert!(!error.contains("line 29 ") && !target.exists() && sandbox.log().is_empty(), "{error}");
}

#[test]
fn another_machine_goes_on_with_the_same_keys() {
    // Each machine has its own folders; what tells is the key by which a result's id is made.
    let id_of = |name: &str| {
        let sandbox = sandbox();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        let named = ["-", "-o", path.to_str().unwrap(), "--batch-id", name];
        ends(&run(&mut batch(&sandbox, &named), &input(&[])), 0, &[]);
        let found = results(&path);
        let first = found.iter().find(|line| line["custom_id"] == "r0").unwrap();
        first["id"].as_str().unwrap().to_owned()
    };
    let (one, same, other) = (id_of("night"), id_of("night"), id_of("day"));
    assert_eq!(one, same);
    assert_ne!(one, other);
}
