//! `resayil batch`: many requests, as fast as the quota allows, none lost, and none asked
//! twice but what was under way when a run was killed: that is sent again with the same idempotency key.

mod engine;
mod estimate;
mod feed;
mod ids;
mod input;
mod key;
mod line;
mod output;
mod progress;
mod queue;
mod record;
mod report;
mod summary;
mod tally;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use clap::Args;
use resayil::{CancelToken, Client, Policy};

pub(crate) use engine::{Job, Outcome, run as carry_out};
pub(crate) use input::Source;
pub(crate) use output::Target;
pub(crate) use progress::Display;
pub(crate) use report::{Data, Recorder};
pub(crate) use summary::Summary;

use crate::calls::{ClientArgs, call_failed, cancel_on_signal};
use crate::exit::{Exit, Failure};
use crate::told::Told;

#[derive(Debug, Args)]
#[command(after_help = "\
The input has one request a line, as for OpenAI's Batch API:
  {\"custom_id\": \"1\", \"method\": \"POST\", \"url\": \"/v1/chat/completions\", \"body\": {...}}
The url is taken below the base URL. A file is checked whole before anything is sent, and its first 20
bad lines are named; of a pipe (`-`) each bad line gets an error in the output, and the rest is sent.

The output gets one line for each request, in the order of the answers:
  {\"id\", \"custom_id\", \"response\": {\"status_code\", \"request_id\", \"body\"}, \"error\": null}
For a request that failed, error is the error record.

A run that was interrupted, or killed, is continued by the same command: what has a line in the
output is not asked again. That holds for failures, too, unless --retry-failed is given: then their
lines are taken out, and they are asked again. Failures that concern all requests (a bad key, no
credits, a service that is down) end the run and leave no lines.

What was under way when a run was killed has no line yet, and is sent again with the same idempotency
key, made of custom_id, body and the output's path, or --batch-id: only a service that knows such keys does not
carry it out, and charge for it, twice.

A first Ctrl-C lets the answers that are under way come in; a second one gives them up.

Examples:
  RESAYIL_API_KEY=... resayil batch prompts.jsonl -o answers.jsonl --limit 30
  resayil batch prompts.jsonl -o answers.jsonl --report report.html
  make-prompts | resayil batch - -o - | jq -r .response.body.choices[0].message.content

On another machine: take input and output along, and give the same --batch-id on both.")]
pub(crate) struct BatchArgs {
    /// The requests: JSONL; `-` is standard input
    input: PathBuf,
    /// Where the results go: JSONL; `-` is standard output. An existing file is continued
    #[arg(long, short)]
    output: PathBuf,
    /// Calls at once
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
    /// What makes this batch's idempotency keys, instead of the output's path: with the same one another
    /// machine can go on
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    batch_id: Option<String>,
    /// Ask again what failed in earlier runs
    #[arg(long)]
    retry_failed: bool,
    /// Force each result to the disk before the next, so that a power cut loses none
    #[arg(long)]
    fsync: bool,
    /// Write a page to look at: what happened when, how long it took, what failed; one file, replaced whole
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Print a summary as JSON, with all that the report shows
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    client: ClientArgs,
}

pub(crate) fn run(args: &BatchArgs) -> Result<(), Failure> {
    let target = Target::of(&args.output);
    if target == Target::Pipe {
        let bad = if args.json {
            Some("--json prints its summary where `-o -` prints the results")
        } else if args.retry_failed {
            Some("--retry-failed takes failures out of a file, and `-o -` is none")
        } else {
            None
        };
        if let Some(problem) = bad {
            return Err(Failure::new(Exit::Usage, problem).hint("name a file for the results"));
        }
    }
    let source = Source::of(&args.input);
    if let Some(report) = &args.report {
        report::check(report, &source, &target)?;
    }
    let recorder = Arc::new(Recorder::new());
    let observer = Arc::clone(&recorder);
    let builder = args.client.apply(Client::builder(), Policy::patient())?;
    let client = args.client.open(builder, Told::Warnings, move |event| observer.observe(event))?;
    let token = CancelToken::new();
    cancel_on_signal(
        &token,
        "stopping; answers that are under way are taken in (again Ctrl-C gives them up)",
    )?;
    let job = Job {
        source,
        target,
        batch_id: args.batch_id.clone(),
        concurrency: args.concurrency,
        retry_failed: args.retry_failed,
        fsync: args.fsync,
        window: args.client.known_window(&client),
        display: Display::of(args.client.told, false),
        recorder,
        calls: args.client.call_options(),
    };
    let started = SystemTime::now();
    let outcome = carry_out(&job, &client, &token)?;
    let summary = Summary::new(&outcome, &client, &job, started);
    let written = match &args.report {
        Some(report) => summary.write_report(report),
        None => Ok(()),
    };
    if args.json {
        println!("{}", summary.json());
    } else if job.display != Display::Quiet {
        eprintln!("{}", summary.text());
        if let Some(report) = args.report.as_ref().filter(|_| written.is_ok()) {
            eprintln!("report in {}", report.display());
        }
    }
    ending(&outcome).and(written).map_err(Failure::in_output)
}

/// The exit code that the outcome stands for.
pub(crate) fn ending(outcome: &Outcome) -> Result<(), Failure> {
    if let Some(error) = &outcome.stopped_by {
        return Err(call_failed(error).hint(format_args!(
            "{} {} requests are open: run the same command again to go on",
            error.advice().first().map_or("", |step| step.as_ref()),
            outcome.open()
        )));
    }
    if outcome.interrupted {
        let problem = match outcome.open() {
            0 => "interrupted before the end of the input".to_owned(),
            open => format!("interrupted; {open} requests are open"),
        };
        return Err(
            Failure::new(Exit::Interrupted, problem).hint("run the same command again to go on")
        );
    }
    if outcome.failed > 0 {
        return Err(Failure::new(
            Exit::Failed,
            format_args!("{} of {} requests failed", outcome.failed, outcome.total),
        )
        .hint("their lines in the output say why; --retry-failed asks them again"));
    }
    Ok(())
}
