//! `resayil sandbox`: a local imitation of the API.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use clap::Args;
use resayil_sandbox::{
    Behaviour, Builder, Fault, RateLimitHeaders, Sandbox, StartError, Tier, TlsKind, WireKind,
};
use serde_json::{Value, json};

use crate::calls::parse_seconds;
use crate::exit::{Exit, Failure};

/// Below the options.
const HELP: &str = "\
The first line of standard output is what a shell needs to use it:
  export RESAYIL_BASE_URL=http://127.0.0.1:PORT/v1 RESAYIL_API_KEY=...
with --json it is {\"base_url\", \"origin\", \"api_key\", \"pid\"}.

It listens on this machine alone, and ends by Ctrl-C or a request to end.

With --judge it says at its end, by what it has received, which mistakes the program made that called
it: retried_too_early, retried_terminal, storm, cut_stream_accepted, gave_up, no_timeout. A program
behind `--` is run with RESAYIL_BASE_URL, RESAYIL_API_KEY, OPENAI_BASE_URL and OPENAI_API_KEY in its
environment, and judged when it ends; if it ends with an exit code other than 0, it has told of a failure.

Example:
  resayil sandbox --limit 5 --window 10 --fault-rate 0.2
  resayil sandbox --judge --fault server_error --fault-rate 0.5 -- python my_program.py";

/// The faults that may be named.
fn faults() -> String {
    let api = Fault::NAMES.iter().filter_map(|name| name.parse::<Fault>().ok());
    let wire = WireKind::ALL.iter().map(|kind| Fault::Wire((*kind).into()));
    let lines = api.chain(wire).map(|fault| format!("  {:24} {}", fault.name(), fault.summary()));
    let head = "Faults, each with its parameters, for --fault, --script and URLs below /fault/NAME~PARAMETER=VALUE/v1:";
    [head.to_owned()].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

#[derive(Debug, Args)]
#[command(after_help = format!("{HELP}\n\n{}", faults()))]
pub(crate) struct SandboxArgs {
    /// The port on 127.0.0.1; 0 is any free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Whose errors it imitates: guide, pages or server
    #[arg(long, default_value = "server")]
    behaviour: Behaviour,
    /// The subscription: basic, starter, pro or enterprise; sets the limit
    #[arg(long, conflicts_with = "limit")]
    tier: Option<Tier>,
    /// Requests that a window admits
    #[arg(long, value_name = "REQUESTS", default_value_t = Builder::DEFAULT_LIMIT)]
    limit: u32,
    /// The length of a window
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, default_value = "60")]
    window: Duration,
    /// The share of admitted requests that fail, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    fault_rate: f64,
    /// The faults to draw from, as names or as JSON; may be repeated
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<Fault>,
    /// A file with a JSON list of faults for the first requests
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Decides which requests fail
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Credits of the account, one for each answer [default: unlimited]
    #[arg(long)]
    credits: Option<f64>,
    /// The time that an answer takes
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    latency: Option<Duration>,
    /// The time before each event of a stream
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    event_latency: Option<Duration>,
    /// How far its clock is ahead, in seconds; negative for behind
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0, allow_negative_numbers = true)]
    clock_offset: f64,
    /// Which answers have X-RateLimit headers: always, on_refusal or never
    #[arg(long, default_value = "on_refusal")]
    rate_limit_headers: RateLimitHeaders,
    /// A model to offer, instead of the usual three; may be repeated
    #[arg(long = "model", value_name = "NAME")]
    models: Vec<String>,
    /// Speak TLS on another port: good, expired, not_yet_valid, wrong_host, unknown_ca, client_cert,
    /// old_version, plain or cut_handshake. The first line names that port then
    #[arg(long, value_name = "HOW", requires = "ca_out")]
    tls: Option<TlsKind>,
    /// Where to write the certificate of the CA, as PEM
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca_out: Option<PathBuf>,
    /// Answer requests for the balance with a 500, as the service is known to do
    #[arg(long)]
    balance_fails: bool,
    /// Have tools and embeddings, as OpenAI's API does and LLM Resayil's does not
    #[arg(long)]
    openai_features: bool,
    /// End when standard input is closed, too: for a program that starts it
    #[arg(long)]
    until_stdin_closes: bool,
    /// Print the first line and the verdict as JSON
    #[arg(long)]
    json: bool,
    /// Say at the end which mistakes the program made that sent the requests; exit code 1 if there are any
    #[arg(long)]
    judge: bool,
    /// A program to run and to judge, and its arguments
    #[arg(last = true, value_name = "PROGRAM", requires = "judge", num_args = 1..)]
    program: Vec<OsString>,
}

pub(crate) fn run(args: &SandboxArgs) -> Result<Exit, Failure> {
    // Before the first line is printed, so that whoever reads it may end the process at once.
    let (sender, ended) = mpsc::channel();
    let on_signal = sender.clone();
    ctrlc::set_handler(move || {
        let _ = on_signal.send(());
    })
    .map_err(|error| {
        Failure::new(Exit::System, format_args!("signals cannot be handled: {error}"))
    })?;
    let sandbox = builder(args)?.start().map_err(|error| not_started(&error))?;
    if let (Some(path), Some(pem)) = (&args.ca_out, sandbox.ca_pem()) {
        std::fs::write(path, pem).map_err(|error| {
            let path = path.display();
            Failure::new(Exit::System, format_args!("{path} cannot be written: {error}"))
        })?;
    }
    let mut failed = false;
    if let Some((program, arguments)) = args.program.split_first() {
        failed = !run_program(program, arguments, &sandbox)?;
    } else {
        print_first_line(args, &sandbox)?;
        wait(args, sender, &ended);
    }
    let verdict = args.judge.then(|| sandbox.verdict(failed));
    sandbox.stop();
    let Some(verdict) = verdict else { return Ok(Exit::Success) };
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", json!(verdict))?;
    } else {
        writeln!(out, "{verdict}")?;
    }
    Ok(if verdict.is_good() { Exit::Success } else { Exit::Failed })
}

/// Waits until it is to end.
fn wait(args: &SandboxArgs, sender: mpsc::Sender<()>, ended: &mpsc::Receiver<()>) {
    if args.until_stdin_closes {
        std::thread::spawn(move || {
            let mut input = io::stdin().lock();
            while matches!(input.read(&mut [0; 1024]), Ok(count) if count > 0) {}
            let _ = sender.send(());
        });
        let _ = ended.recv();
    } else {
        let _ = ended.recv();
        drop(sender);
    }
}

/// Runs the program to its end, and says whether it ended well.
fn run_program(
    program: &OsStr,
    arguments: &[OsString],
    sandbox: &Sandbox,
) -> Result<bool, Failure> {
    let base_url = sandbox.tls_base_url().unwrap_or_else(|| sandbox.base_url());
    let mut command = Command::new(program);
    command.args(arguments);
    for name in ["RESAYIL", "OPENAI"] {
        command.env(format!("{name}_BASE_URL"), &base_url);
        command.env(format!("{name}_API_KEY"), sandbox.api_key());
    }
    let status = command.status().map_err(|error| {
        let program = program.to_string_lossy();
        Failure::new(Exit::Input, format_args!("{program} cannot be run: {error}"))
    })?;
    Ok(status.success())
}

fn builder(args: &SandboxArgs) -> Result<Builder, Failure> {
    let mut builder = Sandbox::builder()
        .port(args.port)
        .behaviour(args.behaviour)
        .limit(args.limit)
        .window(args.window)
        .fault_rate(args.fault_rate)
        .seed(args.seed)
        .credits(args.credits)
        .latency(args.latency.unwrap_or_default())
        .event_latency(args.event_latency.unwrap_or_default())
        .clock_offset(args.clock_offset)
        .rate_limit_headers(args.rate_limit_headers)
        .balance_fails(args.balance_fails)
        .openai_features(args.openai_features);
    if let Some(tier) = args.tier {
        builder = builder.tier(tier);
    }
    if !args.faults.is_empty() {
        builder = builder.faults(args.faults.clone());
    }
    if !args.models.is_empty() {
        builder = builder.models(args.models.iter().cloned());
    }
    if let Some(kind) = args.tls {
        builder = builder.tls(kind);
    }
    if let Some(path) = &args.script {
        builder = builder.script(read_script(path)?);
    }
    Ok(builder)
}

/// A JSON list of faults, each a name or an object.
fn read_script(path: &Path) -> Result<Vec<Fault>, Failure> {
    let unusable = |problem: String| {
        Failure::new(Exit::Input, format_args!("{} {problem}", path.display())).hint(
            "it has to be a JSON list of faults, such as \
             [\"drop\", {\"fault\": \"rate_limited\", \"retry_after\": 2}]",
        )
    };
    let text = std::fs::read(path).map_err(|error| unusable(format!("cannot be read: {error}")))?;
    let list: Vec<Value> = serde_json::from_slice(&text)
        .map_err(|error| unusable(format!("is no JSON list (line {})", error.line())))?;
    let fault = |(index, fault): (usize, &Value)| {
        let text = fault.as_str().map_or_else(|| fault.to_string(), str::to_owned);
        text.parse()
            .map_err(|error| unusable(format!("has a bad fault number {}: {error}", index + 1)))
    };
    list.iter().enumerate().map(fault).collect()
}

fn not_started(error: &StartError) -> Failure {
    match error {
        StartError::InvalidOption { .. } => {
            Failure::new(Exit::Usage, error).hint("see `resayil sandbox --help` for the options")
        }
        StartError::PortInUse { .. } => {
            Failure::new(Exit::System, error).hint("choose another --port, or 0 for any free one")
        }
        error => Failure::new(Exit::System, error),
    }
}

fn print_first_line(args: &SandboxArgs, sandbox: &Sandbox) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let base_url = sandbox.tls_base_url().unwrap_or_else(|| sandbox.base_url());
    if args.json {
        let line = json!({
            "base_url": base_url,
            "origin": sandbox.origin(),
            "api_key": sandbox.api_key(),
            "pid": std::process::id(),
        });
        writeln!(out, "{line}")?;
    } else {
        writeln!(
            out,
            "export RESAYIL_BASE_URL={} RESAYIL_API_KEY={}",
            base_url,
            sandbox.api_key()
        )?;
    }
    out.flush()
}
