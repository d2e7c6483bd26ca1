//! The streams of the vectors that all languages share, as a server sends them: the client has the same
//! error as the decoder, and hands no event of an error on.

mod common;

use std::io::Write;

use common::{hello, read_request, serve};
use resayil::{Client, Error, Policy};
use serde_json::Value;

fn rows() -> Vec<Value> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    let text = std::fs::read_to_string(folder.join("streams.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The answer of a row, as it goes over the wire.
fn answer(row: &Value) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} X\r\n", row["status"]);
    for pair in row["headers"].as_array().unwrap() {
        head += &format!("{}: {}\r\n", pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
    }
    head += "connection: close\r\n\r\n";
    [head.as_bytes(), row["stream"].as_str().unwrap().as_bytes()].concat()
}

#[test]
fn streams_over_http_end_as_the_decoder_says() {
    // An answer that calls itself JSON is read whole, and the client's own limits are not the row's.
    let streams = |row: &Value| {
        let headers = row["headers"].to_string().to_ascii_lowercase();
        !headers.contains("application/json") && !headers.contains("content-length")
    };
    let rows: Vec<_> = rows().into_iter().filter(streams).collect();
    assert!(rows.len() > 200, "{} rows are left", rows.len());
    let answers: Vec<_> = rows.iter().map(answer).collect();
    let base = serve(move |index, mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(&answers[index]);
    });
    let client =
        Client::builder().base_url(&base).api_key("k").policy(Policy::none()).build().unwrap();
    for row in &rows {
        let (mut text, mut failure, mut events) = (String::new(), None::<Error>, Vec::new());
        match client.chat_stream(&hello()) {
            Err(error) => failure = Some(error),
            Ok(mut stream) => {
                while let Some(event) = stream.next_event() {
                    match event {
                        Ok(event) => {
                            text += event.text();
                            events.push(event.data().to_owned());
                        }
                        Err(error) => failure = Some(error),
                    }
                }
            }
        }
        let record: Value =
            failure.as_ref().map_or(Value::Null, |it| serde_json::from_str(&it.to_json()).unwrap());
        for member in ["kind", "retryable", "message", "code", "type", "param", "request_id"] {
            assert_eq!(record[member], row["record"][member], "{}: {member}", row["id"]);
        }
        // What nobody can use is not shown: all of it may be sent again.
        let shown =
            if row["safe_to_replay"] == true { "" } else { row["partial_text"].as_str().unwrap() };
        assert_eq!(text, shown, "{}", row["id"]);
        if let Some(error) = failure {
            let body = String::from_utf8_lossy(error.body()).into_owned();
            assert!(body.is_empty() || !events.contains(&body), "{}: {body}", row["id"]);
        }
    }
}
