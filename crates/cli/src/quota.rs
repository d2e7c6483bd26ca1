//! `resayil quota`: what the processes that share a quota know of it.

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use resayil::quota::QuotaState;
use resayil::quota::fleet::FleetSnapshot;
use resayil::{Error, Policy};
use serde_json::{Value, json};

use crate::calls::{ClientArgs, call_failed};
use crate::exit::Failure;
use crate::told::Told;

#[derive(Debug, Args)]
#[command(
    after_help = "Looks at the fleet's key (--fleet or RESAYIL_FLEET) of the address, the key and the window, or \
                  else at this host's file. Nothing is sent to the API, and nothing is admitted."
)]
pub(crate) struct QuotaArgs {
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    client: ClientArgs,
}

pub(crate) fn run(args: &QuotaArgs) -> Result<(), Failure> {
    let mut options = args.client.clone();
    options.share_quota = options.fleet().is_none();
    let client = options.build(Policy::default(), Told::Warnings)?;
    let (source, rows) = match client.fleet() {
        Some(fleet) => {
            let known = fleet.snapshot().map_err(|error| failed(&error))?;
            (format!("the fleet over {}", fleet.server()), known.map(|known| of_fleet(&known)))
        }
        None => {
            let state = client.quota_state().unwrap_or_default();
            ("this host's file".to_owned(), Some(of_host(&state)))
        }
    };
    let mut out = io::stdout().lock();
    if args.json {
        let mut record = json!({ "source": source, "known": rows.is_some() });
        for (name, value) in rows.into_iter().flatten() {
            record[name] = value;
        }
        writeln!(out, "{record}")?;
        return Ok(());
    }
    writeln!(out, "{:<16}{source}", "source")?;
    let Some(rows) = rows else {
        writeln!(out, "nothing is known: nobody has used it in the last two windows")?;
        return Ok(());
    };
    for (name, value) in rows {
        let shown = match value {
            Value::Null => "unknown".to_owned(),
            value => value.to_string(),
        };
        writeln!(out, "{:<16}{shown}", name.replace('_', " "))?;
    }
    Ok(())
}

fn failed(error: &Error) -> Failure {
    call_failed(error)
}

type Rows = Vec<(&'static str, Value)>;

/// Times are seconds.
fn of_fleet(known: &FleetSnapshot) -> Rows {
    let limit = known.limit.or(known.learned_limit);
    vec![
        ("limit", json!(limit)),
        ("is_learned", json!(known.limit.is_none() && known.learned_limit.is_some())),
        ("used", json!(known.used)),
        ("remaining", json!(limit.map(|limit| limit.saturating_sub(known.used)))),
        ("reserved", json!(known.reserved)),
        ("token_limit", json!(known.token_limit)),
        ("tokens_used", json!(known.tokens_used)),
        ("members", json!(known.members)),
        ("window", seconds(Some(known.window))),
        ("reset_after", seconds(Some(known.reset_after))),
        ("latched_for", seconds(Some(known.latched_for.unwrap_or_default()))),
        ("age", seconds(Some(known.age))),
        ("idle", seconds(Some(known.idle))),
        ("clock_ahead", json!(known.clock_ahead.map(|(lo, _)| lo as f64 / 1000.0))),
    ]
}

fn of_host(state: &QuotaState) -> Rows {
    let used = state.limit.zip(state.remaining).map(|(limit, left)| limit.saturating_sub(left));
    vec![
        ("limit", json!(state.limit)),
        ("used", json!(used)),
        ("remaining", json!(state.remaining)),
        ("reset_after", seconds(state.reset_after)),
    ]
}

fn seconds(time: Option<Duration>) -> Value {
    json!(time.map(|time| time.as_millis() as f64 / 1000.0))
}
