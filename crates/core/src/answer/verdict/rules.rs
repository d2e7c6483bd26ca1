//! Every rule of prose has to be needed: some vector hangs on what it says, and some other one on what it
//! does not say.

use std::cell::Cell;

use serde_json::Value;

use super::prose::Rule;
use crate::answer::Classifier;
use crate::{Kind, Provider, StreamDecoder, Timestamp};

thread_local! {
    static FORCED: Cell<Option<(Rule, bool)>> = const { Cell::new(None) };
    /// A bit for each rule that was asked.
    static ASKED: Cell<u32> = const { Cell::new(0) };
}

/// What this rule has to say, if a test forces it.
pub(super) fn forced(rule: Rule) -> Option<bool> {
    ASKED.set(ASKED.get() | 1 << rule as u32);
    FORCED.get().filter(|(forced, _)| *forced == rule).map(|(_, says)| says)
}

const RULES: &[Rule] = &[
    Rule::RequestExceedsLimit,
    Rule::LimitIsZero,
    Rule::DailyCap,
    Rule::QuotaExhausted,
    Rule::NothingIsLeft,
    Rule::PlanLacksIt,
    Rule::SpendOrUsageLimit,
    Rule::QuotaIsUsedUp,
    Rule::ContextLength,
    Rule::CreditsAreLow,
    Rule::KeyIsBad,
    Rule::ContentFilter,
    Rule::Denied,
    Rule::LimitIsReached,
    Rule::TooFast,
    Rule::ModelIsMissing,
    Rule::RateLimit,
    Rule::Overloaded,
    Rule::Degraded,
    Rule::Timeout,
    Rule::Network,
    Rule::ServerError,
    Rule::UpstreamFailed,
    Rule::RequestIsBad,
];

fn rows() -> Vec<Value> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let lines = text("errors.jsonl") + &text("streams.jsonl");
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The kind and the verdict on a row; `None` for a success.
fn verdict(row: &Value) -> Option<(Kind, bool)> {
    let pair = |pair: &Value| {
        let text = |at: usize| pair[at].as_str().unwrap_or_default().to_owned();
        (text(0), text(1))
    };
    let headers: Vec<_> = row["headers"].as_array().unwrap().iter().map(pair).collect();
    let provider: Option<Provider> = row["provider"].as_str().map(|name| name.parse().unwrap());
    let now = Timestamp::from_unix_seconds_f64(row["now"].as_f64().unwrap());
    let error = match row["stream"].as_str() {
        Some(stream) => {
            let mut decoder = StreamDecoder::new().provider(provider).headers(&headers);
            decoder.feed(stream.as_bytes(), |_| ());
            decoder.finish(now, |_| ()).into_result().err()
        }
        None => {
            let status = row["status"].as_u64().unwrap() as u16;
            let body = row["body"].as_str().unwrap_or_default();
            let classifier = Classifier::new().provider(provider);
            classifier.classify(status, &headers, body.as_bytes(), now).err()
        }
    };
    error.map(|error| (error.kind(), error.is_retryable()))
}

#[test]
fn every_rule_has_a_vector_for_it_and_one_against_it() {
    let rows = rows();
    let read = |row| {
        ASKED.set(0);
        (verdict(row), ASKED.get())
    };
    let given: Vec<_> = rows.iter().map(read).collect();
    let mut missing = Vec::new();
    for rule in RULES {
        for says in [false, true] {
            FORCED.set(Some((*rule, says)));
            // What never asks the rule does not hang on it.
            let hangs_on_it = rows.iter().zip(&given).any(|(row, (given, asked))| {
                asked & 1 << *rule as u32 != 0 && verdict(row) != *given
            });
            FORCED.set(None);
            if !hangs_on_it {
                missing.push(format!("{rule:?}: no vector hangs on its being {}", !says));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
