//! `resayil explain`: what an answer means.

mod about;
mod answer;
mod captured;
mod case;
mod http_dump;
mod jsonl;
mod log_line;
mod report;
mod sdk_text;
mod verbose;

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use resayil::messages::Messages;
use resayil::{Provider, Timestamp};

use about::Subject;
use answer::{Answer, Content, Outcome};
use captured::Captured;

use crate::exit::{Exit, Failure};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  curl -si https://llmapi.resayil.io/v1/models | resayil explain
  curl -siN ... | resayil explain            (a stream; `curl -v ... 2>&1` will do, too)
  resayil explain --status 429 --header 'Retry-After: 20' body.json
  echo \"Error code: 429 - {'error': ...}\" | resayil explain
  tail -n 1 calls.log | resayil explain      (JSON with `status` and `body`)
  resayil explain 429
  resayil explain --jsonl < cases.jsonl

A case of --jsonl is one object a line: id, status, headers (an object or a list of pairs), body
(text) or body_b64 or stream (text), and if wanted now (Unix seconds) and provider. Each gives one
line. One that is no case gives {\"id\", \"kind\": \"configuration\", \"message\": \"line 7 ...\", ...},
and makes the exit code 3.

Exit codes (but of --jsonl, which ends with 0 when all lines were cases):
  0   it is a success
  10  it is an error, and another try of the same request may succeed
  11  it is an error, and another try would not help
  2   the command line is wrong, or the status is not known
  3   the input cannot be read")]
pub(crate) struct ExplainArgs {
    /// The answer: a body, what `curl -i` or `curl -v` prints, an exception's text, a line of a log.
    /// `-` is standard input. Or a status or a kind of error, to be told about it
    #[arg(default_value = "-")]
    file: PathBuf,
    /// The HTTP status, if the input does not begin with a status line
    #[arg(long, value_parser = clap::value_parser!(u16).range(100..=999))]
    status: Option<u16>,
    /// A header of the answer, as `Name: value`; may be repeated
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE", value_parser = http_dump::parse_header)]
    headers: Vec<(String, String)>,
    /// Whose answer it is, instead of recognising it
    #[arg(long, value_parser = parse_provider, default_value = "auto")]
    provider: ProviderArg,
    /// When the answer arrived, in seconds since 1970, instead of now
    #[arg(long, value_name = "UNIX SECONDS")]
    now: Option<f64>,
    /// The language of the user message and the advice: en or ar
    #[arg(long, value_parser = parse_language, default_value = "en")]
    language: Language,
    /// Print the error record as JSON
    #[arg(long)]
    json: bool,
    /// Read one case a line, and print one record a line
    #[arg(long, conflicts_with_all = ["status", "headers"])]
    jsonl: bool,
}

/// A provider, or `auto` to recognise it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProviderArg(pub(crate) Option<Provider>);

pub(crate) fn parse_provider(name: &str) -> Result<ProviderArg, String> {
    match name {
        "auto" => Ok(ProviderArg(None)),
        name => name
            .parse()
            .map(|provider| ProviderArg(Some(provider)))
            .map_err(|error| format!("{error}, auto")),
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Language(pub(crate) &'static Messages);

pub(crate) fn parse_language(tag: &str) -> Result<Language, String> {
    Messages::of_language(tag)
        .map(Language)
        .ok_or_else(|| format!("unknown language {tag:?}; known are en, ar"))
}

pub(crate) fn run(args: &ExplainArgs) -> Result<Exit, Failure> {
    let now = args.now.map_or_else(|| SystemTime::now().into(), Timestamp::from_unix_seconds_f64);
    if args.jsonl {
        return jsonl::run(args, now).map(|()| Exit::Success);
    }
    if let Some(subject) = Subject::parse(args.file.as_os_str()) {
        return about::print(args, &subject, now);
    }
    let captured = Captured::read(&read_input(args)?);
    let (status, outcome) = explain(args, captured, now)?;
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", outcome.to_json(args.language.0))?;
    } else if let Some(error) = &outcome.error {
        out.write_all(report::text(error, args.language.0).as_bytes())?;
        if let Some(stream) = &outcome.stream {
            let count = stream.partial_text.chars().count();
            writeln!(out, "{:>10}  {count} characters of the answer", "delivered")?;
        }
    } else {
        let what = if outcome.stream.is_some() { "a stream that is complete" } else { "a success" };
        writeln!(out, "This is {what} ({status}).")?;
    }
    Ok(outcome.exit())
}

/// What was captured means this, under that status.
fn explain(
    args: &ExplainArgs,
    captured: Captured,
    now: Timestamp,
) -> Result<(u16, Outcome), Failure> {
    let status = args.status.or(captured.status);
    let mut answer = Answer {
        status: status.unwrap_or(200),
        headers: [&captured.headers[..], &args.headers[..]].concat(),
        content: Content::Body(Vec::new()),
    };
    let captured = Captured { headers: answer.headers.clone(), ..captured };
    let is_stream = captured.is_stream();
    answer.content = match is_stream {
        true => Content::Stream(captured.body),
        false => Content::Body(captured.body),
    };
    let outcome = answer.read(args.provider.0, now);
    // What is an error even under a success needs no status.
    let names_itself = outcome.error.as_ref().is_some_and(|error| {
        is_stream
            || error.kind() != resayil::Kind::Protocol && error.kind() != resayil::Kind::Unknown
    });
    if status.is_none() && !is_stream && !names_itself {
        return Err(Failure::new(Exit::Usage, "the status of the answer is not known")
            .hint("give --status, or pipe what `curl -i` prints"));
    }
    Ok((answer.status, outcome))
}

/// No more than this is read of one answer, in bytes.
const MAX_INPUT_BYTES: u64 = 64 * 1024 * 1024;

fn read_input(args: &ExplainArgs) -> Result<Vec<u8>, Failure> {
    let mut input = Vec::new();
    let count = open(args)?
        .take(MAX_INPUT_BYTES + 1)
        .read_to_end(&mut input)
        .map_err(|error| unreadable(args, &error))?;
    if count as u64 > MAX_INPUT_BYTES {
        return Err(Failure::new(
            Exit::Input,
            format_args!("the input is larger than {MAX_INPUT_BYTES} bytes"),
        ));
    }
    Ok(input)
}

/// The input, as messages name it.
fn name(args: &ExplainArgs) -> std::borrow::Cow<'_, str> {
    if args.file.as_os_str() == "-" { "standard input".into() } else { args.file.to_string_lossy() }
}

fn open(args: &ExplainArgs) -> Result<Box<dyn Read>, Failure> {
    if args.file.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = std::fs::File::open(&args.file).map_err(|error| unreadable(args, &error))?;
    Ok(Box::new(file))
}

fn unreadable(args: &ExplainArgs, error: &io::Error) -> Failure {
    Failure::new(Exit::Input, format_args!("cannot read {}: {error}", name(args)))
        .hint("name a file that exists, or pipe the answer in")
}
