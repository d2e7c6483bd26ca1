//! Running the command as a user does.

#![allow(dead_code, unreachable_pub)] // Each test program uses its own part.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use resayil_sandbox::{LogEntry, Sandbox};
use serde_json::{Value, json};

/// Longer than anything here takes, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The command without a key and without an address.
pub fn bare() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_resayil"));
    for name in ["RESAYIL_API_KEY", "RESAYIL_BASE_URL", "RESAYIL_MODEL", "RESAYIL_FLEET"] {
        command.env_remove(name);
    }
    command
}

/// The command with key and address of a sandbox.
pub fn resayil(sandbox: &Sandbox) -> Command {
    let mut command = bare();
    command.env("RESAYIL_API_KEY", sandbox.api_key()).env("RESAYIL_BASE_URL", sandbox.base_url());
    command
}

/// Runs to the end, with this on standard input.
pub fn run(command: &mut Command, input: &str) -> Output {
    let mut child = spawn(command);
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

pub fn spawn(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The command ends with this code, and names these parts on standard error.
#[track_caller]
pub fn ends(output: &Output, code: i32, parts: &[&str]) {
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{error}");
    for part in parts {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
    // No secret, and one line for the problem.
    assert!(!error.contains("sk_llmr_"), "{error}");
    let problems = error.lines().filter(|line| line.starts_with("resayil: "));
    assert!(problems.count() <= 1, "{error}");
}

/// Asks a process to end as Ctrl-C does.
#[cfg(unix)]
pub fn signal(child: &Child, name: &str) {
    let kill = format!("kill -{name} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

/// One request of a batch.
pub fn request(id: &str, prompt: &str) -> Value {
    json!({
        "custom_id": id,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "mistral", "messages": [{"role": "user", "content": prompt}]},
    })
}

/// Writes a batch of so many requests, `r0` with the prompt `prompt 0` and so on.
pub fn write_batch(path: &Path, count: usize) {
    let lines = (0..count).map(|index| request(&format!("r{index}"), &format!("prompt {index}")));
    write_lines(path, lines);
}

pub fn write_lines(path: &Path, lines: impl IntoIterator<Item = Value>) {
    let text: String = lines.into_iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(path, text).unwrap();
}

/// The results of a batch: every line is whole, and JSON.
#[track_caller]
pub fn results(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits until the condition holds.
#[track_caller]
pub fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The chat requests of the log, once all are finished.
pub fn finished_log(sandbox: &Sandbox) -> Vec<LogEntry> {
    wait_for("the sandbox is done", || sandbox.log().iter().all(|entry| entry.finished));
    sandbox.log()
}
