//! What the feature `tracing` emits: one event a decision, one span a call, no secrets.

mod common;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use common::{builder, hello, sandbox};
use resayil::{Client, Provider};
use resayil_sandbox::{Fault, Sandbox};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

type Fields = BTreeMap<&'static str, String>;

/// Keeps the fields of all that is emitted.
#[derive(Clone, Default)]
struct Keeper(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    spans: Vec<Fields>,
    entered: Vec<u64>,
    /// The name, the level and the span of each event, and its fields.
    events: Vec<(&'static str, Level, Option<u64>, Fields)>,
}

struct Reader<'a>(&'a mut Fields);

impl Visit for Reader<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl Subscriber for Keeper {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Libraries below may have their own.
        metadata.target() == "resayil"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        assert_eq!(span.metadata().name(), "resayil.call");
        let mut fields = Fields::new();
        span.record(&mut Reader(&mut fields));
        let mut kept = self.0.lock().unwrap();
        kept.spans.push(fields);
        Id::from_u64(kept.spans.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let at = span.into_u64() as usize - 1;
        values.record(&mut Reader(&mut self.0.lock().unwrap().spans[at]));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::new();
        event.record(&mut Reader(&mut fields));
        let metadata = event.metadata();
        let mut kept = self.0.lock().unwrap();
        let span = kept.entered.last().copied();
        kept.events.push((metadata.name(), *metadata.level(), span, fields));
    }

    fn enter(&self, span: &Id) {
        self.0.lock().unwrap().entered.push(span.into_u64());
    }

    fn exit(&self, _: &Id) {
        self.0.lock().unwrap().entered.pop();
    }
}

/// What is emitted while this client works.
fn kept(sandbox: &Sandbox, work: impl FnOnce(&Client)) -> Kept {
    let keeper = Keeper::default();
    let client = builder(sandbox).provider(Provider::Resayil).build().unwrap();
    tracing::subscriber::with_default(keeper.clone(), || work(&client));
    drop(client);
    std::mem::take(&mut *keeper.0.lock().unwrap())
}

fn values<'a>(fields: &'a Fields, names: &[&str]) -> Vec<Option<&'a str>> {
    let value = |name: &&str| fields.get(*name).map(String::as_str);
    names.iter().map(value).collect()
}

const OF_ERRORS: [&str; 5] = [
    "resayil.reason",
    "resayil.attempt",
    "error.type",
    "http.response.status_code",
    "http.request.resend_count",
];

#[test]
fn each_decision_is_an_event_within_the_span_of_its_call() {
    let sandbox = sandbox();
    let kept = kept(&sandbox, |client| {
        sandbox.push_fault(Fault::ServerError);
        client.chat(&hello()).unwrap();
        sandbox.set_credits(Some(0.0));
        client.chat(&hello()).unwrap_err();
        sandbox.set_credits(None);
        sandbox.push_fault(Fault::ServerError);
        sandbox.push_fault(Fault::RateLimited { retry_after: 1 });
        client.chat(&hello()).unwrap();
    });
    let events: Vec<_> = kept
        .events
        .iter()
        .map(|(name, level, span, fields)| (*name, *level, *span, fields["resayil.action"].clone()))
        .collect();
    assert_eq!(
        events,
        [
            ("resayil.retry", Level::WARN, Some(1), "retry".to_owned()),
            ("resayil.stop", Level::INFO, Some(2), "stop".to_owned()),
            ("resayil.retry", Level::WARN, Some(3), "retry".to_owned()),
            ("resayil.retry", Level::WARN, Some(3), "retry".to_owned()),
            ("resayil.quota_wait", Level::DEBUG, Some(3), "quota_wait".to_owned()),
        ]
    );
    let fields = |at: usize| &kept.events[at].3;
    for (at, expected) in [
        (0, ["backoff", "1", "server", "500", ""]),
        (1, ["not_retryable", "1", "payment_required", "402", ""]),
        (2, ["backoff", "1", "server", "500", ""]),
        (3, ["quota_window", "2", "rate_limit", "429", "1"]),
        (4, ["quota", "2", "", "", ""]),
    ] {
        let expected = expected.map(|it| (!it.is_empty()).then_some(it));
        assert_eq!(values(fields(at), &OF_ERRORS), expected, "{:?}", fields(at));
    }
    let delay: f64 = fields(0)["resayil.delay"].parse().unwrap();
    assert!(delay > 0.0 && delay < 1.0, "{delay}");
    assert!(fields(0)["message"].starts_with("attempt 1 failed, next in 0.0"));
    // What the server asked for; how long the wait in the line is, is told by the next event.
    assert_eq!(fields(3)["resayil.delay"].parse(), Ok(1.0));
}

#[test]
fn a_call_is_a_span_with_the_attributes_of_gen_ai() {
    let sandbox = sandbox();
    let kept = kept(&sandbox, |client| {
        client.chat(&hello()).unwrap();
        sandbox.push_fault(Fault::Status { status: 401, body: None, headers: Vec::new() });
        client.chat(&hello()).unwrap_err();
        client.models().unwrap();
        let mut stream = client.chat_stream(&hello()).unwrap();
        assert!(stream.by_ref().all(|piece| piece.is_ok()));
    });
    let names = [
        "otel.name",
        "otel.kind",
        "gen_ai.operation.name",
        "gen_ai.provider.name",
        "gen_ai.request.model",
        "http.request.method",
        "server.address",
        "otel.status_code",
        "error.type",
        "http.response.status_code",
        "resayil.attempts",
    ];
    let span = |at: usize| {
        values(&kept.spans[at], &names)
            .into_iter()
            .map(Option::unwrap_or_default)
            .collect::<Vec<_>>()
    };
    let chat = ["chat mistral", "client", "chat", "resayil", "mistral", "POST", "127.0.0.1"];
    assert_eq!(span(0), [&chat[..], &["", "", "", "1"]].concat());
    assert_eq!(span(1), [&chat[..], &["ERROR", "authentication", "401", "1"]].concat());
    let get = ["GET", "client", "", "resayil", "", "GET", "127.0.0.1", "", "", "", "1"];
    assert_eq!(span(2), get);
    assert_eq!(span(3), [&chat[..], &["", "", "", "1"]].concat());
    assert_eq!(kept.spans.len(), 4);
    let first = &kept.spans[0];
    assert!(sandbox.base_url().contains(&format!(":{}/", first["server.port"])));
    assert!(first["gen_ai.usage.input_tokens"].parse::<u64>().unwrap() > 0);
    assert!(first["gen_ai.usage.output_tokens"].parse::<u64>().unwrap() > 0);
    assert_eq!(first["gen_ai.response.model"], "mistral:latest");
}

#[test]
fn neither_key_nor_prompt_is_told_and_the_page_names_every_field() {
    const KEY: &str = "sk_llmr_0123456789abcdef0123456789abcdef";
    const PAGE: &str = include_str!("../../../docs/observability.md");
    let sandbox = sandbox();
    let kept = kept(&sandbox, |client| {
        // A server that quotes the key and the prompt.
        let body =
            format!(r#"{{"error":{{"message":"bad key {KEY}","code":"x"}},"echo":"Hello"}}"#);
        let headers = vec![("X-Request-Id".to_owned(), "req_1".to_owned())];
        sandbox.push_fault(Fault::Status { status: 500, body: Some(body), headers });
        client.chat(&hello()).unwrap();
        sandbox.push_fault(Fault::RateLimited { retry_after: 1 });
        client.chat(&hello()).unwrap();
    });
    let first = &kept.events[0].3;
    assert!(first["message"].contains("bad key [redacted]"), "{}", first["message"]);
    assert_eq!((&*first["resayil.request_id"], &*first["resayil.error.code"]), ("req_1", "x"));
    let events = kept.events.iter().map(|(name, _, _, fields)| (*name, fields));
    for (name, fields) in events.chain(kept.spans.iter().map(|fields| ("resayil.call", fields))) {
        assert!(PAGE.contains(&format!("`{name}`")), "{name} is not on the page");
        for (field, value) in fields {
            for secret in [KEY, sandbox.api_key(), "Hello"] {
                assert!(!value.contains(secret), "{field}: {value}");
            }
            let named = PAGE.contains(&format!("| `{field}` |")) || *field == "message";
            assert!(named, "{field} is not on the page");
        }
    }
}
