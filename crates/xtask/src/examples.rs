//! The example programs of all languages, run against the sandbox.
//!
//! All do the same and print the same: a call that is refused for quota and succeeds after the wait
//! that the server named, a call with an invalid field, and a call without credits.

use std::fs;
use std::process::Command;

use resayil_sandbox::{Behaviour, Fault, Sandbox};

use crate::counts::Counts;
use crate::native::{self, Language};
use crate::{prerequisites, python, run};

/// What each example prints, with times rounded to whole seconds.
const EXPECTED: &str = "tests/examples/expected.txt";
/// The wait that the sandbox names. Seconds.
const WAIT: f64 = 2.0;
/// An example that waits longer than this beyond [`WAIT`] did not wait just that. Seconds; for
/// jitter and a busy machine.
const PATIENCE: f64 = 0.9;

/// An example in one language.
struct Example {
    language: &'static str,
    /// Builds it, and gives the command that runs it.
    prepare: fn() -> Result<Command, String>,
}

const EXAMPLES: &[Example] = &[
    Example { language: "Rust", prepare: rust },
    Example { language: "C", prepare: || native::example(Language::C) },
    Example { language: "C++", prepare: || native::example(Language::Cpp) },
    Example { language: "Python", prepare: python },
];

fn rust() -> Result<Command, String> {
    let arguments = ["--package", "resayil", "--example", "handle_errors"];
    run::run(run::cargo().args(["build", "--quiet"]).args(arguments))?;
    let mut command = run::cargo();
    command.args(["run", "--quiet"]).args(arguments);
    Ok(command)
}

fn python() -> Result<Command, String> {
    prerequisites::python()?;
    python::example()
}

/// Runs each example and checks what it prints and what it sent.
pub(crate) fn test() -> Result<(), String> {
    let path = run::root().join(EXPECTED);
    let expected = fs::read_to_string(path).map_err(|error| format!("{EXPECTED}: {error}"))?;
    let mut counts = Counts::default();
    let mut failures = Vec::new();
    for example in EXAMPLES {
        let language = example.language;
        match (example.prepare)().and_then(|command| check(command, &expected)) {
            Ok(()) => {
                counts.passed += 1;
                run::say(&format!("{language}: as expected"));
            }
            Err(error) => {
                counts.failed += 1;
                failures.push(format!("the example in {language}: {error}"));
            }
        }
    }
    run::say(&format!("Examples: {counts}"));
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

fn check(mut command: Command, expected: &str) -> Result<(), String> {
    // Credits for one answer: the third call gets a 402.
    let sandbox = Sandbox::builder()
        .behaviour(Behaviour::Guide)
        .credits(Some(1.0))
        .start()
        .map_err(|error| format!("no sandbox: {error}"))?;
    sandbox.push_fault(Fault::RateLimited { retry_after: WAIT as u64 });
    command.env("RESAYIL_BASE_URL", sandbox.base_url()).env("RESAYIL_API_KEY", sandbox.api_key());
    let printed = run::output(&mut command)?;

    let printed = rounded(&printed);
    if printed != expected {
        return Err(format!("it printed\n{printed}instead of\n{expected}"));
    }
    let log = sandbox.log();
    let statuses: Vec<_> = log.iter().filter_map(|entry| entry.status).collect();
    if statuses != [429, 200, 422, 402] {
        return Err(format!("the sandbox answered {statuses:?}, not 429, 200, 422, 402"));
    }
    let waited = log[1].time - log[0].time;
    if !(WAIT..WAIT + PATIENCE).contains(&waited) {
        return Err(format!("it waited {waited:.3} s, but the server said {WAIT} s"));
    }
    if log[0].idempotency_key.is_none() || log[0].idempotency_key != log[1].idempotency_key {
        return Err("the retry did not carry the idempotency key of the first attempt".to_owned());
    }
    Ok(())
}

/// The text with every decimal fraction rounded down: `2.1 s` becomes `2 s`, as a wait with jitter
/// is a little longer than the one that the server named.
fn rounded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('.') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        out.push_str(before);
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let is_fraction = digits > 0 && before.ends_with(|c: char| c.is_ascii_digit());
        if !is_fraction || !after[digits..].starts_with(" s") {
            out.push_str(&rest[at..=at + digits]);
        }
        rest = &after[digits..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_seconds_are_rounded() {
        assert_eq!(
            rounded("in 2.1 s\nmodel llama3.2:3b. 1.5 h"),
            "in 2 s\nmodel llama3.2:3b. 1.5 h"
        );
        assert_eq!(rounded("messages.0.role"), "messages.0.role");
    }
}
