//! What the tests share: clients of a sandbox, and servers for what a sandbox would not do.

#![allow(dead_code, unreachable_pub)] // Each test program uses its own part.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Child;
use std::time::{Duration, Instant};

use resayil::retry::PolicyBuilder;
use resayil::{ChatRequest, Client, ClientBuilder, Policy};
use resayil_sandbox::{LogEntry, Sandbox};

/// Longer than anything here takes, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for a process that has to end well.
pub fn wait(mut child: Child) {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return;
        }
        if start.elapsed() > 2 * PATIENCE {
            child.kill().unwrap();
            panic!("a child does not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The defaults with waits that suit a test.
pub fn quick() -> PolicyBuilder {
    Policy::builder()
        .base_delay(Duration::from_millis(10))
        .max_delay(Duration::from_millis(40))
        .deadline(PATIENCE)
}

/// A client of this sandbox that retries quickly.
pub fn builder(sandbox: &Sandbox) -> ClientBuilder {
    Client::builder()
        .base_url(&sandbox.base_url())
        .api_key(sandbox.api_key())
        .policy(quick().build().unwrap())
}

pub fn client(sandbox: &Sandbox) -> Client {
    builder(sandbox).build().unwrap()
}

pub fn sandbox() -> Sandbox {
    // No test but those of the quota meets its limit.
    Sandbox::builder().limit(1000).start().unwrap()
}

pub fn hello() -> ChatRequest {
    ChatRequest::new("mistral").user("Hello")
}

/// The chat requests of the log, once all are finished.
pub fn finished_log(sandbox: &Sandbox) -> Vec<LogEntry> {
    let start = std::time::Instant::now();
    loop {
        let log = sandbox.log();
        if log.iter().all(|entry| entry.finished) || start.elapsed() > PATIENCE {
            return log;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A server on loopback that gives each connection to `serve`, one after the other, and ends with
/// the process. Returns its base URL.
pub fn serve(mut serve: impl FnMut(usize, TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for (index, stream) in listener.incoming().enumerate() {
            serve(index, stream.unwrap());
        }
    });
    base
}

/// Reads one request: its head and its body.
pub fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()
                })
                .unwrap_or(0);
            if body.len() >= length {
                return text;
            }
        }
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => bytes.extend_from_slice(&buffer[..count]),
            _ => return text,
        }
    }
}

/// Writes a whole answer of JSON and keeps the connection.
pub fn write_json(stream: &mut TcpStream, status: u16, body: &str) {
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}

pub const ANSWER: &str =
    r#"{"choices":[{"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}"#;
