//! `resayil demo`: the main job, on a sandbox that misbehaves, checked by the sandbox's own log.

mod audit;
mod guide;
mod least;
mod report;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use clap::Args;
use resayil::observe::CallEvent;
use resayil::quota::QuotaOptions;
use resayil::{CancelToken, Client, Policy, Provider};
use resayil_sandbox::{Behaviour, LogEntry, Sandbox};

use crate::batch::{self, Data, Display, Job, Outcome, Recorder, Source, Summary, Target};
use crate::calls::{ClientArgs, cancel_on_signal};
use crate::exit::{Exit, Failure};
use crate::explain::{Language, parse_language};
use crate::told::Told;

use audit::Audit;
use least::{Load, least_time};
use report::Report;

/// The prompts: a batch in the format of OpenAI's Batch API.
const PROMPTS: &str = include_str!("../../data/prompts.jsonl");
/// The model that the prompts name.
const MODEL: &str = "llama3.2:3b";

/// Requests that a window of the sandbox admits.
const LIMIT: u32 = 20;
/// The length of its windows.
const WINDOW: Duration = Duration::from_secs(3);
/// The share of its answers that fail.
const FAULT_RATE: f64 = 0.05;
/// How long its answers take.
const LATENCY: Duration = Duration::from_millis(50);

#[derive(Debug, Args)]
#[command(after_help = "\
Without --base-url it starts a sandbox on this machine: a quota of 20 requests in windows of 3
seconds, 5 % of answers failing (500, 503, HTML 502, dropped connections). The limit is learned
unless --limit tells it. It begins when at least half a second of a window is left, and exits with 0
only if the sandbox's log has each prompt answered once.

With --base-url, and a key in RESAYIL_API_KEY, the same batch runs on that API; the results stay in
the output, and an interrupted run goes on where it was.")]
pub(crate) struct DemoArgs {
    /// Calls at once
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
    /// Decides which of the sandbox's answers fail; with the default it is 11 of 211
    #[arg(long, default_value_t = 16)]
    seed: u64,
    /// Where the answers go [default: nowhere; with --base-url demo-answers.jsonl]
    #[arg(long, short)]
    output: Option<PathBuf>,
    /// Where a page about it is written [default: resayil-demo-report.html among the temporary files; with
    /// --json nowhere]
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// The model to ask, instead of the one that the prompts name
    #[arg(long)]
    model: Option<String>,
    /// The language of what users are told: en or ar
    #[arg(long, value_parser = parse_language, default_value = "en")]
    language: Language,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    client: ClientArgs,
}

pub(crate) fn run(args: &DemoArgs) -> Result<(), Failure> {
    let folder = tempfile::tempdir().map_err(|error| {
        Failure::new(Exit::System, format_args!("a temporary folder cannot be made: {error}"))
    })?;
    let input = folder.path().join("prompts.jsonl");
    std::fs::write(&input, prompts(args.model.as_deref()))?;
    let token = CancelToken::new();
    cancel_on_signal(&token, "stopping (again Ctrl-C gives up what is under way)")?;
    let report = if args.client.base_url.is_some() {
        on_api(args, &input, &token)?
    } else {
        on_sandbox(args, &input, folder.path(), &token)?
    };
    let errors = guide::meet_all()?;
    if args.json {
        println!("{}", report.json(&errors, args.language.0));
    } else {
        print!("{}", report.text());
        println!("\nThe errors of the guide, and what to say about them:\n");
        print!("{}", guide::text(&errors, args.language.0));
    }
    batch::ending(&report.outcome).map_err(Failure::in_output)?;
    match &report.checked {
        Some(checked) if !checked.audit.is_clean() => Err(Failure::new(
            Exit::Failed,
            "the sandbox's log does not have each prompt answered exactly once",
        )
        .in_output()),
        _ => Ok(()),
    }
}

/// The batch on a real API.
fn on_api(args: &DemoArgs, input: &Path, token: &CancelToken) -> Result<Report, Failure> {
    let recorder = Arc::new(Recorder::new());
    let builder = args.client.apply(Client::builder(), Policy::patient())?;
    let client = args.client.open(builder, Told::Warnings, observer_of(&recorder))?;
    let output = args.output.clone().unwrap_or_else(|| PathBuf::from("demo-answers.jsonl"));
    let window = args.client.known_window(&client);
    let (outcome, recorded) = carry_out(args, input, output, window, &client, token, recorder)?;
    Ok(Report {
        outcome,
        stats: client.stats(),
        causes: causes(&recorded),
        concurrency: args.concurrency,
        checked: None,
    })
}

/// The batch on a sandbox, and what the sandbox's log says of it.
fn on_sandbox(
    args: &DemoArgs,
    input: &Path,
    folder: &Path,
    token: &CancelToken,
) -> Result<Report, Failure> {
    let sandbox = Sandbox::builder()
        .behaviour(Behaviour::Server)
        .limit(LIMIT)
        .window(WINDOW)
        .fault_rate(FAULT_RATE)
        .seed(args.seed)
        .latency(LATENCY)
        .models(args.model.iter().map(String::as_str).chain([MODEL]))
        .start()
        .map_err(|error| Failure::new(Exit::System, error))?;
    if !is_quiet(args) {
        eprintln!(
            "A sandbox at {}: {LIMIT} requests in {} s, {} % of answers fail.",
            sandbox.origin(),
            WINDOW.as_secs(),
            FAULT_RATE * 100.0
        );
    }
    let recorder = Arc::new(Recorder::new());
    let window = args.client.window.unwrap_or(WINDOW);
    let quota = QuotaOptions::default().with_limit(args.client.limit).with_window(window);
    let builder = args
        .client
        .apply(Client::builder(), Policy::patient())?
        .base_url(&sandbox.base_url())
        .api_key(sandbox.api_key())
        .provider(args.client.provider.0.or(Some(Provider::Resayil)))
        .quota_options(quota);
    let client = args.client.open(builder, Told::Warnings, observer_of(&recorder))?;

    let output = args.output.clone().unwrap_or_else(|| folder.join("answers.jsonl"));
    wait_for_fair_start(&sandbox);
    let (outcome, recorded) =
        carry_out(args, input, output, Some(window), &client, token, recorder)?;
    let log = finished_log(&sandbox);
    let audit = Audit::of(&log, &questions());
    let start = log.first().map_or(0.0, |entry| entry.server_time);
    let least = least_time(&Load {
        admitted: audit.admitted,
        limit: LIMIT.into(),
        window: WINDOW,
        start: Duration::try_from_secs_f64(start).unwrap_or_default(),
        latency: LATENCY,
    });
    Ok(Report {
        outcome,
        stats: client.stats(),
        causes: causes(&recorded),
        concurrency: args.concurrency,
        checked: Some(report::Checked { audit, least }),
    })
}

fn carry_out(
    args: &DemoArgs,
    input: &Path,
    output: PathBuf,
    window: Option<Duration>,
    client: &Client,
    token: &CancelToken,
    recorder: Arc<Recorder>,
) -> Result<(Outcome, Data), Failure> {
    let job = Job {
        source: Source::File(input.to_owned()),
        target: Target::File(output),
        batch_id: None,
        concurrency: args.concurrency,
        retry_failed: false,
        fsync: false,
        window,
        display: Display::of(args.client.told, args.json),
        recorder,
        calls: args.client.call_options(),
    };
    let started = SystemTime::now();
    let outcome = batch::carry_out(&job, client, token)?;
    let summary = Summary::new(&outcome, client, &job, started);
    show_report(args, &summary)?;
    let data = summary.into_data();
    Ok((outcome, data))
}

fn is_quiet(args: &DemoArgs) -> bool {
    args.json || args.client.told.quiet
}

/// Writes the page where it is wanted, and else where it is in nobody's way.
fn show_report(args: &DemoArgs, summary: &Summary<'_>) -> Result<(), Failure> {
    let (path, is_wanted) = match &args.report {
        Some(path) => (path.clone(), true),
        None if args.json => return Ok(()),
        None => (std::env::temp_dir().join("resayil-demo-report.html"), false),
    };
    match summary.write_report(&path) {
        Err(failure) if is_wanted => return Err(failure),
        // Another user's is there, for one.
        Err(_) => {}
        Ok(()) if is_quiet(args) => {}
        Ok(()) => eprintln!("A page about it: {}", path.display()),
    }
    Ok(())
}

/// Tells the recorder what happens.
fn observer_of(recorder: &Arc<Recorder>) -> impl Fn(&CallEvent<'_>) + Send + Sync + use<> {
    let recorder = Arc::clone(recorder);
    move |event| recorder.observe(event)
}

/// What retries followed from: a status and a kind, and how often.
fn causes(data: &Data) -> BTreeMap<String, u64> {
    let mut causes = BTreeMap::new();
    for retry in data.retries() {
        *causes.entry(retry.cause.clone()).or_default() += retry.count;
    }
    causes
}

/// The batch, asking this model.
fn prompts(model: Option<&str>) -> String {
    match model {
        None => PROMPTS.to_owned(),
        Some(model) => {
            let named = |model: &str| format!("\"model\": {}", serde_json::Value::from(model));
            PROMPTS.replace(&named(MODEL), &named(model))
        }
    }
}

/// The prompts' texts.
fn questions() -> Vec<String> {
    let text = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        line["body"]["messages"][0]["content"].as_str().map(str::to_owned)
    };
    PROMPTS.lines().filter_map(text).collect()
}

/// Waits for the next window if this one is nearly over: there would be no time to use it up, and
/// the limit would be learned in the window after it. So runs can be compared.
fn wait_for_fair_start(sandbox: &Sandbox) {
    const ENOUGH: f64 = 0.5;
    let length = WINDOW.as_secs_f64();
    let left = length - sandbox.state().server_time.rem_euclid(length);
    if left < ENOUGH {
        std::thread::sleep(Duration::from_secs_f64(left));
    }
}

/// The log when the server is done with all requests; it is done within moments.
fn finished_log(sandbox: &Sandbox) -> Vec<LogEntry> {
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        let log = sandbox.log();
        if log.iter().all(|entry| entry.finished) || Instant::now() > end {
            return log;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn there_are_200_different_prompts() {
        let questions = questions();
        assert_eq!(questions.len(), 200);
        assert_eq!(questions.iter().collect::<BTreeSet<_>>().len(), 200);
        assert!(questions.iter().all(|text| text.trim() == text && !text.is_empty()));
        let arabic = |text: &&String| text.chars().any(|c| ('\u{600}'..='\u{6ff}').contains(&c));
        assert!(questions.iter().filter(arabic).count() >= 50);
    }

    #[test]
    fn the_model_can_be_another() {
        let text = prompts(Some("a \"b\""));
        assert!(!text.contains(MODEL));
        let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(first["body"]["model"], "a \"b\"");
    }
}
