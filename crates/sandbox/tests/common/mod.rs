//! A small HTTP client over raw sockets, which sees what a library would hide.

#![allow(dead_code)] // Each test program uses its own part.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use resayil_sandbox::{LogEntry, Sandbox};
use serde_json::{Value, json};

/// Longer than anything here takes, so that a failure is a message and not a hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// The body without its framing.
    pub(crate) body: Vec<u8>,
    /// Whether the body ended as its framing says.
    pub(crate) complete: bool,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    /// The `data` of each event of a stream.
    pub(crate) fn events(&self) -> Vec<String> {
        self.text()
            .split("\n\n")
            .filter(|e| !e.is_empty())
            .map(|e| e.strip_prefix("data: ").unwrap_or(e).to_owned())
            .collect()
    }
}

/// A connection that stays open between requests.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(sandbox: &Sandbox) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", sandbox.port())).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { stream, buffer: Vec::new() }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Sends a request and reads its answer; `None` when there is none.
    pub(crate) fn send(&mut self, request: &[u8]) -> Option<Reply> {
        self.write(request);
        self.reply()
    }

    fn fill(&mut self) -> bool {
        let mut piece = [0; 16 * 1024];
        match self.stream.read(&mut piece) {
            Ok(0) => false,
            Ok(count) => {
                self.buffer.extend_from_slice(&piece[..count]);
                true
            }
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => false,
            Err(e) => panic!("no answer: {e}"),
        }
    }

    /// Whether the server closes the connection without another byte.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.buffer.is_empty() && !self.fill()
    }

    /// Reads the next response; `None` when the connection ends before it.
    pub(crate) fn reply(&mut self) -> Option<Reply> {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.fill() {
                assert!(self.buffer.is_empty(), "half a head");
                return None;
            }
        };
        let head: Vec<u8> = self.buffer.drain(..end).collect();
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Response::new(&mut headers);
        assert!(parsed.parse(&head).unwrap().is_complete());
        let mut reply = Reply {
            status: parsed.code.unwrap(),
            headers: parsed
                .headers
                .iter()
                .map(|h| {
                    let value = String::from_utf8(h.value.to_vec()).unwrap();
                    (h.name.to_owned(), value)
                })
                .collect(),
            body: Vec::new(),
            complete: false,
        };
        assert!(reply.status < 200 || reply.header("date").is_some(), "every response has a Date");
        if reply.status < 200 {
            reply.complete = true;
        } else if reply.header("transfer-encoding") == Some("chunked") {
            self.chunks(&mut reply);
        } else if let Some(length) = reply.header("content-length") {
            let length = length.parse().unwrap();
            while self.buffer.len() < length && self.fill() {}
            reply.complete = self.buffer.len() >= length;
            reply.body = self.buffer.drain(..length.min(self.buffer.len())).collect();
        } else {
            while self.fill() {}
            reply.complete = true;
            reply.body = std::mem::take(&mut self.buffer);
        }
        Some(reply)
    }

    fn chunks(&mut self, reply: &mut Reply) {
        loop {
            let (at, size) = loop {
                match httparse::parse_chunk_size(&self.buffer).unwrap() {
                    httparse::Status::Complete(found) => break found,
                    httparse::Status::Partial if self.fill() => {}
                    httparse::Status::Partial => return,
                }
            };
            let size = usize::try_from(size).unwrap();
            while self.buffer.len() < at + size + 2 {
                if !self.fill() {
                    reply.body.extend(self.buffer.drain(..).skip(at));
                    return;
                }
            }
            reply.body.extend_from_slice(&self.buffer[at..at + size]);
            assert_eq!(&self.buffer[at + size..at + size + 2], b"\r\n");
            self.buffer.drain(..at + size + 2);
            if size == 0 {
                reply.complete = true;
                return;
            }
        }
    }
}

/// A request with the headers that a good client sends, and `Connection: close`.
pub(crate) fn request(sandbox: &Sandbox, method: &str, path: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\
         Authorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        sandbox.api_key(),
        body.len()
    )
}

/// Sends one request over its own connection.
pub(crate) fn call(sandbox: &Sandbox, method: &str, path: &str, body: &str) -> Option<Reply> {
    send(sandbox, &request(sandbox, method, path, body))
}

/// Sends these bytes over their own connection.
pub(crate) fn send(sandbox: &Sandbox, bytes: &str) -> Option<Reply> {
    Connection::open(sandbox).send(bytes.as_bytes())
}

pub(crate) fn get(sandbox: &Sandbox, path: &str) -> Reply {
    call(sandbox, "GET", path, "").expect("an answer")
}

/// The body of a good chat request.
pub(crate) fn chat_body(prompt: &str) -> Value {
    json!({"model": "mistral", "messages": [{"role": "user", "content": prompt}]})
}

pub(crate) fn stream_body(prompt: &str) -> Value {
    let mut body = chat_body(prompt);
    body["stream"] = json!(true);
    body
}

/// A chat request with this body; `None` when there is no answer.
pub(crate) fn post(sandbox: &Sandbox, body: &Value) -> Option<Reply> {
    call(sandbox, "POST", "/v1/chat/completions", &body.to_string())
}

/// A good chat request that must get an answer of whatever status.
pub(crate) fn chat(sandbox: &Sandbox, prompt: &str) -> Reply {
    post(sandbox, &chat_body(prompt)).expect("an answer")
}

pub(crate) fn stream(sandbox: &Sandbox, prompt: &str) -> Reply {
    post(sandbox, &stream_body(prompt)).expect("an answer")
}

/// Waits until the condition holds.
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The log once the server is done with everything in it.
pub(crate) fn settled_log(sandbox: &Sandbox) -> Vec<LogEntry> {
    eventually("all requests are finished", || sandbox.log().iter().all(|e| e.finished));
    sandbox.log()
}
