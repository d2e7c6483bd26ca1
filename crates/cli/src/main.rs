//! The `resayil` command.

mod args;
mod batch;
mod calls;
mod chat;
mod demo;
mod exit;
mod explain;
mod sandbox;

use clap::Parser;

use args::{Args, Command};

fn main() -> std::process::ExitCode {
    let args = Args::parse();
    let result = match args.command {
        Command::Explain(args) => explain::run(&args),
        Command::Chat(args) => chat::run(&args),
        Command::Batch(args) => batch::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Sandbox(args) => sandbox::run(&args),
    };
    exit::report(result)
}
