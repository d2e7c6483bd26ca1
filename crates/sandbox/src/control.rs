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
        ("GET", "verdict") => (200, json!(shared.verdict(false))),
        ("POST", "verdict") => reply(verdict(shared, body)),
        ("POST", "state") => reply(change(shared, body)),
        ("POST", "faults") => reply(
            shared
                .push_faults(body)
                .map(|(pushed, waiting)| json!({"pushed": pushed, "waiting": waiting})),
        ),
        ("POST", "reset") => {
            shared.reset();
            (200, json!({"reset": true}))
        }
        (_, "log" | "state" | "faults" | "reset" | "verdict") => (
            405,
            json!({"error": "wrong method: GET log, GET or POST state and verdict, POST faults, POST reset"}),
        ),
        _ => (
            404,
            json!({"error": "unknown: there are log, state, verdict, faults and reset under /_sandbox/"}),
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

/// What `POST /_sandbox/verdict` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    /// Whether the program said that it failed.
    failed: bool,
}

fn verdict(shared: &Shared, body: &[u8]) -> Result<Value, String> {
    let told: Told = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    Ok(json!(shared.verdict(told.failed)))
}

impl Shared {
    /// Appends faults given as JSON, one or a list. How many those are, and how many wait now.
    pub(crate) fn push_faults(&self, json: &[u8]) -> Result<(usize, usize), String> {
        let value: Value = serde_json::from_slice(json).map_err(|e| format!("not JSON: {e}"))?;
        let items = match value {
            Value::Array(items) => items,
            one => vec![one],
        };
        let mut faults = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            faults.push(Fault::from_value(item).map_err(|e| format!("fault {at}: {e}"))?);
        }
        let (pushed, max) = (faults.len(), self.options.max_script);
        let waiting = self.account.push_faults(faults, max).map_err(|waiting| {
            format!("{waiting} faults are waiting and at most {max} may: use them up or reset")
        })?;
        Ok((pushed, waiting))
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
