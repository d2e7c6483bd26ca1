//! `cargo xtask fuzz`: every target of `fuzz/`, seeded from the test vectors and from quotas in use.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::{prerequisites, run, tools};

/// A slower input is reported as a failure. Seconds; the slowest of the vectors takes microseconds.
const TIMEOUT: u32 = 5;
/// More memory is reported as a failure. MiB, fuzzer and corpus included.
const MEMORY: u32 = 2048;
/// No longer input is made. Bytes; long inputs cost speed, and what they test has tests of its own.
const MAX_LENGTH: u32 = 16 * 1024;

#[derive(Args)]
pub(crate) struct Options {
    /// How long to fuzz each target
    #[arg(default_value_t = 600, value_name = "SECONDS")]
    pub(crate) seconds: u32,
    /// Fuzz only this target
    #[arg(long, value_enum)]
    pub(crate) target: Option<Target>,
    /// Where chance begins, so that a run can be repeated [default: anew each time]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u32>,
}

/// A fuzz target; the name of its program, its dictionary and its corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// An answer to the classifier
    Classify,
    /// Bytes of a connection, through the whole client
    Response,
    /// A stream, cut into pieces
    Stream,
    /// The bytes of a quota that processes share
    QuotaModel,
}

impl Target {
    fn name(self) -> &'static str {
        match self {
            Target::Classify => "classify",
            Target::Response => "response",
            Target::Stream => "stream",
            Target::QuotaModel => "quota_model",
        }
    }

    /// The vectors that become inputs; a quota's bytes are in none.
    fn vectors(self) -> Option<&'static str> {
        match self {
            Target::Classify | Target::Response => Some("tests/vectors/errors.jsonl"),
            Target::Stream => Some("tests/vectors/streams.jsonl"),
            Target::QuotaModel => None,
        }
    }

    /// Where an input that failed becomes a case once it is mended.
    fn tests(self) -> &'static str {
        self.vectors().unwrap_or("crates/core/src/quota/tests.rs")
    }

    /// A vector in the form that the target reads; `None` for one that it cannot take.
    fn input(self, case: &Value) -> Option<Vec<u8>> {
        match self {
            Target::Classify => Some(answer(case)),
            Target::Response => Some(message(case)),
            Target::Stream => {
                let mut input = vec![0];
                input.extend_from_slice(case["stream"].as_str()?.as_bytes());
                Some(input)
            }
            Target::QuotaModel => None,
        }
    }
}

/// Fuzzes the targets side by side for the given time.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    let targets = match &options.target {
        Some(target) => std::slice::from_ref(target),
        None => Target::value_variants(),
    };
    let programs = build()?;
    let mut running = Vec::new();
    for &target in targets {
        running.push(Run::start(target, &programs, options)?);
    }
    // All are waited for, also after one has failed.
    let results: Vec<_> = running.into_iter().map(Run::finish).collect();
    results.into_iter().collect()
}

/// Builds the targets and returns the folder with their programs.
fn build() -> Result<PathBuf, String> {
    prerequisites::c()?;
    let cargo_fuzz = tools::cargo_fuzz()?;
    let target_dir = run::target_dir().join("fuzz");
    // No sanitizer: the code that is fuzzed forbids `unsafe`, and so the stable compiler suffices.
    run::run(
        run::command(cargo_fuzz)
            .args(["fuzz", "build", "--sanitizer", "none", "--debug-assertions", "--target-dir"])
            .arg(&target_dir),
    )?;
    Ok(target_dir.join(run::host()?).join("release"))
}

/// A fuzzer at work.
struct Run {
    target: Target,
    seconds: u32,
    seeds: usize,
    child: Child,
    log: PathBuf,
}

impl Run {
    fn start(target: Target, programs: &Path, options: &Options) -> Result<Run, String> {
        let Options { seconds, seed: begin, .. } = *options;
        let name = target.name();
        let fail = |error: io::Error| format!("fuzzing {name}: {error}");
        let folder = run::target_dir().join("fuzz").join(name);
        // The corpus is kept, and grows from one run to the next.
        let (corpus, seeds) = (folder.join("corpus"), folder.join("seeds"));
        let artifacts = run::root().join("fuzz/artifacts").join(name);
        for path in [&corpus, &seeds, &artifacts] {
            fs::create_dir_all(path).map_err(fail)?;
        }
        let count = seed(target, &seeds)?;
        let log = folder.join("log.txt");
        let dictionary = run::root().join(format!("fuzz/{name}.dict"));
        let dictionary = dictionary.exists().then(|| format!("-dict={}", dictionary.display()));
        let child = run::command(programs.join(name))
            .args(dictionary)
            .arg(&corpus)
            .arg(&seeds)
            .arg(format!("-max_total_time={seconds}"))
            .args(begin.map(|begin| format!("-seed={begin}")))
            .arg(format!("-timeout={TIMEOUT}"))
            .arg(format!("-rss_limit_mb={MEMORY}"))
            .arg(format!("-max_len={MAX_LENGTH}"))
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .arg("-print_final_stats=1")
            .env("RUST_BACKTRACE", "0")
            .stdout(Stdio::null())
            .stderr(File::create(&log).map_err(fail)?)
            .spawn()
            .map_err(fail)?;
        run::say(&format!("fuzzing {name} for {seconds} s, {count} seeds"));
        Ok(Run { target, seconds, seeds: count, child, log })
    }

    fn finish(mut self) -> Result<(), String> {
        let name = self.target.name();
        let status = self.child.wait().map_err(|error| format!("fuzzing {name}: {error}"))?;
        let log =
            fs::read(&self.log).map_err(|error| format!("{}: {error}", self.log.display()))?;
        let log = String::from_utf8_lossy(&log);
        if !status.success() {
            // What matters stands behind the last line of progress: the panic and the input.
            let lines: Vec<_> = log.lines().collect();
            let from = lines.iter().rposition(|line| line.starts_with('#')).unwrap_or_default();
            eprintln!("{}", lines[from..].join("\n"));
            return Err(format!(
                "fuzzing {name} found a failure; the input is in fuzz/artifacts/{name}: add it to \
                 {} once it is mended",
                self.target.tests()
            ));
        }
        let number = |label: &str| {
            let text = log.lines().rev().find_map(|line| line.strip_prefix(label));
            text.and_then(|text| text.trim().parse::<u64>().ok())
        };
        let inputs = number("stat::number_of_executed_units:")
            .ok_or_else(|| format!("fuzzing {name} gave no count; see {}", self.log.display()))?;
        let coverage = log.lines().rev().find_map(|line| {
            line.split_once(" cov: ")?.1.split_whitespace().next()?.parse::<u64>().ok()
        });
        if inputs <= self.seeds as u64 {
            return Err(format!("fuzzing {name} tried no input beyond the seeds"));
        }
        run::say(&format!(
            "{name}: {inputs} inputs in {} s, {} edges covered, no failure",
            self.seconds,
            coverage.unwrap_or_default()
        ));
        Ok(())
    }
}

/// Writes each vector as a file of its own; returns how many there are.
fn seed(target: Target, folder: &Path) -> Result<usize, String> {
    let Some(path) = target.vectors() else { return seed_quotas(folder) };
    let file = File::open(run::root().join(path)).map_err(|error| format!("{path}: {error}"))?;
    let mut count = 0;
    for (at, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|error| format!("{path}:{}: {error}", at + 1))?;
        if line.trim().is_empty() {
            continue;
        }
        let case: Value =
            serde_json::from_str(&line).map_err(|error| format!("{path}:{}: {error}", at + 1))?;
        if let Some(input) = target.input(&case) {
            let file = folder.join(format!("{:04}", at + 1));
            fs::write(&file, input).map_err(|error| format!("{}: {error}", file.display()))?;
            count += 1;
        }
    }
    if count == 0 { Err(format!("{path} has no case for {}", target.name())) } else { Ok(count) }
}

/// Writes the bytes of quotas of each kind, new and in use.
fn seed_quotas(folder: &Path) -> Result<usize, String> {
    use resayil_core::Timestamp;
    use resayil_core::quota::QuotaOptions;
    use resayil_core::quota::store::QuotaModel;
    use std::time::Duration;

    let limits = [None, Some(1), Some(20), Some(1000)];
    let windows = [None, Some(Duration::from_secs(60)), Some(Duration::from_millis(1500))];
    let options = limits.into_iter().flat_map(|limit| {
        windows.map(|window| QuotaOptions::default().with_limit(limit).with_window(window))
    });
    let mut count = 0;
    for options in options {
        let wall = Timestamp::from_unix_seconds(1_741_305_555);
        let model = QuotaModel::new(options, wall, Duration::ZERO);
        // The eight bytes behind are what the target does with it.
        for steps in [[0; 8], [0x4c; 8], [0xcc, 0x2c, 0x0c, 0xec, 0x4c, 0x11, 0x52, 0x93]] {
            let file = folder.join(format!("{count:04}"));
            fs::write(&file, [&model.to_bytes()[..], &steps].concat())
                .map_err(|error| format!("{}: {error}", file.display()))?;
            count += 1;
        }
    }
    Ok(count)
}

/// An answer as the target `classify` reads it.
fn answer(case: &Value) -> Vec<u8> {
    let mut input = case["status"].as_u64().unwrap_or(500).to_string();
    input += " ";
    input += case["provider"].as_str().unwrap_or("-");
    if let Some(now) = case["now"].as_f64() {
        input += &format!(" {now}");
    }
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match &case["headers"] {
        Value::Object(headers) => {
            for (name, value) in headers {
                input += &format!("\n{name}: {}", text(value));
            }
        }
        Value::Array(pairs) => {
            for pair in pairs {
                input += &format!("\n{}: {}", text(&pair[0]), text(&pair[1]));
            }
        }
        _ => {}
    }
    input += "\n\n";
    input += case["body"].as_str().unwrap_or_default();
    input.into_bytes()
}

/// An answer as the target `response` reads it: the bytes of a connection, behind one that says which call
/// is made.
fn message(case: &Value) -> Vec<u8> {
    let body = case["body"].as_str().unwrap_or_default();
    let status = case["status"].as_u64().unwrap_or(500);
    let mut input = vec![u8::try_from(status % 4).unwrap_or_default()];
    input.extend_from_slice(format!("HTTP/1.1 {status} X\r\n").as_bytes());
    for pair in case["headers"].as_array().into_iter().flatten() {
        let [name, value] = [&pair[0], &pair[1]].map(|it| it.as_str().unwrap_or_default());
        input.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    input.extend_from_slice(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    input
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_vector_becomes_an_answer() {
        let case =
            json!({"status": 429, "headers": {"Retry-After": "5"}, "now": 1.5, "body": "{}"});
        assert_eq!(answer(&case), b"429 - 1.5\nRetry-After: 5\n\n{}");
        let case = json!({"status": 503, "provider": "groq", "headers": [["a", "b"], ["a", "c"]]});
        assert_eq!(answer(&case), b"503 groq\na: b\na: c\n\n");
    }

    #[test]
    fn a_vector_becomes_a_stream() {
        let case = json!({"stream": "data: {}\n\n"});
        assert_eq!(Target::Stream.input(&case).unwrap(), b"\0data: {}\n\n");
        assert!(Target::Stream.input(&json!({"body": ""})).is_none());
    }
}
