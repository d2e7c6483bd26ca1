//! The `resayil` command.

fn main() -> std::process::ExitCode {
    resayil_cli::run(std::env::args_os()).into()
}
