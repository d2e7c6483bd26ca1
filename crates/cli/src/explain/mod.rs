//! `resayil explain`: what an answer means.

mod case;
mod http_dump;
mod jsonl;
mod report;

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use resayil::{Classifier, Messages, Provider, Timestamp};

use crate::exit::{Exit, Failure};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  curl -si https://llmapi.resayil.io/v1/models | resayil explain
  resayil explain --status 429 --header 'Retry-After: 20' body.json
  resayil explain --jsonl < cases.jsonl

A case of --jsonl is one object a line: id, status, headers (an object or a list of pairs), body
(text) or body_b64 or stream (text), and if wanted now (Unix seconds) and provider. Each gives one
line. One that is no case gives {\"id\", \"kind\": \"configuration\", \"message\": \"line 7 ...\", ...},
and makes the exit code 3.")]
pub(crate) struct ExplainArgs {
    /// The answer: a body, or what `curl -i` prints. `-` is standard input
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

pub(crate) fn run(args: &ExplainArgs) -> Result<(), Failure> {
    let now = args.now.map_or_else(|| SystemTime::now().into(), Timestamp::from_unix_seconds_f64);
    if args.jsonl {
        return jsonl::run(args, now);
    }
    let input = read_input(args)?;
    let dump = http_dump::parse(&input);
    let status = args.status.or(dump.status).ok_or_else(|| {
        Failure::new(Exit::Usage, "the status of the answer is not known")
            .hint("give --status, or pipe what `curl -i` prints")
    })?;
    let headers = [&dump.headers[..], &args.headers[..]].concat();
    let result =
        Classifier::new().provider(args.provider.0).classify(status, &headers, dump.body, now);
    let mut out = io::stdout().lock();
    match result {
        Ok(()) if args.json => writeln!(out, "{{\"ok\": true}}")?,
        Ok(()) => writeln!(out, "This is a success ({status}).")?,
        Err(error) if args.json => writeln!(out, "{}", error.to_json_in(args.language.0))?,
        Err(error) => out.write_all(report::text(&error, args.language.0).as_bytes())?,
    }
    Ok(())
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
