//! Faults of the head, and of the course of a connection.

use std::time::Duration;

use super::{ENDLESS, Scene, Step, WireKind as K};

pub(super) fn steps(scene: &Scene<'_>) -> Option<Vec<Step>> {
    let answer = &scene.answer;
    let kept = |wire: Vec<u8>| vec![Step::Send(wire), Step::Keep];
    let seconds = |default: f64| {
        Duration::try_from_secs_f64(scene.fault.seconds.unwrap_or(default)).unwrap_or_default()
    };
    Some(match scene.fault.kind {
        K::HeadEndless => vec![
            Step::Send(scene.head().into_bytes()),
            Step::Flood(b"X-More: of the same\r\n".to_vec(), scene.bytes(ENDLESS)),
        ],
        K::HeadMany => kept(scene.whole(&"X-A: 1\r\n".repeat(1000), answer)),
        K::HeadLarge => kept(scene.whole(&format!("X-A: {}\r\n", "a".repeat(100_000)), answer)),
        K::HeadOddByte => kept(scene.whole("X-A: a\u{0}\u{1}b\u{7f}\r\n\u{1}: x\r\n", answer)),
        K::HeadNoColon => kept(scene.whole("what is this\r\n", answer)),
        K::HeadSpace => kept(scene.whole("X-A : 1\r\n", answer)),
        K::HeadFolded => kept(scene.whole("X-A: 1\r\n  2\r\n", answer)),
        K::HeadLf => {
            let wire = scene.whole("X-A: 1\r\n", b"");
            let head = String::from_utf8_lossy(&wire).replace("\r\n", "\n");
            let head = head.replace("Length: 0", &format!("Length: {}", answer.len()));
            kept([head.as_bytes(), answer].concat())
        }
        K::HeadBlankLines => kept([b"\r\n\r\n", scene.whole("", answer).as_slice()].concat()),
        K::HeadCut => vec![Step::Send(scene.head().into_bytes()), Step::Close],
        K::HeadDrip => {
            let wire = scene.whole("", answer);
            vec![Step::Drip(wire, seconds(0.2)), Step::Keep]
        }
        K::NoReason => {
            let head = scene.head().replacen(" Whatever", "", 1);
            let rest = format!("{head}Content-Length: {}\r\n\r\n", answer.len());
            kept([rest.as_bytes(), answer].concat())
        }
        K::BadStatusLine => vec![Step::Send(b"HTTP/1.1 abc OK\r\n\r\n".to_vec()), Step::Close],
        K::NotHttp => vec![Step::Send(b"220 smtp.example.com ESMTP\r\n".to_vec()), Step::Hang],
        K::BareBody => vec![Step::Send(answer.clone()), Step::Close],
        K::Http2 => {
            vec![Step::Send(b"HTTP/2 200\r\ncontent-length: 2\r\n\r\n{}".to_vec()), Step::Hang]
        }
        K::RawStatus => {
            let status = scene.fault.status.unwrap_or(999);
            let body: &[u8] = if matches!(status, 100..=199 | 204 | 304) { b"" } else { b"{}" };
            let length = match body.is_empty() {
                true => String::new(),
                false => format!("Content-Length: {}\r\n", body.len()),
            };
            let head = format!("HTTP/1.1 {status:03} X\r\nContent-Type: application/json\r\n");
            let wire = [format!("{head}{length}\r\n").as_bytes(), body].concat();
            match status {
                // Nothing follows an interim answer that is none.
                100..=199 => vec![Step::Send(wire), Step::Close],
                _ => kept(wire),
            }
        }
        K::Interim => {
            let interim =
                b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
            kept([interim.as_slice(), &scene.whole("", answer)].concat())
        }
        K::InterimEndless => {
            let piece = b"HTTP/1.1 100 Continue\r\n\r\n".to_vec();
            vec![Step::Flood(piece, scene.bytes(ENDLESS))]
        }
        K::Reset => vec![Step::Reset],
        K::ResetMidBody => {
            let wire = scene.whole("", answer);
            let half = wire[..wire.len() - answer.len() / 2].to_vec();
            vec![Step::Send(half), Step::Wait(Duration::from_millis(50)), Step::Reset]
        }
        K::SilentMidBody => {
            let wire = scene.whole("", answer);
            vec![Step::Send(wire[..wire.len() - answer.len() / 2].to_vec()), Step::Hang]
        }
        K::Stale => {
            let wire = scene.whole("Connection: keep-alive\r\n", answer);
            vec![Step::Send(wire), Step::Close]
        }
        K::StaleReset => vec![Step::Send(scene.whole("", answer)), Step::ResetNext],
        K::EarlyAnswer | K::EarlyAnswerOpen => {
            let status = scene.fault.status.unwrap_or(413);
            let body = format!(r#"{{"error":{{"message":"refused early","code":{status}}}}}"#);
            let wire = format!(
                "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let end = match scene.fault.kind {
                K::EarlyAnswer => Step::Close,
                _ => Step::Wait(seconds(10.0)),
            };
            vec![Step::Send(wire.into_bytes()), end]
        }
        K::NoRead => vec![Step::Wait(seconds(10.0)), Step::Close],
        K::CloseMidUpload => vec![Step::Close],
        _ => return None,
    })
}
