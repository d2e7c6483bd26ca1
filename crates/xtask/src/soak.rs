//! `cargo xtask soak`: many calls against a sandbox that misbehaves, for as long as is asked for.
//!
//! The sandbox is a process of its own, so that this one's memory and open files are the client's. At the
//! end every call is back in time, memory and files are where they were, and the server's log has an answer
//! for each that the client has.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use resayil::retry::{Budget, BudgetOptions};
use resayil::{ChatRequest, Client, Error, Policy};
use serde_json::Value;

use crate::run;

/// Of each call.
const DEADLINE: Duration = Duration::from_secs(3);
/// How much later a call may come back.
const LATE: Duration = Duration::from_secs(1);
/// How much the memory may grow between the first tenth of the calls and the last, in MiB.
const MAX_GROWTH: u64 = 16;
/// How much 200 calls in flight may need, in MiB, all of this process.
const MAX_IN_FLIGHT: u64 = 34;
const IN_FLIGHT: usize = 200;
/// Calls at once.
const THREADS: usize = 8;

/// The faults that befall a share of the calls: those that end soon.
const FAULTS: &str = r#"["server_error","unavailable","html_bad_gateway","drop_mid_body","bad_json","stream_error",
"chunk_cut","chunk_bare_lf","length_too_long","gzip_cut","gzip","reset_mid_body","head_cut","reset","stale",
"head_odd_byte","not_http","extra_bytes","interim","lengths_differ","coding_unknown"]"#;

#[derive(Args)]
pub(crate) struct Options {
    /// How long, in seconds
    #[arg(default_value_t = 600)]
    pub(crate) seconds: u64,
    /// No more calls than this
    #[arg(long, default_value_t = 100_000)]
    pub(crate) calls: u64,
}

pub(crate) fn run(options: &Options) -> Result<(), String> {
    run::run(run::cargo().args(["build", "--package", "resayil-cli"]))?;
    let sandbox = Sandbox::start()?;
    // Before anything else has grown.
    let in_flight = in_flight(&sandbox)?;
    run::say(&format!("{IN_FLIGHT} calls in flight: {in_flight} MiB"));
    if in_flight > MAX_IN_FLIGHT {
        return Err(format!("{IN_FLIGHT} calls in flight take more than {MAX_IN_FLIGHT} MiB"));
    }
    let client = client(&sandbox.base_url, &sandbox.key)?;
    let end = Instant::now() + Duration::from_secs(options.seconds);
    let (mut calls, mut answered, mut failed) = (0, 0, 0);
    let mut settled = None;
    while Instant::now() < end && calls < options.calls {
        let round = round(&client, (options.calls - calls).min(2000))?;
        calls += round.calls;
        answered += round.answered;
        failed += round.calls - round.answered;
        sandbox.compare(round.answered)?;
        let now = (memory()?, files()?);
        if settled.is_none() && calls >= 2000.min(options.calls) {
            settled = Some(now);
        }
        if let Some((memory, files)) = settled {
            if now.0 > memory + MAX_GROWTH || now.1 > files + THREADS as u64 + 2 {
                return Err(format!(
                    "after {calls} calls {} MiB and {} files, where {memory} MiB and {files} files were",
                    now.0, now.1
                ));
            }
        }
    }
    let (now, files) = (memory()?, files()?);
    run::say(&format!(
        "{calls} calls, {answered} answered, {failed} failed in time; {now} MiB, {files} files"
    ));
    match answered * 2 > calls && failed > 0 {
        true => Ok(()),
        false => Err("the faults did not strike as they should".to_owned()),
    }
}

fn client(base_url: &str, key: &str) -> Result<Client, String> {
    let policy = Policy::builder()
        .max_attempts(3)
        .base_delay(Duration::from_millis(1))
        .max_delay(Duration::from_millis(4))
        .deadline(DEADLINE);
    let policy = policy.build().map_err(|error| error.to_string())?;
    // The faults of a soak are no outage.
    let mut options = BudgetOptions::default();
    (options.ratio, options.reserve) = (10.0, 10_000.0);
    let budget = Budget::new(options);
    Client::builder()
        .base_url(base_url)
        .api_key(key)
        .no_proxy()
        .no_quota()
        .budget(budget)
        .policy(policy)
        .build()
        .map_err(|error| error.to_string())
}

struct Round {
    calls: u64,
    answered: u64,
}

/// So many calls by all threads, half of them streamed.
fn round(client: &Client, calls: u64) -> Result<Round, String> {
    let (next, answered) = (AtomicU64::new(0), AtomicU64::new(0));
    let latest = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    let mut latest = Duration::ZERO;
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= calls {
                            return latest;
                        }
                        let start = Instant::now();
                        let prompt = format!("Number {index}");
                        let request = ChatRequest::new("mistral").user(&prompt);
                        if call(client, &request, index % 2 == 0).is_ok() {
                            answered.fetch_add(1, Ordering::Relaxed);
                        }
                        latest = latest.max(start.elapsed());
                    }
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(Duration::MAX)).max()
    });
    let latest = latest.unwrap_or_default();
    if latest > DEADLINE + LATE {
        return Err(format!("a call was back after {latest:?}, its deadline was {DEADLINE:?}"));
    }
    Ok(Round { calls, answered: answered.into_inner() })
}

fn call(client: &Client, request: &ChatRequest, streamed: bool) -> Result<(), Error> {
    if !streamed {
        return client.chat(request).map(|_| ());
    }
    client.chat_stream(request)?.try_for_each(|piece| piece.map(|_| ()))
}

/// The memory of this process while so many calls wait for their answer.
fn in_flight(sandbox: &Sandbox) -> Result<u64, String> {
    let base = format!("{}/fault/hang/v1", sandbox.base_url.trim_end_matches("/v1"));
    let client = client(&base, &sandbox.key)?;
    let waiting = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..IN_FLIGHT {
            scope.spawn(|| {
                waiting.fetch_add(1, Ordering::Relaxed);
                client.chat(&ChatRequest::new("mistral").user("Hello"))
            });
        }
        let start = Instant::now();
        while waiting.load(Ordering::Relaxed) < IN_FLIGHT && start.elapsed() < DEADLINE / 3 {
            std::thread::sleep(Duration::from_millis(10));
        }
        // All have sent by then, and none is over.
        std::thread::sleep(DEADLINE / 3);
        memory()
    })
}

/// The memory of this process that is in use, in MiB.
fn memory() -> Result<u64, String> {
    let status = std::fs::read_to_string("/proc/self/status")
        .map_err(|error| format!("/proc/self/status: {error}"))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    let kib = resident.trim().trim_end_matches("kB").trim().parse::<u64>();
    kib.map(|kib| kib.div_ceil(1024)).map_err(|error| format!("VmRSS: {error}"))
}

/// How many files this process has open.
fn files() -> Result<u64, String> {
    let open = std::fs::read_dir("/proc/self/fd").map_err(|error| format!("/proc: {error}"))?;
    Ok(open.count() as u64)
}

/// A sandbox in a process of its own.
struct Sandbox {
    child: Child,
    /// Ends it when it is closed.
    _stdin: ChildStdin,
    base_url: String,
    key: String,
}

impl Sandbox {
    fn start() -> Result<Self, String> {
        let faults: Vec<String> =
            serde_json::from_str(FAULTS).map_err(|error| error.to_string())?;
        let program = run::target_dir().join("debug/resayil");
        let mut command = run::command(&program);
        command.args(["sandbox", "--json", "--until-stdin-closes", "--limit", "4000000000"]);
        command.args(["--fault-rate", "0.3", "--seed", "7"]);
        for fault in &faults {
            command.args(["--fault", fault]);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the sandbox has no pipes".to_owned());
        };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
        let first: Value = serde_json::from_str(&line).map_err(|error| error.to_string())?;
        let text = |name: &str| first[name].as_str().unwrap_or_default().to_owned();
        Ok(Sandbox { child, _stdin: stdin, base_url: text("base_url"), key: text("api_key") })
    }

    /// Asks the control plane.
    fn ask(&self, method: &str, action: &str) -> Result<String, String> {
        let address = self.base_url.trim_start_matches("http://").trim_end_matches("/v1");
        let request = format!("{method} /_sandbox/{action} HTTP/1.0\r\n\r\n");
        let mut answer = String::new();
        TcpStream::connect(address)
            .and_then(|mut stream| {
                stream.write_all(request.as_bytes())?;
                stream.read_to_string(&mut answer)
            })
            .map_err(|error| format!("the control plane: {error}"))?;
        let (_, body) = answer.split_once("\r\n\r\n").ok_or("the control plane says nothing")?;
        Ok(body.to_owned())
    }

    /// Compares what was answered here and there, and has the log forgotten.
    fn compare(&self, answered: u64) -> Result<(), String> {
        // What it is still writing is not finished.
        let start = Instant::now();
        let there = loop {
            let log: Vec<Value> = serde_json::from_str(&self.ask("GET", "log")?)
                .map_err(|error| error.to_string())?;
            let there = log.iter().filter(|entry| entry["answered"] == true).count() as u64;
            let finished = log.iter().all(|entry| entry["finished"] == true);
            if finished || start.elapsed() > DEADLINE {
                break there;
            }
        };
        self.ask("POST", "reset")?;
        // An answer that was given may have been lost on its way, and then another one was given.
        match there >= answered {
            true => Ok(()),
            false => Err(format!("{answered} answers came, and the server gave {there}")),
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
