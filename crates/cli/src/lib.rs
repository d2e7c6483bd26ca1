//! The `resayil` command, as a function: a program of it is `main.rs`, and the Python package calls it.

mod args;
mod balance;
mod batch;
mod calls;
mod chat;
mod completions;
mod demo;
mod doctor;
mod exit;
mod explain;
mod files;
mod man;
mod models;
mod quota;
mod sandbox;
mod told;
mod usage;

use std::ffi::OsString;
use std::io::{self, Write};

use args::Command;
use exit::Exit;

/// Carries out the command with these arguments, the first of which is the program's name, and gives its
/// exit code, as `resayil --help` lists them.
///
/// It reads standard input, writes to standard output and error, and handles signals where a
/// command can be interrupted.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let result = match usage::parse(&arguments) {
        Ok(Some(args)) => carry_out(args.command),
        Ok(None) => Ok(Exit::Success),
        Err(failure) => Err(failure),
    };
    let mut options = arguments.iter().take_while(|argument| *argument != "--");
    let code = exit::report(result, options.any(|argument| argument == "--json"));
    // At the end of another language's program nobody does it.
    let _ = io::stdout().flush();
    code
}

fn carry_out(command: Command) -> Result<Exit, exit::Failure> {
    match command {
        Command::Explain(args) => explain::run(&args),
        Command::Chat(args) => chat::run(&args).map(|()| Exit::Success),
        Command::Batch(args) => batch::run(&args).map(|()| Exit::Success),
        Command::Demo(args) => demo::run(&args).map(|()| Exit::Success),
        Command::Doctor(args) => doctor::run(&args),
        Command::Models(args) => models::run(&args).map(|()| Exit::Success),
        Command::Balance(args) => balance::run(&args).map(|()| Exit::Success),
        Command::Quota(args) => quota::run(&args).map(|()| Exit::Success),
        Command::Sandbox(args) => sandbox::run(&args),
        Command::Completions(args) => completions::run(&args).map(|()| Exit::Success),
        Command::Man(args) => man::run(&args).map(|()| Exit::Success),
    }
}
