//! `resayil explain` as a user meets it: the output, the exit code, and one clear line for bad input.

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn explain(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_resayil"))
        .arg("explain")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that refuses its arguments does not read its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The command fails with this code, prints nothing to read by mistake, and names these parts.
#[track_caller]
fn fails(output: &Output, code: i32, parts: &[&str]) {
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{error}");
    for part in parts {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
    if code == 2 {
        let lines: Vec<_> = error.lines().collect();
        assert!(
            matches!(lines[..], [problem, hint]
            if problem.starts_with("resayil: ") && hint.starts_with("hint: ")),
            "{error}"
        );
    }
}

const DUMP: &str = "HTTP/1.1 429 Too Many Requests\r\nX-RateLimit-Limit: 20\r\n\r\n\
    {\"error\":{\"message\":\"Rate limit exceeded\",\"code\":429},\"retry_after\":45}";

#[test]
fn what_curl_prints_is_explained() {
    let output = explain(&[], DUMP);
    let report = text(&output.stdout);
    assert_eq!(output.status.code(), Some(10), "another try may succeed");
    for part in ["rate_limit (429)", "yes, after 45 s", "tell users", "X-RateLimit-Remaining"] {
        assert!(report.contains(part), "{part:?} is not in: {report}");
    }
    let arabic = explain(&["--language", "ar"], DUMP);
    assert!(text(&arabic.stdout).contains("الطلبات كثيرة الآن"));
}

#[test]
fn a_captured_stream_is_read_to_its_end() {
    let head = "HTTP/2 200\r\ncontent-type: text/event-stream\r\n\r\n";
    let hi = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";
    let stop =
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let error = "data: {\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}\n\n";
    for (stream, code, part) in [
        (format!("{hi}{stop}"), 0, "a stream that is complete"),
        (format!("{hi}{error}"), 10, "overloaded"),
        (hi.to_owned(), 10, "network"),
        (format!("{hi}data: {{\"error\":{{\"code\":\"insufficient_quota\"}}}}\n\n"), 11, "quota"),
    ] {
        for input in [format!("{head}{stream}"), stream] {
            let output = explain(&[], &input);
            assert_eq!(output.status.code(), Some(code), "{input}");
            assert!(text(&output.stdout).contains(part), "{}", text(&output.stdout));
        }
    }
    let output = explain(&["--json"], &format!("{head}{hi}{error}"));
    let record: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&record["kind"], &record["terminal"], &record["partial_text"]),
        (&"overloaded".into(), &"error".into(), &"Hi".into())
    );
}

#[test]
fn whatever_people_have_at_hand_is_understood() {
    for (input, kind, code) in [
        (
            "* Connected\n> GET /\n< HTTP/1.1 401 Unauthorized\n< x: y\n<\n{}\n",
            "authentication",
            11,
        ),
        (
            "openai.RateLimitError: Error code: 429 - {'error': {'message': 'm', 'type': 'insufficient_quota', 'param': None, 'code': 'insufficient_quota'}}",
            "quota_exhausted",
            11,
        ),
        (
            "Error code: 529 - {'type': 'error', 'error': {'type': 'overloaded_error', 'message': 'Overloaded'}}",
            "overloaded",
            10,
        ),
        (
            "{\"ts\":1,\"status\":429,\"body\":\"{\\\"error\\\":{\\\"message\\\":\\\"slow\\\"}}\"}",
            "rate_limit",
            10,
        ),
        ("RateLimitError: 429 Rate limit reached", "rate_limit", 10),
        // An error that needs no status.
        ("{\"error\":{\"message\":\"m\",\"code\":\"rate_limit_exceeded\"}}", "rate_limit", 10),
    ] {
        let output = explain(&["--json"], input);
        let record: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&record["kind"], output.status.code()), (&kind.into(), Some(code)), "{input}");
    }
}

#[test]
fn a_status_or_a_kind_is_told_about() {
    for (subject, code, part) in [
        ("429", 10, "rate_limit: "),
        ("401", 11, "authentication: "),
        ("200", 0, "200 is a success."),
        ("context_length", 11, "ContextLengthError"),
        ("overloaded", 10, "retry  yes"),
    ] {
        let output = explain(&[subject], "");
        assert_eq!(output.status.code(), Some(code), "{subject}");
        assert!(text(&output.stdout).contains(part), "{}", text(&output.stdout));
    }
    let output = explain(&["--json", "503"], "");
    let record: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(record["kind"], "overloaded");
}

#[test]
fn the_record_is_json() {
    let output = explain(&["--json", "--status", "402", "-H", "x-request-id: r1"], "{}");
    let record: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&record["kind"], &record["request_id"]),
        (&"payment_required".into(), &"r1".into())
    );
    let success = explain(&["--json", "--status", "200"], "{}");
    assert_eq!(text(&success.stdout), "{\"ok\": true}\n");
    assert_eq!((output.status.code(), success.status.code()), (Some(11), Some(0)));
}

#[test]
fn one_record_a_line_with_the_cases_id() {
    let cases =
        "{\"id\":1,\"status\":404,\"body\":\"\"}\n\n{\"id\":\"b\",\"status\":200,\"body\":\"{}\"}";
    let output = explain(&["--jsonl"], cases);
    let lines: Vec<serde_json::Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["id"], &lines[0]["kind"]), (&1.into(), &"not_found".into()));
    assert_eq!(lines[1], serde_json::json!({"id": "b", "ok": true}));
}

#[test]
fn a_bad_line_is_named_and_the_others_are_explained() {
    let mut cases = "{\"id\":1,\"status\":404,\"body\":\"\"}\n".repeat(16);
    cases += "{\"id\":17,\n{\"id\":18,\"status\":404,\"body\":\"\"}\n";
    let output = explain(&["--jsonl"], &cases);
    fails(&output, 3, &["line 17 of standard input", "not JSON", "hint:"]);
    let lines: Vec<serde_json::Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 18, "one line out for each line in");
    assert_eq!((&lines[16]["id"], &lines[16]["kind"]), (&().into(), &"configuration".into()));
    assert!(lines[16]["message"].as_str().unwrap().starts_with("line 17 is not JSON"));
    assert_eq!(lines[17]["id"], 18);
}

#[test]
fn a_status_that_is_none_gives_a_record_with_the_cases_id() {
    for status in ["70000", "-1", "429.5", "\"429\"", "null"] {
        let output = explain(&["--jsonl"], &format!("\n{{\"id\":\"x\",\"status\":{status}}}\n"));
        fails(&output, 3, &["line 2", "status"]);
        let record: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&record["id"], &record["kind"]), (&"x".into(), &"configuration".into()));
        assert!(record["message"].as_str().unwrap().starts_with("line 2 has a status"));
    }
}

#[test]
fn an_unknown_provider_in_a_case_is_told_once() {
    let case = "{\"id\":1,\"status\":404,\"body\":\"\",\"provider\":\"acme\"}\n";
    let output = explain(&["--jsonl"], &case.repeat(3));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr).matches("acme").count(), 1);
    assert_eq!(text(&output.stdout).lines().count(), 3);
}

#[test]
fn bad_arguments_are_named() {
    fails(&explain(&[], "{}"), 2, &["status", "hint:", "--status"]);
    fails(&explain(&["--now", "-x"], ""), 2, &["-x"]);
    fails(&explain(&["--status", "-9"], ""), 2, &["-9 is not in 100..=999"]);
    fails(&explain(&["--status", "9"], ""), 2, &["--status", "100..=999"]);
    fails(&explain(&["--statuss", "429"], ""), 2, &["--statuss", "--status"]);
    fails(&explain(&["--provider", "opnai"], ""), 2, &["opnai", "openai"]);
    fails(&explain(&["--language", "fr"], ""), 2, &["fr", "ar"]);
    fails(&explain(&["-H", "no colon"], ""), 2, &["Name: value"]);
    fails(&explain(&["--status", "429", "no-such-file"], ""), 3, &["no-such-file", "hint:"]);
    fails(&explain(&["--jsonl", "no-such-file"], ""), 3, &["no-such-file", "hint:"]);
}

/// The vectors that all languages share: the command has the same record as the library.
#[test]
fn the_vectors_give_the_same_records() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    for name in ["errors.jsonl", "streams.jsonl"] {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        let rows: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let cases: Vec<String> = rows
            .iter()
            .map(|row| {
                let mut case = row.clone();
                let members = case.as_object_mut().unwrap();
                for known in ["source", "expect", "record", "why"] {
                    members.remove(known);
                }
                case.to_string()
            })
            .collect();
        let output = explain_file(&cases.join("\n"));
        let lines = text_of_lines(&output);
        assert_eq!(lines.len(), rows.len(), "{name}");
        for (row, mut line) in rows.iter().zip(lines) {
            let members = line.as_object_mut().unwrap();
            assert_eq!(members.remove("id").as_ref(), Some(&row["id"]));
            for told in ["terminal", "partial_text", "safe_to_replay"] {
                assert_eq!(members.remove(told), row.get(told).cloned(), "{}: {told}", row["id"]);
            }
            let record = if row["record"].is_null() {
                serde_json::json!({"ok": true})
            } else {
                row["record"].clone()
            };
            assert_eq!(line, record, "{}", row["id"]);
        }
    }
}

/// Explains cases from a file: a pipe that nobody empties would fill.
fn explain_file(cases: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cases.jsonl");
    std::fs::write(&path, cases).unwrap();
    Command::new(env!("CARGO_BIN_EXE_resayil"))
        .args(["explain", "--jsonl"])
        .arg(&path)
        .output()
        .unwrap()
}

fn text_of_lines(output: &Output) -> Vec<serde_json::Value> {
    let lines = text(&output.stdout).lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}
