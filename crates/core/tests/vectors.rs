//! Runs the vectors that all languages share; see `tests/vectors/README.md`.
//!
//! `RESAYIL_BLESS=1 cargo test -p resayil-core --test vectors` writes the records anew, where the
//! independent expectations of each row hold.

use std::path::PathBuf;

use resayil_core::answer::Classifier;
use resayil_core::stream::StreamEnd;
use resayil_core::{Error, Provider, StreamDecoder, Timestamp};
use serde_json::{Map, Value, json};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(name)
}

/// Runs each row of a file through `run`, which gives the members that the row has to have.
fn run_file(name: &str, run: impl Fn(&Row) -> Map<String, Value>) {
    let text = std::fs::read_to_string(path(name)).unwrap();
    let bless = std::env::var_os("RESAYIL_BLESS").is_some();
    let (mut problems, mut blessed) = (Vec::new(), String::new());
    let mut count = 0;
    for line in text.lines() {
        let mut row = Row(serde_json::from_str(line).unwrap());
        let actual = run(&row);
        problems.extend(row.unmet(&actual));
        for (name, value) in &actual {
            if bless {
                row.0[name] = value.clone();
            } else if row.0[name] != *value {
                problems.push(format!("{}: {name} is {value}, expected {}", row.id(), row.0[name]));
            }
        }
        blessed += &format!("{}\n", row.0);
        count += 1;
    }
    assert!(problems.is_empty(), "{} of {count} rows:\n{}", problems.len(), problems.join("\n"));
    assert!(count > 20, "{name} has {count} rows");
    if bless {
        std::fs::write(path(name), blessed).unwrap();
    }
}

struct Row(Value);

impl Row {
    fn id(&self) -> &str {
        self.0["id"].as_str().unwrap()
    }

    fn status(&self) -> u16 {
        self.0["status"].as_u64().unwrap().try_into().unwrap()
    }

    fn headers(&self) -> Vec<(&str, &str)> {
        let pairs = self.0["headers"].as_array().unwrap();
        pairs.iter().map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap())).collect()
    }

    fn text(&self, name: &str) -> &[u8] {
        self.0[name].as_str().unwrap_or_default().as_bytes()
    }

    fn provider(&self) -> Option<Provider> {
        self.0["provider"].as_str().map(|name| name.parse().unwrap())
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds_f64(self.0["now"].as_f64().unwrap())
    }

    /// The expectations of the row that do not hold. They are written by hand or come from the
    /// row's source, and are never written anew.
    fn unmet(&self, actual: &Map<String, Value>) -> Vec<String> {
        let record = &actual["record"];
        let expect = self.0["expect"].as_object().unwrap();
        let mut unmet = Vec::new();
        for (name, accepted) in expect {
            let (found, holds) = match name.as_str() {
                "absent" => {
                    let text = record.to_string();
                    let parts = accepted.as_array().unwrap();
                    (
                        record.clone(),
                        parts.iter().all(|part| !text.contains(part.as_str().unwrap())),
                    )
                }
                "message_contains" => {
                    let message = record["message"].as_str().unwrap_or_default();
                    (message.into(), message.contains(accepted.as_str().unwrap()))
                }
                // Beside the accepted values, any wait that is not shorter will do.
                "retry_after_min" => continue,
                name => {
                    let found = match name {
                        "limit" | "remaining" | "reset_after" => &record["rate_limit"][name],
                        name => actual.get(name).unwrap_or(&record[name]),
                    };
                    let accepted = accepted.as_array().unwrap();
                    let long_enough = name == "retry_after"
                        && expect
                            .get("retry_after_min")
                            .is_some_and(|min| found.as_f64() >= min.as_f64());
                    let holds = accepted.iter().any(|value| same(value, found)) || long_enough;
                    (found.clone(), holds)
                }
            };
            if !holds {
                unmet.push(format!("{}: {name} is {found}, accepted are {accepted}", self.id()));
            }
        }
        unmet
    }
}

/// Equality in which 45 and 45.0 are the same number.
fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(1.0),
        _ => a == b,
    }
}

fn record(error: Option<&Error>) -> Value {
    error.map_or(Value::Null, |error| serde_json::from_str(&error.to_json()).unwrap())
}

#[test]
fn errors() {
    run_file("errors.jsonl", |row| {
        let classifier = Classifier::new().provider(row.provider());
        let result = classifier.classify(row.status(), &row.headers(), row.text("body"), row.now());
        Map::from_iter([("record".to_owned(), record(result.err().as_ref()))])
    });
}

/// The provider's name is a help, not a need, but for LLM Resayil's clock minute.
#[test]
fn errors_without_the_providers_name() {
    run_file_unblessed("errors.jsonl", |row| {
        let provider = row.provider().filter(|provider| *provider == Provider::Resayil);
        let classifier = Classifier::new().provider(provider);
        let result = classifier.classify(row.status(), &row.headers(), row.text("body"), row.now());
        Map::from_iter([("record".to_owned(), record(result.err().as_ref()))])
    });
}

fn run_file_unblessed(name: &str, run: impl Fn(&Row) -> Map<String, Value>) {
    let text = std::fs::read_to_string(path(name)).unwrap();
    let rows = text.lines().map(|line| Row(serde_json::from_str(line).unwrap()));
    let problems: Vec<_> = rows.flat_map(|row| row.unmet(&run(&row))).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// A row that leaves the kind or the verdict open proves nothing about them.
#[test]
fn every_row_states_the_kind_and_the_verdict() {
    let mut ids = std::collections::HashSet::new();
    for name in ["errors.jsonl", "streams.jsonl"] {
        for line in std::fs::read_to_string(path(name)).unwrap().lines() {
            let row = Row(serde_json::from_str(line).unwrap());
            let id = row.id().to_owned();
            let accepted = |name: &str| row.0["expect"][name].as_array().map_or(0, Vec::len);
            assert!(accepted("kind") > 0, "{id} states no kind");
            let has_reason = row.0["why"].as_str().is_some_and(|why| !why.is_empty());
            assert!(
                accepted("retryable") == 1 || has_reason && accepted("retryable") > 1,
                "{id} states no verdict, or accepts both without a reason in `why`"
            );
            assert!(ids.insert(id.clone()), "{id} stands twice");
        }
    }
}

fn decode(row: &Row, chunk: usize) -> Map<String, Value> {
    let mut decoder = StreamDecoder::new().provider(row.provider()).headers(&row.headers());
    let mut text = String::new();
    for bytes in row.text("stream").chunks(chunk) {
        decoder.feed(bytes, |event| text += event.text);
    }
    let end = decoder.finish(row.now(), |event| text += event.text);
    assert_eq!(text, decoder.partial_text(), "{}", row.id());
    let safe = !decoder.has_delivered() && !matches!(end, StreamEnd::Complete);
    let members = json!({
        "terminal": end.name(),
        "partial_text": text,
        "safe_to_replay": safe,
        "record": record(end.error()),
    });
    members.as_object().unwrap().clone()
}

#[test]
fn streams() {
    run_file("streams.jsonl", |row| decode(row, usize::MAX));
}

#[test]
fn streams_in_small_pieces() {
    for chunk in [1, 2, 7] {
        run_file_unblessed("streams.jsonl", |row| {
            let pieces = decode(row, chunk);
            assert_eq!(pieces, decode(row, usize::MAX), "{} in pieces of {chunk}", row.id());
            pieces
        });
    }
}
