use super::*;

const GET: &[u8] = b"GET /v1 HTTP/1.1\r\nHost: x\r\n\r\n";

/// What is read in pieces of every size: all have to come to the same.
fn read(request: &[u8], answer: &[u8], ends: bool) -> (String, Option<String>) {
    let mut results = (1..=answer.len().max(1)).map(|size| {
        let mut wire = Wire::new("host", 1000, 5);
        wire.sent(request);
        let mut out = Vec::new();
        for piece in answer.chunks(size) {
            out.extend(wire.feed(piece));
        }
        if ends {
            out.extend(wire.end());
        }
        let text = String::from_utf8(out).unwrap();
        // Chunks are as large as the pieces.
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let is_chunked = head.contains("Transfer-Encoding: chunked");
        let body = if is_chunked { joined(body) } else { body.to_owned() };
        (format!("{head}|{body}"), wire.failure().map(ToString::to_string))
    });
    let first = results.next().unwrap();
    for other in results {
        assert_eq!(first, other);
    }
    first
}

fn joined(mut chunks: &str) -> String {
    let mut body = String::new();
    while let Some((size, rest)) = chunks.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            assert_eq!(rest, "\r\n");
            return body + "$";
        }
        body += &rest[..size];
        chunks = &rest[size + 2..];
    }
    body
}

#[test]
fn what_is_odd_is_put_in_order() {
    for (answer, expected) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 OK\r\nContent-Length: 2|hi"),
        (
            "\r\nHTTP/1.1  200\nA: \u{1}b\nno colon\nX : y\nContent-Length: 2, 2\n\nhi!",
            "200 \r\nA:  b\r\nX: y\r\nContent-Length: 2\r\nConnection: close|hi",
        ),
        (
            "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3 ;x\r\nabc\r\n0\r\nT: 1\r\n",
            "200 OK\r\nTransfer-Encoding: chunked|abc$",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip|$",
        ),
        ("HTTP/1.1 200 OK\r\n\r\nto the end", "200 OK\r\nConnection: close|to the end"),
        ("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", "204 No|"),
        (
            "HTTP/1.1 503 X\r\nContent-Length: -1\r\nRetry-After: 7\r\n\r\nlost",
            "503 X\r\nRetry-After: 7\r\nContent-Length: 0\r\nConnection: close|",
        ),
    ] {
        let (text, failure) = read(GET, answer.as_bytes(), true);
        assert_eq!((text, failure), (format!("HTTP/1.1 {expected}"), None), "{answer}");
    }
    let (text, _) =
        read(b"HEAD / HTTP/1.1\r\n\r\n", b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n", true);
    assert_eq!(text, "HTTP/1.0 200 OK\r\nContent-Length: 9|");
}

#[test]
fn what_nobody_can_read_is_the_error_of_this_client() {
    for (answer, words) in [
        ("220 mail", "does not begin with HTTP/1"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "two lengths"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello", "no number"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", "broke"),
        ("HTTP/1.1 200 OK\r\nCont", "broke"),
        ("HTTP/1.1 101 Switch\r\n\r\n", "another protocol"),
        (&format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(6)), "max_headers"),
        (&format!("HTTP/1.1 200 OK\r\nA: {}", "b".repeat(2000)), "max_head_bytes"),
        (&"HTTP/1.1 100 Continue\r\n\r\n".repeat(50), "max_head_bytes"),
    ] {
        let (_, failure) = read(GET, answer.as_bytes(), true);
        assert!(failure.as_ref().is_some_and(|it| it.contains(words)), "{answer}: {failure:?}");
    }
}

#[test]
fn other_protocols_pass_as_they_are() {
    let mut wire = Wire::new("host", 1000, 5);
    wire.sent(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    wire.sent(GET);
    assert_eq!(wire.feed(b"\x00\x00\x00"), b"\x00\x00\x00");
    // Behind the word to a proxy of SOCKS, HTTP.
    let mut wire = Wire::new("host", 1000, 5);
    wire.sent(b"\x05\x01\x00");
    assert_eq!(wire.feed(b"\x05\x00"), b"\x05\x00");
    wire.sent(GET);
    let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(wire.feed(whole), whole);
    assert!(!wire.is_spoiled());
    assert_eq!(wire.feed(b"more"), b"");
    assert!(wire.is_spoiled());
    for (request, answer) in [
        ("CONNECT a:1 HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n\u{16}\u{3}"),
        ("GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n", "HTTP/1.1 101 Go\r\nUpgrade: x\r\n\r\nraw"),
    ] {
        let mut wire = Wire::new("host", 1000, 5);
        wire.sent(request.as_bytes());
        assert_eq!(wire.feed(answer.as_bytes()), answer.as_bytes());
        assert_eq!(wire.feed(b"anything"), b"anything");
    }
}

#[test]
fn a_connection_serves_one_answer_after_another() {
    let mut wire = Wire::new("host", 1000, 5);
    let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    for _ in 0..3 {
        wire.sent(GET);
        wire.sent(b"a body");
        assert_eq!(wire.feed(whole), whole);
    }
    assert!(!wire.is_spoiled() && wire.failure().is_none());
}
