//! A bad command line, told as every other failure: one line, a hint, and the exit code.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};
use resayil::{Error, Kind};

use crate::args::Args;
use crate::exit::{Exit, Failure};

/// Reads the command line. None when help or version were asked for, and are printed.
pub(crate) fn parse(arguments: &[OsString]) -> Result<Option<Args>, Failure> {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(arguments);
    let result = matches.and_then(|mut matches| Args::from_arg_matches_mut(&mut matches));
    let error = match result {
        Ok(args) => return Ok(Some(args)),
        Err(error) => error,
    };
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A closed pipe is no failure of ours.
            let _ = error.print();
            Ok(None)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            Err(Failure::told(Exit::Usage))
        }
        _ => Err(failure(&error, arguments.get(1).and_then(|first| first.to_str()))),
    }
}

/// The command, with options that take `-1` for a value: then they can say which values they take.
pub(crate) fn command() -> clap::Command {
    let accept_negative = |argument: clap::Arg| {
        let option = !argument.is_positional() && argument.get_action().takes_values();
        argument.allow_negative_numbers(option)
    };
    Args::command().mut_subcommands(|command| command.mut_args(accept_negative))
}

/// The failure that clap's error stands for; `first` is the first argument.
fn failure(error: &clap::Error, first: Option<&str>) -> Failure {
    let text = error.to_string();
    // The first paragraph is what is wrong. An argument may hold anything, a key even.
    let problem = text.split("\n\n").next().unwrap_or_default();
    let problem = problem.strip_prefix("error: ").unwrap_or(problem);
    let problem = problem.split_whitespace().collect::<Vec<_>>().join(" ");
    let problem = Error::new(Kind::Configuration, &problem);
    let failure = Failure::new(Exit::Usage, problem.message().unwrap_or("bad arguments"));
    let suggestions =
        [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    let suggestion = suggestions.into_iter().find_map(|kind| match error.get(kind)? {
        ContextValue::String(name) => Some(name.as_str()),
        ContextValue::Strings(names) => names.first().map(String::as_str),
        _ => None,
    });
    if let Some(name) = suggestion {
        return failure.hint(format_args!("did you mean `{name}`?"));
    }
    let known = first.filter(|name| Args::command().find_subcommand(name).is_some());
    match known {
        Some(name) => failure.hint(format_args!("see `resayil {name} --help`")),
        None => failure.hint("see `resayil --help`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn each_kind_of_mistake_is_one_line_and_a_hint() {
        for (line, problem, hint) in [
            ("explain --statuss 3", "unexpected argument '--statuss' found", "`--status`"),
            ("explian", "unrecognized subcommand 'explian'", "`explain`"),
            ("chat", "required arguments were not provided: <PROMPT>", "`resayil chat --help`"),
            ("chat a b", "unexpected argument 'b' found", "`resayil chat --help`"),
            (
                "chat --deadline -1 x",
                "'--deadline <SECONDS>': it has to be",
                "`resayil chat --help`",
            ),
            ("chat --limit -1 x", "-1 is not in 1..", "`resayil chat --help`"),
            ("explain --status -5", "-5 is not in 100..=999", "`resayil explain --help`"),
            ("sandbox --tier pro --limit 3", "cannot be used with", "`resayil sandbox --help`"),
            ("explain --json --json", "cannot be used multiple times", "`resayil explain --help`"),
            ("--nonsense", "unexpected argument '--nonsense' found", "`resayil --help`"),
        ] {
            let arguments: Vec<_> = line.split(' ').collect();
            let all = std::iter::once("resayil").chain(arguments.iter().copied());
            let error = command().try_get_matches_from(all).unwrap_err();
            let failure = format!("{:?}", failure(&error, arguments.first().copied()));
            assert!(failure.contains(problem), "{line}: {failure}");
            assert!(failure.contains(hint) && !failure.contains("\\n"), "{line}: {failure}");
        }
    }
}
