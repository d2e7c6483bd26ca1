//! The `resayil` command.

mod args;
mod exit;
mod explain;

use clap::Parser;

use args::{Args, Command};

fn main() -> std::process::ExitCode {
    let args = Args::parse();
    let result = match args.command {
        Command::Explain(args) => explain::run(&args),
    };
    exit::report(result)
}
