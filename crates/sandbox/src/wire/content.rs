//! Faults of what is in the body.

use super::{ENDLESS, Scene, Step, WireKind as K};

const MIB: u64 = 1024 * 1024;

pub(super) fn steps(scene: &Scene<'_>) -> Vec<Step> {
    let answer = &scene.answer;
    let kept = |wire: Vec<u8>| vec![Step::Send(wire), Step::Keep];
    let closed = |wire: Vec<u8>, piece: &[u8], bytes: u64, end: &[u8]| {
        let flood = Step::Flood(piece.to_vec(), bytes);
        vec![Step::Send(wire), flood, Step::Send(end.to_vec()), Step::Close]
    };
    match scene.fault.kind {
        K::ByteOrderMark => kept(scene.whole("", &[b"\xef\xbb\xbf", answer.as_slice()].concat())),
        K::NotUtf8 => kept(scene.whole(
            "",
            b"{\"choices\":[{\"message\":{\"content\":\"\xff\xfe\"},\"finish_reason\":\"stop\"}]}",
        )),
        K::DeepJson => {
            let body = format!(r#"{{"choices":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
            kept(scene.whole("", body.as_bytes()))
        }
        K::UsageFlood => closed(
            scene.framed(
                "",
                br#"{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"usage":[0"#,
            ),
            b",1",
            scene.bytes(8 * MIB),
            b"]}",
        ),
        K::ChoicesFlood => closed(
            scene.framed("", br#"{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}"#),
            br#",{"message":{}}"#,
            scene.bytes(8 * MIB),
            b"]}",
        ),
        K::EventFlood if scene.stream => {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
            let flood = Step::Flood(b"data: {\"choices\":[]}\n\n".to_vec(), scene.bytes(ENDLESS));
            vec![Step::Send(head.into()), flood, Step::Close]
        }
        K::KeyEcho => {
            let key = serde_json::Value::String(scene.key.clone());
            // The same key, as some write it.
            let escaped: String =
                scene.key.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
            let body = format!(
                r#"{{"error":{{"message":{key},"code":{key},"type":"{escaped}","param":{key}}},"errors":{{"a":[{key}]}}}}"#
            );
            let head = format!(
                "HTTP/1.1 401 No\r\nContent-Type: application/json\r\nX-Request-Id: {}\r\nContent-Length: {}\r\n\r\n",
                scene.key,
                body.len()
            );
            kept([head.as_bytes(), body.as_bytes()].concat())
        }
        // Space, and what is sent by no other fault.
        _ => closed(scene.framed("", b""), b" ", scene.bytes(ENDLESS), answer),
    }
}
