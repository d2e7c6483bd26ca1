//! What decoding a stream costs, beside parsing each of its events into `serde_json::Value`.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use resayil_core::stream::StreamEnd;
use resayil_core::{StreamDecoder, Timestamp};

fn main() {
    divan::main();
}

/// An answer of 1000 chunks, as OpenAI streams it.
fn stream() -> String {
    let chunk = |delta: &str, reason: &str| {
        format!(
            "data: {{\"id\":\"chatcmpl-9zQ1\",\"object\":\"chat.completion.chunk\",\"created\":1741305555,\"model\":\"gpt-4o-2024-08-06\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_44709d6fcb\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{reason}}}]}}\n\n"
        )
    };
    let mut stream = chunk(r#"{"role":"assistant","content":"","refusal":null}"#, "null");
    for number in 0..1000 {
        stream += &chunk(&format!(r#"{{"content":" word{number}"}}"#), "null");
    }
    stream + &chunk("{}", "\"stop\"") + "data: [DONE]\n\n"
}

/// Bytes that arrive at once.
const PIECE: usize = 4096;

#[divan::bench]
fn resayil(bencher: Bencher<'_, '_>) {
    let stream = stream();
    bencher.counter(BytesCount::of_str(&stream)).bench(|| {
        let mut decoder = StreamDecoder::new();
        let mut text = String::new();
        for piece in black_box(stream.as_bytes()).chunks(PIECE) {
            decoder.feed(piece, |event| text += event.text);
        }
        let end = decoder.finish(Timestamp::UNIX_EPOCH, |_| {});
        assert!(matches!(end, StreamEnd::Complete));
        text
    });
}

#[divan::bench]
fn serde_json_value(bencher: Bencher<'_, '_>) {
    let stream = stream();
    bencher.counter(BytesCount::of_str(&stream)).bench(|| {
        let mut text = String::new();
        for line in black_box(&stream).lines() {
            let Some(data) = line.strip_prefix("data: ").filter(|data| *data != "[DONE]") else {
                continue;
            };
            let event: serde_json::Value = serde_json::from_str(data).unwrap();
            text += event["choices"][0]["delta"]["content"].as_str().unwrap_or_default();
        }
        text
    });
}
