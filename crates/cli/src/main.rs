//! The `resayil` command.

mod args;
mod balance;
mod batch;
mod calls;
mod chat;
mod demo;
mod doctor;
mod exit;
mod explain;
mod models;
mod sandbox;
mod usage;

use args::Command;
use exit::Exit;

fn main() -> std::process::ExitCode {
    let args = match usage::parse() {
        Ok(args) => args,
        Err(failure) => return exit::report(Err(failure)),
    };
    let result = match args.command {
        Command::Explain(args) => explain::run(&args),
        Command::Chat(args) => chat::run(&args).map(|()| Exit::Success),
        Command::Batch(args) => batch::run(&args).map(|()| Exit::Success),
        Command::Demo(args) => demo::run(&args).map(|()| Exit::Success),
        Command::Doctor(args) => doctor::run(&args),
        Command::Models(args) => models::run(&args).map(|()| Exit::Success),
        Command::Balance(args) => balance::run(&args).map(|()| Exit::Success),
        Command::Sandbox(args) => sandbox::run(&args).map(|()| Exit::Success),
    };
    exit::report(result)
}
