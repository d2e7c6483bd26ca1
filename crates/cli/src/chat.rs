//! `resayil chat`: one question, one answer.

use std::io::{self, Read, Write};

use clap::Args;
use resayil::{CallOptions, CancelToken, ChatRequest, Client, Error, Kind, Policy};

use crate::calls::{ClientArgs, call_failed, cancel_at_once_on_signal};
use crate::exit::{Exit, Failure};
use crate::told::Told;

/// The largest prompt that is read from standard input, in bytes.
const MAX_PROMPT_BYTES: u64 = 64 * 1024 * 1024;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  RESAYIL_API_KEY=... resayil chat --model llama3.2:3b 'What is a quota?'
  resayil chat --stream --system 'Summarise in one sentence.' - < letter.txt

What it waits for, and why, is told on standard error. The first Ctrl-C ends the call at once, and leaves
what came of a stream.")]
pub(crate) struct ChatArgs {
    /// What to say to the model; `-` is standard input
    prompt: String,
    /// The model, instead of RESAYIL_MODEL or the first that the service lists
    #[arg(long)]
    model: Option<String>,
    /// Instructions to the model
    #[arg(long)]
    system: Option<String>,
    /// Print the answer as it comes
    #[arg(long)]
    stream: bool,
    /// Print the answer, or the error record, as JSON; with --stream one event a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    client: ClientArgs,
}

pub(crate) fn run(args: &ChatArgs) -> Result<(), Failure> {
    let client = args.client.build(Policy::default(), Told::Waits)?;
    let prompt = read_prompt(&args.prompt)?;
    let token = CancelToken::new();
    cancel_at_once_on_signal(&token)?;
    let options = args.client.call_options().cancel(token);
    let ask = || -> Result<(), Ended> {
        let mut request = ChatRequest::new(&model(args, &client)?);
        if let Some(system) = &args.system {
            request = request.system(system);
        }
        let request = request.user(&prompt);
        if args.stream {
            return stream(args, &client, &request, &options);
        }
        let answer = client.chat_with(&request, &options)?;
        let text = if args.json { answer.json().trim_end() } else { answer.content() };
        Ok(writeln!(io::stdout(), "{text}")?)
    };
    match ask() {
        Ok(()) => Ok(()),
        Err(Ended::Output(error)) => Err(error.into()),
        Err(Ended::Call(error)) => Err(call_failed(&error)),
    }
}

/// Why there is no answer.
enum Ended {
    Call(Error),
    Output(io::Error),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Ended::Call(error)
    }
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Ended::Output(error)
    }
}

fn stream(
    args: &ChatArgs,
    client: &Client,
    request: &ChatRequest,
    options: &CallOptions,
) -> Result<(), Ended> {
    let mut stream = client.chat_stream_with(request, options)?;
    let mut out = io::stdout().lock();
    let mut shown = false;
    while let Some(event) = stream.next_event() {
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                // What came so far stands on a line of its own.
                if shown {
                    writeln!(out)?;
                }
                return Err(error.into());
            }
        };
        if args.json {
            writeln!(out, "{}", event.data())?;
        } else {
            write!(out, "{}", event.text())?;
            shown |= !event.text().is_empty();
        }
        out.flush()?;
    }
    if !args.json {
        writeln!(out)?;
    }
    Ok(())
}

fn model(args: &ChatArgs, client: &Client) -> Result<String, Error> {
    let named = args.model.clone().or_else(|| std::env::var("RESAYIL_MODEL").ok());
    if let Some(model) = named.filter(|model| !model.is_empty()) {
        return Ok(model);
    }
    let first = client.models()?.into_iter().next().map(|model| model.id);
    first.ok_or_else(|| {
        Error::new(Kind::Configuration, "the service lists no models: name one by --model")
    })
}

fn read_prompt(prompt: &str) -> Result<String, Failure> {
    if prompt != "-" {
        return Ok(prompt.to_owned());
    }
    let unreadable = |error: io::Error| {
        Failure::new(Exit::Input, format_args!("cannot read standard input: {error}"))
    };
    let mut text = String::new();
    let mut input = io::stdin().lock().take(MAX_PROMPT_BYTES + 1);
    let count = input.read_to_string(&mut text).map_err(unreadable)?;
    if count as u64 > MAX_PROMPT_BYTES {
        return Err(Failure::new(
            Exit::Input,
            format_args!("the prompt is larger than {MAX_PROMPT_BYTES} bytes"),
        ));
    }
    Ok(text)
}
