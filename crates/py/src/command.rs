//! The command `resayil`, which the package carries.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Carries out the command with these arguments, the first of which is the program's name, and gives its
/// exit code. It reads and writes the process's own standard streams, and handles its signals.
#[pyfunction]
pub(crate) fn run_command(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| resayil_cli::run(arguments))
}
