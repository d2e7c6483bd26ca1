//! The command line.

use clap::{Parser, Subcommand};

use crate::balance::BalanceArgs;
use crate::batch::BatchArgs;
use crate::chat::ChatArgs;
use crate::completions::CompletionsArgs;
use crate::demo::DemoArgs;
use crate::doctor::DoctorArgs;
use crate::exit::HELP as EXIT_CODES;
use crate::explain::ExplainArgs;
use crate::man::ManArgs;
use crate::models::ModelsArgs;
use crate::quota::QuotaArgs;
use crate::sandbox::SandboxArgs;

/// Call LLM APIs, and know what to do when a call fails.
#[derive(Debug, Parser)]
#[command(name = "resayil", version, about, after_help = EXIT_CODES, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say what an error is, whether to retry it, and what to do about it.
    Explain(ExplainArgs),
    /// Ask a model one question.
    Chat(ChatArgs),
    /// Ask many questions from a file, as fast as the quota allows; goes on where it was.
    Batch(BatchArgs),
    /// List the models of the service.
    Models(ModelsArgs),
    /// Show the account's tier and credits.
    Balance(BalanceArgs),
    /// Show what the processes know that share the quota.
    Quota(QuotaArgs),
    /// Find out why calls fail here: key, address, network, account, model.
    Doctor(DoctorArgs),
    /// Run a batch on a sandbox that misbehaves, and check that nothing was lost.
    Demo(DemoArgs),
    /// Imitate the API on this machine, faults included.
    Sandbox(SandboxArgs),
    /// Print what a shell completes.
    Completions(CompletionsArgs),
    /// Print the manual page, or write those of all subcommands.
    Man(ManArgs),
}
