//! `resayil completions`: what a shell completes, made of the command line's definition.

use std::io::{self, Write};

use clap::Args;
use clap_complete::Shell;

use crate::exit::Failure;
use crate::usage;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  resayil completions bash > ~/.local/share/bash-completion/completions/resayil
  resayil completions zsh > ~/.zfunc/_resayil
  resayil completions fish > ~/.config/fish/completions/resayil.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut usage::command(), "resayil", &mut script);
    Ok(io::stdout().write_all(&script)?)
}
