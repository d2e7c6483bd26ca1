//! `resayil man`: manual pages, made of the command line's definition.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man;

use crate::exit::{Exit, Failure};
use crate::files;
use crate::usage;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  resayil man | man -l -
  resayil man --dir /usr/local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Write the pages of the command and of each subcommand into this folder, which is made
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: &ManArgs) -> Result<(), Failure> {
    let mut command = usage::command();
    command.build();
    let Some(dir) = &args.dir else {
        return Ok(io::stdout().write_all(&page(command, "resayil")?)?);
    };
    fs::create_dir_all(dir).map_err(|error| unwritable(dir, &error))?;
    // Its arguments are clap's own.
    let subcommands = command.get_subcommands().filter(|it| it.get_name() != "help");
    let pages: Vec<_> = subcommands.cloned().chain([command.clone()]).collect();
    for command in pages {
        let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
        let path = dir.join(format!("{name}.1"));
        files::replace(&path, &page(command, &name)?).map_err(|error| unwritable(&path, &error))?;
    }
    Ok(())
}

fn page(command: Command, title: &str) -> Result<Vec<u8>, Failure> {
    let source = concat!("resayil ", env!("CARGO_PKG_VERSION"));
    let mut page = Vec::new();
    Man::new(command).title(title).source(source).render(&mut page)?;
    Ok(page)
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::System, format_args!("cannot write {}: {error}", path.display()))
        .hint("see that the folder may be written to and has room")
}
