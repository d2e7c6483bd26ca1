//! `resayil balance`: the account's tier and credits.

use std::io::{self, Write};

use clap::Args;
use resayil::Policy;
use serde_json::json;

use crate::calls::{ClientArgs, call_failed};
use crate::exit::Failure;
use crate::told::Told;

#[derive(Debug, Args)]
#[command(after_help = "LLM Resayil's own page; other services have none that is known.")]
pub(crate) struct BalanceArgs {
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    client: ClientArgs,
}

pub(crate) fn run(args: &BalanceArgs) -> Result<(), Failure> {
    let client = args.client.build(Policy::default(), Told::Waits)?;
    let mut out = io::stdout().lock();
    let balance = client.balance().map_err(|error| call_failed(&error))?;
    if args.json {
        let record = json!({
            "tier": balance.tier,
            "status": balance.status,
            "expires_at": balance.expires_at,
            "credits": balance.credits,
        });
        writeln!(out, "{record}")?;
        return Ok(());
    }
    let unknown = || "unknown".to_owned();
    writeln!(out, "credits     {}", balance.credits.map_or_else(unknown, |it| it.to_string()))?;
    writeln!(out, "tier        {}", balance.tier.unwrap_or_else(unknown))?;
    writeln!(out, "status      {}", balance.status.unwrap_or_else(unknown))?;
    writeln!(out, "expires at  {}", balance.expires_at.unwrap_or_else(unknown))?;
    Ok(())
}
