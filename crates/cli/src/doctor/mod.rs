//! `resayil doctor`: why do calls fail here? The guide's checklist, carried out.

mod findings;
mod local;
mod nearest;
mod remote;
mod request;

use std::io;
use std::path::PathBuf;

use clap::Args;
use resayil::Client;

use crate::calls::ClientArgs;
use crate::exit::{Exit, Failure};

use findings::Findings;

#[derive(Debug, Args)]
#[command(after_help = "\
It looks at the key, the address, proxies, time-outs, the name, the connection with its certificates,
the clock, the account and its credits, the model, a request, and makes one short call. The first
problem that it names is the one to mend. The key is never shown.

Examples:
  resayil doctor
  resayil doctor --model llama3.2:3b --request request.json
  resayil doctor --no-call --json")]
pub(crate) struct DoctorArgs {
    /// The model that your program uses, instead of RESAYIL_MODEL
    #[arg(long)]
    model: Option<String>,
    /// A request of your program as JSON, whose parameters are checked and which is sent
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
    /// Send no chat completion: it costs a token or two
    #[arg(long)]
    no_call: bool,
    /// Print what was found as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    client: ClientArgs,
}

pub(crate) fn run(args: &DoctorArgs) -> Result<Exit, Failure> {
    let mut findings = Findings::default();
    examine(args, &mut findings);
    let mut out = io::stdout().lock();
    if args.json {
        io::Write::write_fmt(&mut out, format_args!("{}\n", findings.json()))?;
    } else {
        findings.print(&mut out)?;
    }
    Ok(if findings.has_problem() { Exit::Failed } else { Exit::Success })
}

fn examine(args: &DoctorArgs, findings: &mut Findings) {
    local::key(&args.client, findings);
    local::proxy(findings);
    local::timeouts(&args.client, findings);
    let request = args.request.as_ref().map(|path| request::read(path, findings));
    if findings.has_problem() {
        return findings.skipped("service", "not asked: mend the problem first");
    }
    let Some(client) = local::client(&args.client, findings) else { return };
    ask(args, &client, request.flatten().as_ref(), findings);
}

/// The checks that need the service.
fn ask(
    args: &DoctorArgs,
    client: &Client,
    request: Option<&serde_json::Value>,
    findings: &mut Findings,
) {
    if local::has_proxy() {
        findings.skipped("name", "a proxy may look it up");
    } else if !remote::name(client, findings) {
        return;
    }
    let Some(service) = remote::service(client, findings) else { return };
    remote::credits(client, findings);
    let of_request = request.and_then(|it| it.get("model")?.as_str().map(str::to_owned));
    let named = of_request
        .or_else(|| args.model.clone())
        .or_else(|| std::env::var("RESAYIL_MODEL").ok())
        .filter(|model| !model.is_empty());
    let model = remote::model(named.as_deref(), &service, findings);
    if args.no_call {
        return findings.skipped("call", "not made, as you asked");
    }
    match model {
        Some(model) if !findings.has_problem() => remote::call(client, &model, request, findings),
        _ => findings.skipped("call", "not made"),
    }
}
