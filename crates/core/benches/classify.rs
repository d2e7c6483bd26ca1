//! What reading an error costs, beside parsing its body into `serde_json::Value`.

use divan::{Bencher, black_box};
use resayil_core::{Timestamp, classify};

fn main() {
    divan::main();
}

const SIZES: [&str; 5] = ["71B", "156B", "10KB", "10KB-text", "1MB"];

/// Headers such as a front and the API send.
const HEADERS: [(&str, &str); 8] = [
    ("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ("Content-Type", "application/json"),
    ("Connection", "keep-alive"),
    ("X-RateLimit-Limit", "20"),
    ("X-RateLimit-Remaining", "0"),
    ("X-RateLimit-Reset", "784111800"),
    ("Cache-Control", "no-cache, private"),
    ("Server", "nginx"),
];

fn body(size: &str) -> (u16, String) {
    match size {
        "71B" => (429, r#"{"error":{"message":"Rate limit exceeded","code":429},"retry_after":45}"#.into()),
        "156B" => (
            422,
            r#"{"error":{"message":"Validation failed","code":422},"errors":{"model":["The model field is required."],"messages":["The messages field must be array."]}}"#.into(),
        ),
        "10KB" => (422, validation(130)),
        "10KB-text" => {
            (500, format!(r#"{{"error":{{"message":"{}","code":500}}}}"#, "Something failed. ".repeat(570)))
        }
        _ => (422, validation(13_000)),
    }
}

fn validation(fields: usize) -> String {
    let fields: Vec<_> = (0..fields)
        .map(|n| format!(r#""messages.{n}.role":["The messages.{n}.role field is required."]"#))
        .collect();
    format!(
        r#"{{"error":{{"message":"Validation failed","code":422}},"errors":{{{}}}}}"#,
        fields.join(",")
    )
}

#[divan::bench(args = SIZES)]
fn resayil(bencher: Bencher<'_, '_>, size: &str) {
    let (status, body) = body(size);
    let now = Timestamp::from_unix_seconds(784_111_777);
    bencher.bench(|| {
        classify(black_box(status), black_box(&HEADERS), black_box(body.as_bytes()), now)
    });
}

#[divan::bench(args = SIZES)]
fn serde_json_value(bencher: Bencher<'_, '_>, size: &str) {
    let (_, body) = body(size);
    bencher.bench(|| serde_json::from_slice::<serde_json::Value>(black_box(body.as_bytes())));
}
