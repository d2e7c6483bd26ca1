//! Starting other programs, and where things are.

use std::env;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    // Set by `cargo run`, so it holds even where a checkout was moved after this was built.
    let manifest = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.ancestors().nth(2).map_or_else(|| manifest.clone(), Path::to_path_buf)
}

/// Where cargo builds; `target` unless `CARGO_TARGET_DIR` says otherwise.
pub(crate) fn target_dir() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// The features that are tested and checked although they are off by default.
pub(crate) const FEATURES: [&str; 2] = [
    "--features",
    "resayil/tracing,resayil/fleet-tls,resayil-retry/http,resayil-retry/ureq,resayil-tower/reqwest",
];

/// A command that starts in the root of the repository and reads nothing.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// The cargo that runs this task.
pub(crate) fn cargo() -> Command {
    let mut cargo = command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    as_from_a_shell(&mut cargo);
    cargo
}

/// The target that the compiler is for, such as `x86_64-unknown-linux-gnu`.
pub(crate) fn host() -> Result<String, String> {
    let version = output(command("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.ok_or("`rustc -vV` names no host")?.to_owned())
}

/// Takes away what cargo tells a program of its own package. Build scripts look at it (ring's does), and all
/// would be built anew below a task that was built by a person, and the other way round.
pub(crate) fn as_from_a_shell(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
}

/// Whether the program can be started at all.
pub(crate) fn exists(program: &str, arguments: &[&str]) -> bool {
    let status =
        command(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Shows the command, runs it, and turns any failure into a message that names it.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let line = show(command);
    say(&format!("$ {line}"));
    let status = command.status().map_err(|error| format!("cannot start `{line}`: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{line}` failed ({status})")) }
}

/// Runs the command and gives its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let line = show(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot start `{line}`: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{line}` failed ({})", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{line}` printed no UTF-8"))
}

/// Like [`run`], and also gives each line of the output to `on_line` as it passes.
pub(crate) fn watch(command: &mut Command, on_line: impl FnMut(&str) + Send) -> Result<(), String> {
    let line = show(command);
    say(&format!("$ {line}"));
    if io::stderr().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start `{line}`: {error}"))?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let on_line = Mutex::new(on_line);
    thread::scope(|scope| {
        scope.spawn(|| tee(out, io::stdout(), &on_line));
        scope.spawn(|| tee(err, io::stderr(), &on_line));
    });
    let status = child.wait().map_err(|error| format!("cannot wait for `{line}`: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{line}` failed ({status})")) }
}

fn tee<F: FnMut(&str)>(from: Option<impl Read>, mut to: impl Write, on_line: &Mutex<F>) {
    let Some(from) = from else { return };
    let mut from = BufReader::new(from);
    let mut bytes = Vec::new();
    while from.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
        // A closed terminal must not end the tests.
        let _ = to.write_all(&bytes).and_then(|()| to.flush());
        let mut on_line = on_line.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        on_line(String::from_utf8_lossy(&bytes).trim_end());
        bytes.clear();
    }
}

/// Prints a line between the output of other programs.
pub(crate) fn say(line: &str) {
    println!("{line}");
    let _ = io::stdout().flush();
}

/// The command as one would type it.
fn show(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut line = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for argument in command.get_args() {
        let argument = argument.to_string_lossy();
        let quote = argument.is_empty() || argument.contains([' ', '\n', '"', '$']);
        let _ = if quote { write!(line, " '{argument}'") } else { write!(line, " {argument}") };
    }
    line
}

/// Writes a generated file, or with `check` only compares it; `task` is the command that writes it.
pub(crate) fn generated(path: &str, text: &str, check: bool, task: &str) -> Result<(), String> {
    let file = root().join(path);
    let old = std::fs::read_to_string(&file).unwrap_or_default();
    if old == text {
        say(&format!("{path} is up to date"));
        return Ok(());
    }
    if check {
        let line = old.lines().zip(text.lines()).take_while(|(a, b)| a == b).count() + 1;
        return Err(format!("{path} is out of date from line {line} on: run `cargo xtask {task}`"));
    }
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|error| format!("{path}: {error}"))?;
    }
    std::fs::write(&file, text).map_err(|error| format!("{path}: {error}"))?;
    say(&format!("{path} written"));
    Ok(())
}
