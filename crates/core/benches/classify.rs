//! What reading an error costs, beside parsing its body into `serde_json::Value`.
//!
//! As everywhere in this workspace, a `Value` keeps its members in order; without that feature the
//! smallest bodies are parsed in about three quarters of the time.

use divan::{Bencher, black_box};
use resayil_core::{Timestamp, classify};

fn main() {
    divan::main();
}

const CASES: [&str; 17] = [
    "71B",
    "156B",
    "10KB",
    "1MB",
    "10KB text",
    "10KB text, 400",
    "10KB Arabic, 400",
    "10KB escapes, 400",
    "10KB objects beside",
    "10KB nesting beside",
    "1MB text, 400",
    "1MB objects beside",
    "OpenAI 400 context",
    "OpenAI 401",
    "OpenAI 429",
    "Anthropic 529",
    "Gemini 429",
];

/// Calls a sample: as many for both.
const SAMPLE: u32 = 50;

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

fn case(name: &str) -> (u16, String) {
    const PROSE: &str = "Value 17 of the messages is not right, see the reference for 'role'. ";
    match name {
        "71B" => (429, r#"{"error":{"message":"Rate limit exceeded","code":429},"retry_after":45}"#.into()),
        "156B" => (
            422,
            r#"{"error":{"message":"Validation failed","code":422},"errors":{"model":["The model field is required."],"messages":["The messages field must be array."]}}"#.into(),
        ),
        "10KB" => (422, validation(130)),
        "1MB" => (422, validation(13_000)),
        "10KB text" => (500, message(&"Something failed. ".repeat(570))),
        "10KB text, 400" => (400, message(&PROSE.repeat(148))),
        "10KB Arabic, 400" => (400, message(&"الحقل غير صالح. ".repeat(350))),
        "10KB escapes, 400" => (400, message(&r#"a \"role\" is\nno \u0645\u0627, "#.repeat(320))),
        "1MB text, 400" => (400, message(&PROSE.repeat(14_800))),
        "10KB objects beside" => (500, beside(r#"{"file":"app/Http/Kernel.php","line":12,"args":[true,null]}"#, 170)),
        "1MB objects beside" => (500, beside(r#"{"file":"app/Http/Kernel.php","line":12,"args":[true,null]}"#, 17_000)),
        "10KB nesting beside" => (500, beside(&("[".repeat(100) + &"]".repeat(100)), 50)),
        "OpenAI 400 context" => (
            400,
            r#"{"error":{"message":"This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens. Please reduce the length of the messages.","type":"invalid_request_error","param":"messages","code":null}}"#.into(),
        ),
        "OpenAI 401" => (
            401,
            r#"{"error":{"message":"Incorrect API key provided: sk-inval***-key. You can find your API key at https://platform.openai.com/account/api-keys.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#.into(),
        ),
        "OpenAI 429" => (
            429,
            r#"{"error":{"message":"Rate limit reached for gpt-4o in organization org-1 on tokens per min (TPM): Limit 30000, Used 29000, Requested 2295. Please try again in 2.59s.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#.into(),
        ),
        "Anthropic 529" => (
            529,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}"#.into(),
        ),
        _ => (
            429,
            r#"{"error":{"code":429,"message":"You exceeded your current quota.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaMetric":"m","quotaId":"GenerateRequestsPerMinutePerProjectPerModel-FreeTier","quotaValue":"15"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34s"}]}}"#.into(),
        ),
    }
}

fn message(text: &str) -> String {
    format!(r#"{{"error":{{"message":"{text}","code":"x"}}}}"#)
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

/// An error beside a list of something else.
fn beside(item: &str, count: usize) -> String {
    let items = vec![item; count].join(",");
    format!(r#"{{"trace":[{items}],"error":{{"message":"Something failed","code":500}}}}"#)
}

#[divan::bench(args = CASES, sample_size = SAMPLE)]
fn resayil(bencher: Bencher<'_, '_>, name: &str) {
    let (status, body) = case(name);
    let now = Timestamp::from_unix_seconds(784_111_777);
    bencher.bench(|| {
        classify(black_box(status), black_box(&HEADERS), black_box(body.as_bytes()), now)
    });
}

#[divan::bench(args = CASES, sample_size = SAMPLE)]
fn serde_json_value(bencher: Bencher<'_, '_>, name: &str) {
    let (_, body) = case(name);
    bencher.bench(|| serde_json::from_slice::<serde_json::Value>(black_box(body.as_bytes())));
}
