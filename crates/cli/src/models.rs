//! `resayil models`: what the service has.

use std::io::{self, Write};

use clap::Args;
use resayil::Policy;
use serde_json::json;

use crate::calls::{ClientArgs, call_failed};
use crate::exit::Failure;
use crate::told::Told;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  resayil models
  resayil models --json | jq -r '.[].id'")]
pub(crate) struct ModelsArgs {
    /// Print the list as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    client: ClientArgs,
}

pub(crate) fn run(args: &ModelsArgs) -> Result<(), Failure> {
    let client = args.client.build(Policy::default(), Told::Waits)?;
    let mut out = io::stdout().lock();
    let models = client.models().map_err(|error| call_failed(&error))?;
    if args.json {
        let list = models.iter().map(
            |model| json!({"id": model.id, "created": model.created, "owned_by": model.owned_by}),
        );
        writeln!(out, "{}", json!(list.collect::<Vec<_>>()))?;
    } else {
        for model in models {
            writeln!(out, "{}", model.id)?;
        }
    }
    Ok(())
}
