//! Processes in Rust, C and Python, at the same time, that share one quota; one of them is killed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use resayil_sandbox::{LogEntry, Sandbox};

use crate::native::{self, Language};
use crate::{prerequisites, python, run};

const LIMIT: u32 = 10;
const WINDOW: Duration = Duration::from_secs(2);
/// The calls of each process.
const CALLS: u32 = 20;
/// The processes, and the one that is killed when each had so many answers.
const NAMES: [&str; 4] = ["rust", "c", "python-1", KILLED];
const KILLED: &str = "python-2";
const ANSWERED_BEFORE: u32 = 2;
const PATIENCE: Duration = Duration::from_secs(60);
/// A request that this machine holds up for a quarter of a second on its way may fall into a window
/// that is full: then all is tried again.
const TRIES: u32 = 3;

/// None of those that live on lose a call, none is sent twice, and none is refused.
pub(crate) fn test() -> Result<(), String> {
    prerequisites::python()?;
    run::run(run::cargo().args(["build", "--quiet", "--package", "resayil-cli"]))?;
    let programs = Programs {
        c: native::program(Language::C, Path::new("tests/together/share.c"))?,
        python: python::program("tests/together/share.py")?,
    };
    let mut refused = 0;
    for _ in 0..TRIES {
        refused = programs.share()?;
        if refused == 0 {
            return Ok(());
        }
        run::say(&format!("{refused} refused: is the machine busy? Once more"));
    }
    Err(format!("{refused} requests were refused, in the last of {TRIES} runs"))
}

struct Programs {
    c: Command,
    python: Command,
}

impl Programs {
    /// Lets them run once; gives the number of refusals.
    fn share(&self) -> Result<usize, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let sandbox = Sandbox::builder().limit(LIMIT).window(WINDOW).start();
        let sandbox = sandbox.map_err(|error| format!("no sandbox: {error}"))?;
        let mut commands = vec![("rust", rust(folder.path())?)];
        for (name, program) in [("c", &self.c), ("python-1", &self.python), (KILLED, &self.python)]
        {
            let mut command = again(program);
            let (limit, calls) = (LIMIT.to_string(), CALLS.to_string());
            command.args([limit, WINDOW.as_secs_f64().to_string()]);
            command.arg(folder.path().join("resayil")).args([name, &calls]);
            commands.push((name, command));
        }
        let mut children = BTreeMap::new();
        for (name, mut command) in commands {
            command
                .env("RESAYIL_BASE_URL", sandbox.base_url())
                .env("RESAYIL_API_KEY", sandbox.api_key())
                .env("XDG_RUNTIME_DIR", folder.path())
                .stdout(Stdio::null());
            let child = command.spawn().map_err(|error| format!("{name}: {error}"))?;
            children.insert(name, child);
        }
        let result = kill_one(&sandbox, &mut children).and_then(|()| wait(&mut children));
        for child in children.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
        result?;
        check(&sandbox.log())
    }
}

/// The same command once more.
fn again(command: &Command) -> Command {
    let mut again = Command::new(command.get_program());
    again.args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        again.current_dir(folder);
    }
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => again.env(key, value),
            None => again.env_remove(key),
        };
    }
    again
}

/// The command line tool, which is in Rust.
fn rust(folder: &Path) -> Result<Command, String> {
    let line = |index| {
        serde_json::json!({
            "custom_id": format!("{index}"),
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {
                "model": "mistral",
                "messages": [{"role": "user", "content": format!("rust {index}")}],
            },
        })
    };
    let lines: String = (0..CALLS).map(|index| format!("{}\n", line(index))).collect();
    let input = folder.join("in.jsonl");
    fs::write(&input, lines).map_err(|error| error.to_string())?;
    let mut command = run::command(run::target_dir().join("debug").join("resayil"));
    command.arg("batch").arg(input).arg("-o").arg(folder.join("out.jsonl"));
    command.args(["--share-quota", "--concurrency", "4", "--limit"]).arg(LIMIT.to_string());
    command.arg("--window").arg(WINDOW.as_secs().to_string());
    Ok(command)
}

/// How often each prompt was answered.
fn answers(log: &[LogEntry]) -> BTreeMap<String, u32> {
    let mut answers = BTreeMap::new();
    for prompt in log.iter().filter(|it| it.answered).filter_map(|it| it.prompt.clone()) {
        *answers.entry(prompt).or_default() += 1;
    }
    answers
}

/// How many answers a process had.
fn count(answers: &BTreeMap<String, u32>, name: &str) -> u32 {
    let of_it = |prompt: &str| prompt.rsplit_once(' ').is_some_and(|(it, _)| it == name);
    answers.iter().filter(|(prompt, _)| of_it(prompt)).map(|(_, count)| count).sum()
}

/// Whether all processes are at work.
fn are_busy(log: &[LogEntry]) -> bool {
    let answers = answers(log);
    NAMES.iter().all(|name| count(&answers, name) >= ANSWERED_BEFORE)
}

/// Ends one process for good when some calls were answered and others wait.
fn kill_one(sandbox: &Sandbox, children: &mut BTreeMap<&str, Child>) -> Result<(), String> {
    let start = Instant::now();
    while !are_busy(&sandbox.log()) {
        if start.elapsed() > PATIENCE {
            return Err("too few answers".to_owned());
        }
        sleep(Duration::from_millis(5));
    }
    let Some(mut child) = children.remove(KILLED) else { return Ok(()) };
    // On Unix this is SIGKILL.
    child.kill().map_err(|error| error.to_string())?;
    let status = child.wait().map_err(|error| error.to_string())?;
    if status.success() { Err("it ended before it was killed".to_owned()) } else { Ok(()) }
}

fn wait(children: &mut BTreeMap<&str, Child>) -> Result<(), String> {
    let start = Instant::now();
    while let Some(mut entry) = children.first_entry() {
        match entry.get_mut().try_wait().map_err(|error| error.to_string())? {
            Some(status) if status.success() => drop(entry.remove()),
            Some(status) => return Err(format!("{}: {status}", entry.key())),
            None if start.elapsed() > PATIENCE => {
                return Err(format!("{} does not end", entry.key()));
            }
            None => sleep(Duration::from_millis(10)),
        }
    }
    Ok(())
}

/// Gives the number of refusals.
fn check(log: &[LogEntry]) -> Result<usize, String> {
    let answers = answers(log);
    for name in NAMES.into_iter().filter(|name| *name != KILLED) {
        for index in 0..CALLS {
            match answers.get(&format!("{name} {index}")) {
                Some(1) => {}
                found => {
                    let times = found.copied().unwrap_or_default();
                    return Err(format!("call {index} of {name} was answered {times} times"));
                }
            }
        }
    }
    if count(&answers, KILLED) == CALLS {
        return Err("nothing was left of the one that was killed".to_owned());
    }
    Ok(log.iter().filter(|entry| entry.refused).count())
}
