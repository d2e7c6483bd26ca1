//! The control plane: what `/_sandbox/` answers.

use std::io;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::exchange::{After, Exchange};
use crate::fault::Fault;
use crate::http::Response;
use crate::server::Shared;

/// What `POST /_sandbox/state` may change.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    limit: Option<u32>,
    /// Absent: as it is. Null: unlimited.
    #[serde(default, deserialize_with = "present")]
    credits: Option<Option<f64>>,
    /// Seconds, forward or back.
    advance_clock: Option<f64>,
}

pub(crate) fn handle(ex: &mut Exchange<'_>, action: &str, body: &[u8]) -> io::Result<After> {
    let shared = ex.shared;
    let (status, answer) = match (ex.head.method.as_str(), action) {
        ("GET", "log") => (200, json!(shared.log.entries())),
        ("GET", "state") => (200, json!(shared.state())),
        ("POST", "state") => reply(change(shared, body)),
        ("POST", "faults") => reply(push(shared, body)),
        ("POST", "reset") => {
            shared.reset();
            (200, json!({"reset": true}))
        }
        (_, "log" | "state" | "faults" | "reset") => (
            405,
            json!({"error": "wrong method: GET log, GET or POST state, POST faults, POST reset"}),
        ),
        _ => (
            404,
            json!({"error": "unknown: there are log, state, faults and reset under /_sandbox/"}),
        ),
    };
    ex.send(&Response::json(status, answer.to_string().into_bytes()))
}

fn reply(result: Result<Value, String>) -> (u16, Value) {
    match result {
        Ok(value) => (200, value),
        Err(error) => (400, json!({ "error": error })),
    }
}

fn push(shared: &Shared, body: &[u8]) -> Result<Value, String> {
    let value: Value = serde_json::from_slice(body).map_err(|e| format!("not JSON: {e}"))?;
    let items = match value {
        Value::Array(items) => items,
        one => vec![one],
    };
    let mut faults = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        faults.push(Fault::from_value(item).map_err(|e| format!("fault {at}: {e}"))?);
    }
    let (pushed, max) = (faults.len(), shared.options.max_script);
    match shared.account.push_faults(faults, max) {
        Ok(waiting) => Ok(json!({"pushed": pushed, "waiting": waiting})),
        Err(waiting) => {
            Err(format!("{waiting} faults are waiting and at most {max} may: use them up or reset"))
        }
    }
}

fn change(shared: &Shared, body: &[u8]) -> Result<Value, String> {
    let change: Change = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    if let Some(limit) = change.limit {
        shared.account.set_limit(limit);
    }
    if let Some(credits) = change.credits {
        shared.account.set_credits(credits);
    }
    if let Some(seconds) = change.advance_clock {
        shared.clock.advance(seconds);
    }
    Ok(json!(shared.state()))
}

/// Tells null from absent.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Option<f64>>, D::Error> {
    Option::<f64>::deserialize(from).map(Some)
}
