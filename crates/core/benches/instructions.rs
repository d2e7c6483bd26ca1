//! The main paths, each as often as is asked for, for `cargo xtask instructions`, which counts what one more
//! costs. Without arguments each runs once.

use std::hint::black_box;
use std::time::Duration;

use resayil_core::quota::{QuotaOptions, Settlement};
use resayil_core::retry::Decision;
use resayil_core::stream::StreamDecoder;
use resayil_core::{Error, Kind, Policy, Quota, Timestamp, classify};
use serde_json::{Value, json};

const HEADERS: [(&str, &str); 8] = [
    ("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ("Content-Type", "application/json"),
    ("X-Request-Id", "req_0123456789abcdef"),
    ("X-RateLimit-Limit", "20"),
    ("X-RateLimit-Remaining", "0"),
    ("X-RateLimit-Reset", "784111800"),
    ("Cache-Control", "no-cache, private"),
    ("Server", "nginx"),
];
const NOW: Duration = Duration::from_secs(1);

/// What is counted, by the name of its row: a status and a body to classify, or another path.
const PATHS: [&str; 13] = [
    "error of 71 B",
    "OpenAI's 429",
    "Anthropic's 529",
    "error of 10 KB, 130 fields",
    "success of 300 B",
    "success of 20 KB, code",
    "success of 20 KB, Arabic",
    "stream event of 200 B",
    "stream event of 20 KB, code",
    "decision to retry",
    "decision to stop",
    "admission by the quota",
    "admission and settlement",
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--paths"] => println!("{}", PATHS.join("\n")),
        [path, "--peer", times] => repeat(times, || peer(path)),
        [path, "--ours", times] => repeat(times, || ours(path)),
        _ => PATHS.iter().for_each(|path| {
            ours(path)();
            peer(path)();
        }),
    }
}

fn repeat<F: FnMut()>(times: &str, make: impl FnOnce() -> F) {
    let mut path = make();
    (0..times.parse().unwrap_or(1)).for_each(|_| path());
}

/// The body that a row is about.
fn body(path: &str) -> Option<(u16, String)> {
    let error = |text: &str| text.to_owned();
    Some(match path {
        "error of 71 B" => (
            429,
            error(r#"{"error":{"message":"Rate limit exceeded","code":429},"retry_after":45}"#),
        ),
        "OpenAI's 429" => (
            429,
            error(
                r#"{"error":{"message":"Rate limit reached for gpt-4o in organization org-1 on tokens per min (TPM): Limit 30000, Used 29000, Requested 2295. Please try again in 2.59s.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#,
            ),
        ),
        "Anthropic's 529" => (
            529,
            error(
                r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}"#,
            ),
        ),
        "error of 10 KB, 130 fields" => {
            let fields: serde_json::Map<_, _> = (0..130)
                .map(|n| {
                    (
                        format!("messages.{n}.role"),
                        json!([format!("The messages.{n}.role field is required.")]),
                    )
                })
                .collect();
            (
                422,
                json!({"error": {"message": "Validation failed", "code": 422}, "errors": fields})
                    .to_string(),
            )
        }
        "success of 300 B" => (200, success("Hello there")),
        "success of 20 KB, code" => (200, success(&code())),
        "success of 20 KB, Arabic" => (200, success(&"الحقل غير صالح. ".repeat(700))),
        "stream event of 200 B" => (200, event("Hello there")),
        "stream event of 20 KB, code" => (200, event(&code())),
        _ => return None,
    })
}

fn code() -> String {
    "    let x = \"a\";\n\tif (y) { return 'z'; }\n".repeat(480)
}

fn success(text: &str) -> String {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": "mistral",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    })
    .to_string()
}

fn event(text: &str) -> String {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "mistral",
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}],
    })
    .to_string()
}

fn ours(path: &str) -> Box<dyn FnMut()> {
    let wall = Timestamp::from_unix_seconds(784_111_777);
    if let Some((_, event)) = body(path).filter(|_| path.starts_with("stream")) {
        let event = format!("data: {event}\n\n");
        let mut decoder = StreamDecoder::new();
        return Box::new(move || {
            decoder.feed(black_box(event.as_bytes()), |event| {
                black_box(event.text.len());
            });
        });
    }
    if let Some((status, body)) = body(path) {
        return Box::new(move || {
            black_box(
                classify(status, black_box(&HEADERS), black_box(body.as_bytes()), wall).is_err(),
            );
        });
    }
    let quota = Quota::new(QuotaOptions::default().with_limit(u32::MAX), wall, Duration::ZERO);
    match path {
        "decision to retry" | "decision to stop" => {
            let kind = if path.ends_with("retry") { Kind::Server } else { Kind::Validation };
            let (policy, error) = (Policy::default(), Error::new(kind, "failed"));
            Box::new(move || {
                let mut call = policy.start(NOW, 7);
                let _: Decision = black_box(call.on_error(black_box(&error), NOW));
            })
        }
        "admission by the quota" => Box::new(move || {
            let _ = black_box(quota.acquire(black_box(NOW)));
        }),
        _ => {
            let settlement = Settlement::default();
            Box::new(move || quota.acquire(black_box(NOW)).0.settle(black_box(&settlement), NOW))
        }
    }
}

/// The same body parsed into a `Value`; nothing where there is none.
fn peer(path: &str) -> Box<dyn FnMut()> {
    let Some((_, body)) = body(path) else { return Box::new(|| ()) };
    Box::new(move || {
        black_box(serde_json::from_slice::<Value>(black_box(body.as_bytes())).is_ok());
    })
}
