//! Faults of the framing and the codings of a body.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::{ENDLESS, Scene, Step, WireKind as K};

pub(super) fn steps(scene: &Scene<'_>) -> Option<Vec<Step>> {
    let answer = &scene.answer;
    let chunked = |body: Vec<u8>| scene.framed("Transfer-Encoding: chunked\r\n", &body);
    let closed = |wire: Vec<u8>| vec![Step::Send(wire), Step::Close];
    let kept = |wire: Vec<u8>| vec![Step::Send(wire), Step::Keep];
    let size = format!("{:x}", answer.len());
    let one = [size.as_bytes(), b"\r\n", answer, b"\r\n"].concat();
    let length = answer.len();
    Some(match scene.fault.kind {
        // A client that waits for CR LF here waits for ever.
        K::ChunkBareLf => vec![
            Step::Send(chunked([size.as_bytes(), b"\n", answer, b"\r\n0\r\n\r\n"].concat())),
            Step::Hang,
        ],
        K::ChunkNotHex => {
            vec![Step::Send(chunked(b"xyz\r\nhello\r\n0\r\n\r\n".to_vec())), Step::Hang]
        }
        K::ChunkNegative => {
            vec![Step::Send(chunked(b"-5\r\nhello\r\n0\r\n\r\n".to_vec())), Step::Hang]
        }
        K::ChunkOverflow => {
            let body = ["f".repeat(40).as_bytes(), b"\r\nhello"].concat();
            vec![Step::Send(chunked(body)), Step::Hang]
        }
        K::ChunkEndlessSize => {
            vec![Step::Send(chunked(Vec::new())), Step::Flood(vec![b'0'], scene.bytes(ENDLESS))]
        }
        K::ChunkEndlessExtension => {
            vec![Step::Send(chunked(b"5;".to_vec())), Step::Flood(vec![b'x'], scene.bytes(ENDLESS))]
        }
        K::ChunkWrongSize => {
            let wrong = [b"3\r\n", answer.as_slice(), b"\r\n0\r\n\r\n"].concat();
            vec![Step::Send(chunked(wrong)), Step::Hang]
        }
        K::ChunkCut => closed(chunked([size.as_bytes(), b"\r\n", &answer[..length / 2]].concat())),
        K::ChunkNoLast => closed(chunked(one)),
        K::ChunkNoFinalCrlf => closed(chunked([one.as_slice(), b"0\r\n"].concat())),
        K::ChunkExtensions => {
            let line = format!("{size};a=b;c=\"d e\"");
            kept(chunked([line.as_bytes(), b"\r\n", answer, b"\r\n0;last\r\n\r\n"].concat()))
        }
        K::ChunkTiny => {
            let tiny: Vec<u8> =
                answer.iter().flat_map(|byte| [b'1', b'\r', b'\n', *byte, b'\r', b'\n']).collect();
            kept(chunked([tiny.as_slice(), b"0\r\n\r\n"].concat()))
        }
        K::Trailers => {
            kept(chunked([one.as_slice(), b"0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n"].concat()))
        }
        K::TrailersEndless => vec![
            Step::Send(chunked([one.as_slice(), b"0\r\n"].concat())),
            Step::Flood(b"X-More: of the same\r\n".to_vec(), scene.bytes(ENDLESS)),
        ],
        K::ChunkedTwice => {
            let body = [one.as_slice(), b"0\r\n\r\n"].concat();
            kept(scene.framed("Transfer-Encoding: chunked, chunked\r\n", &body))
        }
        K::TransferUnknown => closed(scene.framed("Transfer-Encoding: squeeze\r\n", answer)),
        K::LengthAndChunked => {
            let body = [one.as_slice(), b"0\r\n\r\n"].concat();
            kept(scene.framed("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", &body))
        }
        K::LengthTwice => kept(scene.whole(&format!("Content-Length: {length}\r\n"), answer)),
        K::LengthsDiffer => {
            kept(scene.whole(&format!("Content-Length: {}\r\n", length + 1), answer))
        }
        K::LengthNegative => kept(scene.framed("Content-Length: -5\r\n", answer)),
        K::LengthNoNumber => kept(scene.framed("Content-Length: many\r\n", answer)),
        K::LengthTooLong => {
            closed(scene.framed(&format!("Content-Length: {}\r\n", length + 100), answer))
        }
        K::LengthTooShort => {
            kept(scene.framed(&format!("Content-Length: {}\r\n", length / 2), answer))
        }
        K::LengthHuge => vec![
            Step::Send(scene.framed("Content-Length: 1125899906842624\r\n", answer)),
            Step::Hang,
        ],
        K::NoLength => closed(scene.framed("", answer)),
        K::Http10 => closed(as_http10(scene.framed("", answer))),
        K::Http10Chunked => closed(as_http10(chunked([one.as_slice(), b"0\r\n\r\n"].concat()))),
        K::ExtraBytes => {
            kept([scene.whole("", answer).as_slice(), b"HTTP/1.1 500 Surprise\r\n\r\n"].concat())
        }
        K::Gzip => kept(scene.whole("Content-Encoding: gzip\r\n", &gzip(answer))),
        K::GzipMembers => {
            let (first, second) = answer.split_at(length / 2);
            let body = [gzip(first), gzip(b""), gzip(second)].concat();
            kept(scene.whole("Content-Encoding: gzip\r\n", &body))
        }
        K::GzipGarbage => {
            let body = [gzip(answer).as_slice(), b"\0\0garbage"].concat();
            kept(scene.whole("Content-Encoding: gzip\r\n", &body))
        }
        K::GzipCut => {
            let body = gzip(answer);
            kept(scene.whole("Content-Encoding: gzip\r\n", &body[..body.len() / 2]))
        }
        K::GzipDamaged => {
            let mut body = gzip(answer);
            let at = body.len() - 6;
            body[at] ^= 0xff;
            kept(scene.whole("Content-Encoding: gzip\r\n", &body))
        }
        K::GzipTwice => kept(scene.whole("Content-Encoding: gzip, gzip\r\n", &gzip(&gzip(answer)))),
        K::GzipEmptyBlocks => vec![
            // A header, then stored blocks of no bytes: RFC 1951 section 3.2.4.
            Step::Send(
                scene.framed("Content-Encoding: gzip\r\n", &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]),
            ),
            Step::Flood(vec![0, 0, 0, 0xff, 0xff], scene.bytes(ENDLESS)),
        ],
        K::GzipEmptyMembers => vec![
            Step::Send(scene.framed("Content-Encoding: gzip\r\n", b"")),
            Step::Flood(gzip(b""), scene.bytes(ENDLESS)),
        ],
        K::Deflate => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            let _ = encoder.write_all(answer);
            kept(
                scene.whole("Content-Encoding: deflate\r\n", &encoder.finish().unwrap_or_default()),
            )
        }
        K::DeflateBare => {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
            let _ = encoder.write_all(answer);
            kept(
                scene.whole("Content-Encoding: deflate\r\n", &encoder.finish().unwrap_or_default()),
            )
        }
        K::CodingUnknown => kept(scene.whole("Content-Encoding: br\r\n", b"\x8b\x02\x80{}\x03")),
        _ => return None,
    })
}

fn as_http10(wire: Vec<u8>) -> Vec<u8> {
    [b"HTTP/1.0", &wire[8..]].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let _ = encoder.write_all(bytes);
    // Writing to memory does not fail.
    encoder.finish().unwrap_or_default()
}
